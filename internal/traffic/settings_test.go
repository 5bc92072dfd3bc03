package traffic

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestDecide(t *testing.T) {
	type lists = map[Field][]string
	outbound := func(protocol Protocol, address string, port uint16) Connection {
		return Connection{Direction: Outbound, Protocol: protocol, Address: netip.MustParseAddr(address), Port: port}
	}
	inbound := func(protocol Protocol, port uint16) Connection {
		return Connection{Direction: Inbound, Protocol: protocol, Address: netip.MustParseAddr("10.244.0.7"), Port: port}
	}
	loopback := func(c Connection) Connection { c.Loopback = true; return c }

	left := Decision{Verdict: LeftToMesh}
	bypassed := func(by Field) Decision { return Decision{Verdict: Bypassed, By: by} }
	intercepted := Decision{Verdict: Intercepted, By: IncludeOutboundPorts}

	everything := lists{
		ExcludeInboundPorts: {"1-65535"}, IncludeInboundPorts: {},
		ExcludeOutboundPorts: {"1-65535"}, IncludeOutboundIPRanges: {},
		ExcludeOutboundIPRanges: {"0.0.0.0/0", "::/0"}, ExcludeOutbound: {"0.0.0.0/0@1-65535", "::/0@1-65535"},
	}
	ranges := lists{ExcludeOutboundIPRanges: {"10.0.0.0/8", "fd00::/8"}}
	only := lists{IncludeOutboundIPRanges: {"10.0.0.0/8", "fd00::/8"}}
	pairs := lists{ExcludeOutbound: {"10.1.0.0/16@5432/TCP", "fd00::/8@53-54/UDP"}}
	included := lists{IncludeOutboundPorts: {"80"}, ExcludeOutboundIPRanges: {"10.0.0.0/8"}, IncludeOutboundIPRanges: {}}

	for name, c := range map[string]struct {
		settings   lists
		connection Connection
		want       Decision
	}{
		"1: over loopback":              {everything, loopback(outbound(TCP, "127.0.0.1", 80)), left},
		"1: to the pod's own address":   {everything, loopback(outbound(TCP, "10.244.0.7", 80)), left},
		"1: a loopback address is none": {everything, outbound(TCP, "127.0.0.1", 80), bypassed(ExcludeOutboundPorts)},
		"1: included, over loopback":    {included, loopback(outbound(TCP, "10.0.0.1", 80)), left},

		"2: excluded port":                     {lists{ExcludeOutboundPorts: {"3306"}}, outbound(TCP, "192.0.2.1", 3306), bypassed(ExcludeOutboundPorts)},
		"2: another port":                      {lists{ExcludeOutboundPorts: {"3306"}}, outbound(TCP, "192.0.2.1", 3307), left},
		"2: within a range":                    {lists{ExcludeOutboundPorts: {"9000-9010"}}, outbound(TCP, "192.0.2.1", 9010), bypassed(ExcludeOutboundPorts)},
		"2: bare means UDP too":                {lists{ExcludeOutboundPorts: {"3306"}}, outbound(UDP, "192.0.2.1", 3306), bypassed(ExcludeOutboundPorts)},
		"2: narrowed to TCP":                   {lists{ExcludeOutboundPorts: {"3306/TCP"}}, outbound(UDP, "192.0.2.1", 3306), left},
		"2: port 53, since it is named":        {lists{ExcludeOutboundPorts: {"53"}}, outbound(TCP, "10.96.0.10", 53), bypassed(ExcludeOutboundPorts)},
		"2: port 53 over UDP":                  {lists{ExcludeOutboundPorts: {"53"}}, outbound(UDP, "10.96.0.10", 53), bypassed(ExcludeOutboundPorts)},
		"2: IPv6":                              {lists{ExcludeOutboundPorts: {"3306"}}, outbound(TCP, "2001:db8::1", 3306), bypassed(ExcludeOutboundPorts)},
		"2 before 3 and 5":                     {everything, outbound(TCP, "10.1.0.1", 80), bypassed(ExcludeOutboundPorts)},
		"2: excluded inbound says nothing":     {lists{ExcludeInboundPorts: {"80"}, IncludeInboundPorts: {}}, outbound(TCP, "10.0.0.1", 80), left},
		"2 before 4, were they to contradict":  {lists{ExcludeOutboundPorts: {"80"}, IncludeOutboundPorts: {"80"}}, outbound(TCP, "10.0.0.1", 80), bypassed(ExcludeOutboundPorts)},
		"3: both match":                        {pairs, outbound(TCP, "10.1.2.3", 5432), bypassed(ExcludeOutbound)},
		"3: the address alone":                 {pairs, outbound(TCP, "10.1.2.3", 5433), left},
		"3: the port alone":                    {pairs, outbound(TCP, "10.2.0.0", 5432), left},
		"3: another protocol":                  {pairs, outbound(UDP, "10.1.2.3", 5432), left},
		"3: mapped address":                    {pairs, outbound(TCP, "::ffff:10.1.2.3", 5432), bypassed(ExcludeOutbound)},
		"3: port 53 over UDP, since named":     {pairs, outbound(UDP, "fd00::1", 53), bypassed(ExcludeOutbound)},
		"3: port 53 over TCP is not named":     {pairs, outbound(TCP, "fd00::1", 53), left},
		"3 before 4":                           {lists{ExcludeOutbound: {"10.0.0.0/8@80"}, IncludeOutboundPorts: {"80"}}, outbound(TCP, "10.0.0.1", 80), bypassed(ExcludeOutbound)},
		"3 before 5":                           {lists{ExcludeOutbound: {"10.0.0.0/8@80"}, ExcludeOutboundIPRanges: {"10.0.0.0/8"}}, outbound(TCP, "10.0.0.1", 80), bypassed(ExcludeOutbound)},
		"4: before 5":                          {included, outbound(TCP, "10.0.0.1", 80), intercepted},
		"4: before 6":                          {included, outbound(TCP, "192.0.2.1", 80), intercepted},
		"4: over UDP":                          {included, outbound(UDP, "10.0.0.1", 80), intercepted},
		"4: alone":                             {lists{IncludeOutboundPorts: {"80/TCP"}}, outbound(TCP, "2001:db8::1", 80), intercepted},
		"4: never bypasses the others":         {lists{IncludeOutboundPorts: {"80"}}, outbound(TCP, "10.0.0.1", 81), left},
		"4: narrowed to TCP":                   {lists{IncludeOutboundPorts: {"80/TCP"}}, outbound(UDP, "10.0.0.1", 80), left},
		"5: in a range":                        {ranges, outbound(TCP, "10.255.255.255", 80), bypassed(ExcludeOutboundIPRanges)},
		"5: beside it":                         {ranges, outbound(TCP, "11.0.0.0", 80), left},
		"5: IPv6":                              {ranges, outbound(TCP, "fdff::1", 80), bypassed(ExcludeOutboundIPRanges)},
		"5: IPv6 beside it":                    {ranges, outbound(TCP, "fe00::", 80), left},
		"5: mapped address":                    {ranges, outbound(TCP, "::ffff:10.0.0.1", 80), bypassed(ExcludeOutboundIPRanges)},
		"5: UDP is left":                       {ranges, outbound(UDP, "10.0.0.1", 80), left},
		"5: port 53 is left":                   {ranges, outbound(TCP, "10.0.0.1", 53), left},
		"5: port 53 over UDP is left":          {ranges, outbound(UDP, "10.0.0.1", 53), left},
		"5 before 6":                           {lists{ExcludeOutboundIPRanges: {"10.0.0.0/8"}, IncludeOutboundIPRanges: {"10.0.0.0/8"}}, outbound(TCP, "10.0.0.1", 80), bypassed(ExcludeOutboundIPRanges)},
		"6: not among the included":            {only, outbound(TCP, "11.0.0.1", 80), bypassed(IncludeOutboundIPRanges)},
		"6: among the included":                {only, outbound(TCP, "10.0.0.1", 80), left},
		"6: IPv6 not among the included":       {only, outbound(TCP, "2001:db8::1", 80), bypassed(IncludeOutboundIPRanges)},
		"6: IPv6 among the included":           {only, outbound(TCP, "fd00::1", 80), left},
		"6: mapped, among the included":        {only, outbound(TCP, "::ffff:10.0.0.1", 80), left},
		"6: UDP is left":                       {only, outbound(UDP, "11.0.0.1", 80), left},
		"6: port 53 is left":                   {only, outbound(TCP, "11.0.0.1", 53), left},
		"6: everything included":               {lists{IncludeOutboundIPRanges: {"*"}}, outbound(TCP, "11.0.0.1", 80), left},
		"6: nothing included":                  {lists{IncludeOutboundIPRanges: {}}, outbound(TCP, "11.0.0.1", 80), bypassed(IncludeOutboundIPRanges)},
		"7: nothing said":                      {lists{}, outbound(TCP, "10.0.0.1", 80), left},
		"7: nothing said of UDP":               {lists{}, outbound(UDP, "fd00::1", 53), left},
		"inbound: over loopback":               {everything, loopback(inbound(TCP, 80)), left},
		"inbound: excluded port":               {lists{ExcludeInboundPorts: {"80"}}, inbound(TCP, 80), bypassed(ExcludeInboundPorts)},
		"inbound: excluded port over UDP":      {lists{ExcludeInboundPorts: {"80"}}, inbound(UDP, 80), bypassed(ExcludeInboundPorts)},
		"inbound: excluded over TCP alone":     {lists{ExcludeInboundPorts: {"80/TCP"}}, inbound(UDP, 80), left},
		"inbound: another port":                {lists{ExcludeInboundPorts: {"80"}}, inbound(TCP, 81), left},
		"inbound: port 53":                     {lists{ExcludeInboundPorts: {"53"}}, inbound(UDP, 53), bypassed(ExcludeInboundPorts)},
		"inbound: not among the included":      {lists{IncludeInboundPorts: {"80"}}, inbound(TCP, 81), bypassed(IncludeInboundPorts)},
		"inbound: port 53 not included":        {lists{IncludeInboundPorts: {"80"}}, inbound(TCP, 53), bypassed(IncludeInboundPorts)},
		"inbound: among the included":          {lists{IncludeInboundPorts: {"80"}}, inbound(TCP, 80), left},
		"inbound: included for UDP alone":      {lists{IncludeInboundPorts: {"80/UDP"}}, inbound(TCP, 80), bypassed(IncludeInboundPorts)},
		"inbound: UDP is left":                 {lists{IncludeInboundPorts: {"80"}}, inbound(UDP, 81), left},
		"inbound: everything included":         {lists{IncludeInboundPorts: {"*"}}, inbound(TCP, 81), left},
		"inbound: nothing included":            {lists{IncludeInboundPorts: {}}, inbound(TCP, 81), bypassed(IncludeInboundPorts)},
		"inbound: excluded before included":    {lists{ExcludeInboundPorts: {"81"}, IncludeInboundPorts: {"80"}}, inbound(TCP, 81), bypassed(ExcludeInboundPorts)},
		"inbound: ranges say nothing":          {ranges, Connection{Inbound, TCP, netip.MustParseAddr("10.0.0.1"), 80, false}, left},
		"inbound: outbound ports say nothing":  {lists{ExcludeOutboundPorts: {"80"}, IncludeOutboundPorts: {"80"}}, inbound(TCP, 80), left},
		"inbound: the address decides nothing": {lists{ExcludeInboundPorts: {"80"}}, Connection{Inbound, TCP, netip.Addr{}, 80, false}, bypassed(ExcludeInboundPorts)},
		"inbound: nothing said":                {lists{}, inbound(TCP, 80), left},
	} {
		t.Run(name, func(t *testing.T) {
			settings := layerOf(t, c.settings).Settings()
			got := settings.Decide(c.connection)
			got.Line = 0 // TestTheLineThatDecidesSaysWhatIsSo
			assert.Equal(t, c.want, got, "want %s by %q, got %s by %q", c.want.Verdict, c.want.By, got.Verdict, got.By)
		})
	}
}

