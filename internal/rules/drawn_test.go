package rules

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// The world from which settings are drawn is small, so that what is drawn
// overlaps, touches and nests, and reaches the ends of each number range.

var drawnPort = rapid.OneOf(rapid.Uint16Range(1, 10), rapid.Uint16Range(51, 55), rapid.Uint16Range(65530, 65535))

var drawnPortEntry = rapid.Custom(func(t *rapid.T) string {
	a, b := drawnPort.Draw(t, "port"), drawnPort.Draw(t, "port")
	return traffic.PortRange{First: min(a, b), Last: max(a, b)}.String() + rapid.SampledFrom([]string{"", "/TCP", "/UDP"}).Draw(t, "protocol")
})

var drawnAddress = rapid.Custom(func(t *rapid.T) netip.Addr {
	fill := rapid.SampledFrom([]byte{0, 0x80, 0xff}).Draw(t, "fill")
	end := rapid.ByteRange(0, 15).Draw(t, "end")
	if rapid.Bool().Draw(t, "ipv6") {
		return netip.AddrFrom16([16]byte{fill, 14: fill, 15: fill ^ end})
	}
	return netip.AddrFrom4([4]byte{fill, 1, fill, fill ^ end})
})

var drawnPrefixEntry = rapid.Custom(func(t *rapid.T) string {
	address := drawnAddress.Draw(t, "address")
	bits := address.BitLen() - rapid.OneOf(rapid.IntRange(0, 5), rapid.IntRange(0, address.BitLen())).Draw(t, "host bits")
	return netip.PrefixFrom(address, bits).Masked().String()
})

var drawnPairEntry = rapid.Custom(func(t *rapid.T) string {
	return drawnPrefixEntry.Draw(t, "range") + "@" + drawnPortEntry.Draw(t, "ports")
})

var drawnEntry = map[traffic.Field]*rapid.Generator[string]{
	traffic.ExcludeInboundPorts:     drawnPortEntry,
	traffic.IncludeInboundPorts:     drawnPortEntry,
	traffic.ExcludeOutboundPorts:    drawnPortEntry,
	traffic.IncludeOutboundPorts:    drawnPortEntry,
	traffic.ExcludeOutboundIPRanges: drawnPrefixEntry,
	traffic.IncludeOutboundIPRanges: drawnPrefixEntry,
	traffic.ExcludeOutbound:         drawnPairEntry,
}

// drawnSettings are as a user gives them: each field absent, empty or full of
// entries in any order, with overlaps.
var drawnSettings = rapid.Custom(func(t *rapid.T) traffic.Settings {
	values := map[traffic.Field][]string{}
	for _, f := range traffic.Fields {
		if rapid.Bool().Draw(t, string(f)+" given") {
			values[f] = []string{strings.Join(rapid.SliceOfN(drawnEntry[f], 0, 12).Draw(t, string(f)), ",")}
		}
	}
	settings, err := traffic.ParseArguments(values)
	require.NoError(t, err, "%v", values)
	return settings
})

var drawnConnection = rapid.Custom(func(t *rapid.T) traffic.Connection {
	return traffic.Connection{
		Direction: rapid.SampledFrom([]traffic.Direction{traffic.Outbound, traffic.Inbound}).Draw(t, "direction"),
		Protocol:  rapid.SampledFrom(traffic.Protocols).Draw(t, "protocol"),
		Address:   drawnAddress.Draw(t, "destination"),
		Port:      drawnPort.Draw(t, "port"),
		Loopback:  rapid.Bool().Draw(t, "loopback"),
	}
})

// settingsOf reads settings as the init container's flags give them.
func settingsOf(t testing.TB, flags ...string) traffic.Settings {
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

// manyRanges excludes ranges of which no two are adjacent.
func manyRanges(t testing.TB, count int) traffic.Settings {
	t.Helper()
	entries := make([]string, count)
	for i := range entries {
		entries[i] = fmt.Sprintf("10.%d.%d.0/25", i/256, i%256)
	}
	settings := settingsOf(t, "--exclude-outbound-ip-ranges="+strings.Join(entries, ","))
	require.Len(t, settings.ExcludeOutboundIPRanges.List(), count)
	return settings
}
