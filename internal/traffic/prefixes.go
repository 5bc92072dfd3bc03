package traffic

import (
	"cmp"
	"encoding/binary"
	"fmt"
	mathbits "math/bits"
	"net/netip"
	"slices"
	"sort"
	"strings"
)

// Prefixes is an immutable set of IPv4 and IPv6 addresses. The zero value is
// the empty set.
type Prefixes struct {
	// Masked, disjoint, no two siblings, IPv4 before IPv6, sorted by address:
	// two equal sets have equal slices.
	list []netip.Prefix
}

// ParsePrefix reads a CIDR or a bare address, which stands for itself alone.
// Bits behind the mask are cleared, as iptables clears them. Every error is an
// *EntryError.
func ParsePrefix(entry string) (netip.Prefix, error) {
	invalid := func(problem, remedy string) (netip.Prefix, error) {
		return netip.Prefix{}, wrong(entry, problem, remedy)
	}
	if trimmed := strings.TrimSpace(entry); trimmed != entry {
		return invalid("an IP range with whitespace", "remove the whitespace")
	}
	var prefix netip.Prefix
	if strings.Contains(entry, "/") {
		p, err := netip.ParsePrefix(entry)
		if err != nil {
			return invalid("not a CIDR", cidrRemedy(entry))
		}
		prefix = p
	} else {
		a, err := netip.ParseAddr(entry)
		if err != nil {
			return invalid("not an IP address or range", cidrRemedy(entry))
		}
		if a.Zone() != "" {
			return invalid("an address with a zone", "remove the zone: a rule in the kernel has no zones")
		}
		prefix = netip.PrefixFrom(a, a.BitLen())
	}
	if prefix.Addr().Is4In6() {
		return invalid("an IPv4 address in IPv6 form", "write it in IPv4 form: the packets on the wire are IPv4")
	}
	return prefix.Masked(), nil
}

// cidrRemedy says what to write in place of an entry that is no CIDR.
func cidrRemedy(entry string) string {
	if strings.ContainsAny(entry, ", ;") {
		return "write each range as an entry of its own"
	}
	address, mask, masked := strings.Cut(entry, "/")
	if a, err := netip.ParseAddr(address); err == nil && a.Zone() == "" {
		if four, err := netip.ParseAddr(mask); err == nil && a.Is4() && four.Is4() {
			octets := four.As4()
			ones := mathbits.LeadingZeros32(^binary.BigEndian.Uint32(octets[:]))
			return fmt.Sprintf("write %q", netip.PrefixFrom(a, ones).Masked())
		}
		if mask == "" || AllDigits(strings.TrimPrefix(mask, "-")) {
			return fmt.Sprintf("write a number from 0 to %d after the slash", a.BitLen())
		}
	}
	if destination, err := netip.ParseAddrPort(entry); err == nil {
		return fmt.Sprintf("for one port of an address, write {ipRanges: [%q], ports: [%d]} in %s", destination.Addr(), destination.Port(), ExcludeOutbound)
	}
	remedy := "write an IPv4 or IPv6 range such as 10.0.0.0/8 or fd00::/8"
	if !masked {
		remedy += "; host names cannot be bypassed"
	}
	return remedy
}

// Around gives the range of a CIDR that its address alone begins, as people write
// them: it ends with an octet of IPv4, or a group of IPv6. It is the whole range
// unless there are bits behind the mask. The CIDR is one that ParsePrefix reads.
func Around(cidr string) netip.Prefix {
	p, _ := netip.ParsePrefix(cidr)
	step := 8
	if p.Addr().Is6() {
		step = 16
	}
	for bits := p.Bits(); ; bits = (bits/step + 1) * step {
		if whole, err := p.Addr().Prefix(bits); err != nil || whole.Addr() == p.Addr() {
			return whole
		}
	}
}

// mappedBits is the length of ::ffff:0:0/96, behind which IPv6 writes IPv4
// addresses (RFC 4291, section 2.5.5.2).
const mappedBits = 96

// NewPrefixes gives the set of all addresses of the prefixes, which may overlap
// and stand in any order. IPv4 prefixes in IPv6 form count as IPv4, and those
// that are not valid hold nothing.
func NewPrefixes(prefixes ...netip.Prefix) Prefixes {
	all := make([]netip.Prefix, 0, len(prefixes))
	for _, p := range prefixes {
		if p.Addr().Is4In6() && p.Bits() >= mappedBits {
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-mappedBits)
		}
		if p.IsValid() {
			all = append(all, p.Masked())
		}
	}
	slices.SortFunc(all, comparePrefixes)
	var out []netip.Prefix
	for _, p := range all {
		if n := len(out); n > 0 && covers(out[n-1], p) {
			continue
		}
		out = append(out, p)
		// Two halves of one prefix are that prefix, which may again be half
		// of another.
		for n := len(out); n > 1; n = len(out) {
			parent, siblings := siblingsOf(out[n-2], out[n-1])
			if !siblings {
				break
			}
			out = append(out[:n-2], parent)
		}
	}
	return Prefixes{list: out}
}

func comparePrefixes(a, b netip.Prefix) int {
	// netip.Addr sorts IPv4 before IPv6, by bit length.
	if c := a.Addr().Compare(b.Addr()); c != 0 {
		return c
	}
	return a.Bits() - b.Bits()
}

func covers(outer, inner netip.Prefix) bool {
	return outer.Bits() <= inner.Bits() && outer.Contains(inner.Addr())
}

