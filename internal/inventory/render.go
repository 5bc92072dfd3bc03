package inventory

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/pattern"
	"github.com/krm-bypass/krm-bypass/internal/spec"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// widest is the length up to which a list stands on one line.
const widest = 100

// render writes the spec, and behind it what is not in it.
func (a *arrangement) render(told Problems) []byte {
	w := &writer{}
	w.WriteString(spec.Opening("cluster", "krm-bypass"))
	w.line(1, "mesh: "+a.mesh.Name)
	if a.mesh.Merge() == traffic.Union {
		w.line(1, "merge: Union # as the mesh itself adds its levels up")
	}
	w.field("meshDefaults:", a.defaults)
	w.field("global:", a.global)
	if len(a.namespaces) > 0 {
		w.line(1, "namespaces:")
	}
	for _, r := range a.namespaces {
		w.from(r)
		w.note(r)
		w.line(2, "match: {names: "+flow(quoted(r.names, nameText))+"}")
		if r.plane != "" {
			w.line(2, "dataPlane: "+string(r.plane))
		}
		w.fields(r.layer)
	}
	if len(a.workloads) > 0 {
		w.line(1, "workloads:")
	}
	for _, r := range a.workloads {
		w.from(r)
		w.note(r)
		w.line(2, "match:")
		w.line(3, "kinds: "+flow([]string{r.kind}))
		w.list(3, "names", quoted(r.names, nameText))
		if r.namespace != "" {
			w.line(3, "namespaces: "+flow(quoted([]string{r.namespace}, nameText)))
		}
		w.fields(r.layer)
	}
	w.WriteString(a.enforcement())
	if len(told) > 0 {
		w.line(0, "# Not imported:")
	}
	for _, p := range told {
		w.comment(0, p.Error())
	}
	return []byte(w.String())
}

// enforcement says by what the rules are enforced: by annotations, as what was imported
// was, as long as they can say it. The init container's image is still to be filled in,
// since nothing in what was imported tells where it is.
func (a *arrangement) enforcement() string {
	mode, why := transform.AnnotationsOnly, "Annotations do it, as before."
	if a.beyond {
		mode, why = transform.WhereNeeded, "Not all of it fits into annotations: the rest needs the init container, and that its image."
	}
	return fmt.Sprintf(enforcement, why, mode)
}

const enforcement = `  # %s With InitContainer an init container enforces the rules in each pod.
  # Its image has no default: make push REGISTRY=... prints the line.
  enforcement:
    mode: %s
    # image: registry.example.com/mesh/init:v0.1.0
`

type writer struct{ strings.Builder }

func (w *writer) line(depth int, text string) {
	w.WriteString(strings.Repeat("  ", depth) + text + "\n")
}

// field writes a rule that is a field of its own, unless it says nothing.
func (w *writer) field(key string, r rule) {
	if !r.layer.IsZero() {
		w.from(r)
		w.line(1, key)
		w.reason(r)
		w.fields(r.layer)
	}
}

// from says where a rule comes from, unless its file says it.
func (w *writer) from(r rule) {
	for _, place := range r.places() {
		w.comment(1, place)
	}
}

func (w *writer) comment(depth int, text string) {
	w.line(depth, "# "+spec.Unbroken(text))
}

// note begins an item of a list of rules.
func (w *writer) note(r rule) {
	w.line(1, "- name: "+strings.Join(quoted([]string{r.name}, nameText), ""))
	w.reason(r)
}

func (w *writer) reason(r rule) {
	if why := r.reason(); why != "" {
		w.line(2, "reason: "+strings.Join(quoted([]string{why}, proseText), ""))
	}
}

func (w *writer) fields(l traffic.Layer) {
	const depth = 2
	for _, f := range traffic.Fields {
		entries, says := l.Entries(f)
		switch {
		case !says:
		case f == traffic.ExcludeOutbound && len(entries) > 0:
			w.line(depth, string(f)+":")
			for prefix, ports := range l.ExcludeOutbound.ByPrefix() {
				for _, entry := range ports.Entries() {
					w.line(depth, fmt.Sprintf("- {ipRanges: %s, ports: %s}", flow(quoted([]string{prefix.String()}, entryText)), flow(quoted([]string{entry}, entryText))))
				}
			}
		default:
			w.list(depth, string(f), quoted(entries, entryText))
		}
	}
}

func (w *writer) list(depth int, key string, entries []string) {
	if line := key + ": " + flow(entries); 2*depth+len(line) <= widest {
		w.line(depth, line)
		return
	}
	w.line(depth, key+":")
	for _, entry := range entries {
		w.line(depth, "- "+entry)
	}
}

func flow(entries []string) string { return "[" + strings.Join(entries, ", ") + "]" }

// nameText, entryText and proseText are texts that every YAML parser takes for what they are, but
// for the words that some take for truth values.
var (
	nameText  = pattern.Of(`^[a-z][-a-z0-9.]*$`)
	entryText = pattern.Of(`^([1-9][0-9]*|[0-9]+(\.[0-9]+){3}/[0-9]+)$`)
	proseText = pattern.Of(`^[A-Za-z][A-Za-z0-9,.()/;-]*( [A-Za-z0-9,.()/;-]+)*$`)
	truths    = []string{"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
)

// quoted puts those texts into quotes that need it.
func quoted(texts []string, safe *pattern.Pattern) []string {
	quoted := make([]string, len(texts))
	for i, entry := range texts {
		quoted[i] = entry
		if !safe.Matches(entry) || slices.Contains(truths, entry) {
			quoted[i] = strconv.Quote(entry)
		}
	}
	return quoted
}
