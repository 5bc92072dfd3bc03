package transform

import (
	"github.com/krm-bypass/krm-bypass/internal/each"
	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/kinds"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// AcceptPath is the field path of the acceptances.
const AcceptPath = "spec.lint.accept"

// Acceptance accepts findings that are known and meant.
type Acceptance struct {
	// Path is its field path in the spec.
	Path string
	Kind *finding.Kind
	// Rule is the field path of the rule whose findings it accepts, "" where it
	// accepts those of all that a workload bypasses. Match is then the rule's own.
	Rule string
	*Match
	// Ports are the only ones of which it accepts findings; nil for any, or none.
	Ports *traffic.Ports
	// Reason says why, and Expires is the last day on which it holds.
	Reason, Expires string
}

// acceptances are those of one kind of findings.
type acceptances struct {
	all   []*Acceptance
	index *index
}

// acceptancesOf finds those of a kind.
func (p *Policy) acceptancesOf(kind *finding.Kind) (of acceptances) {
	var matches []*Match
	for i := range p.Acceptances {
		if a := &p.Acceptances[i]; a.Kind == kind {
			of.all, matches = append(of.all, a), append(matches, a.Match)
		}
	}
	of.index = newIndex(matches)
	return of
}

// acceptable gives the acceptances of a kind that may speak of such an object, in their order.
func (p *Policy) acceptable(kind *finding.Kind, name, namespace string) (near []*Acceptance) {
	if len(p.Acceptances) == 0 {
		return nil
	}
	of := p.accepts.of(kind, func() acceptances { return p.acceptancesOf(kind) })
	for _, place := range of.index.near(name, namespace) {
		near = append(near, of.all[place])
	}
	return near
}

// accepting gives what accepts findings about a workload that are about no ports.
func (p *Policy) accepting(w *Workload) func(*finding.Kind) *Acceptance {
	return func(kind *finding.Kind) *Acceptance {
		namespace := p.namespaceOf(w)
		for _, a := range p.acceptable(kind, w.Name, namespace) {
			if a.Ports == nil && a.matches(w, namespace) == yes {
				return a
			}
		}
		return nil
	}
}

// reportOn begins the report on a workload.
func (p *Policy) reportOn(w *Workload) report {
	return report{lint: p.Lint, accept: p.accepting(w)}
}

// Accepts gives what accepts a finding about a workload that is about no ports, nil
// for nothing.
func (p *Policy) Accepts(kind *finding.Kind, plan *Plan) *Acceptance {
	return p.reportOn(plan.Workload).accept(kind)
}

// AcceptsObject does so for a finding about an object that is no workload, which has
// to be named by its kind.
func (p *Policy) AcceptsObject(kind *finding.Kind, apiVersion, of, namespace, name string) *Acceptance {
	if _, workload := p.kindOf(object.Type{APIVersion: apiVersion, Kind: of}); workload {
		return nil // its plan has seen to that
	}
	s := subject{kind: &kinds.Kind{Group: object.Group(apiVersion), Kind: of}, namespace: namespace, name: name}
	for _, a := range p.acceptable(kind, name, namespace) {
		if a.Match != nil && len(a.Kinds) > 0 && a.Ports == nil && a.speaksOf(s) == yes {
			return a
		}
	}
	return nil
}

// Accepting gives what accepts findings about a workload that are not about what it bypasses,
// some of them for some ports.
func (p *Policy) Accepting(kind *finding.Kind, plan *Plan) (all []*Acceptance) {
	for _, a := range p.acceptable(kind, plan.Workload.Name, plan.Namespace) {
		if a.matches(plan.Workload, plan.Namespace) == yes {
			all = append(all, a)
		}
	}
	return all
}

// Accepted gives what the acceptances of a kind take of what a workload bypasses, and
// what is left. Where a kind is not about ports, they take all of it.
func (p *Policy) Accepted(kind *finding.Kind, plan *Plan) (taken map[*Acceptance]traffic.Layer, left traffic.Layer) {
	w := plan.Workload
	claims := each.As(plan.Fold, func(c Claim) traffic.Layer { return c.Left })
	for _, a := range p.acceptable(kind, w.Name, plan.Namespace) {
		if a.matches(w, plan.Namespace) != yes {
			continue
		}
		var all traffic.Layer
		for j, c := range plan.Fold {
			if a.Rule != "" && a.Rule != c.Scope {
				continue
			}
			on, off := claims[j], traffic.Layer{IncludeOutboundPorts: claims[j].IncludeOutboundPorts}
			if a.Ports != nil {
				on, off = claims[j].Split(*a.Ports)
			}
			all, claims[j] = all.Add(on), off
		}
		if taken == nil {
			taken = map[*Acceptance]traffic.Layer{}
		}
		taken[a] = all
	}
	for _, c := range claims {
		left = left.Add(c)
	}
	return taken, left
}
