package traffic

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
)

// requireAnswer checks what every parser owes to whatever it is given: a set
// with something in it, or an error about the very entry with a remedy.
func requireAnswer(t *testing.T, entry string, isEmpty bool, err error) (good bool) {
	if err == nil {
		require.False(t, isEmpty)
		return true
	}
	var bad *EntryError
	require.ErrorAs(t, err, &bad)
	require.Equal(t, entry, bad.Value)
	require.NotEmpty(t, bad.Problem)
	require.NotEmpty(t, bad.Remedy)
	require.True(t, isEmpty)
	return false
}

// mapped reports whether an address is an IPv4 one in the form of IPv6: the end of
// some ranges of IPv6, which does not hold what such an address stands for.
func mapped(address netip.Addr) bool { return address.Is4In6() }

func FuzzParsePorts(f *testing.F) {
	for _, seed := range []string{"", "80", "8000-8010", "53/UDP", "1-65535/TCP", "90-80/UDP", "80:90", "080", " 80", "80/tcp", "65536"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, entry string) {
		ports, err := ParsePorts(entry)
		if requireAnswer(t, entry, ports.IsEmpty(), err) {
			requireCanonicalPorts(t, ports)
			require.Len(t, ports.Entries(), 1)
		}
	})
}

func FuzzParsePrefix(f *testing.F) {
	for _, seed := range []string{"", "10.1.2.3/8", "10.1.2.3", "fd00::1/8", "::", "0.0.0.0/0", "::ffff:10.0.0.1", "fe80::1%eth0", "10.0.0.0/33", " ::1", "db"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, entry string) {
		prefix, err := ParsePrefix(entry)
		set := NewPrefixes(prefix)
		if requireAnswer(t, entry, set.IsEmpty(), err) {
			require.Equal(t, prefix.String(), set.Entries()[0])
			require.True(t, set.Contains(prefix.Addr()))
			require.True(t, mapped(lastOf(prefix)) || set.Contains(lastOf(prefix)))
			requireMinimal(t, set)
		}
	})
}

func FuzzParsePairs(f *testing.F) {
	for _, seed := range []string{"", "@", "10.1.0.0/16@5432", "fd00::/8@53-54/UDP", "10.1.2.3@1-65535/TCP", "10.0.0.0/8@9-8", "db@80", "10.0.0.0/8@80@90"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, entry string) {
		pairs, err := ParsePairs(entry)
		if requireAnswer(t, entry, pairs.IsEmpty(), err) {
			require.Len(t, pairs.Entries(), 1)
			back, err := ParsePairs(pairs.Entries()[0])
			require.NoError(t, err)
			require.True(t, pairs.Equal(back))
			for _, b := range pairs.Boxes() {
				require.True(t, pairs.Contains(b.Protocol, b.Prefix.Addr(), b.Ports.First))
				require.True(t, mapped(lastOf(b.Prefix)) || pairs.Contains(b.Protocol, lastOf(b.Prefix), b.Ports.Last))
			}
		}
	})
}

func FuzzParseArguments(f *testing.F) {
	f.Add("80,90-100/TCP", "*", "10.0.0.0/8,fd00::/8", "10.1.0.0/16@5432/TCP,10.0.0.0/8@5000-6000")
	f.Add("", "", "", "")
	f.Add("*", "*,80", "10.0.0.0/9,10.128.0.0/9", "10.0.0.0/9@1-5,10.128.0.0/9@3-9")
	f.Add("80,,x", "53/UDP", "::ffff:1.2.3.4,db", "@,")
	f.Fuzz(func(t *testing.T, ports, selected, ranges, pairs string) {
		values := map[Field][]string{
			ExcludeInboundPorts: {ports}, IncludeInboundPorts: {selected},
			ExcludeOutboundPorts: {selected, ports}, IncludeOutboundPorts: {ports},
			ExcludeOutboundIPRanges: {ranges}, IncludeOutboundIPRanges: {ranges, selected},
			ExcludeOutbound: {pairs},
		}
		settings, err := ParseArguments(values)
		if err != nil {
			require.Equal(t, Settings{}, settings)
			for _, one := range Separate(err) {
				var field *FieldError
				require.ErrorAs(t, one, &field)
				entries := SplitList(values[field.Field]...)
				bad := wrongEntries(t, one)
				require.Len(t, bad, 1)
				require.Equal(t, entries[bad[0].Index], bad[0].Value)
			}
			return
		}
		requireDisjoint(t, settings.ExcludeOutbound.Boxes())
		back, err := ParseArguments(argumentValues(t, settings.Arguments()))
		require.NoError(t, err)
		require.Equal(t, settings.String(), back.String())
	})
}

func FuzzParseConnections(f *testing.F) {
	for _, seed := range []string{"", "10.1.2.3:443", "[fd00::1]:53/UDP", "[::ffff:10.1.2.3]:80/TCP", "[fe80::1%eth0]:80", "10.1.2.3:0", "db:5432", "9090", "53/UDP", "80-90", "0", "80/tcp"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for direction, parse := range map[Direction]func(string) (Connection, error){Outbound: ParseOutbound, Inbound: ParseInbound} {
			c, err := parse(text)
			if err != nil {
				require.Contains(t, err.Error(), `"`, "the text or a part of it is named")
				require.Zero(t, c)
				continue
			}
			require.Equal(t, direction, c.Direction)
			require.Contains(t, Protocols, c.Protocol)
			require.NotZero(t, c.Port)
			require.Equal(t, direction == Outbound, c.Address.IsValid())
			require.False(t, c.Address.Is4In6(), "one address is one address")
		}
	})
}
