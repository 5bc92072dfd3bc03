package traffic

import (
	"iter"
	"maps"
	"net/netip"
	"slices"
	"sort"
	"strings"
)

// Box is a product: all addresses of a prefix, on all ports of a range, over
// one protocol.
type Box struct {
	Prefix   netip.Prefix
	Protocol Protocol
	Ports    PortRange
}

// String gives the entry that stands for the box alone, such as
// "10.1.0.0/16@5432/TCP".
func (b Box) String() string {
	return b.Prefix.String() + "@" + b.Ports.String() + "/" + b.Protocol.String()
}

// Pairs is an immutable set of (protocol, address, port). The zero value is the
// empty set.
type Pairs struct {
	// Pairwise disjoint, with as few and as short prefixes as each port
	// allows, sorted: two equal sets have equal slices. The kernel refuses
	// concatenated intervals that overlap even in part.
	boxes []Box
}

// NewPairs gives every address of the prefixes on every one of the ports.
func NewPairs(prefixes Prefixes, ports Ports) Pairs {
	var boxes []Box
	for _, p := range prefixes.list {
		boxes = appendBoxes(boxes, p, ports)
	}
	return disjoint(boxes)
}

func appendBoxes(boxes []Box, prefix netip.Prefix, ports Ports) []Box {
	for _, protocol := range Protocols {
		for _, r := range ports.Ranges(protocol) {
			boxes = append(boxes, Box{prefix, protocol, r})
		}
	}
	return boxes
}

// ParsePairs reads one entry of the form PREFIX@PORTS, such as
// "10.1.0.0/16@5432" or "fd00::/8@53-54/UDP". Every error is an *EntryError.
func ParsePairs(entry string) (Pairs, error) {
	address, port, found := strings.Cut(entry, "@")
	if !found {
		return Pairs{}, wrong(entry, "not a pair of an IP range and a port", `write it as "10.1.0.0/16@5432"`)
	}
	prefix, err := ParsePrefix(address)
	if err != nil {
		return Pairs{}, within(entry, err)
	}
	ports, err := ParsePorts(port)
	if err != nil {
		return Pairs{}, within(entry, err)
	}
	return NewPairs(NewPrefixes(prefix), ports), nil
}

// disjoint cuts boxes that may overlap into the canonical form.
func disjoint(boxes []Box) Pairs {
	byPrefix := map[netip.Prefix][]Box{}
	for _, b := range boxes {
		byPrefix[b.Prefix] = append(byPrefix[b.Prefix], b)
	}
	prefixes := slices.SortedFunc(maps.Keys(byPrefix), comparePrefixes)
	v6 := sort.Search(len(prefixes), func(i int) bool { return prefixes[i].Addr().Is6() })
	var out []Box
	for _, family := range [][]netip.Prefix{prefixes[:v6], prefixes[v6:]} {
		if len(family) > 0 {
			out = planted(family, byPrefix).visible(out, nil)
		}
	}
	return Pairs{boxes: out}
}

// tree is a prefix and what lies below it. Prefixes that say nothing and divide
// nothing are left out, so that a tree has fewer than twice as many nodes as
// there are prefixes.
type tree struct {
	prefix netip.Prefix
	// full are the ports on which every address of the prefix is in the set.
	full  Ports
	below []*tree
}

// planted gives the tree of prefixes that are sorted, distinct and of one
// family.
func planted(prefixes []netip.Prefix, boxes map[netip.Prefix][]Box) *tree {
	first, last := prefixes[0], prefixes[len(prefixes)-1]
	// What the outermost two have in common, all between them have too.
	t := &tree{prefix: common(first, last)}
	if first == t.prefix {
		t.full = portsOf(boxes[first])
		prefixes = prefixes[1:]
	}
	right := sort.Search(len(prefixes), func(i int) bool { return bit(prefixes[i].Addr(), t.prefix.Bits()) })
	for _, half := range [][]netip.Prefix{prefixes[:right], prefixes[right:]} {
		if len(half) > 0 {
			t.below = append(t.below, planted(half, boxes))
		}
	}
	if half := t.prefix.Bits() + 1; len(t.below) == 2 && t.below[0].prefix.Bits() == half && t.below[1].prefix.Bits() == half {
		t.full = t.full.Union(t.below[0].full.Intersect(t.below[1].full))
	}
	return t
}

// visible appends the canonical form: each prefix on those ports on which it is
// in the set as a whole, and none of the prefixes around it is. Hence boxes
// never overlap, and on each single port the prefixes are the canonical
// Prefixes of that port.
func (t *tree) visible(out []Box, around []Ports) []Box {
	own := t.full
	for _, outer := range around {
		own = own.Without(outer)
	}
	out = appendBoxes(out, t.prefix, own)
	if !own.IsEmpty() {
		around = append(around, own)
	}
	for _, half := range t.below {
		out = half.visible(out, around)
	}
	return out
}

// portsOf gives the ports of boxes, whatever their prefixes.
func portsOf(boxes []Box) Ports {
	ranges := map[Protocol][]PortRange{}
	for _, b := range boxes {
		ranges[b.Protocol] = append(ranges[b.Protocol], b.Ports)
	}
	return Ports{tcp: joined(ranges[TCP]), udp: joined(ranges[UDP])}
}

