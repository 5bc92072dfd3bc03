package transform

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/guardrail"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// refuse says of a breach what is forbidden, where it comes from and what to do.
func (p *Policy) refuse(w *Workload, was *prior, fold Fold, b guardrail.Breach, plan *Plan, forbidden, remedy string) {
	var origins []string
	var at edit.Path
	var value string
	for _, f := range b.By {
		for _, c := range slices.Backward(fold) { // the narrowest first: it had the last word
			if !contributes(c.Left, f, b) {
				continue
			}
			if c.Scope != "" {
				origins = append(origins, c.Scope+"."+string(f)+w.namedIn(c, f, b.Ports))
				continue
			}
			annotation := p.Mesh.Behind(f)
			at, value = was.at(w, annotation), was.annotations[annotation]
			origins = append(origins, "the annotation "+annotation)
		}
	}
	if at != nil && len(origins) == 1 && remedy == clearing(b, false) {
		remedy = "remove the annotation" // it is narrower than every rule
	}
	plan.find(Error, at, value, "%s by %s: %s", forbidden, strings.Join(origins, " and "), remedy)
}

// contributes reports whether what is left of a scope's field has a part in a
// breach.
func contributes(left traffic.Layer, f traffic.Field, b guardrail.Breach) bool {
	if !left.Says(f) {
		return false
	}
	s := left.Settings()
	switch f {
	case traffic.ExcludeInboundPorts:
		return !s.ExcludeInboundPorts.Intersect(b.Ports).IsEmpty()
	case traffic.ExcludeOutboundPorts:
		return !s.ExcludeOutboundPorts.Intersect(b.Ports).IsEmpty()
	case traffic.ExcludeOutboundIPRanges:
		return slices.ContainsFunc(b.Prefixes, s.ExcludeOutboundIPRanges.Overlaps)
	case traffic.ExcludeOutbound:
		return slices.ContainsFunc(s.ExcludeOutbound.OnPorts(b.Ports).Boxes(), func(box traffic.Box) bool {
			return slices.ContainsFunc(b.Prefixes, box.Prefix.Overlaps)
		})
	}
	return true // an include, by what it leaves out
}

// refuseMoved refuses what rules say of a port that an annotation of the template makes
// the mesh's own, as the spec itself may not say it of the others.
func (p *Policy) refuseMoved(w *Workload, was *prior, plan *Plan) {
	for _, moved := range plan.on.Moves(was.annotations) {
		for _, c := range plan.claims() {
			if by := c.naming(moved); by != "" {
				plan.find(Error, was.at(w, moved.Annotation), was.annotations[moved.Annotation],
					"this makes %s a port of %s, but %s.%s holds it, which the mesh handles itself: write another port here, or take it out there", moved.Ports, moved.Purpose, c.Scope, by)
			}
		}
	}
}

// naming gives the field by which a rule names a port that the mesh has for itself, ""
// for none.
func (c Claim) naming(moved mesh.Moved) traffic.Field {
	if c.Scope == "" || c.Scope == DefaultsPath {
		return ""
	}
	for _, f := range traffic.Fields {
		if c.Left.Says(f) && moved.Holds(c.Left.Settings().Ports(f).Set()) {
			return f
		}
	}
	return ""
}

// LimitPath gives the field path of the limit that a breach is of.
func LimitPath(k guardrail.Kind) string {
	switch k {
	case guardrail.InboundPort:
		return "spec.limits.forbiddenInboundPorts"
	case guardrail.OutboundPort:
		return "spec.limits.forbiddenOutboundPorts"
	case guardrail.WidthIPv4:
		return "spec.limits.widestPrefix.ipv4"
	case guardrail.WidthIPv6:
		return "spec.limits.widestPrefix.ipv6"
	}
	return ""
}

// Subject names in a message what bypasses and must not.
func Subject(b guardrail.Breach) string {
	ports := "port " + b.Ports.String()
	if strings.ContainsAny(ports, ",-") {
		ports = "ports" + strings.TrimPrefix(ports, "port")
	}
	switch {
	case b.Kind == guardrail.InboundPort:
		return "inbound " + ports
	case b.Kind != guardrail.OutboundPort:
		return fewPrefixes(b.Prefixes)
	case slices.Contains(b.By, traffic.ExcludeOutboundPorts):
		return "outbound " + ports
	}
	return "outbound " + ports + " at " + fewPrefixes(b.Prefixes)
}

func fewPrefixes(prefixes []netip.Prefix) string {
	const few = 3
	texts := make([]string, 0, few)
	for _, p := range prefixes[:min(few, len(prefixes))] {
		texts = append(texts, p.String())
	}
	list := strings.Join(texts, ", ")
	if more := len(prefixes) - few; more > 0 {
		list += fmt.Sprintf(" and %d more", more)
	}
	return list
}

// removeIt is what to do about what stands where the message says.
const removeIt = "remove it there"

// remedyFor says what mends a breach.
func remedyFor(b guardrail.Breach) string {
	ranged := slices.Contains(b.By, traffic.ExcludeOutboundIPRanges) || slices.Contains(b.By, traffic.IncludeOutboundIPRanges)
	switch {
	case b.Kind == guardrail.WidthIPv4 || b.Kind == guardrail.WidthIPv6:
		if slices.Contains(b.By, traffic.IncludeOutboundIPRanges) {
			return "everything that is not included bypasses, so include more, or exclude what should bypass instead"
		}
		return "name only the addresses that you mean"
	case slices.Contains(b.By, traffic.IncludeInboundPorts):
		return "everything that is not included bypasses, so include it too"
	case ranged:
		return "list it in includeOutboundPorts of a rule, so that the mesh intercepts it at these addresses too, or let fewer addresses bypass"
	}
	return removeIt
}

// clearing says how a field by which something bypasses is cleared where a
// broader scope says it.
func clearing(b guardrail.Breach, initial bool) string {
	fields := make([]string, len(b.By))
	for i, f := range b.By {
		fields[i] = string(f) + ": []"
		if f == traffic.IncludeInboundPorts || f == traffic.IncludeOutboundIPRanges {
			fields[i] = string(f) + `: "*"`
		}
	}
	says := strings.Join(fields, ", ")
	if initial {
		says = fmt.Sprintf("%s: {%s}", InitialField, says)
	}
	return removeIt + ", or clear it for the namespace with a rule in spec.namespaces with merge: Override and " + says
}
