package guardrail

import (
	"iter"
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

// IsZero reports whether nothing is forbidden.
func (l Limits) IsZero() bool {
	return l.InboundPorts.IsEmpty() && l.OutboundPorts.IsEmpty() && l.WidestIPv4 == 0 && l.WidestIPv6 == 0
}

// TooWide reports whether a prefix is wider than may bypass.
func (l Limits) TooWide(p netip.Prefix) bool { return p.Bits() < l.widest(p) }

func (l Limits) widest(p netip.Prefix) int {
	if p.Addr().Is4() {
		return l.WidestIPv4
	}
	return l.WidestIPv6
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
		return all.list
	}
	others := slices.Collect(outbound(own, own.ExcludeOutbound))
	for p := range outbound(s, l.concerned(s)) {
		rest := p.ports
		for _, o := range others {
			l.judge(p, rest.Intersect(o.ports), o.addresses(), &all)
			rest = rest.Without(o.ports)
		}
		l.judge(p, rest, traffic.Prefixes{}, &all)
	}
	return all.list
}

// concerned gives those of the pairs that can break a limit: those on forbidden
// ports, those that are too wide, and those beside ranges with which they may come
// to something too wide. The others cost nothing more then.
func (l Limits) concerned(s traffic.Settings) traffic.Pairs {
	pairs, ranges := s.ExcludeOutbound, rangesOf(s)
	if pairs.IsEmpty() {
		return pairs
	}
	wide := pairs.WithoutPorts(l.OutboundPorts).Where(func(b traffic.Box) bool {
		widest := l.widest(b.Prefix)
		around := netip.PrefixFrom(b.Prefix.Addr(), min(b.Prefix.Bits(), widest-1)).Masked()
		return widest > 0 && (l.TooWide(b.Prefix) || slices.ContainsFunc(ranges, func(c contribution) bool { return c.addresses.Overlaps(around) }))
	})
	return pairs.OnPorts(l.OutboundPorts).Union(wide)
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

// rangesOf gives what bypasses on every port on which ranges decide.
func rangesOf(s traffic.Settings) []contribution {
	return slices.DeleteFunc([]contribution{
		{traffic.ExcludeOutboundIPRanges, s.ExcludeOutboundIPRanges},
		{traffic.IncludeOutboundIPRanges, outside(s.IncludeOutboundIPRanges)},
	}, func(c contribution) bool { return c.addresses.IsEmpty() })
}

// outbound cuts what bypasses into parts whose ports are disjoint. pairs are those
// of the settings that count.
func outbound(s traffic.Settings, pairs traffic.Pairs) iter.Seq[part] {
	return func(yield func(part) bool) {
		more := true
		add := func(ports traffic.Ports, by ...contribution) {
			if more && !ports.IsEmpty() && len(by) > 0 {
				more = yield(part{ports, by})
			}
		}
		ranges := rangesOf(s)
		add(s.ExcludeOutboundPorts, contribution{traffic.ExcludeOutboundPorts, traffic.Everywhere})
		// What is left at each step is what the steps before did not decide.
		ranged := traffic.RangedPorts.Without(s.ExcludeOutboundPorts).Without(s.IncludeOutboundPorts)
		for p := range pairs.Portions() {
			ports := p.Ports.Without(s.ExcludeOutboundPorts)
			pair := contribution{traffic.ExcludeOutbound, p.Prefixes}
			add(ports.Without(ranged), pair)
			add(ports.Intersect(ranged), append([]contribution{pair}, ranges...)...)
			ranged = ranged.Without(ports)
		}
		add(ranged, ranges...)
	}
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
	b := Breach{Kind: kind, Ports: ports, Prefixes: prefixes}
	for _, c := range p.by {
		if slices.ContainsFunc(prefixes, c.addresses.Overlaps) {
			b.By = append(b.By, c.field)
		}
	}
	return b
}

// breaches is a list with the prefixes that each has already.
type breaches struct {
	list []Breach
	has  []map[netip.Prefix]bool
}

// add takes a breach that is one. Of a kind and by the same fields there is one.
func (all *breaches) add(b Breach) {
	if b.Ports.IsEmpty() || len(b.By) == 0 {
		return
	}
	same := slices.IndexFunc(all.list, func(o Breach) bool { return o.Kind == b.Kind && slices.Equal(o.By, b.By) })
	if same < 0 {
		same = len(all.list)
		all.list = append(all.list, Breach{Kind: b.Kind, By: b.By})
		all.has = append(all.has, map[netip.Prefix]bool{})
	}
	known, has := &all.list[same], all.has[same]
	known.Ports = known.Ports.Union(b.Ports)
	for _, p := range b.Prefixes {
		if !has[p] {
			has[p] = true
			known.Prefixes = append(known.Prefixes, p)
		}
	}
}
