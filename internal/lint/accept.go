package lint

import (
	"cmp"
	"slices"

	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// parts are what of a workload's bypass findings are accepted, and what is left.
type parts struct {
	taken map[*transform.Acceptance]*bypass
	// left is nil where the workload is accepted as a whole.
	left *bypass
}

// partsOf gives the parts of what bypasses by a plan, by kinds of findings; nil where
// nothing of it is accepted.
func (l *Linter) partsOf(plan *transform.Plan, whole *bypass) map[*finding.Kind]parts {
	var all map[*finding.Kind]parts
	for _, c := range l.checks {
		if c.judge == nil || c.ofIntact { // such a check is not about what bypasses
			continue
		}
		taken, left := l.policy.Accepted(c.Kind, plan)
		if taken == nil {
			continue
		}
		p := parts{taken: map[*transform.Acceptance]*bypass{}}
		for a, part := range taken {
			if p.taken[a] = whole; c.Ports {
				p.taken[a] = l.partOf(whole, part)
			}
		}
		if c.Ports {
			p.left = l.partOf(whole, left)
		}
		if all == nil {
			all = map[*finding.Kind]parts{}
		}
		all[c.Kind] = p
	}
	return all
}

// partOf gives a part of a bypass, one for all that are equal.
func (l *Linter) partOf(whole *bypass, part traffic.Layer) *bypass {
	b := l.bypassBy(part.Settings())
	b.inbound, b.beyond = b.inbound.Intersect(whole.inbound), whole.beyond
	shared, _ := l.bypasses.LoadOrStore("part of "+whole.settings.String()+": "+part.String(), b)
	return shared.(*bypass)
}

// taken is what one acceptance takes of workloads.
type taken struct {
	by        *transform.Acceptance
	workloads []*Workload
}

// partedBy gives the workloads without that of which findings of a kind are accepted,
// and with that alone.
func partedBy(kind *finding.Kind, workloads []*Workload) (left []*Workload, all []taken) {
	by := map[*transform.Acceptance][]*Workload{}
	for _, w := range workloads {
		p, parted := w.parts[kind]
		if !parted {
			left = append(left, w)
			continue
		}
		for a, part := range p.taken {
			by[a] = append(by[a], w.with(part))
		}
		if p.left != nil {
			left = append(left, w.with(p.left))
		}
	}
	for a, of := range by {
		all = append(all, taken{a, of})
	}
	slices.SortFunc(all, func(a, b taken) int { return cmp.Compare(a.by.Path, b.by.Path) })
	return left, all
}

// with gives the workload with another bypass.
func (w *Workload) with(b *bypass) *Workload {
	other := *w
	other.bypass = b
	return &other
}
