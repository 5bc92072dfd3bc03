package spec

import (
	"fmt"
	"strings"
	"time"

	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/internal/pattern"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// Rule is a rule of a spec, by its place.
type Rule struct {
	// Path is the rule's field path, such as spec.workloads[0].
	Path string
	v1alpha1.Note
	v1alpha1.Traffic
	v1alpha1.Starting
	v1alpha1.Switch
}

// Rules gives the rules of a spec, those that are suspended too, from broad to narrow: spec.global if there
// is one, spec.namespaces, spec.workloads.
func Rules(c *v1alpha1.ClusterBypass) []Rule {
	rules := make([]Rule, 0, 1+len(c.Spec.Namespaces)+len(c.Spec.Workloads))
	if g := c.Spec.Global; g != nil {
		rules = append(rules, Rule{transform.GlobalPath, g.Note, g.Traffic, g.Starting, g.Switch})
	}
	for i, r := range c.Spec.Namespaces {
		rules = append(rules, Rule{namespacePath(i), r.Note, r.Traffic, r.Starting, r.Switch})
	}
	for i, r := range c.Spec.Workloads {
		rules = append(rules, Rule{workloadPath(i), r.Note, r.Traffic, r.Starting, r.Switch})
	}
	return rules
}

func namespacePath(i int) string { return fmt.Sprintf("spec.namespaces[%d]", i) }

func workloadPath(i int) string { return fmt.Sprintf("spec.workloads[%d]", i) }

// ruleName is that of Kubernetes' label values, of which none is empty.
var ruleName = pattern.Of(`^[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$`)

// notes judges what rules say of themselves.
func (c *compiler) notes(rules []Rule, reasoned bool) {
	named := map[string]string{}
	for _, r := range rules {
		c.note(r, reasoned)
		switch other := named[r.Name]; {
		case r.Name == "":
			continue
		case !ruleName.Matches(r.Name):
			c.problem(r.Path+".name", r.Name, `%q is not a valid name of a rule: use up to 63 letters, digits, "-", "_" and "."`, r.Name)
		case other != "":
			c.problem(r.Path+".name", r.Name, "%q is the name of %s already: give each rule its own", r.Name, other)
		}
		named[r.Name] = r.Path
	}
}

// note judges what a rule says of itself.
func (c *compiler) note(r Rule, reasoned bool) {
	if reasoned && strings.TrimSpace(r.Reason) == "" {
		c.problem(r.Path+".reason", r.Reason, "missing: spec.requireReason is true, so say what the rule is for")
	}
	c.day(r.Expires, r.Path+".expires")
}

// day judges the last day of something.
func (c *compiler) day(last v1alpha1.Date, at string) {
	if day := string(last); day != "" {
		if _, err := time.Parse(time.DateOnly, day); err != nil {
			c.problem(at, day, "%q is not a day: write year, month and day, as in 2026-12-31", day)
		}
	}
}
