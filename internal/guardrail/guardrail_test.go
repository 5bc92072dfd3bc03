package guardrail

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// said gives settings of lines FIELD=ENTRY,ENTRY.
func said(t require.TestingT, text string) traffic.Settings {
	var l traffic.Layer
	for line := range strings.SplitSeq(text, "\n") {
		if field, list, found := strings.Cut(strings.TrimSpace(line), "="); found {
			require.NoError(t, l.Set(traffic.Field(field), traffic.SplitList(list)))
		}
	}
	return l.Settings()
}

func ports(t require.TestingT, list string) traffic.Ports {
	s := said(t, "excludeOutboundPorts="+list)
	return s.ExcludeOutboundPorts
}

func text(b Breach) string {
	var by, prefixes []string
	for _, f := range b.By {
		by = append(by, string(f))
	}
	for _, p := range b.Prefixes {
		prefixes = append(prefixes, p.String())
	}
	kind := []string{"inbound", "outbound", "width", "width"}[b.Kind]
	return strings.TrimSuffix(kind+" by "+strings.Join(by, "+")+" on "+strings.Join(b.Ports.Entries(), ",")+" at "+strings.Join(prefixes, ","), " at ")
}

func TestBreaches(t *testing.T) {
	tests := []struct {
		name     string
		limits   Limits
		settings string
		own      string
		want     []string
	}{
		{name: "no limits", settings: "excludeOutboundPorts=443\nexcludeOutboundIPRanges=0.0.0.0/0"},
		{
			name: "nothing that is forbidden", limits: Limits{InboundPorts: ports(t, "443"), OutboundPorts: ports(t, "443"), WidestIPv4: 16},
			settings: "excludeOutboundPorts=3306\nexcludeInboundPorts=9090\nincludeInboundPorts=443\nexcludeOutbound=10.1.0.0/16@5432",
		},
		{
			name: "a port", limits: Limits{OutboundPorts: ports(t, "443")},
			settings: "excludeOutboundPorts=440-450", want: []string{"outbound by excludeOutboundPorts on 443 at 0.0.0.0/0,::/0"},
		},
		{
			name: "a port over one protocol", limits: Limits{OutboundPorts: ports(t, "443/TCP")},
			settings: "excludeOutboundPorts=443/UDP",
		},
		{
			name: "an inbound port", limits: Limits{InboundPorts: ports(t, "8000-8100")},
			settings: "excludeInboundPorts=8080,9090", want: []string{"inbound by excludeInboundPorts on 8080"},
		},
		{
			name: "an inbound port that is not included", limits: Limits{InboundPorts: ports(t, "8080,8443")},
			settings: "includeInboundPorts=8080", want: []string{"inbound by includeInboundPorts on 8443/TCP"},
		},
		{
			name: "inbound ports of which none is included", limits: Limits{InboundPorts: ports(t, "8443/TCP")},
			settings: "includeInboundPorts=", want: []string{"inbound by includeInboundPorts on 8443/TCP"},
		},
		{
			name: "a range holds the port at its addresses", limits: Limits{OutboundPorts: ports(t, "443")},
			settings: "excludeOutboundIPRanges=10.1.0.0/16", want: []string{"outbound by excludeOutboundIPRanges on 443/TCP at 10.1.0.0/16"},
		},
		{
			name: "a range beside which the port is included", limits: Limits{OutboundPorts: ports(t, "443")},
			settings: "excludeOutboundIPRanges=10.1.0.0/16\nincludeOutboundPorts=443",
		},
		{
			name: "an included port does not help against a pair", limits: Limits{OutboundPorts: ports(t, "443")},
			settings: "excludeOutbound=10.1.0.0/16@400-500/TCP\nincludeOutboundPorts=443", want: []string{"outbound by excludeOutbound on 443/TCP at 10.1.0.0/16"},
		},
		{
			name: "no range bypasses DNS", limits: Limits{OutboundPorts: ports(t, "53")},
			settings: "excludeOutboundIPRanges=10.1.0.0/16\nincludeOutboundIPRanges=10.0.0.0/8",
		},
		{
			name: "what is not included bypasses", limits: Limits{OutboundPorts: ports(t, "443/TCP")},
			settings: "includeOutboundIPRanges=0.0.0.0/1,::/0", want: []string{"outbound by includeOutboundIPRanges on 443/TCP at 128.0.0.0/1"},
		},
		{
			name: "a wide range", limits: Limits{WidestIPv4: 16, WidestIPv6: 48},
			settings: "excludeOutboundIPRanges=10.0.0.0/8,172.16.0.0/16,fd00::/8,2001:db8::/48",
			want: []string{
				"width by excludeOutboundIPRanges on 1-52/TCP,54-65535/TCP at 10.0.0.0/8",
				"width by excludeOutboundIPRanges on 1-52/TCP,54-65535/TCP at fd00::/8",
			},
		},
		{
			name: "one family alone is bounded", limits: Limits{WidestIPv6: 48},
			settings: "excludeOutboundIPRanges=10.0.0.0/8,2001:db8::/48",
		},
		{
			name: "two ranges that are one", limits: Limits{WidestIPv4: 16},
			settings: "excludeOutboundIPRanges=10.0.0.0/16,10.1.0.0/16", want: []string{"width by excludeOutboundIPRanges on 1-52/TCP,54-65535/TCP at 10.0.0.0/15"},
		},
		{
			name: "a pair and a range that are one", limits: Limits{WidestIPv4: 16},
			settings: "excludeOutboundIPRanges=10.0.0.0/16\nexcludeOutbound=10.1.0.0/16@5432/TCP",
			want:     []string{"width by excludeOutbound+excludeOutboundIPRanges on 5432/TCP at 10.0.0.0/15"},
		},
		{
			name: "a wide pair", limits: Limits{WidestIPv4: 16},
			settings: "excludeOutbound=0.0.0.0/0@5432", want: []string{"width by excludeOutbound on 5432 at 0.0.0.0/0"},
		},
		{
			name: "a port bypasses at every address", limits: Limits{WidestIPv4: 16, WidestIPv6: 48},
			settings: "excludeOutboundPorts=5432\nexcludeOutbound=0.0.0.0/0@5432",
		},
		{
			name: "a range that bypasses on no port", limits: Limits{WidestIPv4: 16},
			settings: "excludeOutboundIPRanges=10.0.0.0/8\nincludeOutboundPorts=1-65535",
		},
		{
			name: "what is not included is wide", limits: Limits{WidestIPv4: 16},
			settings: "includeOutboundIPRanges=128.0.0.0/1,0.0.0.0/2",
			want:     []string{"width by includeOutboundIPRanges on 1-52/TCP,54-65535/TCP at 64.0.0.0/2"},
		},
		{
			name: "what the mesh bypasses already", limits: Limits{InboundPorts: ports(t, "15020"), OutboundPorts: ports(t, "443"), WidestIPv4: 16},
			settings: "excludeInboundPorts=15020\nexcludeOutboundPorts=443\nexcludeOutboundIPRanges=10.0.0.0/8",
			own:      "excludeInboundPorts=15020\nexcludeOutboundPorts=443\nexcludeOutboundIPRanges=10.0.0.0/8",
		},
		{
			name: "more than the mesh bypasses already", limits: Limits{OutboundPorts: ports(t, "443"), WidestIPv4: 16},
			settings: "excludeOutboundPorts=443\nexcludeOutboundIPRanges=10.0.0.0/8,11.0.0.0/8",
			own:      "excludeOutboundIPRanges=10.0.0.0/8",
			want: []string{
				"outbound by excludeOutboundPorts on 443 at 0.0.0.0/0,::/0",
				"width by excludeOutboundIPRanges on 1-52/TCP,54-442/TCP,444-65535/TCP at 10.0.0.0/7",
			},
		},
		{
			name: "nothing may bypass", limits: Nothing,
			settings: "includeInboundPorts=1-65535\nexcludeOutboundIPRanges=10.0.0.7\nexcludeOutboundPorts=53",
			want: []string{
				"outbound by excludeOutboundPorts on 53 at 0.0.0.0/0,::/0",
				"outbound by excludeOutboundIPRanges on 1-52/TCP,54-65535/TCP at 10.0.0.7/32",
			},
		},
		{name: "an include of everything bypasses nothing", limits: Nothing, settings: "includeInboundPorts=1-65535\nincludeOutboundIPRanges=0.0.0.0/0,::/0"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for _, b := range test.limits.Breaches(said(t, test.settings), said(t, test.own)) {
				got = append(got, text(b))
			}
			assert.Equal(t, test.want, got)
		})
	}
}

