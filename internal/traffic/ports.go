package traffic

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
)

// Protocol is a transport protocol by its IANA number, which is also what the
// kernel's rules match on.
type Protocol uint8

// The transport protocols that a port can belong to here.
const (
	TCP Protocol = 6
	UDP Protocol = 17
)

// Protocols lists every Protocol in canonical order.
var Protocols = []Protocol{TCP, UDP}

// String gives the name that Kubernetes uses in a container port.
func (p Protocol) String() string {
	switch p {
	case TCP:
		return "TCP"
	case UDP:
		return "UDP"
	}
	return strconv.Itoa(int(p))
}

// PortRange is a range of ports, both ends inclusive.
type PortRange struct{ First, Last uint16 }

// String gives "8000" or "8000-8010".
func (r PortRange) String() string {
	if r.First == r.Last {
		return strconv.Itoa(int(r.First))
	}
	return fmt.Sprintf("%d-%d", r.First, r.Last)
}

// Ports is an immutable set of (protocol, port). The zero value is empty.
type Ports struct {
	// Sorted, disjoint and not adjacent: two equal sets have equal slices.
	tcp, udp []PortRange
}

// NewPorts gives the ports of the ranges, which may overlap and come in any
// order.
func NewPorts(protocol Protocol, ranges ...PortRange) Ports {
	if protocol == UDP {
		return Ports{udp: joined(ranges)}
	}
	return Ports{tcp: joined(ranges)}
}

// SinglePorts gives a set of ports, each by itself.
func SinglePorts(protocol Protocol, ports ...uint16) Ports {
	ranges := make([]PortRange, len(ports))
	for i, port := range ports {
		ranges[i] = PortRange{port, port}
	}
	return NewPorts(protocol, ranges...)
}

// EveryPort is every port of every protocol.
var EveryPort = Ports{tcp: []PortRange{{1, 65535}}, udp: []PortRange{{1, 65535}}}

// DNSPort is the port of DNS. A mesh captures it whatever the address, so that a
// range that holds the DNS server does not switch off its DNS capture. Istio's
// rules do the same: the jump to ISTIO_OUTPUT_DNS comes before the excluded
// ranges (istio/istio tools/istio-iptables/pkg/capture/run.go).
const DNSPort = 53

// RangedPorts are the ports on which an IP range decides: all of TCP except DNS.
var RangedPorts = Ports{tcp: []PortRange{{1, DNSPort - 1}, {DNSPort + 1, 65535}}}

// ParsePorts reads one entry of a port list: "8080", "8000-8010", either of
// them narrowed by "/TCP" or "/UDP". Bare means both protocols, as Istio writes
// a TCP and a UDP rule for each excluded port (istio/istio
// tools/istio-iptables/pkg/capture/run.go). Every error is an *EntryError.
func ParsePorts(entry string) (Ports, error) {
	body, suffix, narrowed := strings.Cut(entry, "/")
	r, err := parsePortRange(entry, body, strings.TrimPrefix(entry, body))
	if err != nil {
		return Ports{}, err
	}
	ranges := []PortRange{r}
	switch {
	case !narrowed:
		return Ports{tcp: ranges, udp: ranges}, nil
	case suffix == "TCP":
		return Ports{tcp: ranges}, nil
	case suffix == "UDP":
		return Ports{udp: ranges}, nil
	}
	return Ports{}, wrong(entry, fmt.Sprintf("of an unknown protocol %q", suffix),
		fmt.Sprintf("write %q, %q, or %q for both", body+"/TCP", body+"/UDP", body))
}

// parsePortRange reads body, which is entry up to the suffix that names a
// protocol.
func parsePortRange(entry, body, suffix string) (PortRange, error) {
	low, high, isRange := strings.Cut(body, "-")
	if !isRange {
		if l, h, colon := strings.Cut(body, ":"); colon {
			// Only a remedy that reads back is one.
			if _, err := parsePortRange(entry, l+"-"+h, suffix); err != nil {
				return PortRange{}, err
			}
			return PortRange{}, wrong(entry, "a port range written with a colon", fmt.Sprintf("write %q", l+"-"+h+suffix))
		}
		high = low
	}
	first, err := parsePort(entry, low)
	if err != nil {
		return PortRange{}, err
	}
	last, err := parsePort(entry, high)
	if err != nil {
		return PortRange{}, err
	}
	if first > last {
		return PortRange{}, wrong(entry, "a reversed range", fmt.Sprintf("write %q", PortRange{last, first}.String()+suffix))
	}
	return PortRange{first, last}, nil
}

