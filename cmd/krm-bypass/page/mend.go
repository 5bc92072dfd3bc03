package page

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/report"
	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/revise"
)

// What other views offer to do about what they show: links to forms, which change nothing
// before they are sent, and buttons for a mend of which nothing has to be asked. A button
// leads to the page that shows the change and saves it.

// mender offers them. It knows the rules of the specification that a request is about.
type mender struct {
	*request
	rows []revise.Row
	// action is where buttons go.
	action func(about ...string) string
}

// mender gives one, nil where nothing can be changed.
func (s *Site) mender(r *request) *mender {
	rows, err := revise.Rows(r.file())
	if s.locked(r) != "" || err != nil { // the rules say why
		return nil
	}
	pinned := r.pinned(s)
	return &mender{r, rows, func(about ...string) string { return pinned.link("/rules/edit", about...) }}
}

// mendView is a button that mends a finding.
type mendView struct {
	Label, Action, Do string
	Fields            []mendField
}

type mendField struct{ Name, Value string }

// removed are the kinds of findings that are mended by taking away what they are about.
var removed = []*finding.Kind{finding.Expired, finding.UnreachedRule, finding.UnusedAcceptance}

// set are the kinds that a setting mends, in a rule for the workload.
var set = []struct {
	kind         *finding.Kind
	field, value string
}{
	{finding.DataPlane, "dataPlane", "Ambient"},
	{finding.InjectedAlready, "enforcement.mode", "InitContainer"},
	{finding.OtherProxy, "enforcement.mode", "AnnotationsOnly"},
}

// mends gives the buttons for a finding.
func (m *mender) mends(s report.Subject, f report.Finding) (all []mendView) {
	for _, one := range set {
		if one.kind.ID == f.Rule && s.Name != "" {
			v := mendView{Label: fmt.Sprintf("Put %s: %s into the spec", one.field, one.value), Action: m.action("add", "spec.workloads"), Do: "save"}
			about := append(matching(fn.ResourceRef{APIVersion: s.APIVersion, Kind: s.Kind, Namespace: s.Namespace, Name: s.Name}), one.field, one.value)
			for i := 0; i < len(about); i += 2 {
				v.Fields = append(v.Fields, mendField{about[i], about[i+1]})
			}
			all = append(all, v)
		}
	}
	if ofSpec(s) && slices.ContainsFunc(removed, func(k *finding.Kind) bool { return k.ID == f.Rule }) {
		all = append(all, m.removal(f.Path)...)
	}
	return all
}

// ofSpec reports whether findings are about the specification: fields of other objects may
// have the same names.
func ofSpec(s report.Subject) bool { return s.Kind == "" || s.Kind == v1alpha1.Kind }

// wholeRule are the ends of paths that speak of all of a rule.
var wholeRule = []string{"", ".match", ".expires"}

// removal takes away the rule or the entry at a path, nothing where that is neither.
func (m *mender) removal(at string) []mendView {
	rule := ruleOf(at)
	i := slices.IndexFunc(m.rows, func(row revise.Row) bool { return row.Path == rule })
	if i < 0 {
		return nil
	}
	v := mendView{Label: "Remove the rule", Action: m.action(), Do: "remove", Fields: []mendField{{"of", rule}, {"to", "save"}}}
	if list(rule) == "spec.lint.accept" {
		v.Label = "Remove the acceptance"
	}
	below := strings.TrimPrefix(at, rule)
	if slices.Contains(wholeRule, below) {
		return []mendView{v}
	}
	field, index, listed := strings.Cut(strings.TrimPrefix(below, "."), "[")
	n, err := strconv.Atoi(strings.TrimSuffix(index, "]"))
	switch entries := m.rows[i].Rule[field].Entries; {
	case !listed || err != nil || n >= len(entries):
		return nil
	case len(entries) > 1:
		left := slices.Delete(slices.Clone(entries), n, n+1)
		return []mendView{{"Remove " + begins(entries[n], longestEntry) + " from the rule", m.action(), "save", []mendField{{"of", rule}, {field, strings.Join(left, "\n")}}}}
	case !strings.HasPrefix(field, "match."): // the empty list would say something else
		return nil
	}
	return []mendView{v}
}