// The property draws from a world of sixteen IPv4 addresses and two dozen ports,
// so that everything meets everything, and holds the limits against the decision
// alone.

var (
	worldPorts = []uint16{1, 2, 3, 52, 53, 54, 55, 65535}
	worldEntry = rapid.Custom(func(t *rapid.T) string {
		a, b := rapid.SampledFrom(worldPorts).Draw(t, "port"), rapid.SampledFrom(worldPorts).Draw(t, "port")
		return traffic.PortRange{First: min(a, b), Last: max(a, b)}.String() + rapid.SampledFrom([]string{"", "/TCP", "/UDP"}).Draw(t, "protocol")
	})
	worldPrefix = rapid.Custom(func(t *rapid.T) string {
		a := netip.AddrFrom4([4]byte{10, 0, 0, rapid.ByteRange(0, 15).Draw(t, "address")})
		return netip.PrefixFrom(a, rapid.IntRange(28, 32).Draw(t, "bits")).Masked().String()
	})
	worldPair = rapid.Custom(func(t *rapid.T) string {
		return worldPrefix.Draw(t, "prefix") + "@" + worldEntry.Draw(t, "ports")
	})
)

const world = "10.0.0.0/28"

func drawnSettings(t *rapid.T, label string) traffic.Settings {
	var l traffic.Layer
	for _, f := range traffic.Fields {
		if !rapid.Bool().Draw(t, label+" says "+string(f)) {
			continue
		}
		entry := worldEntry
		switch f {
		case traffic.ExcludeOutboundIPRanges, traffic.IncludeOutboundIPRanges:
			entry = worldPrefix
		case traffic.ExcludeOutbound:
			entry = worldPair
		}
		require.NoError(t, l.Set(f, rapid.SliceOfN(entry, 0, 3).Draw(t, string(f))))
	}
	return l.Settings()
}

