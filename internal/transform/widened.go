package transform

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// JudgeConfig warns of what a mesh's own configuration does to workloads in
// spite of the policy: what stands in it bypasses the sidecar in every pod, and
// is added to what the pod's annotations say. plans are those of the workloads
// beside it.
//
// These are warnings and nothing more: what is written for a workload never
// depends on whether such an object is there.
func (p *Policy) JudgeConfig(c *ConfigPlan, plans []*Plan) []Finding {
	if c.Config.mesh != p.Mesh || c.lists == nil {
		return nil
	}
	found := report{lint: p.Lint}
	plans = slices.DeleteFunc(slices.Clone(plans), func(w *Plan) bool { return !w.Decided })
	all := c.Config.layer(c.lists)
	p.reportStuck(c, all, plans, &found)
	p.reportFields(c, plans, &found)
	plans = slices.DeleteFunc(plans, func(w *Plan) bool { return len(p.irrevocable(w, all)) == 0 })
	for i, l := range c.Config.lists {
		for _, w := range p.widenings(l, c.lists[i], plans) {
			effect := "bypasses the sidecar"
			if l.included() {
				effect = "lets everything but this bypass the sidecar"
			}
			found.warn(finding.MeshConfigWidens, c.Config.Path(append(edit.Keys(l.Path), w.step...)...), strings.Join(w.entries, ", "),
				"%s in %s, although the ClusterBypass does not say so: %s adds it to what a pod's annotations say; remove it here, or say it in spec.meshDefaults",
				effect, some(w.workloads), p.Mesh.Name)
		}
	}
	return found.Findings
}

// reportFields warns of other fields of the mesh's configuration by which a bypass is
// more or less than the policy says.
func (p *Policy) reportFields(c *ConfigPlan, plans []*Plan, found *report) {
	var applied []string
	for _, w := range plans {
		if w.Applies {
			applied = append(applied, w.Workload.ID())
		}
	}
	for _, f := range c.Config.fields {
		switch at := c.Config.Path(edit.Keys(f.Path)...); {
		case len(applied) == 0:
		case f.Opens == 0:
			found.warn(finding.InterceptionMode, at, f.Value, "with it %s does not do what the ClusterBypass says of %s: %s; take these workloads out of the rules, or remove this", p.Mesh.Name, some(applied), f.Says)
		default:
			found.warn(finding.MeshConfigWidens, at, "", "%s in %s, although the ClusterBypass does not say so: remove it here, or exclude ports and ranges instead", f.Says, some(applied))
		}
	}
}

// widening is a part of a list that lets bypass in some workloads what the
// policy does not.
type widening struct {
	entries   []string
	workloads []string
	// step leads from the list to the part, nothing where it is more than one
	// entry.
	step edit.Path
}

// widenings gives what in a list widens. Entries that do so in the same
// workloads are one.
func (p *Policy) widenings(l configList, entries []string, plans []*Plan) []widening {
	var all []widening
	for i, part := range l.parts(entries) {
		layer := traffic.LayerOf(l.Field, part...)
		if layer.IsZero() || len(p.Mesh.Irrevocable(p.MeshDefaults.Settings(), p.MeshDefaults, layer)) == 0 {
			continue
		}
		var workloads []string
		for _, w := range plans {
			if slices.ContainsFunc(p.irrevocable(w, layer), func(g mesh.Gap) bool { return g.Field == l.Field }) {
				workloads = append(workloads, w.Workload.ID())
			}
		}
		if len(workloads) == 0 {
			continue
		}
		slices.Sort(workloads)
		if same := slices.IndexFunc(all, func(w widening) bool { return slices.Equal(w.workloads, workloads) }); same >= 0 {
			all[same].entries, all[same].step = append(all[same].entries, part...), nil
			continue
		}
		one := widening{entries: slices.Clone(part), workloads: workloads, step: edit.Path{i}}
		if l.included() {
			one.step = nil
		}
		all = append(all, one)
	}
	return all
}

func (p *Policy) irrevocable(w *Plan, wide traffic.Layer) []mesh.Gap {
	return p.Mesh.Irrevocable(w.Settings, w.Sayable, wide)
}

// reportStuck warns of pods that would not start, since the mesh cannot load its
// own configuration together with what their annotations say.
func (p *Policy) reportStuck(c *ConfigPlan, all traffic.Layer, plans []*Plan, found *report) {
	stuck := map[traffic.Field][]string{}
	reasons := map[traffic.Field]string{}
	for _, w := range plans {
		_, gaps := p.Mesh.Express(w.Sayable.Settings(), all)
		for _, g := range gaps {
			if g.Fatal {
				stuck[g.Field] = append(stuck[g.Field], w.Workload.ID())
				reasons[g.Field] = max(reasons[g.Field], g.Reason)
			}
		}
	}
	for _, l := range c.Config.lists {
		if names := stuck[l.Field]; len(names) > 0 {
			found.warn(finding.MeshConfigClash, c.Config.Path(edit.Keys(l.Path)...), "",
				"with it the pods of %s would not start: %s. Restate it in spec.meshDefaults, and the init container takes over what does not fit", some(names), reasons[l.Field])
		}
	}
}

// included reports whether the list is of what is intercepted, not of what bypasses.
func (l configList) included() bool { return l.Field == traffic.IncludeOutboundIPRanges }

// parts are as much of a list as has a meaning by itself: the single entries of
// what is excluded, and all together of what is included, where each entry takes
// back what the others let bypass.
func (l configList) parts(entries []string) [][]string {
	if len(entries) == 0 || l.included() {
		return [][]string{entries}
	}
	var parts [][]string
	for part := range slices.Chunk(entries, 1) {
		parts = append(parts, part)
	}
	return parts
}

// some names a few of many.
func some(names []string) string {
	const few = 3
	names = slices.Sorted(slices.Values(names))
	if len(names) <= few {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %s more", strings.Join(names[:few], ", "), strconv.Itoa(len(names)-few))
}
