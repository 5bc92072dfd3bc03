package spec

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/internal/kinds"
	"github.com/krm-bypass/krm-bypass/internal/pattern"
	"github.com/krm-bypass/krm-bypass/internal/spelling"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// The globs are those of path.Match over names as Kubernetes has them
// (k8s.io/apimachinery pkg/util/validation/validation.go): a namespace's name
// is a DNS label, a workload's may have dots.
var (
	namespaceName = pattern.Of(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)
	namespaceGlob = pattern.Plain("-*?"+lowerAndDigits, `^([-a-z0-9*?]|\[\^?[-a-z0-9]+\])+$`)
	workloadGlob  = pattern.Plain("-.*?"+lowerAndDigits, `^([-.a-z0-9*?]|\[\^?[-.a-z0-9]+\])+$`)
)

const lowerAndDigits = "abcdefghijklmnopqrstuvwxyz0123456789"

func (c *compiler) globs(globs []string, at string, grammar *pattern.Pattern) {
	for i, glob := range globs {
		_, err := path.Match(glob, "")
		if err == nil && grammar.Matches(glob) {
			continue
		}
		letters := `lower-case letters, digits and "-"`
		if grammar == workloadGlob {
			letters = `lower-case letters, digits, "-" and "."`
		}
		c.problem(fmt.Sprintf("%s[%d]", at, i), glob, `%q cannot match a name: use %s, with "*" for any number of them, "?" for one, [ab] for either`, glob, letters)
	}
}

// hasTemplate reports whether an entry names a kind that has a pod template.
func (c *compiler) hasTemplate(entry string) bool {
	return c.policy.Kinds.Names(entry)
}

// kindName is that of a kind of object, and of its API group.
var kindName = pattern.Of(`^[A-Z][A-Za-z0-9]*(\.[a-z0-9][-.a-z0-9]*)?$`)

// isKind does so for any kind, unless it is one of these misspelt.
func (c *compiler) isKind(entry string) bool {
	name, _, _ := strings.Cut(entry, ".")
	return c.hasTemplate(entry) || kindName.Matches(entry) && !slices.ContainsFunc(c.policy.Kinds.All(), func(k kinds.Kind) bool {
		return spelling.Near(name, k.Kind) || strings.EqualFold(name, k.Kind)
	})
}

func (c *compiler) workloadMatch(m v1alpha1.WorkloadMatch, at string, known func(kind string) bool) *transform.Match {
	c.globs(m.Names, at+".names", workloadGlob)
	c.globs(m.Namespaces, at+".namespaces", namespaceGlob)
	for i, entry := range m.Kinds {
		if !known(entry) {
			c.problem(fmt.Sprintf("%s.kinds[%d]", at, i), entry, "%q is not a kind with a pod template: %s", entry, kindRemedy(entry, c.policy.Kinds.All()))
		}
	}
	for _, field := range []struct {
		name    string
		entries []string
	}{{"kinds", m.Kinds}, {"names", m.Names}, {"namespaces", m.Namespaces}} {
		if field.entries != nil && len(field.entries) == 0 {
			c.problem(at+"."+field.name, "", "an empty list matches nothing: name some, or remove the field to match all")
		}
	}
	selector := m.LabelSelector
	if m.IsEmpty() {
		c.problem(at, "", "an empty match would match everything: say which workloads, or move the rule to spec.global")
	}
	match := &transform.Match{Path: at, Inside: at + ".namespaces", Kinds: m.Kinds, Names: m.Names, Namespaces: m.Namespaces}
	if selector != nil {
		c.selector(selector, at+".labelSelector")
		match.Labels = requirements(selector)
	}
	return match
}

// selector judges what a label selector says.
func (c *compiler) selector(s *v1alpha1.LabelSelector, at string) {
	if len(s.MatchLabels) == 0 && len(s.MatchExpressions) == 0 {
		c.problem(at, "", "an empty selector matches everything: add labels, or remove it")
	}
	for _, key := range slices.Sorted(maps.Keys(s.MatchLabels)) {
		c.labelValue(s.MatchLabels[key], join(at+".matchLabels", key))
	}
	for i, r := range s.MatchExpressions {
		values := fmt.Sprintf("%s.matchExpressions[%d].values", at, i)
		for j, value := range r.Values {
			c.labelValue(value, fmt.Sprintf("%s[%d]", values, j))
		}
		switch valued := r.Operator == "In" || r.Operator == "NotIn"; {
		case valued && len(r.Values) == 0:
			c.problem(values, "", "%s needs values: list them", r.Operator)
		case (r.Operator == "Exists" || r.Operator == "DoesNotExist") && len(r.Values) > 0:
			c.problem(values, "", "%s takes no values: remove them", r.Operator)
		}
	}
}

// kindRemedy says what may be meant by a kind that is not known. Kubernetes' own come
// first: there are many others.
func kindRemedy(entry string, known []kinds.Kind) string {
	name, _, _ := strings.Cut(entry[strings.LastIndex(entry, "/")+1:], ".")
	var own, others, qualified []string
	for _, k := range known {
		if k.IsKubernetes() {
			own = append(own, k.Kind)
		} else if !slices.Contains(own, k.Kind) && !slices.Contains(others, k.Kind) {
			others = append(others, k.Kind)
		}
		if k.Kind == name || k.Short != "" && k.Short == name {
			qualified = append(qualified, k.FullName())
		}
	}
	if len(qualified) > 0 {
		return spelling.Asking(entry, qualified)
	}
	for _, names := range [][]string{own, others} {
		if near := spelling.Meant(name, names); len(near) > 0 {
			return spelling.Asking(entry, near)
		}
	}
	return "add it to spec.podTemplates, or use one of " + listed(own) + ", or one of docs/kinds.md"
}

// labelValue follows k8s.io/apimachinery pkg/util/validation/validation.go.
var labelValue = pattern.Of(`^(([A-Za-z0-9][-A-Za-z0-9_.]{0,61})?[A-Za-z0-9])?$`)

func (c *compiler) labelValue(value, at string) {
	if !labelValue.Matches(value) {
		c.problem(at, value, `%q is not a valid label value: use letters, digits, "-", "_" and "."; selectors have no wildcards`, value)
	}
}

// requirements gives what a label selector demands.
func requirements(s *v1alpha1.LabelSelector) []transform.Requirement {
	var all []transform.Requirement
	for _, key := range slices.Sorted(maps.Keys(s.MatchLabels)) {
		all = append(all, transform.Requirement{Path: join("labelSelector.matchLabels", key), Key: key, Operator: "In", Values: []string{s.MatchLabels[key]}})
	}
	for i, r := range s.MatchExpressions {
		all = append(all, transform.Requirement{Path: fmt.Sprintf("labelSelector.matchExpressions[%d]", i), Key: r.Key, Operator: r.Operator, Values: r.Values})
	}
	return all
}
