package traffic

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestParsePorts(t *testing.T) {
	for entry, want := range map[string]struct{ tcp, udp []PortRange }{
		"1":             {tcp: []PortRange{{1, 1}}, udp: []PortRange{{1, 1}}},
		"65535":         {tcp: []PortRange{{65535, 65535}}, udp: []PortRange{{65535, 65535}}},
		"1-65535":       {tcp: []PortRange{{1, 65535}}, udp: []PortRange{{1, 65535}}},
		"80-80":         {tcp: []PortRange{{80, 80}}, udp: []PortRange{{80, 80}}},
		"8000-8010/TCP": {tcp: []PortRange{{8000, 8010}}},
		"53/UDP":        {udp: []PortRange{{53, 53}}},
	} {
		t.Run(entry, func(t *testing.T) {
			ports, err := ParsePorts(entry)
			require.NoError(t, err)
			assert.Equal(t, want.tcp, ports.Ranges(TCP))
			assert.Equal(t, want.udp, ports.Ranges(UDP))
		})
	}
}

func TestParsePortsSaysWhatIsWrong(t *testing.T) {
	const aPort = `write a port from 1 to 65535, or a range such as "8000-8010"`
	for entry, want := range map[string]struct{ problem, remedy string }{
		"":                     {"not a port", aPort},
		"http":                 {"not a port", aPort},
		"-1":                   {"not a port", aPort},
		"+1":                   {"not a port", aPort},
		"1_000":                {"not a port", aPort},
		"1e3":                  {"not a port", aPort},
		"80-":                  {"not a port", aPort},
		"80-90-100":            {"not a port", aPort},
		"/TCP":                 {"not a port", aPort},
		":":                    {"not a port", aPort},
		"80:":                  {"not a port", aPort},
		"80:90:100":            {"not a port", aPort},
		"٣":                    {"not a port", aPort},
		"0":                    {"a port outside 1-65535", aPort},
		"65536":                {"a port outside 1-65535", aPort},
		"80-65536":             {"a port outside 1-65535", aPort},
		"0-80":                 {"a port outside 1-65535", aPort},
		"99999999999999999999": {"a port outside 1-65535", aPort},
		"0:80":                 {"a port outside 1-65535", aPort},
		"080":                  {"a port with a leading zero", "remove the zero"},
		"00":                   {"a port with a leading zero", "remove the zero"},
		" 80":                  {"a port with whitespace", "remove the whitespace"},
		"80 - 90":              {"a port with whitespace", "remove the whitespace"},
		"80\t/TCP":             {"a port with whitespace", "remove the whitespace"},
		"90-80":                {"a reversed range", `write "80-90"`},
		"90-80/UDP":            {"a reversed range", `write "80-90/UDP"`},
		"90:80":                {"a reversed range", `write "80-90"`},
		"80:90":                {"a port range written with a colon", `write "80-90"`},
		"80:90/TCP":            {"a port range written with a colon", `write "80-90/TCP"`},
		"80/tcp":               {`of an unknown protocol "tcp"`, `write "80/TCP", "80/UDP", or "80" for both`},
		"80-90/SCTP":           {`of an unknown protocol "SCTP"`, `write "80-90/TCP", "80-90/UDP", or "80-90" for both`},
		"80/":                  {`of an unknown protocol ""`, `write "80/TCP", "80/UDP", or "80" for both`},
		"80/TCP/UDP":           {`of an unknown protocol "TCP/UDP"`, `write "80/TCP", "80/UDP", or "80" for both`},
	} {
		t.Run(entry, func(t *testing.T) {
			ports, err := ParsePorts(entry)
			assert.True(t, ports.IsEmpty())
			assert.Equal(t, &EntryError{Value: entry, Problem: want.problem, Remedy: want.remedy}, err)
		})
	}
}

func TestEntryErrorReadsAsASentence(t *testing.T) {
	_, err := ParsePorts("8010-8000")
	require.EqualError(t, err, `"8010-8000" is a reversed range: write "8000-8010"`)
	_, err = ParsePorts("80/tcp")
	require.EqualError(t, err, `"80/tcp" is of an unknown protocol "tcp": write "80/TCP", "80/UDP", or "80" for both`)
}

