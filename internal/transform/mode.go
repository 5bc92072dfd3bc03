package transform

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// everything is what bypasses where nothing is intercepted.
var everything = sync.OnceValue(mesh.OpensAll.Everything)

const voids = "%s intercepts nothing of %s with it, so what the ClusterBypass says has no effect there: remove it, or take the workload out of the rules"

// reportModes warns of annotations by which the mesh intercepts otherwise than what is
// written takes for granted.
func (p *Policy) reportModes(w *Workload, was *prior, plan *Plan) {
	for _, annotation := range slices.Sorted(maps.Keys(was.annotations)) {
		other, opens := p.Mesh.Other(annotation)
		if !opens && other.Unless == nil && other.Ahead == "" || !other.ReadOn(plan.DataPlane()) {
			continue
		}
		value, at := was.annotations[annotation], was.at(w, annotation)
		for _, one := range p.lets(annotation, value, was.annotations) {
			if one.exact && one.lets.Equal(everything()) {
				plan.warn(finding.InterceptionMode, at, value, voids, p.Mesh.Name, "these pods")
			}
			word, _ := other.Words.Find(one.word)
			if by, lost := p.supersedes(plan, word, one.lets); lost != "" {
				plan.warn(finding.MisleadingAnnotation, at, value, superseded, by, "these pods", p.Mesh.Name, one.word, lost, lost)
			}
		}
		switch {
		case value == "":
		case stands(other.Unless, was.annotations):
			plan.warn(finding.MisleadingAnnotation, at, value, "%s goes by %s instead of this: remove it", p.Mesh.Name, strings.Join(other.Unless, ", "))
		case other.Ahead != "" && excludesOutbound(plan.Settings):
			plan.warn(finding.MisleadingAnnotation, at, value, "%s %s before %s looks at an exclusion, so no outbound exclusion of these pods holds for it: exclude nothing that a guest behind them needs to reach directly, or remove this", other.Ahead, plan.on.Proxy(), p.Mesh.Name)
		}
	}
}

const superseded = "what krm-bypass writes in %s of %s stands to %s instead of %s here, so outbound port %s no longer bypasses the sidecar by it: to keep it, add excludeOutboundPorts: [%s] to a rule for them; else take it out here"

// supersedes gives the annotation that is written for a plan and puts a word out of force,
// and the outbound ports that the word lets bypass and the plan does not, "" for none.
func (p *Policy) supersedes(plan *Plan, word mesh.Other, lets traffic.Layer) (by, lost string) {
	for _, key := range word.Unless {
		_, written := plan.Annotations[key]
		if _, own := plan.was.beside()[key]; !written || own {
			continue
		}
		said := lets.Settings().ExcludeOutboundPorts
		said = said.Without(plan.Settings.ExcludeOutboundPorts).Without(p.Mesh.Own(said))
		return key, strings.Join(said.Entries(), ", ")
	}
	return "", ""
}

func excludesOutbound(s traffic.Settings) bool {
	return !s.ExcludeOutboundPorts.IsEmpty() || !s.ExcludeOutboundIPRanges.IsEmpty() || !s.ExcludeOutbound.IsEmpty()
}
