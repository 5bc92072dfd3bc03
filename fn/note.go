package fn

import (
	"strings"
	"time"

	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// Rule is a rule of a spec, by its place, and why it is there.
type Rule struct {
	// Path is the rule's field path, such as spec.workloads[0].
	Path string
	Note
}

// Rules gives the rules of the spec from broad to narrow: spec.global if there
// is one, spec.namespaces, spec.workloads.
func (c *ClusterBypass) Rules() []Rule {
	var rules []Rule
	if c.Spec.Global != nil {
		rules = append(rules, Rule{transform.GlobalPath, c.Spec.Global.Note})
	}
	for i, r := range c.Spec.Namespaces {
		rules = append(rules, Rule{namespacePath(i), r.Note})
	}
	for i, r := range c.Spec.Workloads {
		rules = append(rules, Rule{workloadPath(i), r.Note})
	}
	return rules
}

// Expired says whether the rule was meant to be needed no longer than until a
// day before the given one, which is written as Expires is. A rule without
// Expires never is.
func (n Note) Expired(today Date) bool {
	return n.Expires != "" && n.Expires < today // ISO 8601 sorts as text
}

// note judges what a rule says of itself.
func (c *compiler) note(r Rule, reasoned bool) {
	if reasoned && strings.TrimSpace(r.Reason) == "" {
		c.problem(r.Path+".reason", r.Reason, "missing: spec.requireReason is true, so say what the rule is for")
	}
	if day := string(r.Expires); day != "" {
		if _, err := time.Parse(time.DateOnly, day); err != nil {
			c.problem(r.Path+".expires", day, "%q is not a day: write it as RFC 3339 does, such as 2026-12-31", day)
		}
	}
}