// Boxes gives the set as pairwise disjoint boxes, sorted by prefix, protocol
// and port. The caller must not change the slice.
func (p Pairs) Boxes() []Box { return p.boxes }

// Contains reports whether the destination is in the set.
func (p Pairs) Contains(protocol Protocol, address netip.Addr, port uint16) bool {
	address = address.Unmap().WithZone("")
	return slices.ContainsFunc(p.boxes, func(b Box) bool {
		return b.Protocol == protocol && b.Ports.First <= port && port <= b.Ports.Last && b.Prefix.Contains(address)
	})
}

// IsEmpty reports whether the set has no pair.
func (p Pairs) IsEmpty() bool { return len(p.boxes) == 0 }

// Equal reports whether both sets have the same pairs.
func (p Pairs) Equal(q Pairs) bool { return slices.Equal(p.boxes, q.boxes) }

// Union gives the pairs that are in either set.
func (p Pairs) Union(q Pairs) Pairs {
	if q.IsEmpty() {
		return p
	}
	return UnitePairs(p, q)
}

// UnitePairs gives the pairs that are in any of the sets.
func UnitePairs(sets ...Pairs) Pairs {
	var boxes []Box
	for _, p := range sets {
		boxes = append(boxes, p.boxes...)
	}
	return disjoint(boxes)
}

// WithoutPorts gives the pairs whose port is not among the given ones.
func (p Pairs) WithoutPorts(ports Ports) Pairs {
	var kept []Box
	for _, b := range p.boxes {
		for _, r := range subtracted([]PortRange{b.Ports}, ports.Ranges(b.Protocol)) {
			kept = append(kept, Box{b.Prefix, b.Protocol, r})
		}
	}
	// Still canonical: on each port there are the same prefixes or none.
	return Pairs{boxes: kept}
}

// OnPorts gives the pairs whose port is among the given ones.
func (p Pairs) OnPorts(ports Ports) Pairs { return p.WithoutPorts(EveryPort.Without(ports)) }

// Portion is a product of ports and addresses.
type Portion struct {
	Ports    Ports
	Prefixes Prefixes
}

// Portions visits the set as products whose ports are disjoint: each port is in
// one of them, with all of its addresses, or in none.
func (p Pairs) Portions() iter.Seq[Portion] {
	return func(yield func(Portion) bool) {
		for _, protocol := range Protocols {
			if !p.portionsOf(protocol, yield) {
				return
			}
		}
	}
}

// portionsOf goes through the ports in order and keeps only the boxes that are
// open, since all portions together may hold as many prefixes as the square of
// the boxes.
func (p Pairs) portionsOf(protocol Protocol, yield func(Portion) bool) bool {
	opens, closes := map[int][]int{}, map[int][]int{}
	var cuts []int // where another set of addresses may begin
	for i, b := range p.boxes {
		if b.Protocol == protocol {
			first, behind := int(b.Ports.First), int(b.Ports.Last)+1
			opens[first], closes[behind] = append(opens[first], i), append(closes[behind], i)
			cuts = append(cuts, first, behind)
		}
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	var open []int // in the order of the boxes, which is that of their prefixes
	for k, cut := range cuts {
		for _, i := range closes[cut] {
			at, _ := slices.BinarySearch(open, i)
			open = slices.Delete(open, at, at+1)
		}
		for _, i := range opens[cut] {
			at, _ := slices.BinarySearch(open, i)
			open = slices.Insert(open, at, i)
		}
		if len(open) == 0 {
			continue
		}
		prefixes := make([]netip.Prefix, len(open))
		for n, i := range open {
			prefixes[n] = p.boxes[i].Prefix
		}
		ports := NewPorts(protocol, PortRange{uint16(cut), uint16(cuts[k+1] - 1)})
		if !yield(Portion{ports, NewPrefixes(prefixes...)}) {
			return false
		}
	}
	return true
}

// Where gives the pairs in those boxes that are kept.
func (p Pairs) Where(keep func(Box) bool) Pairs {
	return Pairs{boxes: slices.DeleteFunc(slices.Clone(p.boxes), func(b Box) bool { return !keep(b) })}
}

// ByPrefix visits the set prefix by prefix, each with its ports.
func (p Pairs) ByPrefix() iter.Seq2[netip.Prefix, Ports] {
	return func(yield func(netip.Prefix, Ports) bool) {
		for rest := p.boxes; len(rest) > 0; {
			prefix, n := rest[0].Prefix, 1
			for n < len(rest) && rest[n].Prefix == prefix {
				n++
			}
			if !yield(prefix, portsOf(rest[:n])) {
				return
			}
			rest = rest[n:]
		}
	}
}

// Entries gives the set in canonical form, without a protocol where both are
// meant. ParsePairs reads each of them.
func (p Pairs) Entries() []string {
	var texts []string
	for prefix, ports := range p.ByPrefix() {
		for _, entry := range ports.Entries() {
			texts = append(texts, prefix.String()+"@"+entry)
		}
	}
	return texts
}
