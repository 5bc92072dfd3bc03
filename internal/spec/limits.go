package spec

import (
	"fmt"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/internal/guardrail"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

const limitsPath = "spec.limits"

// limits reads what no workload may bypass.
func (c *compiler) limits(l v1alpha1.Limits) transform.Limits {
	var forbidden traffic.Layer
	for _, list := range []struct {
		name  string
		field traffic.Field
		ports v1alpha1.PortList
	}{
		{"forbiddenInboundPorts", traffic.ExcludeInboundPorts, l.ForbiddenInboundPorts},
		{"forbiddenOutboundPorts", traffic.ExcludeOutboundPorts, l.ForbiddenOutboundPorts},
	} {
		if list.ports != nil {
			c.entries(limitsPath+"."+list.name, forbidden.Set(list.field, texts(list.ports)), namesInLimits)
		}
	}
	c.globs(l.ForbiddenNamespaces, limitsPath+".forbiddenNamespaces", namespaceGlob)
	s := forbidden.Settings()
	limits := transform.Limits{
		Limits:              guardrail.Limits{InboundPorts: s.ExcludeInboundPorts, OutboundPorts: s.ExcludeOutboundPorts},
		ForbiddenNamespaces: l.ForbiddenNamespaces,
	}
	if widest := l.WidestPrefix; widest != nil {
		if widest.IPv4 != nil {
			limits.WidestIPv4 = *widest.IPv4
		}
		if widest.IPv6 != nil {
			limits.WidestIPv6 = *widest.IPv6
		}
	}
	if l.MeshOptOut != nil {
		limits.OptOuts = append([]string{}, l.MeshOptOut.Namespaces...)
		c.globs(limits.OptOuts, limitsPath+".meshOptOut.namespaces", namespaceGlob)
	}
	if l.PodAnnotations != nil {
		limits.Annotators = append([]string{}, l.PodAnnotations.Namespaces...)
		c.globs(limits.Annotators, limitsPath+".podAnnotations.namespaces", namespaceGlob)
	}
	return limits
}

// excluding are the lists by which traffic bypasses whatever the others say.
var excluding = []traffic.Field{traffic.ExcludeInboundPorts, traffic.ExcludeOutboundPorts, traffic.ExcludeOutboundIPRanges}

// limited refuses what in one field of a scope breaks a limit whatever the other
// fields and scopes say. A range that holds a forbidden port does not, since the
// port may be included elsewhere; what the fields come to is for the plan.
func (c *compiler) limited(l traffic.Layer, at string, t v1alpha1.Traffic) {
	for _, f := range lists {
		if entries := f.get(&t); entries != nil && slices.Contains(excluding, f.field) {
			c.eachLimited(f.field, entries, at+"."+string(f.field), l.Of(f.field))
		}
	}
	pairs := at + "." + string(traffic.ExcludeOutbound)
	found := len(c.problems)
	for i, d := range t.ExcludeOutbound {
		item := fmt.Sprintf("%s[%d]", pairs, i)
		var ports, ranges traffic.Layer
		if ports.Set(traffic.ExcludeOutboundPorts, texts(d.Ports)) != nil || ranges.Set(traffic.ExcludeOutboundIPRanges, texts(d.IPRanges)) != nil {
			continue // reported where it was parsed
		}
		c.eachLimited(traffic.ExcludeOutboundPorts, texts(d.Ports), item+".ports", ports)
		c.eachLimited(traffic.ExcludeOutboundIPRanges, texts(d.IPRanges), item+".ipRanges", ranges)
	}
	if len(c.problems) == found {
		c.together(pairs, l.Of(traffic.ExcludeOutbound))
	}
}

// eachLimited refuses the entries of a list that break a limit, or the list
// where only all of them together do.
func (c *compiler) eachLimited(f traffic.Field, entries []string, at string, all traffic.Layer) {
	if len(c.certain(all)) == 0 {
		return
	}
	found := false
	for i, entry := range entries {
		var l traffic.Layer
		if l.Set(f, []string{entry}) != nil {
			continue // reported where it was parsed
		}
		for _, b := range c.certain(l) {
			found = true
			c.problem(fmt.Sprintf("%s[%d]", at, i), entry, "%s", refusal(entry, b))
		}
	}
	if !found {
		c.together(at, all)
	}
}

// together refuses a list whose entries break a limit only all together.
func (c *compiler) together(at string, all traffic.Layer) {
	for _, b := range c.certain(all) {
		c.problem(at, "", "its entries together make up %s, which must not bypass the sidecar (%s): list only the addresses that you mean", transform.Subject(b), transform.LimitPath(b.Kind))
	}
}

// certain gives the breaches of a layer that nothing beside it can mend.
func (c *compiler) certain(l traffic.Layer) []guardrail.Breach {
	return slices.DeleteFunc(c.bounds.Breaches(l.Settings(), c.own), func(b guardrail.Breach) bool {
		return b.Kind == guardrail.OutboundPort && slices.Contains(b.By, traffic.ExcludeOutboundIPRanges)
	})
}

func refusal(entry string, b guardrail.Breach) string {
	if b.Kind == guardrail.WidthIPv4 || b.Kind == guardrail.WidthIPv6 {
		return fmt.Sprintf("%q is wider than what may bypass the sidecar (%s): list only the addresses that you mean", entry, transform.LimitPath(b.Kind))
	}
	return fmt.Sprintf("%q holds ports that must not bypass the sidecar (%s, by %s): remove them", entry, strings.Join(b.Ports.Entries(), ", "), transform.LimitPath(b.Kind))
}

// forbiddenNamespaces refuses a rule that bypasses and names a namespace in which
// nothing may. What a wildcard means is for the plan.
func (c *compiler) forbiddenNamespaces(names []string, at string, l traffic.Layer) {
	if len(c.bounds.ForbiddenNamespaces) == 0 || len(guardrail.Nothing.Breaches(l.Settings(), c.own)) == 0 {
		return
	}
	for i, name := range names {
		if glob := c.bounds.ForbidsNamespace(name); glob != "" && namespaceName.Matches(name) {
			c.problem(fmt.Sprintf("%s[%d]", at, i), name, "nothing may bypass the sidecar in namespace %s (%q in %s.forbiddenNamespaces), but this rule lets something bypass: remove the namespace from it", name, glob, limitsPath)
		}
	}
}