func TestVerdictsAndDirectionsHaveNames(t *testing.T) {
	assert.Equal(t, "left to the mesh, intercepted, bypassed", fmt.Sprintf("%v, %v, %v", LeftToMesh, Intercepted, Bypassed))
	assert.Equal(t, "inbound, outbound", fmt.Sprintf("%v, %v", Inbound, Outbound))
}

func TestBypassNothing(t *testing.T) {
	assert.True(t, Settings{}.BypassNothing())
	for _, f := range Fields {
		var entries []string
		switch f {
		case ExcludeOutbound:
			entries = []string{"10.0.0.0/8@80"}
		case ExcludeOutboundIPRanges, IncludeOutboundIPRanges:
			entries = []string{"10.0.0.0/8"}
		default:
			entries = []string{"80"}
		}
		settings := layerOf(t, map[Field][]string{f: entries}).Settings()
		assert.Equal(t, f == IncludeOutboundPorts, settings.BypassNothing(), "%s", f)
	}
}

func TestSettingsThatBypassNothingBypassNoConnection(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		settings := drawnSettings.Draw(t, "settings")
		c := drawnConnection.Draw(t, "connection")
		decision := settings.Decide(c)
		if decision.Verdict == Bypassed {
			require.False(t, settings.BypassNothing())
		}
		// The field that is named is the one that decides: without it, it is
		// no longer named.
		if decision.By != "" {
			layer := settings.Layer()
			require.True(t, layer.Says(decision.By))
			rest := Layer{}
			for _, f := range Fields {
				if entries, said := layer.Entries(f); said && f != decision.By {
					require.NoError(t, rest.Set(f, entries))
				}
			}
			require.NotEqual(t, decision.By, rest.Settings().Decide(c).By)
		}
	})
}

