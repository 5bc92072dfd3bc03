package inventory

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// origin is a place from which a rule comes.
type origin struct {
	// of says whose place it is, "" for that of a workload which the rule names.
	of   string
	file string
	line int
	// reason is what is written beside it.
	reason string
}

// origins are the places of those annotations that say one of some fields; of all, where
// none says any: what they say together may be another field.
func (s *survey) origins(w *workload, of string, says func(traffic.Field) bool) []origin {
	var all []origin
	for _, each := range append([]*workload{w}, w.twins...) {
		all = append(all, each.origins(s.mesh, of, says)...)
	}
	if len(all) == 0 && of == "" {
		return s.origins(w, w.id(), func(traffic.Field) bool { return true })
	}
	return all
}

func (a annotated) origins(m *mesh.Mesh, of string, says func(traffic.Field) bool) []origin {
	var all []origin
	around := a.around()
	for _, key := range m.Keys {
		if slices.Contains(a.taken, key.Annotation) && says(key.Field) {
			path := append(slices.Clone(a.path), key.Annotation)
			said := a.in.remark(path)
			if around != "" {
				said.said = append(said.said, around)
			}
			all = append(all, origin{of, a.in.file, a.in.problem("", path, "").Line, said.reason()})
		}
	}
	return all
}

// origins are the places of its annotations, or that of the settings of the mesh for it.
func (n *namespace) origins(m *mesh.Mesh, f traffic.Field) []origin {
	if all := n.annotated.origins(m, n.id(), only(f)); len(all) > 0 {
		return all
	}
	return []origin{{of: n.id(), file: n.in.file, line: n.in.problem("", n.annotated.path, "").Line}}
}

func (o origin) compare(other origin) int {
	return cmp.Or(strings.Compare(o.of, other.of), strings.Compare(o.file, other.file), cmp.Compare(o.line, other.line), strings.Compare(o.reason, other.reason))
}

// only is for what one field says.
func only(f traffic.Field) func(traffic.Field) bool {
	return func(other traffic.Field) bool { return f == other }
}

// reason joins those of the places, each once.
func (r rule) reason() string {
	var all []string
	for _, o := range r.origins {
		if o.reason != "" && !slices.Contains(all, o.reason) {
			all = append(all, o.reason)
		}
	}
	return strings.Join(all, "; ")
}

// mostFiles is how many files a rule names from which it comes without naming what is in
// them.
const mostFiles = 3

// places gives a line for each file from which a rule comes, with the lines there.
func (r rule) places() []string {
	lines := slices.Clone(r.from)
	files := map[string]int{}
	for at := 0; at < len(r.origins); {
		first := r.origins[at]
		var numbers []string
		for ; at < len(r.origins) && r.origins[at].of == first.of && r.origins[at].file == first.file; at++ {
			if number := strconv.Itoa(r.origins[at].line); !slices.Contains(numbers, number) {
				numbers = append(numbers, number)
			}
		}
		place := first.file + ":" + strings.Join(numbers, ", ")
		if files[first.of]++; first.of == "" {
			lines = append(lines, place)
		} else if files[first.of] <= mostFiles {
			lines = append(lines, first.of+": "+place)
		}
		if more := files[first.of] - mostFiles; first.of != "" && more > 0 && (at == len(r.origins) || r.origins[at].of != first.of) {
			lines = append(lines, fmt.Sprintf("%s: and in %d more files", first.of, more))
		}
	}
	return lines
}

// named gives the rules names by where they are for and which traffic bypasses there.
// Where two are alike, the kind tells them apart, and else a number.
func (a *arrangement) named() {
	taken := map[string]bool{}
	for _, rules := range [][]rule{a.namespaces, a.workloads} {
		for i := range rules {
			rules[i].name = rules[i].called(taken)
			taken[rules[i].name] = true
		}
	}
}

func (r rule) called(taken map[string]bool) string {
	where := r.names[0]
	if r.namespace != "" {
		where = r.namespace + "-" + where
	}
	if more := len(r.names) - 1; more > 0 {
		where += fmt.Sprintf("-and-%d-more", more)
	}
	what := ""
	for _, direction := range []string{"Inbound", "Outbound"} {
		if slices.ContainsFunc(traffic.Fields, func(f traffic.Field) bool { return r.layer.Says(f) && strings.Contains(string(f), direction) }) {
			what += "-" + strings.ToLower(direction)
		}
	}
	what = cmp.Or(what, "-"+strings.ToLower(string(r.plane)))
	name := fitting(where, what)
	if kind := "-" + strings.ToLower(r.kind); r.kind != "" && taken[name] && len(kind+what) < mostName {
		name = fitting(where, kind+what)
	}
	for n := 2; taken[name]; n++ {
		name = fitting(where, fmt.Sprintf("%s-%d", what, n))
	}
	return name
}

// mostName is how long the name of a rule may be (internal/spec, ruleName).
const mostName = 63

// fitting is a rule's name, of which the first part is cut where both are too long: names
// of workloads alone may be longer.
func fitting(where, what string) string {
	return strings.TrimRight(where[:max(1, min(len(where), mostName-len(what)))], "-_.") + what
}