func TestPortsEntriesAreCanonical(t *testing.T) {
	for name, c := range map[string]struct{ written, canonical []string }{
		"nothing":                      {nil, nil},
		"sorted by number":             {[]string{"10000", "9000", "80"}, []string{"80", "9000", "10000"}},
		"twice":                        {[]string{"80", "80", "80-80"}, []string{"80"}},
		"overlapping":                  {[]string{"80-90", "85-95"}, []string{"80-95"}},
		"adjacent":                     {[]string{"81", "80", "82-90"}, []string{"80-90"}},
		"both protocols one by one":    {[]string{"53/UDP", "53/TCP"}, []string{"53"}},
		"protocols that overlap":       {[]string{"80-90/TCP", "85-95/UDP"}, []string{"80-84/TCP", "85-90", "91-95/UDP"}},
		"the middle of the other":      {[]string{"1-9/TCP", "5/UDP"}, []string{"1-4/TCP", "5", "6-9/TCP"}},
		"up to the last port":          {[]string{"65535", "65534"}, []string{"65534-65535"}},
		"a bare one swallows narrowed": {[]string{"80/TCP", "80-81", "81/UDP"}, []string{"80-81"}},
	} {
		t.Run(name, func(t *testing.T) {
			layer := layerOf(t, map[Field][]string{ExcludeInboundPorts: c.written})
			requireSameStrings(t, c.canonical, layer.ExcludeInboundPorts.Entries())
		})
	}
}

func TestPortsOfOneProtocol(t *testing.T) {
	ports := NewPorts(TCP, PortRange{1, 10}).Union(NewPorts(UDP, PortRange{5, 20}))
	assert.Equal(t, 10, ports.Count(TCP))
	assert.Equal(t, 16, ports.Count(UDP))
	assert.Equal(t, []PortRange{{5, 10}}, ports.Both())
	assert.Equal(t, []string{"5-20/UDP"}, ports.Of(UDP).Entries())
	assert.Equal(t, 65536, NewPorts(TCP, PortRange{0, 65535}).Count(TCP))
	assert.Equal(t, []string{"TCP", "UDP", "132"}, []string{TCP.String(), UDP.String(), Protocol(132).String()})
	sctp := Protocol(132)
	assert.False(t, ports.Contains(sctp, 7))
	assert.Empty(t, ports.Ranges(sctp))
}

// portSet is the naive model of Ports: a bit for every port.
type portSet [65536]bool

func portSetOf(p Ports, protocol Protocol) (s portSet) {
	for _, r := range p.Ranges(protocol) {
		for port := int(r.First); port <= int(r.Last); port++ {
			s[port] = true
		}
	}
	return s
}

func TestPortsAreASetAlgebra(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawnPorts(anyPort).Draw(t, "a"), drawnPorts(anyPort).Draw(t, "b")
		union, without, both := a.Union(b), a.Without(b), a.Intersect(b)
		for _, protocol := range Protocols {
			x, y := portSetOf(a, protocol), portSetOf(b, protocol)
			for port := range len(x) {
				p := uint16(port)
				if union.Contains(protocol, p) != (x[port] || y[port]) ||
					without.Contains(protocol, p) != (x[port] && !y[port]) ||
					both.Contains(protocol, p) != (x[port] && y[port]) {
					require.Fail(t, "port", "%d/%v: union %v, without %v, intersection %v", p, protocol, union, without, both)
				}
			}
		}
		for _, result := range []Ports{a, b, union, without, both} {
			requireCanonicalPorts(t, result)
		}
		require.Equal(t, a.Equal(b), a.Without(b).IsEmpty() && b.Without(a).IsEmpty())
	})
}

func requireCanonicalPorts(t require.TestingT, p Ports) {
	for _, protocol := range Protocols {
		ranges := p.Ranges(protocol)
		for i, r := range ranges {
			require.LessOrEqual(t, r.First, r.Last)
			if i > 0 {
				require.Less(t, int(ranges[i-1].Last)+1, int(r.First), "touching: %v", ranges)
			}
		}
	}
	var back Ports
	for _, entry := range p.Entries() {
		one, err := ParsePorts(entry)
		require.NoError(t, err)
		require.True(t, back.Intersect(one).IsEmpty(), "%s is said twice", entry)
		back = back.Union(one)
	}
	require.True(t, p.Equal(back), "%v read back as %v", p, back)
}

func TestPortsAreTheSameHoweverTheyAreWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ports := drawnPorts(anyPort).Draw(t, "ports")
		var written []string
		for _, protocol := range Protocols {
			for _, r := range ports.Ranges(protocol) {
				cut := rapid.Uint16Range(r.First, r.Last).Draw(t, "cut")
				overlap := rapid.Uint16Range(r.First, cut).Draw(t, "overlap")
				written = append(written,
					PortRange{r.First, cut}.String()+"/"+protocol.String(),
					PortRange{overlap, r.Last}.String()+"/"+protocol.String())
			}
		}
		written = rapid.Permutation(written).Draw(t, "written")
		again := *layerOf(t, map[Field][]string{ExcludeInboundPorts: written}).ExcludeInboundPorts
		require.True(t, ports.Equal(again))
		requireSameStrings(t, ports.Entries(), again.Entries())
	})
}
