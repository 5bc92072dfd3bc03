package lint

import (
	"sync"

	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// Finding is what a check has to say about an object.
type Finding struct {
	Object *transform.Object
	transform.Finding
	// Proposed is YAML that mends it, "" where the message says all.
	Proposed string
	// Workloads and Ports are those that a finding about ports speaks of; nil where they are
	// too many.
	Workloads, Ports []string
}

// Linter runs the checks that are in force for a policy. It is safe for
// concurrent use.
type Linter struct {
	policy *transform.Policy
	checks []*Check
	// commons are objects that say something for many pods.
	commons []*transform.Common
	// limited reports whether the policy has limits.
	limited bool
	// minds says that a check is about what does not bypass, and seesIntact that it sees
	// workloads of which no rule speaks.
	minds, seesIntact bool
	// bypasses are those of the workloads, by what tells them apart.
	bypasses sync.Map
	// paths are those of pod templates.
	paths sync.Map
}

// New gives a linter for what a policy makes of workloads beside objects that say
// something for many pods. present says which kinds of objects there are.
func New(policy *transform.Policy, commons []*transform.Common, present func(is func(object.Type) bool) bool) *Linter {
	l := &Linter{policy: policy, commons: commons}
	l.limited = !policy.Limits.IsZero() || len(policy.Limits.ForbiddenNamespaces) > 0 || policy.Limits.Annotators != nil || policy.Limits.OptOuts != nil
	for _, c := range table() {
		if c.In(l.policy.Lint) == finding.Ignore || c.Domain != "" && c.Domain != l.policy.Mesh.Domain {
			continue
		}
		l.checks = append(l.checks, c)
		l.minds = l.minds || c.ofIntact && c.isAboutAny(present)
	}
	// Of several specs each knows its own workloads alone.
	l.seesIntact = l.minds && len(policy.Beside) < 2
	return l
}

// outside views a workload in which the mesh has no say.
func (l *Linter) outside(plan *transform.Plan, item int) *Workload {
	about := plan.Workload.Named()
	about.Item = item
	return &Workload{
		Object: about, namespace: plan.Namespace, labels: labelsOf(plan.Workload.TemplateLabels, nil),
		bypass: &bypass{}, on: plan.Mesh(), intact: true, outside: true,
	}
}

// Look views the planned workloads of a document as they are after the plans'
// edits, and gives what there is to say of each by itself. item is the place of
// the document.
func (l *Linter) Look(plans []*transform.Plan, document node.Value, item int) (workloads []*Workload, findings []Finding) {
	for _, plan := range plans {
		if l.minds && plan.Fold == nil && !plan.Workload.Copied && l.policy.Unintercepted(plan) != "" {
			workloads = append(workloads, l.outside(plan, item))
		}
		if plan.Fold == nil || !plan.Decided && !l.limited && !l.seesIntact || plan.Failed() || plan.Workload.Copied {
			continue
		}
		e := l.examination(plan, document, item)
		for _, c := range l.checks {
			if c.examine != nil && (plan.Decided || l.limited && c.ofLimits) && e.workload.isIn(c.only) {
				e.check = c
				c.examine(e)
			}
		}
		findings = append(findings, e.findings...)
		if plan.Decided || l.seesIntact {
			workloads = append(workloads, e.workload)
		}
	}
	return workloads, findings
}
