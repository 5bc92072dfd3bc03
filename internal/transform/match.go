package transform

import (
	"path"
	"slices"
	"strings"
)

// Match says which workloads a scope speaks of: its fields are ANDed, a field's
// entries ORed, an empty field matches everything.
type Match struct {
	Kinds, Names, Namespaces []string
	// Labels are over the template's labels; nil matches everything.
	Labels func(map[string]string) bool
}

// answer is that of a match whose namespace may be unknown.
type answer int

const (
	no answer = iota
	yes
	// unknown depends on a namespace that is not known.
	unknown
)

func (m *Match) matches(w *Workload, namespace string) answer {
	if m == nil {
		return yes
	}
	if len(m.Kinds) > 0 && !slices.ContainsFunc(m.Kinds, w.kind.Named) {
		return no
	}
	if len(m.Names) > 0 && !globbed(m.Names, w.Name) {
		return no
	}
	if m.Labels != nil && !m.Labels(w.TemplateLabels) {
		return no
	}
	if len(m.Namespaces) == 0 {
		return yes
	}
	return within(m.Namespaces, namespace)
}

// within reports whether one of the globs matches a namespace, "" for one that is
// not known.
func within(globs []string, namespace string) answer {
	switch {
	case slices.Contains(globs, "*"):
		return yes
	case len(globs) == 0:
		return no
	case namespace == "":
		return unknown
	case globbed(globs, namespace):
		return yes
	}
	return no
}

// globbed reports whether one of the globs matches; a glob is checked when the
// spec is compiled.
func globbed(globs []string, name string) bool {
	return slices.ContainsFunc(globs, func(glob string) bool {
		matched, err := path.Match(glob, name)
		return err == nil && matched
	})
}

// index finds the scopes that may speak of a workload, so that many rules for many
// workloads are not each held against each.
type index struct {
	// named are the scopes that list names, and inside those that list namespaces,
	// none of them a glob. others are all others.
	named, inside map[string][]int
	others        []int
}

// Index prepares the policy for its workloads once it has its scopes.
func (p *Policy) Index() {
	p.index = &index{named: map[string][]int{}, inside: map[string][]int{}}
	for i, s := range p.Scopes {
		switch m := s.Match; {
		case m != nil && literal(m.Names):
			file(p.index.named, m.Names, i)
		case m != nil && literal(m.Namespaces):
			file(p.index.inside, m.Namespaces, i)
		default:
			p.index.others = append(p.index.others, i)
		}
	}
}

func file(under map[string][]int, names []string, scope int) {
	for _, name := range names {
		under[name] = append(under[name], scope)
	}
}

// literal says whether there are names, and none of them is a glob.
func literal(names []string) bool {
	return len(names) > 0 && !slices.ContainsFunc(names, func(name string) bool { return strings.ContainsAny(name, `*?[\`) })
}

// near gives the scopes that may speak of a workload, in their order.
func (p *Policy) near(w *Workload, namespace string) []*Scope {
	var scopes []*Scope
	if p.index == nil || namespace == "" {
		for i := range p.Scopes {
			scopes = append(scopes, &p.Scopes[i])
		}
		return scopes
	}
	places := slices.Concat(p.index.others, p.index.named[w.Name], p.index.inside[namespace])
	slices.Sort(places)
	for _, place := range slices.Compact(places) {
		scopes = append(scopes, &p.Scopes[place])
	}
	return scopes
}

// mentioned reports whether a rule for the workload names its kind. One for other
// workloads of the kind does not count: they alone were meant.
func (p *Policy) mentioned(w *Workload, namespace string) bool {
	return slices.ContainsFunc(p.near(w, namespace), func(s *Scope) bool {
		return s.Match != nil && len(s.Match.Kinds) > 0 && s.Match.matches(w, namespace) == yes
	})
}
