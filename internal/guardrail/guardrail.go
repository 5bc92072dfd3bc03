package guardrail

import (
	"net/netip"
	"slices"

	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// Limits say what must not bypass the sidecar. The zero value forbids nothing.
type Limits struct {
	// InboundPorts and OutboundPorts are ports that must not be bypassed,
	// whatever the address.
	InboundPorts, OutboundPorts traffic.Ports
	// WidestIPv4 and WidestIPv6 are the shortest lengths of a prefix all of
	// which may bypass. A port that bypasses at every address is no such
	// prefix.
	WidestIPv4, WidestIPv6 int
}

// Nothing are the limits under which nothing may bypass.
var Nothing = Limits{InboundPorts: traffic.EveryPort, OutboundPorts: traffic.EveryPort}

// IsZero says whether nothing is forbidden.
func (l Limits) IsZero() bool {
	return l.InboundPorts.IsEmpty() && l.OutboundPorts.IsEmpty() && l.WidestIPv4 == 0 && l.WidestIPv6 == 0
}

// TooWide says whether a prefix is wider than may bypass.
func (l Limits) TooWide(p netip.Prefix) bool {
	if p.Addr().Is4() {
		return p.Bits() < l.WidestIPv4
	}
	return p.Bits() < l.WidestIPv6
}

// Kind says what a breach is of.
type Kind uint8

// The kinds of breaches.
const (
	// InboundPort and OutboundPort are forbidden ports that bypass.
	InboundPort Kind = iota
	OutboundPort
	// WidthIPv4 and WidthIPv6 are ranges of addresses that are too wide.
	WidthIPv4
	WidthIPv6
)

// Breach is something that bypasses the sidecar and must not.
type Breach struct {
	Kind Kind
	// By are the fields by which it bypasses; several where they do so
	// together.
	By []traffic.Field
	// Ports are those that bypass: the forbidden ones, or those on which the
	// range does.
	Ports traffic.Ports
	// Prefixes are where they bypass, each as wide as it is: disjoint on a
	// single port, not on several. For inbound there are none.
	Prefixes []netip.Prefix
}

// Breaches gives what in the settings breaks the limits and does not bypass by
// the mesh's own settings already, which are not the workload's to answer for.
func (l Limits) Breaches(s, own traffic.Settings) []Breach {
	var all breaches
	l.inbound(s, own, &all)
	if l.OutboundPorts.IsEmpty() && l.WidestIPv4 == 0 && l.WidestIPv6 == 0 {
		return all
	}
	others := outbound(own)
	for _, p := range outbound(s) {
		rest := p.ports
		for _, o := range others {
			l.judge(p, rest.Intersect(o.ports), o.addresses(), &all)
			rest = rest.Without(o.ports)
		}
		l.judge(p, rest, traffic.Prefixes{}, &all)
	}
	return all
}

func (l Limits) inbound(s, own traffic.Settings, all *breaches) {
	bypassed := s.Inbound().Without(own.Inbound()).Intersect(l.InboundPorts)
	excluded := bypassed.Intersect(s.ExcludeInboundPorts)
	all.add(Breach{Kind: InboundPort, By: []traffic.Field{traffic.ExcludeInboundPorts}, Ports: excluded})
	all.add(Breach{Kind: InboundPort, By: []traffic.Field{traffic.IncludeInboundPorts}, Ports: bypassed.Without(excluded)})
}

// part are ports at all of which the same addresses bypass.
type part struct {
	ports traffic.Ports
	// by are the addresses by the field that lets them bypass.
	by []contribution
}

type contribution struct {
	field     traffic.Field
	addresses traffic.Prefixes
}

func (p part) addresses() traffic.Prefixes {
	var sum traffic.Prefixes
	for _, c := range p.by {
		sum = c.addresses.Union(sum)
	}
	return sum
}

// outbound cuts what bypasses into parts whose ports are disjoint.
func outbound(s traffic.Settings) []part {
	ranges := slices.DeleteFunc([]contribution{
		{traffic.ExcludeOutboundIPRanges, s.ExcludeOutboundIPRanges},
		{traffic.IncludeOutboundIPRanges, outside(s.IncludeOutboundIPRanges)},
	}, func(c contribution) bool { return c.addresses.IsEmpty() })
	var parts []part
	add := func(ports traffic.Ports, by ...contribution) {
		if !ports.IsEmpty() && len(by) > 0 {
			parts = append(parts, part{ports, by})
		}
	}
	add(s.ExcludeOutboundPorts, contribution{traffic.ExcludeOutboundPorts, traffic.Everywhere})
	// What is left at each step is what the steps before did not decide.
	ranged := traffic.RangedPorts.Without(s.ExcludeOutboundPorts).Without(s.IncludeOutboundPorts)
	for _, p := range s.ExcludeOutbound.Portions() {
		ports := p.Ports.Without(s.ExcludeOutboundPorts)
		pair := contribution{traffic.ExcludeOutbound, p.Prefixes}
		add(ports.Without(ranged), pair)
		add(ports.Intersect(ranged), append([]contribution{pair}, ranges...)...)
		ranged = ranged.Without(ports)
	}
	add(ranged, ranges...)
	return parts
}

func outside(included traffic.Selection[traffic.Prefixes]) traffic.Prefixes {
	if included.All() {
		return traffic.Prefixes{}
	}
	return included.Set().Complement()
}

// judge looks at some ports of a part, at which the mesh's own settings let some
// addresses bypass already.
func (l Limits) judge(p part, ports traffic.Ports, own traffic.Prefixes, all *breaches) {
	if ports.IsEmpty() {
		return
	}
	beyond := slices.DeleteFunc(slices.Clone(p.addresses().List()), own.Holds)
	all.add(p.breach(OutboundPort, ports.Intersect(l.OutboundPorts), beyond))
	if p.by[0].field == traffic.ExcludeOutboundPorts {
		return
	}
	wide := slices.DeleteFunc(beyond, func(q netip.Prefix) bool { return !l.TooWide(q) })
	v6 := slices.IndexFunc(wide, func(q netip.Prefix) bool { return q.Addr().Is6() })
	if v6 < 0 {
		v6 = len(wide)
	}
	all.add(p.breach(WidthIPv4, ports, wide[:v6]))
	all.add(p.breach(WidthIPv6, ports, wide[v6:]))
}

func (p part) breach(kind Kind, ports traffic.Ports, prefixes []netip.Prefix) Breach {
	b := Breach{Kind: kind, Ports: ports, Prefixes: slices.Clone(prefixes)}
	for _, c := range p.by {
		if slices.ContainsFunc(prefixes, c.addresses.Overlaps) {
			b.By = append(b.By, c.field)
		}
	}
	return b
}

type breaches []Breach

// add takes a breach that is one. Of a kind and by the same fields there is one.
func (all *breaches) add(b Breach) {
	if b.Ports.IsEmpty() || len(b.By) == 0 {
		return
	}
	same := slices.IndexFunc(*all, func(o Breach) bool { return o.Kind == b.Kind && slices.Equal(o.By, b.By) })
	if same < 0 {
		*all = append(*all, b)
		return
	}
	known := &(*all)[same]
	known.Ports = known.Ports.Union(b.Ports)
	for _, p := range b.Prefixes {
		if !slices.Contains(known.Prefixes, p) {
			known.Prefixes = append(known.Prefixes, p)
		}
	}
}
