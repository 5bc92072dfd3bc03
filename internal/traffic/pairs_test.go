package traffic

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestParsePairs(t *testing.T) {
	tcpAndUDP := func(prefix string, r PortRange) []Box {
		p := netip.MustParsePrefix(prefix)
		return []Box{{p, TCP, r}, {p, UDP, r}}
	}
	for entry, want := range map[string][]Box{
		"10.1.0.0/16@5432":     tcpAndUDP("10.1.0.0/16", PortRange{5432, 5432}),
		"10.1.2.3/16@5432":     tcpAndUDP("10.1.0.0/16", PortRange{5432, 5432}),
		"10.1.2.3@1-65535":     tcpAndUDP("10.1.2.3/32", PortRange{1, 65535}),
		"fd00::/8@53-54/UDP":   {{netip.MustParsePrefix("fd00::/8"), UDP, PortRange{53, 54}}},
		"2001:db8::1@5432/TCP": {{netip.MustParsePrefix("2001:db8::1/128"), TCP, PortRange{5432, 5432}}},
	} {
		t.Run(entry, func(t *testing.T) {
			pairs, err := ParsePairs(entry)
			require.NoError(t, err)
			assert.Equal(t, want, pairs.Boxes())
		})
	}
}

func TestParsePairsSaysWhatIsWrong(t *testing.T) {
	const (
		aPort = `write a port from 1 to 65535, or a range such as "8000-8010"`
		aHost = "write an IPv4 or IPv6 range such as 10.0.0.0/8 or fd00::/8; host names cannot be bypassed"
	)
	for entry, want := range map[string]struct{ problem, remedy string }{
		"":                    {"not a pair of an IP range and a port", `write it as "10.1.0.0/16@5432"`},
		"10.1.0.0/16":         {"not a pair of an IP range and a port", `write it as "10.1.0.0/16@5432"`},
		"10.1.0.0/16:5432":    {"not a pair of an IP range and a port", `write it as "10.1.0.0/16@5432"`},
		"@":                   {`a pair with "", not an IP address or range`, aHost},
		"@5432":               {`a pair with "", not an IP address or range`, aHost},
		"db@5432":             {`a pair with "db", not an IP address or range`, aHost},
		"5432@10.1.0.0":       {`a pair with "5432", not an IP address or range`, aHost},
		"10.1.0.0/16@":        {`a pair with "", not a port`, aPort},
		"10.1.0.0/16@1@2":     {`a pair with "1@2", not a port`, aPort},
		"10.1.0.0/16@0":       {`a pair with "0", a port outside 1-65535`, aPort},
		"10.1.0.0/16@9-8":     {`a pair with "9-8", a reversed range`, `write "8-9"`},
		"10.1.0.0/16 @1":      {`a pair with "10.1.0.0/16 ", an IP range with whitespace`, "remove the whitespace"},
		"::ffff:10.1.0.0@1":   {`a pair with "::ffff:10.1.0.0", an IPv4 address in IPv6 form`, "write it in IPv4 form: the packets on the wire are IPv4"},
		"10.1.0.0/16@53/SCTP": {`a pair with "53/SCTP", of an unknown protocol "SCTP"`, `write "53/TCP", "53/UDP", or "53" for both`},
	} {
		t.Run(entry, func(t *testing.T) {
			pairs, err := ParsePairs(entry)
			assert.True(t, pairs.IsEmpty())
			assert.Equal(t, &EntryError{Value: entry, Problem: want.problem, Remedy: want.remedy}, err)
		})
	}
}

