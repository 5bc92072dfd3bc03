package spec

import (
	"errors"
	"fmt"
	"strings"

	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// layer reads the traffic fields of one scope, and gives the names of ports apart. Only
// the mesh's own defaults may speak of the mesh's own ports.
func (c *compiler) layer(t v1alpha1.Traffic, at string, guarded bool) (traffic.Layer, []transform.PortName) {
	var l traffic.Layer
	var names []transform.PortName
	for _, f := range lists {
		entries := f.get(&t)
		if entries == nil {
			continue
		}
		path := at + "." + string(f.field)
		names = append(names, c.entriesOf(&l, f, entries, path, c.unnamed(f, at))...)
		switch {
		case !f.ports:
			c.ranges(entries, path)
		case guarded:
			c.ownPorts(entries, path)
		}
	}
	if t.ExcludeOutbound != nil {
		pairs := c.pairs(t.ExcludeOutbound, at+".excludeOutbound", guarded)
		l.ExcludeOutbound = &pairs
	}
	for _, contradiction := range l.Contradictions() {
		c.problem(at+"."+string(contradiction.Exclude), "", "excludes ports that %s includes (%s): remove them from one of the two",
			contradiction.Include, listed(contradiction.Ports.Entries()))
	}
	if guarded {
		c.limited(l, at, t)
	}
	return l, names
}

// meshDefaults reads what the mesh's own configuration says, which cannot be
// anything with which no pod would start.
func (c *compiler) meshDefaults(t v1alpha1.Traffic) traffic.Layer {
	const at = transform.DefaultsPath
	l, _ := c.layer(t, at, false)
	if c.mesh.Levels == mesh.PodAlone && !l.IsZero() {
		c.problem(at, "", "%s has no settings for the whole mesh, only for single pods: move this to spec.global", c.mesh.Name)
		return l
	}
	_, gaps := c.mesh.Express(l.Settings(), traffic.Layer{})
	for _, g := range gaps {
		if g.Fatal {
			c.problem(at+"."+string(g.Field), "", "the mesh cannot be configured with this: %s. Write here only what it is configured with, and move the rest to spec.global", g.Reason)
		}
	}
	return l
}

// pairs reads the pairs of IP ranges and ports of a scope.
func (c *compiler) pairs(list []v1alpha1.Destination, at string, guarded bool) traffic.Pairs {
	var pairs []traffic.Pairs
	for i, d := range list {
		item := fmt.Sprintf("%s[%d]", at, i)
		if len(d.IPRanges) == 0 {
			c.problem(item+".ipRanges", "", "an empty list matches nothing: name ranges, or move the ports to excludeOutboundPorts")
		}
		if len(d.Ports) == 0 {
			c.problem(item+".ports", "", "an empty list matches nothing: name ports, or move the ranges to excludeOutboundIPRanges")
		}
		// The sets' own parsing gives every bad entry with its place.
		var l traffic.Layer
		c.entries(item+".ipRanges", l.Set(traffic.ExcludeOutboundIPRanges, texts(d.IPRanges)), "")
		c.entries(item+".ports", l.Set(traffic.ExcludeOutboundPorts, texts(d.Ports)), namesOfOthers)
		if guarded {
			c.ownPorts(texts(d.Ports), item+".ports")
		}
		c.ranges(texts(d.IPRanges), item+".ipRanges")
		if l.ExcludeOutboundIPRanges != nil && l.ExcludeOutboundPorts != nil {
			pairs = append(pairs, traffic.NewPairs(*l.ExcludeOutboundIPRanges, *l.ExcludeOutboundPorts))
		}
	}
	return traffic.UnitePairs(pairs...)
}

// entries reports the entries of a list that cannot be read. unnamed says why none of them
// may be the name of a port; noPorts says that nobody takes one for that.
func (c *compiler) entries(at string, err error, unnamed string) {
	for _, one := range traffic.Separate(err) {
		bad, is := errors.AsType[*traffic.EntryError](one)
		if !is {
			continue
		}
		says := bad.Error()
		if unnamed != "" && unnamed != noPorts && isPortName(bad.Value) {
			says = fmt.Sprintf("%q is the name of a port, and %s", bad.Value, unnamed)
		}
		c.problem(fmt.Sprintf("%s[%d]", at, bad.Index), bad.Value, "%s", says)
	}
}

// ownPorts refuses the mesh's own ports: without them the sidecar cannot be
// reached, or its own traffic would be caught.
func (c *compiler) ownPorts(entries []string, at string) {
	for i, entry := range entries {
		ports, err := traffic.ParsePorts(entry)
		if err != nil {
			continue // reported where it was parsed
		}
		for _, own := range c.mesh.Owned(ports) {
			c.problem(fmt.Sprintf("%s[%d]", at, i), entry, "%q holds ports of %s (%s): remove them; the mesh handles them itself", entry, own.Purpose, own.Ports)
		}
	}
}

// ranges refuses ranges within loopback, which no sidecar is passed on, and those of
// which nobody knows whether the address or the length was meant.
func (c *compiler) ranges(entries []string, at string) {
	for i, entry := range entries {
		p, err := traffic.ParsePrefix(entry)
		switch {
		case err != nil: // reported where it was parsed
		case mesh.Loopback(p):
			c.problem(fmt.Sprintf("%s[%d]", at, i), entry, "%q is loopback, which is left to the mesh: remove it", entry)
		case strings.Contains(entry, "/"):
			if within := traffic.Around(entry); within != p {
				c.problem(fmt.Sprintf("%s[%d]", at, i), entry, "%q has bits behind its mask: write %s or %s, whichever you mean", entry, within, p)
			}
		}
	}
}
