package traffic

import (
	"cmp"
	"net/netip"
	"slices"
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
	for _, protocol := range Protocols {
		for _, r := range ports.Ranges(protocol) {
			for _, p := range prefixes.list {
				boxes = append(boxes, Box{p, protocol, r})
			}
		}
	}
	return disjoint(boxes)
}

// ParsePairs reads one entry of the form PREFIX@PORTS, such as
// "10.1.0.0/16@5432" or "fd00::/8@53-54/UDP". Every error is an *EntryError.
func ParsePairs(entry string) (Pairs, error) {
	address, port, found := strings.Cut(entry, "@")
	if !found {
		return Pairs{}, &EntryError{
			Value:   entry,
			Problem: "not a pair of an IP range and a port",
			Remedy:  `write it as "10.1.0.0/16@5432"`,
		}
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

// disjoint cuts boxes that may overlap into the canonical form. Ports are cut
// at every end of a range, each slice of ports gets its own canonical prefixes,
// and slices of equal prefixes are joined again.
func disjoint(boxes []Box) Pairs {
	var out []Box
	for _, protocol := range Protocols {
		var mine []Box
		var cuts []int
		for _, b := range boxes {
			if b.Protocol == protocol {
				mine = append(mine, b)
				cuts = append(cuts, int(b.Ports.First), int(b.Ports.Last)+1)
			}
		}
		slices.Sort(cuts)
		cuts = slices.Compact(cuts)
		slices.SortFunc(mine, func(a, b Box) int { return cmp.Compare(a.Ports.First, b.Ports.First) })

		ranges := map[netip.Prefix][]PortRange{}
		var open []Box
		for i := 0; i+1 < len(cuts); i++ {
			first, last := cuts[i], cuts[i+1]-1
			open = slices.DeleteFunc(open, func(b Box) bool { return int(b.Ports.Last) < first })
			for len(mine) > 0 && int(mine[0].Ports.First) == first {
				open = append(open, mine[0])
				mine = mine[1:]
			}
			here := make([]netip.Prefix, len(open))
			for j, b := range open {
				here[j] = b.Prefix
			}
			for _, p := range NewPrefixes(here...).list {
				ranges[p] = append(ranges[p], PortRange{uint16(first), uint16(last)})
			}
		}
		for p, list := range ranges {
			for _, r := range joined(list) {
				out = append(out, Box{p, protocol, r})
			}
		}
	}
	slices.SortFunc(out, func(a, b Box) int {
		return cmp.Or(comparePrefixes(a.Prefix, b.Prefix), cmp.Compare(a.Protocol, b.Protocol), cmp.Compare(a.Ports.First, b.Ports.First))
	})
	return Pairs{boxes: out}
}

// Boxes gives the set as pairwise disjoint boxes, sorted by prefix, protocol
// and port. The caller must not change the slice.
func (p Pairs) Boxes() []Box { return p.boxes }

// Contains says whether the destination is in the set.
func (p Pairs) Contains(protocol Protocol, address netip.Addr, port uint16) bool {
	address = address.Unmap().WithZone("")
	return slices.ContainsFunc(p.boxes, func(b Box) bool {
		return b.Protocol == protocol && b.Ports.First <= port && port <= b.Ports.Last && b.Prefix.Contains(address)
	})
}

// IsEmpty says whether the set has no pair.
func (p Pairs) IsEmpty() bool { return len(p.boxes) == 0 }

// Equal says whether both sets have the same pairs.
func (p Pairs) Equal(q Pairs) bool { return slices.Equal(p.boxes, q.boxes) }

// Union gives the pairs that are in either set.
func (p Pairs) Union(q Pairs) Pairs {
	if q.IsEmpty() {
		return p
	}
	return disjoint(slices.Concat(p.boxes, q.boxes))
}

// WithoutPorts gives the pairs whose port is not among the given ones.
func (p Pairs) WithoutPorts(ports Ports) Pairs {
	var kept []Box
	for _, b := range p.boxes {
		for _, r := range subtracted([]PortRange{b.Ports}, ports.Ranges(b.Protocol)) {
			kept = append(kept, Box{b.Prefix, b.Protocol, r})
		}
	}
	return disjoint(kept)
}

// Entries gives the set in canonical form, bare where both protocols are meant.
// ParsePairs reads each of them.
func (p Pairs) Entries() []string {
	var texts []string
	for i := 0; i < len(p.boxes); {
		prefix := p.boxes[i].Prefix
		var ports Ports
		for ; i < len(p.boxes) && p.boxes[i].Prefix == prefix; i++ {
			ports = ports.Union(NewPorts(p.boxes[i].Protocol, p.boxes[i].Ports))
		}
		for _, entry := range ports.Entries() {
			texts = append(texts, prefix.String()+"@"+entry)
		}
	}
	return texts
}