func TestPairsEntriesAreCanonical(t *testing.T) {
	for name, c := range map[string]struct{ written, canonical []string }{
		"nothing":                   {nil, nil},
		"sorted by prefix and port": {[]string{"fd00::/8@1", "10.0.0.0/8@2", "9.0.0.0/8@3", "10.0.0.0/8@1"}, []string{"9.0.0.0/8@3", "10.0.0.0/8@1-2", "fd00::/8@1"}},
		"protocols join":            {[]string{"10.0.0.0/8@53/UDP", "10.0.0.0/8@53/TCP"}, []string{"10.0.0.0/8@53"}},
		"nested, same port":         {[]string{"10.0.0.0/8@1", "10.1.0.0/16@1"}, []string{"10.0.0.0/8@1"}},
		"nested, another port":      {[]string{"10.0.0.0/8@1", "10.1.0.0/16@2"}, []string{"10.0.0.0/8@1", "10.1.0.0/16@2"}},
		"nested, ports around":      {[]string{"10.0.0.0/8@5", "10.1.0.0/16@1-9"}, []string{"10.0.0.0/8@5", "10.1.0.0/16@1-4", "10.1.0.0/16@6-9"}},
		"nested through a third":    {[]string{"10.0.0.0/8@1", "10.1.0.0/16@2", "10.1.1.1@1-3"}, []string{"10.0.0.0/8@1", "10.1.0.0/16@2", "10.1.1.1/32@3"}},
		"halves join":               {[]string{"10.0.0.0/9@1", "10.128.0.0/9@1"}, []string{"10.0.0.0/8@1"}},
		"halves join where both are": {
			[]string{"10.0.0.0/9@1-5", "10.128.0.0/9@3-9"},
			[]string{"10.0.0.0/8@3-5", "10.0.0.0/9@1-2", "10.128.0.0/9@6-9"},
		},
		"halves that make up a whole": {
			[]string{"10.0.0.0/8@1", "10.0.0.0/9@2", "10.128.0.0/9@2"},
			[]string{"10.0.0.0/8@1-2"},
		},
		"grandchildren are no halves": {[]string{"10.0.0.0/10@1", "10.128.0.0/10@1"}, []string{"10.0.0.0/10@1", "10.128.0.0/10@1"}},
		"everything":                  {[]string{"0.0.0.0/1@1-65535", "128.0.0.0/1@1-65535"}, []string{"0.0.0.0/0@1-65535"}},
	} {
		t.Run(name, func(t *testing.T) {
			layer := layerOf(t, map[Field][]string{ExcludeOutbound: c.written})
			requireSameStrings(t, c.canonical, layer.ExcludeOutbound.Entries())
		})
	}
}

func TestBoxReadsAsAnEntry(t *testing.T) {
	box := Box{netip.MustParsePrefix("10.1.0.0/16"), TCP, PortRange{5432, 5433}}
	require.Equal(t, "10.1.0.0/16@5432-5433/TCP", box.String())
	pairs, err := ParsePairs(box.String())
	require.NoError(t, err)
	require.Equal(t, []Box{box}, pairs.Boxes())
}

func TestPairsTakeMappedAddressesForIPv4(t *testing.T) {
	pairs, err := ParsePairs("10.0.0.0/8@53/UDP")
	require.NoError(t, err)
	assert.True(t, pairs.Contains(UDP, netip.MustParseAddr("::ffff:10.1.2.3"), 53))
	assert.False(t, pairs.Contains(TCP, netip.MustParseAddr("10.1.2.3"), 53))
	assert.False(t, pairs.Contains(UDP, netip.Addr{}, 53))
}

func TestNewPairsAreTheProduct(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		drawn := rapid.SliceOfN(drawnPrefix, 0, 4).Draw(t, "prefixes")
		prefixes, ports := NewPrefixes(drawn...), drawnPorts(anyPort).Draw(t, "ports")
		pairs := NewPairs(prefixes, ports)
		require.Equal(t, prefixes.IsEmpty() || ports.IsEmpty(), pairs.IsEmpty())
		for _, a := range sampleAddresses(drawn) {
			for _, port := range samplePorts {
				for _, protocol := range Protocols {
					if pairs.Contains(protocol, a, port) != (prefixes.Contains(a) && ports.Contains(protocol, port)) {
						require.Fail(t, "pair", "%v %v %d", protocol, a, port)
					}
				}
			}
		}
	})
}

