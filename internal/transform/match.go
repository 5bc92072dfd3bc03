package transform

import (
	"path"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/kinds"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// Match says which workloads a scope speaks of: its fields are ANDed, a field's
// entries ORed, an empty field matches everything.
type Match struct {
	// Path is its field path in the spec, and Inside that of its namespaces.
	Path, Inside             string
	Kinds, Names, Namespaces []string
	// Labels are over the template's labels; all must hold.
	Labels []Requirement
	// Template is the field of the spec that names the pod template, "" for any.
	Template string
	// Port is the name of a port that a container has, "" for any.
	Port string
}

// Requirement is one of a label selector.
type Requirement struct {
	// Path is its field path from the match.
	Path          string
	Key, Operator string
	Values        []string
}

// Holds reports whether labels meet the requirement, as Kubernetes' label selectors
// have it (k8s.io/apimachinery pkg/labels/selector.go): NotIn holds where the label is
// absent.
func (r Requirement) Holds(labels map[string]string) bool {
	value, labelled := labels[r.Key]
	switch r.Operator {
	case "In":
		return labelled && slices.Contains(r.Values, value)
	case "NotIn":
		return !labelled || !slices.Contains(r.Values, value)
	case "Exists":
		return labelled
	}
	return !labelled
}

// selects reports whether all requirements hold.
func (m *Match) selects(labels map[string]string) bool {
	return !slices.ContainsFunc(m.Labels, func(r Requirement) bool { return !r.Holds(labels) })
}

// answer is that of a match whose namespace may be unknown.
type answer int

const (
	no answer = iota
	yes
	// unknown depends on a namespace that is not known, or on what cannot be read.
	unknown
)

func (m *Match) matches(w *Workload, namespace string) answer {
	return m.speaksOf(subject{w.kind, w.Name, namespace, w.TemplateLabels, w.stand.by, w.ports, false})
}

// subject is what a match sees of a workload.
type subject struct {
	kind            *kinds.Kind
	name, namespace string
	labels          map[string]string
	// template is the field of the spec that names the pod template, "" for none.
	template string
	ports    map[string]traffic.Ports
	// unlabelled says that the labels cannot be read for sure.
	unlabelled bool
}

func (p *Policy) subjectOf(w *Workload) subject {
	return subject{w.kind, w.Name, p.namespaceOf(w), w.TemplateLabels, w.stand.by, w.ports, w.unlabelled}
}

func (m *Match) speaksOf(s subject) answer {
	if m == nil {
		return yes
	}
	if len(m.Kinds) > 0 && !slices.ContainsFunc(m.Kinds, s.kind.Named) {
		return no
	}
	if len(m.Names) > 0 && !globbed(m.Names, s.name) || m.Template != "" && m.Template != s.template {
		return no
	}
	holds := yes
	switch _, has := s.ports[m.Port]; {
	case m.Port != "" && !has:
		return no
	case s.unlabelled && len(m.Labels) > 0:
		holds = unknown
	case !m.selects(s.labels):
		return no
	}
	if len(m.Namespaces) == 0 {
		return holds
	}
	if in := within(m.Namespaces, s.namespace); in != yes {
		return in
	}
	return holds
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

// index finds the matches that may speak of a workload, so that many rules for many
// workloads are not each held against each.
type index struct {
	// named are those that list names, and inside those that list namespaces, none
	// of them a glob. others are all others.
	named, inside map[string][]int
	others        []int
	// somewhere are all those of inside.
	somewhere []int
}

func newIndex(matches []*Match) *index {
	x := &index{named: map[string][]int{}, inside: map[string][]int{}}
	for i, m := range matches {
		switch {
		case m != nil && literal(m.Names):
			file(x.named, m.Names, i)
		case m != nil && literal(m.Namespaces):
			file(x.inside, m.Namespaces, i)
			x.somewhere = append(x.somewhere, i)
		default:
			x.others = append(x.others, i)
		}
	}
	return x
}

func file(under map[string][]int, names []string, match int) {
	for _, name := range names {
		under[name] = append(under[name], match)
	}
}

// literal says whether there are names, and none of them is a glob.
func literal(names []string) bool {
	return len(names) > 0 && !slices.ContainsFunc(names, isGlob)
}

func isGlob(name string) bool { return strings.ContainsAny(name, `*?[\`) }

// near gives the places of those that may speak of a workload, in their order.
func (x *index) near(name, namespace string) []int {
	inside := x.inside[namespace]
	if namespace == "" {
		inside = x.somewhere
	}
	places := slices.Concat(x.others, x.named[name], inside)
	slices.Sort(places)
	return slices.Compact(places)
}

// Index prepares the policy for its workloads once it has its scopes.
func (p *Policy) Index() {
	matches := make([]*Match, len(p.Scopes))
	for i := range p.Scopes {
		matches[i], p.Scopes[i].place = p.Scopes[i].Match, i
		p.planes = p.planes || p.Scopes[i].Plane != ""
		for _, n := range p.Scopes[i].Names {
			if p.names == nil {
				p.names = map[string]bool{}
			}
			p.names[n.Name] = true
		}
	}
	p.index, p.rulings = newIndex(matches), &kept[ruled, *ruling]{}
	p.minded, p.stands, p.accepts = &kept[string, bool]{}, &kept[*kinds.Template, stand]{}, &kept[*finding.Kind, acceptances]{}
	p.findParts()
}

// near gives the scopes that may speak of a workload, in their order.
func (p *Policy) near(w *Workload, namespace string) []*Scope {
	var scopes []*Scope
	if p.index == nil {
		for i := range p.Scopes {
			scopes = append(scopes, &p.Scopes[i])
		}
		return scopes
	}
	for _, place := range p.index.near(w.Name, namespace) {
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
