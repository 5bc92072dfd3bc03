package transform

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/each"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/spelling"
)

// Meant says whom a part that reaches nobody was probably meant for.
type Meant struct {
	// Path is the field that is wrong, Value what stands there, and Says goes behind
	// the words that it reaches nobody, and; "" where nothing is known.
	Path, Value, Says string
	// Slip says that it is worth a warning: what is there now cannot be meant.
	Slip bool
	// Elsewhere is the field of another entry that is wrong in its place, and tells it; ""
	// for none.
	Elsewhere string
}

// census finds workloads by what a match may have wrong.
type census struct {
	policy *Policy
	all    []Sighting
	types  []object.Type

	byLength       map[int][]*Sighting
	byName, inside map[string][]*Sighting
	// byPart are workloads by parts of their names.
	byPart   map[string][]*Sighting
	byPort   map[string][]*Sighting
	template labelled
	// lists are those of names in the policy, and rules the names in all rules of a sort.
	lists, rules [][]string
}

// labelled are workloads by the values of a label, by its key.
type labelled map[string]map[string][]*Sighting

func (l labelled) add(labels map[string]string, s *Sighting) {
	for key, value := range labels {
		if l[key] == nil {
			l[key] = map[string][]*Sighting{}
		}
		l[key][value] = append(l[key][value], s)
	}
}

// count prepares the census once it is asked.
func (c *census) count() {
	if c.byName != nil {
		return
	}
	c.byLength, c.byName, c.inside = map[int][]*Sighting{}, map[string][]*Sighting{}, map[string][]*Sighting{}
	c.byPort, c.byPart = map[string][]*Sighting{}, map[string][]*Sighting{}
	c.template = labelled{}
	c.lists, c.rules = c.policy.lists()
	slices.SortStableFunc(c.all, func(a, b Sighting) int { return cmp.Compare(a.id(), b.id()) })
	for i := range c.all {
		s := &c.all[i]
		c.byLength[len(s.name)] = append(c.byLength[len(s.name)], s)
		c.byName[s.name] = append(c.byName[s.name], s)
		for _, part := range partsOf(s.name) {
			c.byPart[part] = append(c.byPart[part], s)
		}
		c.inside[s.namespace] = append(c.inside[s.namespace], s)
		for port := range s.ports {
			c.byPort[port] = append(c.byPort[port], s)
		}
		c.template.add(s.labels, s)
	}
}

// meant says whom a part was probably meant for. labelled are those whose own labels
// it asks for.
func (c *census) meant(of part, r Reach, labelled []string) Meant {
	if r.LeftAlone > 0 {
		return Meant{Path: of.path, Says: "those of whom it speaks are left alone: " + strings.Join(r.Some, ", ")}
	}
	if of.match != nil && of.match.Template != "" {
		return c.kind(of)
	}
	if of.match == nil {
		return Meant{}
	}
	c.count()
	if of.match.Port != "" {
		return c.port(of)
	}
	ownLabels := func(part) Meant { return ownLabelsOf(of, labelled) }
	elsewhere := ""
	for _, guess := range []func(part) Meant{c.name, c.namespace, c.label, ownLabels, c.group, c.elsewhere, c.renamed} {
		m := guess(of)
		switch {
		case m.Says == "":
			continue
		case of.rule >= 0 && m.Path != of.match.Path && !isInList(of.path, m.Path):
			if m.Slip && elsewhere == "" {
				elsewhere = m.Path
			}
			continue // a workload's name is no namespace
		case of.rule >= 0 || of.match.Path == "":
			m.Path = of.path // it is an entry
		}
		if !m.Slip {
			m.Elsewhere = elsewhere
		}
		return m
	}
	return Meant{Elsewhere: elsewhere}
}

// isInList reports whether a path is that of an entry in the list of another entry, or in
// what it is the path of.
func isInList(path, other string) bool {
	list := other
	if strings.HasSuffix(other, "]") {
		list = other[:strings.LastIndexByte(other, '[')]
	}
	rest, is := strings.CutPrefix(path, list)
	return is && (rest == "" || strings.HasPrefix(rest, "[") || strings.HasPrefix(rest, "."))
}

// first gives the first workload of which the match speaks.
func (m *Match) first(candidates []*Sighting) *Sighting {
	for _, s := range candidates {
		if m.speaksOf(s.subject) == yes {
			return s
		}
	}
	return nil
}

