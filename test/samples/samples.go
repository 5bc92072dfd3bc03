// Package samples gives the tests of the packet filter's rules traffic settings:
// drawn by chance, or given as the init container's flags.
package samples

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// Settings are drawn from a small world, so that they overlap, touch and nest, and
// reach the ends of each range of numbers.

var port = rapid.OneOf(rapid.Uint16Range(1, 10), rapid.Uint16Range(51, 55), rapid.Uint16Range(65530, 65535))

var portEntry = rapid.Custom(func(t *rapid.T) string {
	a, b := port.Draw(t, "port"), port.Draw(t, "port")
	return traffic.PortRange{First: min(a, b), Last: max(a, b)}.String() + rapid.SampledFrom([]string{"", "/TCP", "/UDP"}).Draw(t, "protocol")
})

var address = rapid.Custom(func(t *rapid.T) netip.Addr {
	fill := rapid.SampledFrom([]byte{0, 0x80, 0xff}).Draw(t, "fill")
	end := rapid.ByteRange(0, 15).Draw(t, "end")
	if rapid.Bool().Draw(t, "ipv6") {
		return netip.AddrFrom16([16]byte{fill, 14: fill, 15: fill ^ end})
	}
	return netip.AddrFrom4([4]byte{fill, 1, fill, fill ^ end})
})

var prefixEntry = rapid.Custom(func(t *rapid.T) string {
	address := address.Draw(t, "address")
	bits := address.BitLen() - rapid.OneOf(rapid.IntRange(0, 5), rapid.IntRange(0, address.BitLen())).Draw(t, "host bits")
	return netip.PrefixFrom(address, bits).Masked().String()
})

var pairEntry = rapid.Custom(func(t *rapid.T) string {
	return prefixEntry.Draw(t, "range") + "@" + portEntry.Draw(t, "ports")
})

var entry = map[traffic.Field]*rapid.Generator[string]{
	traffic.ExcludeInboundPorts:     portEntry,
	traffic.IncludeInboundPorts:     portEntry,
	traffic.ExcludeOutboundPorts:    portEntry,
	traffic.IncludeOutboundPorts:    portEntry,
	traffic.ExcludeOutboundIPRanges: prefixEntry,
	traffic.IncludeOutboundIPRanges: prefixEntry,
	traffic.ExcludeOutbound:         pairEntry,
}

// Settings are as a user gives them: each field absent, empty or full of
// entries in any order, with overlaps.
var Settings = rapid.Custom(func(t *rapid.T) traffic.Settings {
	values := map[traffic.Field][]string{}
	for _, f := range traffic.Fields {
		if rapid.Bool().Draw(t, string(f)+" given") {
			values[f] = []string{strings.Join(rapid.SliceOfN(entry[f], 0, 12).Draw(t, string(f)), ",")}
		}
	}
	settings, err := traffic.ParseArguments(values)
	require.NoError(t, err, "%v", values)
	return settings
})

// Connection is one that settings may decide about.
var Connection = rapid.Custom(func(t *rapid.T) traffic.Connection {
	return traffic.Connection{
		Direction: rapid.SampledFrom([]traffic.Direction{traffic.Outbound, traffic.Inbound}).Draw(t, "direction"),
		Protocol:  rapid.SampledFrom(traffic.Protocols).Draw(t, "protocol"),
		Address:   address.Draw(t, "destination"),
		Port:      port.Draw(t, "port"),
		Loopback:  rapid.Bool().Draw(t, "loopback"),
	}
})

// Of reads settings as the init container's flags give them.
func Of(t testing.TB, flags ...string) traffic.Settings {
	t.Helper()
	values := map[traffic.Field][]string{}
	for _, flag := range flags {
		name, value, _ := strings.Cut(strings.TrimPrefix(flag, "--"), "=")
		for _, f := range traffic.Fields {
			if f.Flag() == name {
				values[f] = append(values[f], value)
			}
		}
	}
	settings, err := traffic.ParseArguments(values)
	require.NoError(t, err)
	return settings
}

// Ranges excludes that many ranges, no two of them adjacent.
func Ranges(t testing.TB, count int) traffic.Settings {
	t.Helper()
	entries := make([]string, count)
	for i := range entries {
		entries[i] = fmt.Sprintf("10.%d.%d.0/25", i/256, i%256)
	}
	settings := Of(t, "--exclude-outbound-ip-ranges="+strings.Join(entries, ","))
	require.Len(t, settings.ExcludeOutboundIPRanges.List(), count)
	return settings
}

// Everything is flags that put something into each set that there can be.
var Everything = []string{
	"--exclude-inbound-ports=7001,8000-8010,1-3/UDP,65535",
	"--include-inbound-ports=1,8080-9090",
	"--exclude-outbound-ports=3306,53/UDP",
	"--include-outbound-ports=7001",
	"--exclude-outbound-ip-ranges=10.0.0.0/8,0.0.0.0/8,240.0.0.0/4,fd00::/8,::/8",
	"--include-outbound-ip-ranges=128.0.0.0/1,::/0",
	"--exclude-outbound=10.1.0.0/16@5432,10.2.0.0/16@53-54/UDP,fd00::/8@1-65535/TCP",
}
