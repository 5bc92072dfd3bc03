package traffic

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestParsePrefix(t *testing.T) {
	for entry, want := range map[string]string{
		"10.0.0.0/8":      "10.0.0.0/8",
		"10.1.2.3/8":      "10.0.0.0/8",
		"10.1.2.3":        "10.1.2.3/32",
		"0.0.0.0/0":       "0.0.0.0/0",
		"255.255.255.255": "255.255.255.255/32",
		"::/0":            "::/0",
		"::":              "::/128",
		"FD00:0::1/8":     "fd00::/8",
		"2001:db8::1":     "2001:db8::1/128",
	} {
		t.Run(entry, func(t *testing.T) {
			prefix, err := ParsePrefix(entry)
			require.NoError(t, err)
			assert.Equal(t, want, prefix.String())
		})
	}
}

func TestParsePrefixSaysWhatIsWrong(t *testing.T) {
	const (
		aRange    = "write an IPv4 or IPv6 range such as 10.0.0.0/8 or fd00::/8"
		noHosts   = aRange + "; host names cannot be bypassed"
		inIPv4    = "write it in IPv4 form: the packets on the wire are IPv4"
		mapped    = "an IPv4 address in IPv6 form"
		noAddress = "not an IP address or range"
	)
	for entry, want := range map[string]struct{ problem, remedy string }{
		"":                     {noAddress, noHosts},
		"example.com":          {noAddress, noHosts},
		"10.0.0":               {noAddress, noHosts},
		"10.0.0.256":           {noAddress, noHosts},
		"010.0.0.1":            {noAddress, noHosts},
		"10.0.0.1-10.0.0.9":    {noAddress, noHosts},
		"[::1]":                {noAddress, noHosts},
		"/":                    {"not a CIDR", aRange},
		"10.0.0.0/":            {"not a CIDR", "write a number from 0 to 32 after the slash"},
		"10.0.0.0/33":          {"not a CIDR", "write a number from 0 to 32 after the slash"},
		"10.0.0.0/-1":          {"not a CIDR", "write a number from 0 to 32 after the slash"},
		"10.0.0.0/08":          {"not a CIDR", "write a number from 0 to 32 after the slash"},
		"10.0.0.0/255.0.0.0":   {"not a CIDR", `write "10.0.0.0/8"`},
		"10.1.2.0/255.255.0.0": {"not a CIDR", `write "10.1.0.0/16"`},
		"10.0.0.0/8,10.1.0.0":  {"not a CIDR", "write each range as an entry of its own"},
		"10.0.0.1 10.0.0.2":    {noAddress, "write each range as an entry of its own"},
		"10.0.0.1:5432":        {noAddress, `for one port of an address, write {ipRanges: ["10.0.0.1"], ports: [5432]} in excludeOutbound`},
		"fd00::/129":           {"not a CIDR", "write a number from 0 to 128 after the slash"},
		"fe80::%eth0/64":       {"not a CIDR", aRange},
		"fe80::1%eth0":         {"an address with a zone", "remove the zone: a rule in the kernel has no zones"},
		" 10.0.0.0/8":          {"an IP range with whitespace", "remove the whitespace"},
		"10.0.0.0/8\n":         {"an IP range with whitespace", "remove the whitespace"},
		"::ffff:10.0.0.1":      {mapped, inIPv4},
		"::ffff:10.0.0.0/104":  {mapped, inIPv4},
		"::ffff:10.0.0.0/8":    {mapped, inIPv4},
		"0:0:0:0:0:ffff:a00:1": {mapped, inIPv4},
	} {
		t.Run(entry, func(t *testing.T) {
			_, err := ParsePrefix(entry)
			assert.Equal(t, &EntryError{Value: entry, Problem: want.problem, Remedy: want.remedy}, err)
		})
	}
}

func TestPrefixesEntriesAreCanonical(t *testing.T) {
	for name, c := range map[string]struct{ written, canonical []string }{
		"nothing":                       {nil, nil},
		"IPv4 before IPv6":              {[]string{"::1", "10.0.0.1"}, []string{"10.0.0.1/32", "::1/128"}},
		"sorted by number":              {[]string{"10.0.0.0/8", "9.0.0.0/8", "100.0.0.0/8"}, []string{"9.0.0.0/8", "10.0.0.0/8", "100.0.0.0/8"}},
		"nested":                        {[]string{"10.1.0.0/16", "10.0.0.0/8", "10.2.3.4"}, []string{"10.0.0.0/8"}},
		"halves join":                   {[]string{"10.128.0.0/9", "10.0.0.0/9"}, []string{"10.0.0.0/8"}},
		"quarters join, and join again": {[]string{"10.0.0.3", "10.0.0.0", "10.0.0.2", "10.0.0.1"}, []string{"10.0.0.0/30"}},
		"neighbours that are no halves": {[]string{"10.0.0.1", "10.0.0.2"}, []string{"10.0.0.1/32", "10.0.0.2/32"}},
		"everything":                    {[]string{"0.0.0.0/1", "128.0.0.0/1", "8000::/1", "::/1"}, []string{"0.0.0.0/0", "::/0"}},
		"host bits":                     {[]string{"10.9.8.7/8"}, []string{"10.0.0.0/8"}},
	} {
		t.Run(name, func(t *testing.T) {
			layer := layerOf(t, map[Field][]string{ExcludeOutboundIPRanges: c.written})
			requireSameStrings(t, c.canonical, layer.ExcludeOutboundIPRanges.Entries())
		})
	}
}

