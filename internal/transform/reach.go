package transform

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/kinds"
	"github.com/krm-bypass/krm-bypass/internal/object"
)

// part is a part of a policy that is meant for some workloads: a rule, or an entry
// of a list in it or beside the rules.
type part struct {
	// path is its field path in the spec.
	path  string
	match *Match
	// rule is that of which it is an entry, by its place among the scopes; -1 where
	// it is none.
	rule int
	// excludes says that it names whom the rule is not for: only a slip is told.
	excludes bool
	// objects says that it is an acceptance that names kinds, which may be those of other
	// objects than workloads.
	objects bool
}

// matchLists are the lists of a match, by the names of their fields.
var matchLists = []struct {
	of func(*Match) *[]string
	at func(*Match) string
}{
	{kindsOf, func(m *Match) string { return m.Path + ".kinds" }},
	{names, func(m *Match) string { return m.Path + ".names" }},
	{namespaces, func(m *Match) string { return m.Inside }},
}

func kindsOf(m *Match) *[]string    { return &m.Kinds }
func names(m *Match) *[]string      { return &m.Names }
func namespaces(m *Match) *[]string { return &m.Namespaces }

// findParts lists what of the policy is meant for some workloads.
func (p *Policy) findParts() {
	p.parts, p.accepted, p.rules = nil, nil, map[string]int{}
	for i, s := range p.Scopes {
		p.rules[s.Path] = i
		p.parts = append(p.parts, part{path: s.Path, match: s.Match, rule: -1})
	}
	for i, s := range p.Scopes {
		p.parts = append(p.parts, entriesOf(s.Match, i)...)
		p.parts = append(p.parts, namesIn(s, i)...)
	}
	for _, list := range []struct {
		path  string
		globs []string
	}{
		{enrolmentPath, p.Enrolled},
		{forbiddenNamespacesPath, p.Limits.ForbiddenNamespaces},
		{podAnnotationsPath, p.Limits.Annotators},
		{meshOptOutPath, p.Limits.OptOuts},
	} {
		for i, glob := range list.globs {
			p.parts = append(p.parts, part{path: fmt.Sprintf("%s[%d]", list.path, i), match: &Match{Inside: list.path, Namespaces: []string{glob}}, rule: -1})
		}
	}
	for _, k := range p.Kinds {
		for _, t := range k.Templates {
			if t.By != "" {
				p.parts = append(p.parts, part{path: t.By, match: &Match{Kinds: []string{k.FullName()}, Template: t.By}, rule: -1})
			}
		}
	}
	for _, a := range p.Acceptances {
		if a.Rule == "" && a.Match != nil {
			p.parts = append(p.parts, part{path: a.Path, match: a.Match, rule: -1, objects: len(a.Kinds) > 0})
			p.accepted = append(p.accepted, a.Kinds...)
		}
	}
	matches := make([]*Match, len(p.parts))
	for i, one := range p.parts {
		matches[i] = one.match
		p.chosen = p.chosen || one.match != nil && one.match.Labels != nil
	}
	p.found = newIndex(matches)
}

// entriesOf gives the entries of a rule's match that do not stand alone.
func entriesOf(m *Match, rule int) []part {
	var parts []part
	if m == nil {
		return nil
	}
	for _, list := range matchLists {
		for i, entry := range *list.of(m) {
			if len(*list.of(m)) > 1 {
				one := *m
				*list.of(&one) = []string{entry}
				parts = append(parts, part{path: fmt.Sprintf("%s[%d]", list.at(m), i), match: &one, rule: rule})
			}
		}
	}
	for i, r := range m.Labels {
		excludes := r.Operator == "NotIn"
		for j, value := range r.Values {
			if excludes || len(r.Values) > 1 {
				one := *m
				one.Labels = slices.Clone(m.Labels)
				one.Labels[i] = Requirement{Path: r.Path, Key: r.Key, Operator: "In", Values: []string{value}}
				parts = append(parts, part{path: fmt.Sprintf("%s.%s.values[%d]", m.Path, r.Path, j), match: &one, rule: rule, excludes: excludes})
			}
		}
	}
	return parts
}

// Sighting is what is kept of a workload to say whom the parts of a policy reach.
type Sighting struct {
	subject
	// reached are the parts that speak of the workload, unsure those that may, and
	// decided the scopes of which something holds.
	reached, unsure, decided []int
	// labelled are the parts that would speak of it if its own labels were those of
	// its pods, and unlabelled those of them that ask for labels which its pods lack.
	labelled, unlabelled []int
	left                 string
	// Original gives the name that the workload had before kustomize gave it another, ""
	// if that cannot be told; it may be nil.
	Original func() string
	// object says that it is no workload.
	object bool
}

func (s *Sighting) id() string { return object.Named(s.kind.Kind, s.namespace, s.name) }