// without gives the match without one of its lists.
func (m *Match) without(list func(*Match) *[]string) *Match {
	rest := *m
	*list(&rest) = nil
	return &rest
}

// name looks for workloads with names near to those that are listed.
func (c *census) name(of part) Meant {
	var all misnamed
	for i, name := range of.match.Names {
		if s, meant := c.named(of.match, name); s != nil {
			all.add(of, i, s, meant)
			all.first.Slip = true
		}
	}
	return all.meant(of)
}

// misnamed are names in a list by which there is nobody, and what was meant.
type misnamed struct {
	first        Meant
	there, asked []string
}

func (n *misnamed) add(of part, i int, s *Sighting, meant string) {
	if n.there, n.asked = append(n.there, s.id()), append(n.asked, meant); len(n.there) == 1 {
		n.first.Path, n.first.Value = fmt.Sprintf("%s.names[%d]", of.match.Path, i), of.match.Names[i]
	}
}

func (n *misnamed) meant(of part) Meant {
	if len(n.there) > 1 {
		n.first.Path, n.first.Value = of.match.Path+".names", ""
	}
	if len(n.there) > 0 {
		n.first.Says = fmt.Sprintf("there is %s: did you mean %s?", strings.Join(n.there, ", "), strings.Join(n.asked, ", "))
	}
	return n.first
}

// named gives the first workload with a name near to another one of which the match
// speaks but for that, and what was meant: the name, or a pattern that it has.
func (c *census) named(m *Match, name string) (*Sighting, string) {
	rest := m.without(names)
	if isGlob(name) {
		for i := range c.all {
			s := &c.all[i]
			if meant := c.pattern(name, s.name); meant != "" && rest.speaksOf(s.subject) == yes {
				return s, meant
			}
		}
		return nil, ""
	}
	for length := len(name) - 1; length <= len(name)+1; length++ {
		for _, s := range c.byLength[length] {
			if c.near(name, s.name) && rest.speaksOf(s.subject) == yes {
				return s, s.name
			}
		}
	}
	return nil, ""
}

// pattern gives one that is near to a pattern with one star, and that a name has; "" for none.
// Who writes a dash means a name with one.
func (c *census) pattern(glob, name string) string {
	begin, end, _ := strings.Cut(glob, "*")
	if isGlob(begin + end) {
		return ""
	}
	parts := func(pattern string) int {
		return len(strings.FieldsFunc("x"+pattern+"x", func(r rune) bool { return strings.ContainsRune("-._", r) }))
	}
	near := func(meant string) bool { return c.near(glob, meant) && parts(glob) == parts(meant) }
	// Without its letter beside the star a pattern would mean too many.
	for more := 1; more >= -1; more-- { // letters
		if n := len(end) + more; end != "" && n > 0 && len(begin)+n <= len(name) && strings.HasPrefix(name, begin) {
			if is := name[len(name)-n:]; near(begin+"*"+is) && !(more < 0 && is == end[1:] && end[0] != end[1]) {
				return begin + "*" + is
			}
		}
		if n := len(begin) + more; begin != "" && n > 0 && n+len(end) <= len(name) && strings.HasSuffix(name, end) {
			if is := name[:n]; near(is+"*"+end) && !(more < 0 && is == begin[:n] && begin[n] != begin[n-1]) {
				return is + "*" + end
			}
		}
	}
	return ""
}

// namespace looks for one that is near to one that is listed.
func (c *census) namespace(of part) Meant {
	m := of.match
	for i, name := range m.Namespaces {
		for _, there := range slices.Sorted(maps.Keys(c.inside)) {
			meant := there
			switch {
			case isGlob(name):
				meant = c.pattern(name, there)
			case !c.near(name, there):
				meant = ""
			}
			if s := m.without(namespaces).first(c.inside[there]); s != nil && meant != "" {
				return Meant{Path: fmt.Sprintf("%s[%d]", m.Inside, i), Value: name, Slip: true,
					Says: fmt.Sprintf("there is %s: did you mean %s?", s.id(), meant)}
			}
		}
	}
	return Meant{}
}

