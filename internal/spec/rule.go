package spec

import (
	"fmt"
	"strings"
	"time"

	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// Rule is a rule of a spec, by its place.
type Rule struct {
	// Path is the rule's field path, such as spec.workloads[0].
	Path string
	v1alpha1.Note
	v1alpha1.Traffic
}

// Rules gives the rules of a spec from broad to narrow: spec.global if there
// is one, spec.namespaces, spec.workloads.
func Rules(c *v1alpha1.ClusterBypass) []Rule {
	var rules []Rule
	if g := c.Spec.Global; g != nil {
		rules = append(rules, Rule{transform.GlobalPath, g.Note, g.Traffic})
	}
	for i, r := range c.Spec.Namespaces {
		rules = append(rules, Rule{namespacePath(i), r.Note, r.Traffic})
	}
	for i, r := range c.Spec.Workloads {
		rules = append(rules, Rule{workloadPath(i), r.Note, r.Traffic})
	}
	return rules
}

func namespacePath(i int) string { return fmt.Sprintf("spec.namespaces[%d]", i) }

func workloadPath(i int) string { return fmt.Sprintf("spec.workloads[%d]", i) }

// note judges what a rule says of itself.
func (c *compiler) note(r Rule, reasoned bool) {
	if reasoned && strings.TrimSpace(r.Reason) == "" {
		c.problem(r.Path+".reason", r.Reason, "missing: spec.requireReason is true, so say what the rule is for")
	}
	if day := string(r.Expires); day != "" {
		if _, err := time.Parse(time.DateOnly, day); err != nil {
			c.problem(r.Path+".expires", day, "%q is not a day: write it as RFC 3339 does, as in 2026-12-31", day)
		}
	}
}