func TestArguments(t *testing.T) {
	type lists = map[Field][]string
	for name, c := range map[string]struct {
		settings lists
		want     []string
	}{
		"nothing":                 {lists{}, nil},
		"fields at their default": {lists{ExcludeInboundPorts: {}, IncludeInboundPorts: {"*"}, IncludeOutboundIPRanges: {"*"}, ExcludeOutbound: {}}, nil},
		"no port included":        {lists{IncludeInboundPorts: {}}, []string{"--include-inbound-ports="}},
		"no range included":       {lists{IncludeOutboundIPRanges: {}}, []string{"--include-outbound-ip-ranges="}},
		"in canonical form":       {lists{ExcludeInboundPorts: {"8010", "7001", "8000-8009"}}, []string{"--exclude-inbound-ports=7001,8000-8010"}},
		"pairs":                   {lists{ExcludeOutbound: {"fd00::1/8@53-54/UDP", "10.1.0.0/16@5432/TCP"}}, []string{"--exclude-outbound=10.1.0.0/16@5432/TCP,fd00::/8@53-54/UDP"}},
		"all fields, in their order": {
			lists{
				ExcludeOutbound: {"10.0.0.0/8@1"}, IncludeOutboundIPRanges: {"::1"}, ExcludeOutboundIPRanges: {"10.0.0.1"},
				IncludeOutboundPorts: {"2"}, ExcludeOutboundPorts: {"3"}, IncludeInboundPorts: {"4"}, ExcludeInboundPorts: {"5"},
			},
			[]string{
				"--exclude-inbound-ports=5", "--include-inbound-ports=4",
				"--exclude-outbound-ports=3", "--include-outbound-ports=2",
				"--exclude-outbound-ip-ranges=10.0.0.1/32", "--include-outbound-ip-ranges=::1/128",
				"--exclude-outbound=10.0.0.0/8@1",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			settings := layerOf(t, c.settings).Settings()
			assert.Equal(t, c.want, settings.Arguments())
			back, err := ParseArguments(argumentValues(t, settings.Arguments()))
			require.NoError(t, err)
			assert.True(t, settings.Equal(back), "%v read back as %v", settings, back)
		})
	}
}