// acceptURL is the form that accepts a finding, "" where that cannot be accepted. Whoever
// sends it has to say why.
func (m *mender) acceptURL(s report.Subject, f report.Finding) string {
	kind, known := finding.ByID(f.Rule)
	if !known {
		return ""
	}
	about := []string{"add", "spec.lint.accept", "check", f.Rule}
	if ofSpec(s) {
		if name := m.nameOf(ruleOf(f.Path)); name != "" {
			return m.link("/rules/edit", append(about, "rule", name)...)
		}
		return "" // what is about the specification is accepted by the name of its rule alone
	}
	refs := []fn.ResourceRef{{APIVersion: s.APIVersion, Kind: s.Kind, Namespace: s.Namespace, Name: s.Name}}
	if kind.Ports {
		if workloads := m.workloads(refs[0], f.Workloads); workloads != nil { // only there can some ports be accepted
			refs, about = workloads, append(about, "ports", strings.Join(f.Ports, "\n"))
		}
	}
	return m.link("/rules/edit", append(about, matching(refs...)...)...)
}

// workloads gives those that a finding speaks of: what it is about, or those that it names;
// nil where a match of them would take in others.
func (m *mender) workloads(about fn.ResourceRef, named []string) (all []fn.ResourceRef) {
	if m.seen == nil {
		return nil
	}
	for i := range m.seen.Explanation.Workloads {
		switch ref := m.seen.Explanation.Workloads[i].ResourceRef; {
		case ref == about:
			return []fn.ResourceRef{ref}
		case slices.Contains(named, object.Named(ref.Kind, ref.Namespace, ref.Name)) && !slices.Contains(all, ref):
			all = append(all, ref)
		}
	}
	alike := func(ref fn.ResourceRef) bool {
		return ref.APIVersion == all[0].APIVersion && ref.Kind == all[0].Kind && ref.Namespace == all[0].Namespace
	}
	if len(all) != len(named) || slices.ContainsFunc(all, func(ref fn.ResourceRef) bool { return !alike(ref) }) {
		return nil
	}
	return all
}

// nameURL is where the rule gets a name without which a finding cannot be accepted, "" where
// it has one, or can have none.
func (m *mender) nameURL(s report.Subject, f report.Finding) string {
	rule := ruleOf(f.Path)
	_, known := finding.ByID(f.Rule)
	nameable := slices.ContainsFunc(revise.Fields(rule), func(field revise.Field) bool { return field.Path == "name" })
	if !known || !nameable || !ofSpec(s) || m.nameOf(rule) != "" {
		return ""
	}
	return m.editURL(rule) + "#f-name"
}

// addURL is the form of a new rule for a workload, with some fields and their entries.
func (r *request) addURL(ref fn.ResourceRef, fields ...string) string {
	return r.link("/rules/edit", append(append([]string{"add", "spec.workloads"}, matching(ref)...), fields...)...)
}

// editURL is the form of the rule that a path of the specification is in, "" where it is
// in none.
func (r *request) editURL(at string) string {
	rule := ruleOf(at)
	if rule == "" {
		return ""
	}
	return r.link("/rules/edit", "of", rule)
}

// matching are the fields of a match for objects of one kind in one namespace.
func matching(refs ...fn.ResourceRef) []string {
	kind, names := refs[0].Kind, make([]string, len(refs))
	if group := object.Group(refs[0].APIVersion); strings.Contains(group, ".") {
		kind += "." + group
	}
	for i, ref := range refs {
		names[i] = ref.Name
	}
	return []string{"match.kinds", kind, "match.names", strings.Join(names, "\n"), "match.namespaces", refs[0].Namespace}
}

// ruleOf gives the path of the rule that a path of the specification is in.
func ruleOf(at string) string {
	name, rest, indexed := strings.Cut(at, "[")
	for _, alone := range []string{"spec.meshDefaults", "spec.global"} {
		if name == alone || strings.HasPrefix(name, alone+".") {
			return alone
		}
	}
	index, _, closed := strings.Cut(rest, "]")
	if !indexed || !closed || revise.Fields(name) == nil {
		return ""
	}
	return name + "[" + index + "]"
}

// nameOf gives the name of a rule, "" if it has none.
func (m *mender) nameOf(rule string) string {
	for _, row := range m.rows {
		if row.Path == rule {
			return row.Name
		}
	}
	return ""
}
