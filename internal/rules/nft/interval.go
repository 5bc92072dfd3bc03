package nft

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/each"
	"github.com/krm-bypass/krm-bypass/internal/rules/filter"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// Interval is a range of keys from First to Last, both included. A key is the
// bytes that the kernel compares, in network order. In a concatenation, zeros
// fill each part up to whole registers of 4 bytes, and each part has a range of
// its own, so that the interval is a box.
type Interval struct{ First, Last string }

// Type is a set's key type, in nft's words.
type Type string

// The types of sets.
const (
	PortsType  Type = "inet_service"
	Addresses4 Type = "ipv4_addr"
	Addresses6 Type = "ipv6_addr"
	Pairs4     Type = "ipv4_addr . inet_proto . inet_service"
	Pairs6     Type = "ipv6_addr . inet_proto . inet_service"
)

// concatenated stands between the parts of a type, and of its elements.
const concatenated = " . "

// register is the size that the parts of a concatenation are multiples of (linux include/net/netfilter/nf_tables.h, NFT_REG32_SIZE).
const register = 4

// part is one part of a type: its size in bytes, and how to write a range of
// it.
type part struct {
	size  int
	write func(first, last string) string
}

var parts = map[string]part{
	"inet_service": {2, writePorts},
	"inet_proto":   {1, writeProtocol},
	"ipv4_addr":    {4, writeAddresses},
	"ipv6_addr":    {16, writeAddresses},
}

// Write gives the interval as nft writes an element of the type.
func (t Type) Write(i Interval) string {
	var texts []string
	at := 0
	for _, name := range strings.Split(string(t), concatenated) {
		p, known := parts[name]
		if !known || at+p.size > len(i.First) || at+p.size > len(i.Last) {
			return fmt.Sprintf("%x-%x", i.First, i.Last)
		}
		texts = append(texts, p.write(i.First[at:at+p.size], i.Last[at:at+p.size]))
		at += (p.size + register - 1) / register * register
	}
	return strings.Join(texts, concatenated)
}

func writePorts(first, last string) string {
	return traffic.PortRange{First: binary.BigEndian.Uint16([]byte(first)), Last: binary.BigEndian.Uint16([]byte(last))}.String()
}

func writeProtocol(first, last string) string {
	if first != last {
		return fmt.Sprintf("%d-%d", first[0], last[0])
	}
	return filter.ProtocolName(traffic.Protocol(first[0]))
}

// writeAddresses writes a range that is a prefix as one, as nft does.
func writeAddresses(first, last string) string {
	from, _ := netip.AddrFromSlice([]byte(first))
	to, _ := netip.AddrFromSlice([]byte(last))
	if from == to {
		return from.String()
	}
	for bits := from.BitLen() - 1; bits >= 0; bits-- {
		if prefix, _ := from.Prefix(bits); prefix.Addr() == from && lastOf(prefix) == to {
			return prefix.String()
		}
	}
	return from.String() + "-" + to.String()
}

func portsOf(p traffic.Protocol) func(filter.Step) []Interval {
	return func(s filter.Step) []Interval {
		return each.As(s.Ports.Ranges(p), func(r traffic.PortRange) Interval { return Interval{string(portKey(r.First)), string(portKey(r.Last))} })
	}
}

func addressesOf(is func(netip.Addr) bool) func(filter.Step) []Interval {
	return func(s filter.Step) []Interval {
		var intervals []Interval
		for _, p := range s.Prefixes.List() {
			if is(p.Addr()) {
				intervals = append(intervals, Interval{string(p.Addr().AsSlice()), string(lastOf(p).AsSlice())})
			}
		}
		return intervals
	}
}

func pairsOf(is func(netip.Addr) bool) func(filter.Step) []Interval {
	return func(s filter.Step) []Interval {
		var intervals []Interval
		for _, b := range s.Pairs.Boxes() {
			if is(b.Prefix.Addr()) {
				intervals = append(intervals, Interval{
					pairKey(b.Prefix.Addr(), b.Protocol, b.Ports.First),
					pairKey(lastOf(b.Prefix), b.Protocol, b.Ports.Last),
				})
			}
		}
		// Boxes are in the order of their prefixes, wider ones first whatever
		// their ports. To be compared they have to be in the order of their keys.
		slices.SortFunc(intervals, func(a, b Interval) int { return cmp.Or(cmp.Compare(a.First, b.First), cmp.Compare(a.Last, b.Last)) })
		return intervals
	}
}

func portKey(port uint16) []byte { return binary.BigEndian.AppendUint16(nil, port) }

func pairKey(address netip.Addr, p traffic.Protocol, port uint16) string {
	key := append(address.AsSlice(), byte(p), 0, 0, 0)
	return string(append(key, append(portKey(port), 0, 0)...))
}

// lastOf gives the last address of a prefix.
func lastOf(p netip.Prefix) netip.Addr {
	bytes := p.Addr().AsSlice()
	for bit := p.Bits(); bit < len(bytes)*8; bit++ {
		bytes[bit/8] |= 0x80 >> (bit % 8)
	}
	last, _ := netip.AddrFromSlice(bytes)
	return last
}
