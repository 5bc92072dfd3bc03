package transform

import (
	"slices"

	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// What can enforce an entry: the mesh's annotation on the template, the init
// container, or the mesh's own configuration.
const (
	ByAnnotation    = "annotation"
	ByInitContainer = "init container"
	ByMesh          = "mesh configuration"
)

// CarriedBy says what enforces the part of a claim that is left in a field.
func (p *Plan) CarriedBy(claim Claim, f traffic.Field, left traffic.Layer) []string {
	switch {
	case claim.Scope == ContainerScope:
		return []string{ByInitContainer}
	case claim.Scope == NamespaceScope:
		return []string{ByAnnotation}
	case !p.Decided && claim.Scope != "":
		return []string{ByMesh}
	case !p.Decided:
		return []string{ByAnnotation}
	}
	var by []string
	if key, annotated := p.on.Key(f); annotated && touches(p.Sayable.Of(f), left, f) {
		if _, written := p.Annotations[key.Annotation]; written {
			by = append(by, ByAnnotation)
		} else if !p.Container || !slices.ContainsFunc(p.Fold, func(c Claim) bool { return c.Scope == NamespaceScope && c.Said.Says(f) }) {
			by = append(by, ByMesh)
		}
	}
	if p.Container || p.inOthers {
		by = append(by, ByInitContainer)
	}
	switch {
	case len(by) > 0:
		return by
	case len(p.Annotations) > 0:
		return []string{ByAnnotation} // of another field: to include less is to exclude
	}
	return []string{ByMesh}
}

// placeless reports whether what no annotation says holds nowhere in the pods, since
// they take no init container from the template.
func (p *Plan) placeless(f traffic.Field) bool {
	w := p.Workload
	return p.Decided && !p.Container && !p.inOthers && (w.stand.initContainers == nil || p.Mode == AnnotationsOnly && w.kind.AnnotationsOnly) &&
		slices.ContainsFunc(p.Gaps, func(g mesh.Gap) bool { return g.Field == f })
}

// Holding gives what holds of a part of what a claim says in a field, and what has no
// place in the pods.
func (p *Plan) Holding(claim Claim, f traffic.Field, part traffic.Layer) (holds, placeless traffic.Layer) {
	switch {
	case claim.isInitial() && p.placeless(InitialField):
		return traffic.Layer{}, part
	case claim.isInitial(), !part.Says(f) || !p.placeless(f):
		return part, traffic.Layer{}
	case !p.Sayable.Says(f):
		return part.Without(f), part.Of(f)
	case f == traffic.IncludeOutboundIPRanges:
		return part, traffic.Layer{}
	}
	holds = part.Without(f)
	entries, _ := part.Entries(f)
	for _, entry := range entries {
		var one traffic.Layer
		_ = one.Set(f, []string{entry}) // in canonical form, which reads back
		if ports := one.Settings().Ports(f); !ports.All() && !ports.Set().IsEmpty() {
			said := p.Sayable.Settings().Ports(f).Set()
			holds, placeless = holds.Add(layerOfPorts(f, ports.Set().Intersect(said))), placeless.Add(layerOfPorts(f, ports.Set().Without(said)))
		} else if touches(p.Sayable, one, f) {
			holds = holds.Add(one)
		} else {
			placeless = placeless.Add(one)
		}
	}
	return holds, placeless
}

func layerOfPorts(f traffic.Field, ports traffic.Ports) (l traffic.Layer) {
	if !ports.IsEmpty() {
		_ = l.Set(f, ports.Entries()) // in canonical form, which reads back
	}
	return l
}

// Effective gives the entries of a field that are in force in a plan's pods.
func (p *Policy) Effective(plan *Plan, f traffic.Field) []string {
	if plan.placeless(f) {
		return plan.on.Effective(p.itself(plan.on).Said, plan.Sayable).Entries(f)
	}
	return plan.Settings.Entries(f)
}

// touches reports whether a part of an entry is in a layer that says the field.
func touches(sayable, left traffic.Layer, f traffic.Field) bool {
	if !sayable.Says(f) {
		return false
	}
	all, some := sayable.Settings(), left.Settings()
	switch f {
	case traffic.ExcludeInboundPorts:
		return !all.ExcludeInboundPorts.Intersect(some.ExcludeInboundPorts).IsEmpty()
	case traffic.ExcludeOutboundPorts:
		return !all.ExcludeOutboundPorts.Intersect(some.ExcludeOutboundPorts).IsEmpty()
	case traffic.IncludeOutboundPorts:
		return !all.IncludeOutboundPorts.Intersect(some.IncludeOutboundPorts).IsEmpty()
	case traffic.ExcludeOutboundIPRanges:
		return slices.ContainsFunc(some.ExcludeOutboundIPRanges.List(), all.ExcludeOutboundIPRanges.Overlaps)
	}
	return true
}

// Takes gives the field by which a claim takes something from a broader scope's
// field: the same one if it replaces that, otherwise the one that contradicts it.
func (c Claim) Takes(from traffic.Field) traffic.Field {
	if c.Merge == traffic.Override && c.Said.Says(from) {
		return from
	}
	return opposite(from)
}

// opposite gives the field that takes ports away from a field, "" for none.
func opposite(f traffic.Field) traffic.Field {
	switch f {
	case traffic.ExcludeInboundPorts:
		return traffic.IncludeInboundPorts
	case traffic.IncludeInboundPorts:
		return traffic.ExcludeInboundPorts
	case traffic.ExcludeOutboundPorts, traffic.ExcludeOutbound:
		return traffic.IncludeOutboundPorts
	case traffic.IncludeOutboundPorts:
		return traffic.ExcludeOutboundPorts
	}
	return ""
}