func TestPrefixesTakeMappedAddressesForIPv4(t *testing.T) {
	prefixes := NewPrefixes(netip.MustParsePrefix("::ffff:10.0.0.0/104"), netip.Prefix{})
	assert.Equal(t, []string{"10.0.0.0/8"}, prefixes.Entries())
	assert.True(t, prefixes.Contains(netip.MustParseAddr("10.1.2.3")))
	assert.True(t, prefixes.Contains(netip.MustParseAddr("::ffff:10.1.2.3")))
	assert.False(t, prefixes.Contains(netip.Addr{}))

	everyIPv6 := NewPrefixes(netip.MustParsePrefix("::/0"))
	assert.False(t, everyIPv6.Contains(netip.MustParseAddr("::ffff:10.1.2.3")), "the packets are IPv4")
	assert.True(t, everyIPv6.Contains(netip.MustParseAddr("fe80::1%eth0")))
}

func TestPrefixesHoldWhatAnyOfThemHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		drawn := rapid.SliceOfN(drawnPrefix, 0, 8).Draw(t, "prefixes")
		cut := rapid.IntRange(0, len(drawn)).Draw(t, "cut")
		set := NewPrefixes(drawn...)
		requireMinimal(t, set)
		require.True(t, set.Equal(NewPrefixes(drawn[:cut]...).Union(NewPrefixes(drawn[cut:]...))))
		for _, a := range sampleAddresses(drawn) {
			naive := slices.ContainsFunc(drawn, func(p netip.Prefix) bool { return p.Contains(a) })
			require.Equal(t, naive, set.Contains(a), "%v", a)
		}
	})
}

// requireMinimal checks what makes the list of a set unique: disjoint prefixes
// of which no two are halves of one are as few as can be.
func requireMinimal(t require.TestingT, set Prefixes) {
	list := set.List()
	for i, p := range list {
		require.Equal(t, p.Masked(), p)
		back, err := ParsePrefix(p.String())
		require.NoError(t, err)
		require.Equal(t, p, back)
		for _, q := range list[i+1:] {
			require.False(t, p.Overlaps(q), "%v overlaps %v", p, q)
			require.Negative(t, p.Addr().Compare(q.Addr()), "%v before %v", p, q)
			if p.Bits() == q.Bits() && p.Bits() > 0 {
				half := netip.PrefixFrom(q.Addr(), q.Bits()-1).Masked()
				require.NotEqual(t, netip.PrefixFrom(p.Addr(), p.Bits()-1).Masked(), half, "%v and %v are %v", p, q, half)
			}
		}
	}
}

func TestPrefixesAreTheSameHoweverTheyAreWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		set := NewPrefixes(rapid.SliceOfN(drawnPrefix, 0, 8).Draw(t, "prefixes")...)
		var written []netip.Prefix
		for _, p := range set.List() {
			if p.Bits() < p.Addr().BitLen() && rapid.Bool().Draw(t, "in halves") {
				written = append(written, netip.PrefixFrom(p.Addr(), p.Bits()+1), netip.PrefixFrom(lastOf(p), p.Bits()+1))
			} else {
				written = append(written, p, netip.PrefixFrom(lastOf(p), p.Addr().BitLen()))
			}
		}
		again := NewPrefixes(rapid.Permutation(written).Draw(t, "written")...)
		require.True(t, set.Equal(again), "%v and %v", set, again)
		requireSameStrings(t, set.Entries(), again.Entries())
	})
}

func TestAPrefixIsHeldOrOverlapsAsItsAddressesDo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		drawn := rapid.SliceOfN(drawnPrefix, 0, 6).Draw(t, "set")
		q := drawnPrefix.Draw(t, "prefix").Masked()
		set := NewPrefixes(drawn...)
		require.Equal(t, set.Union(NewPrefixes(q)).Equal(set), set.Holds(q), "held")
		require.Equal(t, slices.ContainsFunc(drawn, q.Overlaps), set.Overlaps(q), "overlapping")
	})
}

func TestComplementIsEveryOtherAddress(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		drawn := rapid.SliceOfN(drawnPrefix, 0, 6).Draw(t, "set")
		set := NewPrefixes(drawn...)
		rest := set.Complement()
		for _, a := range sampleAddresses(drawn) {
			require.NotEqual(t, set.Contains(a), rest.Contains(a), "%v", a)
		}
		require.Equal(t, NewPrefixes(rest.List()...).List(), rest.List(), "the complement is in canonical form")
		require.True(t, rest.Complement().Equal(set), "and its own is the set")
		require.True(t, rest.Union(set).Equal(Everywhere))
	})
	assert.Equal(t, []string{"0.0.0.0/0", "::/0"}, Prefixes{}.Complement().Entries())
	assert.Empty(t, Everywhere.Complement().Entries())
}