// label looks for a label near to one that is asked for.
func (c *census) label(of part) Meant {
	m := of.match
	for i, r := range m.Labels {
		if r.Operator != "In" && r.Operator != "Exists" {
			continue
		}
		others := *m
		others.Labels = slices.Delete(slices.Clone(m.Labels), i, i+1)
		at := func(value string) Meant { return Meant{Path: m.Path + "." + r.Path, Value: value, Slip: true} }
		for _, value := range r.Values {
			for _, there := range slices.Sorted(maps.Keys(c.template[r.Key])) {
				if c.near(value, there) && others.first(c.template[r.Key][there]) != nil {
					m := at(value)
					m.Says = fmt.Sprintf("the pod template of %s has %s: did you mean %[2]s?", others.first(c.template[r.Key][there]).id(), there)
					return m
				}
			}
		}
		for _, key := range slices.Sorted(maps.Keys(c.template)) {
			if !spelling.Near(r.Key, key) {
				continue
			}
			for value, candidates := range sorted(c.template[key]) {
				if s := others.first(candidates); s != nil && (r.Operator == "Exists" || slices.Contains(r.Values, value)) {
					m := at(r.Key)
					m.Says = fmt.Sprintf("the pod template of %s has the label %s: did you mean %[2]s?", s.id(), key)
					return m
				}
			}
		}
	}
	return Meant{}
}

// ownLabelsOf tells of workloads whose own labels are asked for, and not those of their
// pods.
func ownLabelsOf(of part, labelled []string) Meant {
	if labelled == nil {
		return Meant{}
	}
	return Meant{Path: of.match.Path + ".labelSelector", Slip: true,
		Says: fmt.Sprintf("only the own labels of %s match, and a selector is for those of pod templates: add the labels there, or match it by name", labelled[0])}
}

// port looks for a container port with a name near to one that a rule lists.
func (c *census) port(of part) Meant {
	name, m := of.match.Port, *of.match
	m.Port = ""
	for _, there := range slices.Sorted(maps.Keys(c.byPort)) {
		if !c.near(name, there) {
			continue
		}
		if s := m.first(c.byPort[there]); s != nil {
			return Meant{Path: of.path, Value: name, Slip: true, Says: fmt.Sprintf("%s has a port named %s: did you mean that?", s.id(), there)}
		}
	}
	return Meant{}
}

// group looks for a workload whose kind has the name that is listed, and another API
// group.
func (c *census) group(of part) Meant {
	m := of.match
	for _, name := range literals(m.Names) {
		for _, s := range c.byName[name] {
			i := slices.IndexFunc(m.Kinds, func(entry string) bool {
				kind, _, _ := strings.Cut(entry, ".")
				return kind == s.kind.Kind
			})
			if i >= 0 && m.without(kindsOf).speaksOf(s.subject) == yes {
				there := strings.TrimSuffix(s.kind.Kind+"."+s.kind.Group, ".")
				return Meant{Path: fmt.Sprintf("%s.kinds[%d]", m.Path, i), Value: m.Kinds[i], Slip: true,
					Says: fmt.Sprintf("there is %s in another API group: did you mean %s?", s.id(), there)}
			}
		}
	}
	return Meant{}
}

// elsewhere looks for a workload that has a name which is listed, and is of another
// kind or in another namespace. An overlay may well have it there only; but of what a
// rule gives both name and namespace only the kind can be wrong.
func (c *census) elsewhere(of part) Meant {
	m := of.match
	for _, name := range literals(m.Names) {
		if s := m.without(namespaces).first(c.byName[name]); s != nil {
			return Meant{Path: m.Path, Says: "there is only " + s.id()}
		}
		if s := m.without(kindsOf).first(c.byName[name]); s != nil {
			there := Meant{Path: m.Path, Says: "there is only " + s.id()}
			if !of.objects && s.left == "" && slices.Contains(m.Namespaces, s.namespace) && !c.policy.namesKind(s) {
				there = Meant{Path: m.Path + ".kinds", Slip: true, Says: fmt.Sprintf("there is %s: did you mean %s?", s.id(), s.kind.Kind)}
			}
			return there
		}
	}
	return Meant{}
}

// renamed looks for workloads whose names have something before or behind a name that is
// listed. Where kustomize put it there, that name cannot be meant; else it is a guess.
func (c *census) renamed(of part) Meant {
	var all misnamed
	rest := of.match.without(names)
	for i, name := range literals(of.match.Names) {
		var found []*Sighting
		made := false
		for _, s := range c.byPart[name] {
			if rest.speaksOf(s.subject) != yes {
				continue
			}
			original := ""
			if s.Original != nil {
				original = s.Original()
			}
			switch {
			case original == name:
				found, made = []*Sighting{s}, true
			case original == "" && (strings.HasPrefix(s.name, name) || strings.HasSuffix(s.name, name)):
				found = append(found, s)
			}
			if made {
				break
			}
		}
		if len(found) != 1 {
			continue // of many nobody knows which
		}
		all.add(of, i, found[0], found[0].name)
		all.first.Slip = all.first.Slip || made
	}
	return all.meant(of)
}