func parsePort(entry, text string) (uint16, error) {
	remedy := "write a port from 1 to 65535, or a range such as \"8000-8010\""
	switch {
	case !AllDigits(text):
		if AllDigits(strings.TrimSpace(text)) {
			return 0, wrong(entry, "a port with whitespace", "remove the whitespace")
		}
		if strings.ContainsAny(entry, ", ;") {
			remedy = "write each port as an entry of its own"
		}
		return 0, wrong(entry, "not a port", remedy)
	case len(text) > 1 && text[0] == '0':
		// An octal reading is possible, and meshes differ on it.
		return 0, wrong(entry, "a port with a leading zero", "remove the zero")
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 {
		return 0, wrong(entry, "a port outside 1-65535", remedy)
	}
	return uint16(n), nil
}

// AllDigits tells a number, however great, from what is none.
func AllDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// Ranges gives the ports of one protocol: sorted, disjoint, not adjacent. Callers
// must not change the slice.
func (p Ports) Ranges(protocol Protocol) []PortRange {
	switch protocol {
	case TCP:
		return p.tcp
	case UDP:
		return p.udp
	}
	return nil
}

// Contains reports whether the port is in the set.
func (p Ports) Contains(protocol Protocol, port uint16) bool {
	_, found := slices.BinarySearchFunc(p.Ranges(protocol), port, func(r PortRange, port uint16) int {
		switch {
		case r.Last < port:
			return -1
		case r.First > port:
			return 1
		}
		return 0
	})
	return found
}

// IsEmpty reports whether the set has no port.
func (p Ports) IsEmpty() bool { return len(p.tcp) == 0 && len(p.udp) == 0 }

// Equal reports whether both sets have the same ports.
func (p Ports) Equal(q Ports) bool {
	return slices.Equal(p.tcp, q.tcp) && slices.Equal(p.udp, q.udp)
}

// Union gives the ports that are in either set.
func (p Ports) Union(q Ports) Ports { return UnionOf(p, q) }

// UnionOf gives the ports that are in any of the sets.
func UnionOf(sets ...Ports) Ports {
	var tcp, udp [][]PortRange
	for _, p := range sets {
		tcp, udp = append(tcp, p.tcp), append(udp, p.udp)
	}
	return Ports{tcp: union(tcp), udp: union(udp)}
}

// union is joined for lists in canonical form, of which often one alone holds something.
func union(lists [][]PortRange) []PortRange {
	lists = slices.DeleteFunc(lists, func(ranges []PortRange) bool { return len(ranges) == 0 })
	if len(lists) == 1 {
		return lists[0]
	}
	return joined(lists...)
}

// Without gives the ports of p that are not in q.
func (p Ports) Without(q Ports) Ports {
	return Ports{tcp: subtracted(p.tcp, q.tcp), udp: subtracted(p.udp, q.udp)}
}

// Intersect gives the ports that are in both sets.
func (p Ports) Intersect(q Ports) Ports {
	if len(q.tcp)+len(q.udp) < len(p.tcp)+len(p.udp) {
		p, q = q, p // it takes as long as the first is
	}
	return p.Without(p.Without(q))
}

// Of gives only the ports of one protocol.
func (p Ports) Of(protocol Protocol) Ports {
	if protocol == UDP {
		return Ports{udp: p.udp}
	}
	return Ports{tcp: p.tcp}
}

// Bare gives the TCP ports with the meaning of a bare port, which is both
// protocols.
func (p Ports) Bare() Ports { return Ports{tcp: p.tcp, udp: p.tcp} }

// Both gives the ports that are in the set for every protocol.
func (p Ports) Both() []PortRange { return subtracted(p.tcp, subtracted(p.tcp, p.udp)) }

// Numbers visits the ports of one protocol one by one, in order.
func (p Ports) Numbers(protocol Protocol) iter.Seq[uint16] {
	return func(yield func(uint16) bool) {
		for _, r := range p.Ranges(protocol) {
			for port := int(r.First); port <= int(r.Last); port++ {
				if !yield(uint16(port)) {
					return
				}
			}
		}
	}
}

// Count gives the number of ports of one protocol.
func (p Ports) Count(protocol Protocol) int {
	n := 0
	for _, r := range p.Ranges(protocol) {
		n += int(r.Last) - int(r.First) + 1
	}
	return n
}

// Entries gives the set in canonical form: sorted by port, bare where both
// protocols are meant. ParsePorts reads each of them.
func (p Ports) Entries() []string {
	type entry struct {
		PortRange
		suffix string
	}
	both := p.Both()
	var entries []entry
	for _, group := range []struct {
		ranges []PortRange
		suffix string
	}{{both, ""}, {subtracted(p.tcp, both), "/TCP"}, {subtracted(p.udp, both), "/UDP"}} {
		for _, r := range group.ranges {
			entries = append(entries, entry{r, group.suffix})
		}
	}
	slices.SortFunc(entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.First, b.First), cmp.Compare(a.suffix, b.suffix))
	})
	texts := make([]string, len(entries))
	for i, e := range entries {
		texts[i] = e.String() + e.suffix
	}
	return texts
}

// String lists the entries, for messages.
func (p Ports) String() string { return strings.Join(p.Entries(), ", ") }

// joined gives the union of all ranges in canonical form.
func joined(lists ...[]PortRange) []PortRange {
	all := slices.Concat(lists...)
	slices.SortFunc(all, func(a, b PortRange) int { return cmp.Compare(a.First, b.First) })
	var out []PortRange
	for _, r := range all {
		// Adjacent ranges are one: ints, since Last+1 may leave uint16.
		if n := len(out); n > 0 && int(r.First) <= int(out[n-1].Last)+1 {
			out[n-1].Last = max(out[n-1].Last, r.Last)
			continue
		}
		out = append(out, r)
	}
	return out
}

// subtracted gives what of the canonical list from is not in the canonical
// list taken, in canonical form.
func subtracted(from, taken []PortRange) []PortRange {
	var out []PortRange
	for _, r := range from {
		first, last := int(r.First), int(r.Last)
		// Both lists are sorted: what ends before this range cannot meet a
		// later one. A search, since a short list is taken from a long one
		// as often as the other way round.
		behind, _ := slices.BinarySearchFunc(taken, r.First, func(t PortRange, port uint16) int { return cmp.Compare(t.Last, port) })
		taken = taken[behind:]
		for _, t := range taken {
			if int(t.First) > last {
				break
			}
			if int(t.First) > first {
				out = append(out, PortRange{uint16(first), t.First - 1})
			}
			first = int(t.Last) + 1
		}
		if first <= last {
			out = append(out, PortRange{uint16(first), uint16(last)})
		}
	}
	return out
}