// TestLongArgumentsAreSplit holds arguments to the kernel's limit for one
// string, 32 pages with its closing zero (MAX_ARG_STRLEN,
// include/uapi/linux/binfmts.h).
func TestLongArgumentsAreSplit(t *testing.T) {
	const kernelLimit = 32 * 4096
	for _, n := range []int{0, 1, 1000, 7000, 40_000} {
		prefixes := make([]netip.Prefix, n)
		for i := range prefixes {
			// Every other address, so that none can be joined.
			prefixes[i] = netip.PrefixFrom(netip.AddrFrom4([4]byte{192, byte(i >> 15), byte(i >> 7), byte(i << 1)}), 32)
		}
		settings := Settings{IncludeOutboundIPRanges: Only(NewPrefixes(prefixes...))}
		arguments := settings.Arguments()
		total := 0
		for _, argument := range arguments {
			require.Less(t, len(argument)+1, kernelLimit)
			total += len(argument)
		}
		assert.Len(t, arguments, 1+total/maxArgument, "%d entries", n)
		back, err := ParseArguments(argumentValues(t, arguments))
		require.NoError(t, err)
		assert.True(t, settings.Equal(back), "%d entries", n)
	}
}

func TestParseArgumentsReportsEveryError(t *testing.T) {
	settings, err := ParseArguments(map[Field][]string{
		ExcludeInboundPorts:     {"80,http", "", "9-8"},
		IncludeInboundPorts:     {"*,80"},
		IncludeOutboundIPRanges: {"10.0.0.0/8"},
		ExcludeOutbound:         {"10.0.0.0/8@1,,10.0.0.0/8"},
	})
	assert.Equal(t, Settings{}, settings)
	require.EqualError(t, err, `excludeInboundPorts: "http" is not a port: write a port from 1 to 65535, or a range such as "8000-8010"
excludeInboundPorts: "9-8" is a reversed range: write "8-9"
includeInboundPorts: "*" is not an entry of a list: list what you mean; "*" is valid only by itself, in includeInboundPorts and includeOutboundIPRanges
excludeOutbound: "" is not a pair of an IP range and a port: write it as "10.1.0.0/16@5432"
excludeOutbound: "10.0.0.0/8" is not a pair of an IP range and a port: write it as "10.1.0.0/16@5432"`)

	var indices []int
	for _, bad := range wrongEntries(t, err) {
		indices = append(indices, bad.Index)
	}
	assert.Equal(t, []int{1, 2, 0, 1, 2}, indices)
	var field *FieldError
	require.ErrorAs(t, err, &field)
	assert.Equal(t, ExcludeInboundPorts, field.Field)
}