// TestBoxesAreTheCanonicalPrefixesOfEachPort is all that a canonical form needs:
// on one port and protocol pairs are a plain set of addresses, of which
// NewPrefixes gives the one canonical list.
func TestBoxesAreTheCanonicalPrefixesOfEachPort(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		drawn := rapid.SliceOfN(drawnPair(anyPort), 0, 10).Draw(t, "pairs")
		boxes := pairsOf(t, drawn...).Boxes()
		for _, protocol := range Protocols {
			for _, port := range samplePorts {
				naive := NewPrefixes(prefixesAt(drawn, protocol, port)...).List()
				require.Equal(t, naive, prefixesAt(boxes, protocol, port), "%v %d", protocol, port)
			}
		}
		for i, a := range boxes {
			for _, b := range boxes[i+1:] {
				if a.Prefix == b.Prefix && a.Protocol == b.Protocol {
					require.Less(t, int(a.Ports.Last)+1, int(b.Ports.First), "%v and %v touch", a, b)
				}
			}
		}
		require.True(t, slices.IsSortedFunc(boxes, func(a, b Box) int {
			if c := comparePrefixes(a.Prefix, b.Prefix); c != 0 {
				return c
			}
			if a.Protocol != b.Protocol {
				return int(a.Protocol) - int(b.Protocol)
			}
			return int(a.Ports.First) - int(b.Ports.First)
		}), "%v", boxes)
	})
}

func prefixesAt(boxes []Box, protocol Protocol, port uint16) []netip.Prefix {
	var prefixes []netip.Prefix
	for _, b := range boxes {
		if b.Protocol == protocol && b.Ports.First <= port && port <= b.Ports.Last {
			prefixes = append(prefixes, b.Prefix)
		}
	}
	return prefixes
}

func TestPairsHoldWhatAnyOfThemHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		drawn := rapid.SliceOfN(drawnPair(anyPort), 0, 8).Draw(t, "pairs")
		gone := drawnPorts(anyPort).Draw(t, "gone")
		cut := rapid.IntRange(0, len(drawn)).Draw(t, "cut")
		pairs := pairsOf(t, drawn...)
		rest := pairs.WithoutPorts(gone)
		requireDisjoint(t, pairs.Boxes())
		require.True(t, pairs.Equal(pairsOf(t, drawn[:cut]...).Union(pairsOf(t, drawn[cut:]...))))

		prefixes := make([]netip.Prefix, len(drawn))
		for i, b := range drawn {
			prefixes[i] = b.Prefix
		}
		for _, a := range sampleAddresses(prefixes) {
			for _, port := range samplePorts {
				for _, protocol := range Protocols {
					naive := slices.ContainsFunc(drawn, func(b Box) bool {
						return b.Protocol == protocol && b.Ports.First <= port && port <= b.Ports.Last && b.Prefix.Contains(a)
					})
					if pairs.Contains(protocol, a, port) != naive ||
						rest.Contains(protocol, a, port) != (naive && !gone.Contains(protocol, port)) {
						require.Fail(t, "pair", "%v %v %d: naively %v", protocol, a, port, naive)
					}
				}
			}
		}
	})
}

// requireDisjoint checks what the kernel asks of concatenated intervals.
func requireDisjoint(t require.TestingT, boxes []Box) {
	for i, a := range boxes {
		for _, b := range boxes[i+1:] {
			require.False(t, a.Protocol == b.Protocol && a.Prefix.Overlaps(b.Prefix) &&
				a.Ports.First <= b.Ports.Last && b.Ports.First <= a.Ports.Last, "%v overlaps %v", a, b)
		}
	}
}

func TestPairsAreTheSameHoweverTheyAreWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pairs := pairsOf(t, rapid.SliceOfN(drawnPair(anyPort), 0, 8).Draw(t, "pairs")...)
		var written []Box
		for _, b := range pairs.Boxes() {
			port := rapid.Uint16Range(b.Ports.First, b.Ports.Last).Draw(t, "port")
			lower, upper := b, b
			lower.Ports.Last, upper.Ports.First = port, port
			written = append(written, lower, upper)
			if b.Prefix.Bits() < b.Prefix.Addr().BitLen() && rapid.Bool().Draw(t, "in halves") {
				left, right := lower, lower
				left.Prefix = netip.PrefixFrom(b.Prefix.Addr(), b.Prefix.Bits()+1)
				right.Prefix = netip.PrefixFrom(lastOf(b.Prefix), b.Prefix.Bits()+1)
				written[len(written)-2] = left
				written = append(written, right)
			}
		}
		again := pairsOf(t, rapid.Permutation(written).Draw(t, "written")...)
		require.True(t, pairs.Equal(again), "%v and %v", pairs, again)
		requireSameStrings(t, pairs.Entries(), again.Entries())

		fromEntries := layerOf(t, map[Field][]string{ExcludeOutbound: pairs.Entries()})
		require.True(t, pairs.Equal(*fromEntries.ExcludeOutbound))
		rest := pairs.WithoutPorts(drawnPorts(anyPort).Draw(t, "gone"))
		require.True(t, rest.Equal(pairsOf(t, rest.Boxes()...)), "without some ports it is no longer canonical: %v", rest)
	})
}

// The benchmarks have the shapes in which a naive union costs the square of
// its size.

func BenchmarkNewPrefixes(b *testing.B) {
	prefixes := make([]netip.Prefix, 10_000)
	for i := range prefixes {
		prefixes[i] = netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i), 0}), 24)
	}
	for b.Loop() {
		NewPrefixes(prefixes...)
	}
}

func BenchmarkDisjoint(b *testing.B) {
	const n = 10_000
	at := func(i int) netip.Prefix {
		return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 7), byte(i << 1), 0}), 24)
	}
	port := func(i int) uint16 { return uint16(2*i + 1) }
	for name, box := range map[string]func(i int) Box{
		"one port":               func(i int) Box { return Box{at(i), TCP, PortRange{443, 443}} },
		"a port each":            func(i int) Box { return Box{at(i), TCP, PortRange{port(i), port(i)}} },
		"ranges within ranges":   func(i int) Box { return Box{at(i), TCP, PortRange{port(i), 65535}} },
		"one prefix, many ports": func(i int) Box { return Box{at(0), TCP, PortRange{port(i), port(i)}} },
		"all ports beside a port each": func(i int) Box {
			if i%2 == 0 {
				return Box{at(i), TCP, PortRange{1, 65535}}
			}
			return Box{at(i), TCP, PortRange{port(i), port(i)}}
		},
		"a port each below many ports": func(i int) Box {
			if i%2 == 0 {
				return Box{netip.MustParsePrefix("10.0.0.0/8"), TCP, PortRange{port(i), port(i)}}
			}
			return Box{at(i), TCP, PortRange{port(i), port(i)}}
		},
		"nested in all lengths": func(i int) Box {
			return Box{netip.PrefixFrom(at(i).Addr(), 9+i%16).Masked(), TCP, PortRange{port(i), port(i) + uint16(i%100)}}
		},
	} {
		boxes := make([]Box, n)
		for i := range boxes {
			boxes[i] = box(i)
		}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				disjoint(boxes)
			}
		})
		b.Run(fmt.Sprintf("%s, as text", name), func(b *testing.B) {
			pairs := disjoint(boxes)
			for b.Loop() {
				pairs.Entries()
			}
		})
	}
}

func TestPortionsAreThePairsWithEachPortOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pairs := pairsOf(t, rapid.SliceOfN(drawnPair(anyPort), 0, 8).Draw(t, "boxes")...)
		var seen Ports
		var sum Pairs
		for p := range pairs.Portions() {
			require.False(t, p.Ports.IsEmpty() || p.Prefixes.IsEmpty())
			require.True(t, seen.Intersect(p.Ports).IsEmpty(), "%v stands in two portions", p.Ports.Entries())
			seen = seen.Union(p.Ports)
			sum = sum.Union(NewPairs(p.Prefixes, p.Ports))
		}
		require.Equal(t, pairs.Entries(), sum.Entries())
	})
}