// common gives the longest prefix that holds both, which are of one family.
func common(a, b netip.Prefix) netip.Prefix {
	bits := min(a.Bits(), b.Bits())
	x, y := a.Addr().AsSlice(), b.Addr().AsSlice()
	for i := range x {
		if differ := x[i] ^ y[i]; differ != 0 {
			bits = min(bits, 8*i+mathbits.LeadingZeros8(differ))
			break
		}
	}
	return netip.PrefixFrom(a.Addr(), bits).Masked()
}

// bit reports whether the address's bit of that index is set, counted from the
// most significant.
func bit(a netip.Addr, index int) bool {
	octets := a.AsSlice()
	return octets[index/8]&(0x80>>(index%8)) != 0
}

func siblingsOf(a, b netip.Prefix) (parent netip.Prefix, siblings bool) {
	if a.Bits() != b.Bits() || a.Bits() == 0 || a.Addr().BitLen() != b.Addr().BitLen() {
		return netip.Prefix{}, false
	}
	parent = netip.PrefixFrom(a.Addr(), a.Bits()-1).Masked()
	return parent, a != b && parent.Contains(b.Addr())
}

// List gives the set as disjoint prefixes, as few as possible, IPv4 before
// IPv6, sorted by address. The caller must not change the slice.
func (p Prefixes) List() []netip.Prefix { return p.list }

// Contains reports whether the address is in the set. An IPv4 address in IPv6 form
// counts as IPv4.
func (p Prefixes) Contains(address netip.Addr) bool {
	address = address.Unmap().WithZone("")
	// The last prefix that begins at or before the address is the only one
	// that can hold it, since they are disjoint.
	i, exact := slices.BinarySearchFunc(p.list, address, func(q netip.Prefix, a netip.Addr) int {
		return q.Addr().Compare(a)
	})
	return exact || i > 0 && p.list[i-1].Contains(address)
}

// Holds reports whether every address of the prefix is in the set.
func (p Prefixes) Holds(q netip.Prefix) bool {
	return slices.ContainsFunc(p.near(q), func(own netip.Prefix) bool { return covers(own, q) })
}

// Overlaps reports whether an address of the prefix is in the set.
func (p Prefixes) Overlaps(q netip.Prefix) bool {
	return slices.ContainsFunc(p.near(q), func(own netip.Prefix) bool { return own.Overlaps(q) })
}

// near gives the only two of the set's prefixes of which one overlaps the given
// one, if any does: the last that begins at or before it, which may be around
// it, and the one after, which may be within.
func (p Prefixes) near(q netip.Prefix) []netip.Prefix {
	i, exact := slices.BinarySearchFunc(p.list, q.Masked().Addr(), func(own netip.Prefix, a netip.Addr) int {
		return own.Addr().Compare(a)
	})
	if exact {
		return p.list[i : i+1]
	}
	return p.list[max(0, i-1):min(len(p.list), i+1)]
}

// Complement gives the addresses of both families that are not in the set.
func (p Prefixes) Complement() Prefixes {
	var out []netip.Prefix
	rest := p.list
	for _, all := range Everywhere.list {
		n, _ := slices.BinarySearchFunc(rest, all.Addr().BitLen(), func(own netip.Prefix, bits int) int {
			return cmp.Compare(own.Addr().BitLen(), bits+1)
		})
		out = appendOutside(out, all, rest[:n])
		rest = rest[n:]
	}
	return Prefixes{list: out}
}

// Everywhere is every address of both families.
var Everywhere = NewPrefixes(netip.PrefixFrom(netip.IPv4Unspecified(), 0), netip.PrefixFrom(netip.IPv6Unspecified(), 0))

// appendOutside appends what of a prefix is in none of those within it, as
// prefixes that are sorted and of which no two are siblings.
func appendOutside(out []netip.Prefix, all netip.Prefix, within []netip.Prefix) []netip.Prefix {
	switch {
	case len(within) == 0:
		return append(out, all)
	case within[0] == all:
		return out
	}
	half := netip.PrefixFrom(all.Addr(), all.Bits()+1)
	n := sort.Search(len(within), func(i int) bool { return bit(within[i].Addr(), all.Bits()) })
	return appendOutside(appendOutside(out, half, within[:n]), upperHalf(half), within[n:])
}

// upperHalf gives the sibling of a lower half.
func upperHalf(lower netip.Prefix) netip.Prefix {
	octets := lower.Addr().AsSlice()
	last := lower.Bits() - 1
	octets[last/8] |= 0x80 >> (last % 8)
	address, _ := netip.AddrFromSlice(octets) // as many octets as before
	return netip.PrefixFrom(address, lower.Bits())
}

// IsEmpty reports whether the set has no address.
func (p Prefixes) IsEmpty() bool { return len(p.list) == 0 }

// Equal reports whether both sets have the same addresses.
func (p Prefixes) Equal(q Prefixes) bool { return slices.Equal(p.list, q.list) }

// Union gives the addresses that are in either set.
func (p Prefixes) Union(q Prefixes) Prefixes {
	if q.IsEmpty() {
		return p
	}
	return NewPrefixes(slices.Concat(p.list, q.list)...)
}

// String lists the entries, for messages.
func (p Prefixes) String() string { return strings.Join(p.Entries(), ", ") }

// Entries gives the set in canonical form: every entry a CIDR with its mask.
// ParsePrefix reads each of them.
func (p Prefixes) Entries() []string {
	texts := make([]string, len(p.list))
	for i, q := range p.list {
		texts[i] = q.String()
	}
	return texts
}