// Sight says which parts of the policy speak of a workload.
func (p *Policy) Sight(plan *Plan) Sighting {
	w := plan.Workload
	s := Sighting{subject: p.subjectOf(w), left: plan.LeftAlone}
	if p.found == nil {
		return s
	}
	for _, i := range p.found.near(w.Name, s.namespace) {
		switch p.parts[i].match.speaksOf(s.subject) {
		case yes:
			s.reached = append(s.reached, i)
		case unknown:
			s.unsure = append(s.unsure, i)
		default:
			s.lookAtLabels(i, p.parts[i].match, w.labels)
		}
	}
	if slices.ContainsFunc(s.reached, func(i int) bool { return i < len(p.Scopes) && p.parts[i].match.lists(w.Name) }) {
		s.unlabelled = nil // somebody saw to it
	}
	if plan.Decided {
		for _, c := range plan.claims() {
			if i, rule := p.rules[strings.TrimSuffix(c.Scope, initialSuffix)]; rule && !slices.Contains(s.decided, i) && (!c.Left.IsZero() || plan.ModeBy == c.Scope+".enforcement.mode" || plan.ruledBy == c.Scope+planeField) {
				s.decided = append(s.decided, i)
			}
		}
	}
	if !plan.Decided && plan.Failed() { // of what it is once it is mended, nothing is known
		s.decided = slices.DeleteFunc(slices.Clone(s.reached), func(i int) bool { return i >= len(p.Scopes) })
	}
	if !p.chosen {
		s.labels = nil
	}
	return s
}

// lookAtLabels notes a part that does not speak of the workload, and would by its own
// labels.
func (s *Sighting) lookAtLabels(part int, m *Match, own map[string]string) {
	if !slices.ContainsFunc(m.Labels, func(r Requirement) bool { return !r.Holds(s.labels) && r.Holds(own) }) {
		return // there may be many rules for many workloads
	}
	speaks := func(layers ...map[string]string) bool {
		itself := s.subject
		itself.labels = map[string]string{}
		for _, labels := range layers {
			maps.Copy(itself.labels, labels)
		}
		return m.speaksOf(itself) == yes
	}
	if speaks(s.labels, own) {
		s.labelled = append(s.labelled, part)
	}
	if speaks(own, s.labels) {
		s.unlabelled = append(s.unlabelled, part)
	}
}

// lists reports whether a match has a name as it is.
func (m *Match) lists(name string) bool { return m != nil && slices.Contains(m.Names, name) }

// NamesKinds reports whether an acceptance names any kinds.
func (p *Policy) NamesKinds() bool { return len(p.accepted) > 0 }

// NamesObjects reports whether one names a type that is none of a workload's.
func (p *Policy) NamesObjects(t object.Type) bool {
	_, workload := p.kindOf(t)
	return !workload && slices.ContainsFunc(p.accepted, kinds.Kind{Group: object.Group(t.APIVersion), Kind: t.Kind}.Named)
}

// SightObject says which acceptances speak of such an object.
func (p *Policy) SightObject(o *Object) Sighting {
	s := Sighting{subject: subject{kind: &kinds.Kind{Group: object.Group(o.APIVersion), Kind: o.Kind}, name: o.Name, namespace: o.Namespace}, object: true}
	for _, i := range p.found.near(s.name, s.namespace) {
		if one := p.parts[i]; one.objects && one.match.speaksOf(s.subject) == yes {
			s.reached = append(s.reached, i)
		}
	}
	return s
}

// Reach says which workloads a part of a policy reaches.
type Reach struct {
	// Path is the part's field path in the spec.
	Path string
	// Rule is the field path of the rule that it is, or of which it is an entry; "" for
	// none.
	Rule string
	// Workloads counts those that it speaks of and that are not left alone, Decided
	// those of them for which it decides something, LeftAlone those that are.
	Workloads, Decided, LeftAlone int
	// Some names a few, of those left alone where there are no others.
	Some []string
	// Undecided names a few of those for which it decides nothing.
	Undecided []string
	// Unlabelled names a few that a rule does not reach because they have the labels
	// for which it asks themselves, and their pods do not.
	Unlabelled []string
	// Unsure says that it may speak of workloads whose namespace, or labels, are unknown.
	Unsure bool
	// Unreached says that it certainly reaches nobody.
	Unreached bool
	// Within says that it is an entry of a rule that reaches nobody itself.
	Within bool
	// Objects says that it may be meant for other objects than workloads.
	Objects bool
	// Port says that it is the name of a container port.
	Port bool
	// Meant says whom it was probably meant for, where it reaches nobody.
	Meant Meant
	// match says of whom it is for.
	match *Match
}