func TestSplitList(t *testing.T) {
	for name, c := range map[string]struct{ lists, want []string }{
		"no list":        {nil, []string{}},
		"an empty list":  {[]string{""}, []string{}},
		"empty lists":    {[]string{"", ""}, []string{}},
		"one entry":      {[]string{"80"}, []string{"80"}},
		"several lists":  {[]string{"80,90", "", "100"}, []string{"80", "90", "100"}},
		"an entry lacks": {[]string{"80,,90,"}, []string{"80", "", "90", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, c.want, SplitList(c.lists...))
		})
	}
}

func TestArgumentsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		settings := drawnSettings.Draw(t, "settings")
		back, err := ParseArguments(argumentValues(t, settings.Arguments()))
		require.NoError(t, err)
		require.True(t, settings.Equal(back), "%v read back as %v", settings, back)
		requireSameStrings(t, settings.Arguments(), back.Arguments())
	})
}

func TestDecideDependsOnNothingButTheCanonicalSettings(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var written, canonical Layer
		for _, f := range Fields {
			entries := drawnEntries(t, f)
			require.NoError(t, written.Set(f, entries))
			if len(entries) > 0 && entries[0] != Everything {
				// Once more, in another order.
				entries = rapid.Permutation(append(entries, entries...)).Draw(t, "again")
			}
			require.NoError(t, canonical.Set(f, entries))
		}
		a, b := written.Settings(), canonical.Settings()
		c, err := ParseArguments(argumentValues(t, a.Arguments()))
		require.NoError(t, err)
		for range 50 {
			connection := drawnConnection.Draw(t, "connection")
			require.Equal(t, a.Decide(connection), b.Decide(connection), "%+v", connection)
			require.Equal(t, a.Decide(connection), c.Decide(connection), "%+v", connection)
		}
	})
}
