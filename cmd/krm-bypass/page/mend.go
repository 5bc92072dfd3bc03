package page

import (
	"strings"

	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/report"
	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/revise"
)

// The links of other views to forms. A form that they fill in changes nothing before it
// is sent.

// acceptURL is the form that accepts a finding, "" where that cannot be accepted. Whoever
// sends it has to say why.
func (r *request) acceptURL(s report.Subject, f report.Finding) string {
	if _, known := finding.ByID(f.Rule); !known {
		return ""
	}
	about := []string{"add", "spec.lint.accept", "check", f.Rule}
	if rule := ruleOf(f.Path); rule != "" && s.Kind == "" {
		return r.link("/rules/edit", append(about, "rule", r.nameOf(rule))...)
	}
	ref := fn.ResourceRef{APIVersion: s.APIVersion, Kind: s.Kind, Namespace: s.Namespace, Name: s.Name}
	return r.link("/rules/edit", append(about, matching(ref)...)...)
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

// matching are the fields of a match for one object.
func matching(ref fn.ResourceRef) []string {
	kind := ref.Kind
	if group := object.Group(ref.APIVersion); strings.Contains(group, ".") {
		kind += "." + group
	}
	return []string{"match.kinds", kind, "match.names", ref.Name, "match.namespaces", ref.Namespace}
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
func (r *request) nameOf(rule string) string {
	rows, err := revise.Rows(r.file())
	if err != nil {
		return "" // the form says why
	}
	for _, row := range rows {
		if row.Path == rule {
			return row.Name
		}
	}
	return ""
}
