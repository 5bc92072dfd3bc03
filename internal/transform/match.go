package transform

import (
	"path"
	"slices"
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

// mentioned reports whether a rule for the workload names its kind. One for other
// workloads of the kind does not count: they alone were meant.
func (p *Policy) mentioned(w *Workload, namespace string) bool {
	return slices.ContainsFunc(p.Scopes, func(s Scope) bool {
		return s.Match != nil && len(s.Match.Kinds) > 0 && s.Match.matches(w, namespace) == yes
	})
}