// prefixesOf gives every prefix of the world.
func prefixesOf() []netip.Prefix {
	var all []netip.Prefix
	for bits := 28; bits <= 32; bits++ {
		for a := netip.MustParsePrefix(world).Addr(); netip.MustParsePrefix(world).Contains(a); a = a.Next() {
			if p := netip.PrefixFrom(a, bits); p == p.Masked() {
				all = append(all, p)
			}
		}
	}
	return all
}

func TestBreachesAreWhatTheDecisionLetsBypass(t *testing.T) {
	all := prefixesOf()
	rapid.Check(t, func(t *rapid.T) {
		limits := Limits{
			InboundPorts:  ports(t, strings.Join(rapid.SliceOfN(worldEntry, 0, 2).Draw(t, "inbound"), ",")),
			OutboundPorts: ports(t, strings.Join(rapid.SliceOfN(worldEntry, 0, 2).Draw(t, "outbound"), ",")),
			WidestIPv4:    rapid.SampledFrom([]int{0, 29, 30, 31, 32}).Draw(t, "widest"),
		}
		s, own := drawnSettings(t, "settings"), drawnSettings(t, "own")
		found := limits.Breaches(s, own)
		reported := func(kind Kind, protocol traffic.Protocol, port uint16, q netip.Prefix) bool {
			return slices.ContainsFunc(found, func(b Breach) bool {
				return b.Kind == kind && b.Ports.Contains(protocol, port) && (kind == InboundPort ||
					slices.ContainsFunc(b.Prefixes, func(p netip.Prefix) bool { return p.Bits() <= q.Bits() && p.Contains(q.Addr()) }))
			})
		}
		for _, protocol := range traffic.Protocols {
			for _, port := range worldPorts {
				in := traffic.Connection{Direction: traffic.Inbound, Protocol: protocol, Port: port}
				forbidden := limits.InboundPorts.Contains(protocol, port) &&
					s.Decide(in).Verdict == traffic.Bypassed && own.Decide(in).Verdict != traffic.Bypassed
				require.Equal(t, forbidden, reported(InboundPort, protocol, port, netip.Prefix{}), "inbound %v %d", protocol, port)

				wholly := s.ExcludeOutboundPorts.Contains(protocol, port)
				for _, q := range all {
					bypassed, already := true, true
					for a := q.Addr(); q.Contains(a); a = a.Next() {
						out := traffic.Connection{Protocol: protocol, Address: a, Port: port}
						bypassed = bypassed && s.Decide(out).Verdict == traffic.Bypassed
						already = already && own.Decide(out).Verdict == traffic.Bypassed
					}
					if !bypassed || already {
						continue
					}
					if limits.OutboundPorts.Contains(protocol, port) {
						require.True(t, reported(OutboundPort, protocol, port, q), "%v %v %d", q, protocol, port)
					}
					if !wholly && q.Bits() < limits.WidestIPv4 {
						require.True(t, reported(WidthIPv4, protocol, port, q), "%v %v %d", q, protocol, port)
					}
				}
			}
		}
		for _, b := range found {
			require.NotEmpty(t, b.By)
			if b.Kind == InboundPort {
				continue
			}
			for _, p := range b.Prefixes {
				require.True(t, b.Kind == OutboundPort || limits.TooWide(p), "%v is not too wide", p)
				require.True(t, witnessed(s, own, b, p), "nothing shows that %v breaks a limit by %v", p, b.By)
			}
		}
	})
}

// witnessed reports whether there is a port of the breach on which the prefix
// bypasses, by one of the fields of the breach, and more of it than by own. Of a
// prefix that is wider than the world, its first addresses have to do.
func witnessed(s, own traffic.Settings, b Breach, p netip.Prefix) bool {
	for _, protocol := range traffic.Protocols {
		candidates := []uint16{}
		for _, port := range worldPorts { // a set begins and ends at one of them
			candidates = append(candidates, port-1, port, port+1)
		}
		for _, port := range candidates {
			if !b.Ports.Contains(protocol, port) {
				continue
			}
			bypassed, more := true, p.Bits() < 28
			for a, n := p.Addr(), 0; p.Contains(a) && n < 16; a, n = a.Next(), n+1 {
				c := traffic.Connection{Protocol: protocol, Address: a, Port: port}
				d := s.Decide(c)
				bypassed = bypassed && d.Verdict == traffic.Bypassed && slices.Contains(b.By, d.By)
				more = more || own.Decide(c).Verdict != traffic.Bypassed
			}
			if bypassed && more {
				return true
			}
		}
	}
	return false
}