// mostParts is how many parts of a name are looked at.
const mostParts = 8

// partsOf gives what is left of a name without something at one of its ends, or both.
func partsOf(name string) (parts []string) {
	ends := []int{-1}
	for i := 0; i < len(name) && len(ends) < mostParts; i++ {
		if strings.IndexByte("-._", name[i]) >= 0 {
			ends = append(ends, i)
		}
	}
	ends = append(ends, len(name))
	for i, from := range ends {
		for _, to := range ends[i+1:] {
			if part := name[from+1 : to]; part != name {
				parts = append(parts, part)
			}
		}
	}
	return parts
}

// namesKind reports whether a rule names a workload by its name and its kind.
func (p *Policy) namesKind(s *Sighting) bool {
	return slices.ContainsFunc(p.Scopes, func(scope Scope) bool {
		m := scope.Match
		return m.lists(s.name) && slices.ContainsFunc(m.Kinds, s.kind.Named)
	})
}

// lists gives the lists of names in the policy, and the names in all rules of a sort.
func (p *Policy) lists() (lists, rules [][]string) {
	lists = [][]string{p.Enrolled, p.Limits.ForbiddenNamespaces, p.Limits.Annotators, p.Limits.OptOuts}
	var workloads, inside, ports []string
	for _, scope := range p.Scopes {
		named := each.As(scope.Names, func(n PortName) string { return n.Name })
		lists, ports = append(lists, named), append(ports, named...)
		if scope.Match == nil {
			continue
		}
		lists = append(lists, scope.Match.Names, scope.Match.Namespaces)
		for _, r := range scope.Match.Labels {
			lists = append(lists, r.Values)
		}
		workloads = append(workloads, scope.Match.Names...)
		if strings.HasPrefix(scope.Path, "spec.namespaces[") {
			inside = append(inside, scope.Match.Namespaces...)
		}
	}
	return lists, [][]string{workloads, inside, ports}
}

// near reports whether a name is likely another one misspelt. Who writes the two in one
// list means both, unless letters are swapped, and who writes them in two rules does
// where one is the other's plural or the like (mysql and mysqld).
func (c *census) near(name, there string) bool {
	together := func(list []string) bool { return slices.Contains(list, name) && slices.Contains(list, there) }
	plural := strings.HasPrefix(name, there) || strings.HasPrefix(there, name)
	letters := func(of string) []byte { return slices.Sorted(slices.Values([]byte(of))) }
	return spelling.Near(strings.Replace(name, "*", "", 1), strings.Replace(there, "*", "", 1)) && (slices.Equal(letters(name), letters(there)) || !slices.ContainsFunc(c.lists, together)) && !(plural && slices.ContainsFunc(c.rules, together))
}

// kind looks for objects of the kind of an entry of podTemplates in another API group,
// and for kinds with a name near to it.
func (c *census) kind(of part) Meant {
	kind, group, _ := strings.Cut(of.match.Kinds[0], ".")
	var found []string
	for _, t := range c.types {
		if t.Kind == kind && object.Group(t.APIVersion) != group || spelling.Near(kind, t.Kind) {
			found = append(found, fmt.Sprintf("%s of %s", t.Kind, t.APIVersion))
		}
	}
	if len(found) == 0 {
		return Meant{}
	}
	there := slices.Min(found)
	return Meant{Path: of.path, Value: kind, Slip: true, Says: fmt.Sprintf("there is a %s: did you mean that?", there)}
}

// literals gives those of the entries of a list that are no globs.
func literals(list []string) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		for i, entry := range list {
			if !isGlob(entry) && !yield(i, entry) {
				return
			}
		}
	}
}

// sorted visits a mapping in the order of its keys.
func sorted[V any](m map[string]V) iter.Seq2[string, V] {
	return func(yield func(string, V) bool) {
		for _, key := range slices.Sorted(maps.Keys(m)) {
			if !yield(key, m[key]) {
				return
			}
		}
	}
}