// Of gives what the part says of whom it is for, by which it is known wherever it stands.
func (r *Reach) Of() string {
	m := r.match
	if m == nil {
		return ""
	}
	all := []any{m.Kinds, m.Names, m.Namespaces, m.Port}
	for _, r := range m.Labels {
		all = append(all, r.Key, r.Operator, r.Values)
	}
	return fmt.Sprintf("%q", all)
}

// IsRule reports whether the part is a rule, or a workload or a port that one names, of
// which a whole cluster has one: an entry of another list may well wait for somebody to come.
func (r *Reach) IsRule() bool {
	return r.Rule == r.Path || r.Port || strings.HasPrefix(r.Path, "spec.workloads[") && strings.Contains(r.Path, ".match.names[")
}

// Nobody says in words whom it reaches if it reaches nobody.
func (r *Reach) Nobody() string {
	switch {
	case r.Objects:
		return "nothing"
	case r.Port:
		return "no container port"
	}
	return "no workload"
}

// isUnreached says that the part certainly reaches nobody. What is for everybody, or
// for all of a namespace, may well find only workloads that are left alone.
func (of part) isUnreached(r Reach) bool {
	broad := of.match == nil || of.match.Names == nil && of.match.Labels == nil
	return r.Workloads == 0 && !r.Unsure && (r.LeftAlone == 0 || !broad)
}

// MostNamed is how many workloads a Reach names.
const MostNamed = 3

// Reach says whom the parts of the policy reach among the workloads that there are
// and the objects that acceptances name, and nothing where there is no workload. types are those of all objects. Of entries of
// rules only those are told that reach nobody.
func (p *Policy) Reach(all []Sighting, types []object.Type) []Reach {
	workloads := slices.DeleteFunc(slices.Clone(all), func(s Sighting) bool { return s.object })
	if len(workloads) == 0 {
		return nil
	}
	reaches := make([]Reach, len(p.parts))
	left, labelled := make([][]string, len(p.parts)), make([][]string, len(p.parts))
	for i, one := range p.parts {
		reaches[i].Path, reaches[i].Objects, reaches[i].Port = one.path, one.objects, one.match != nil && one.match.Port != ""
		reaches[i].match = one.match
		switch {
		case i < len(p.Scopes):
			reaches[i].Rule = one.path
		case one.rule >= 0:
			reaches[i].Rule = p.Scopes[one.rule].Path
		}
	}
	for _, s := range all {
		for _, i := range s.unsure {
			reaches[i].Unsure = true
		}
		for _, i := range s.decided {
			reaches[i].Decided++
		}
		for _, i := range s.reached {
			if s.left != "" && i < len(p.Scopes) {
				reaches[i].LeftAlone++
				left[i] = few(left[i], s.id()+" ("+s.left+")")
				continue
			}
			reaches[i].Workloads++
			reaches[i].Some = few(reaches[i].Some, s.id())
			if i < len(p.Scopes) && !slices.Contains(s.decided, i) {
				reaches[i].Undecided = few(reaches[i].Undecided, s.id())
			}
		}
		if s.left != "" {
			continue
		}
		for _, i := range s.labelled {
			labelled[i] = few(labelled[i], s.id())
		}
		for _, i := range s.unlabelled {
			if i < len(p.Scopes) {
				reaches[i].Unlabelled = few(reaches[i].Unlabelled, s.id())
			}
		}
	}
	c, withObjects := &census{policy: p, all: workloads, types: types}, &census{policy: p, all: all, types: types}
	told := []Reach{} // not nil, as there are workloads
	for i, r := range reaches {
		rule := p.parts[i].rule
		r.Unreached = p.parts[i].isUnreached(r)
		if rule >= 0 && !r.Unreached {
			continue
		}
		r.Within = rule >= 0 && p.parts[rule].isUnreached(reaches[rule])
		if r.Workloads == 0 {
			r.Some = left[i]
		}
		if r.Unreached {
			among := c
			if p.parts[i].objects {
				among = withObjects
			}
			r.Meant = among.meant(p.parts[i], r, labelled[i])
		}
		if p.parts[i].excludes && !r.Meant.Slip {
			continue
		}
		told = append(told, r)
	}
	for i := range told {
		elsewhere := &told[i].Meant.Elsewhere
		if !slices.ContainsFunc(told, func(other Reach) bool {
			return other.Unreached && (told[i].Within || !other.Within) && (other.Path == *elsewhere || strings.HasPrefix(other.Path, *elsewhere+"["))
		}) {
			*elsewhere = ""
		}
	}
	return told
}

// few adds a name to the first ones in their order.
func few(names []string, name string) []string {
	at, there := slices.BinarySearch(names, name)
	if there || at == MostNamed {
		return names
	}
	names = slices.Insert(names, at, name)
	return names[:min(len(names), MostNamed)]
}
