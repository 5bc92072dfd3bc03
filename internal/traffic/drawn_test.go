package traffic

import (
	"net/netip"
	"slices"
	"strings"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// The worlds from which the properties draw are small, so that what is drawn
// overlaps, touches and nests, and has the ends of each number range in it.

var (
	lowPorts  = rapid.Uint16Range(1, 12)
	highPorts = rapid.OneOf(rapid.Uint16Range(13, 24), rapid.Uint16Range(65530, 65535))
	anyPort   = rapid.OneOf(lowPorts, highPorts)
)

// samplePorts holds every port at which a drawn set can begin or end, and 53.
var samplePorts = func() []uint16 {
	ports := []uint16{53, 1000}
	for p := uint16(1); p <= 25; p++ {
		ports = append(ports, p)
	}
	for p := uint16(65529); p != 0; p++ {
		ports = append(ports, p)
	}
	return ports
}()

func drawnRange(ports *rapid.Generator[uint16]) *rapid.Generator[PortRange] {
	return rapid.Custom(func(t *rapid.T) PortRange {
		a, b := ports.Draw(t, "port"), ports.Draw(t, "port")
		return PortRange{First: min(a, b), Last: max(a, b)}
	})
}

// drawnPortEntry gives what somebody might write, canonical or not.
func drawnPortEntry(ports *rapid.Generator[uint16]) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		return drawnRange(ports).Draw(t, "range").String() + rapid.SampledFrom([]string{"", "/TCP", "/UDP"}).Draw(t, "suffix")
	})
}

func drawnPorts(ports *rapid.Generator[uint16]) *rapid.Generator[Ports] {
	return rapid.Custom(func(t *rapid.T) Ports {
		ranges := rapid.SliceOfN(drawnRange(ports), 0, 5)
		return NewPorts(TCP, ranges.Draw(t, "tcp")...).Union(NewPorts(UDP, ranges.Draw(t, "udp")...))
	})
}

var drawnPrefix = rapid.Custom(func(t *rapid.T) netip.Prefix {
	low := rapid.ByteRange(0, 15).Draw(t, "low")
	address := netip.AddrFrom4([4]byte{10, 0, 0, low})
	if rapid.Bool().Draw(t, "ipv6") {
		address = netip.AddrFrom16([16]byte{0: 0xfd, 15: low})
	}
	bits := address.BitLen() - rapid.OneOf(rapid.IntRange(0, 5), rapid.IntRange(0, address.BitLen())).Draw(t, "host bits")
	return netip.PrefixFrom(address, bits)
})

// sampleAddresses gives the addresses at and beside every edge of the prefixes,
// and the whole of the world from which they are drawn.
func sampleAddresses(prefixes []netip.Prefix) []netip.Addr {
	var addresses []netip.Addr
	for low := range byte(18) {
		addresses = append(addresses, netip.AddrFrom4([4]byte{10, 0, 0, low}), netip.AddrFrom16([16]byte{0: 0xfd, 15: low}))
	}
	for _, p := range prefixes {
		first, last := p.Masked().Addr(), lastOf(p)
		for _, a := range []netip.Addr{first.Prev(), first, last, last.Next()} {
			if a.IsValid() {
				addresses = append(addresses, a)
			}
		}
	}
	return addresses
}

func lastOf(p netip.Prefix) netip.Addr {
	octets := p.Masked().Addr().AsSlice()
	for i := p.Bits(); i < 8*len(octets); i++ {
		octets[i/8] |= 0x80 >> (i % 8)
	}
	last, _ := netip.AddrFromSlice(octets)
	return last
}

// drawnPair gives a box as it is written, overlapping with others.
func drawnPair(ports *rapid.Generator[uint16]) *rapid.Generator[Box] {
	return rapid.Custom(func(t *rapid.T) Box {
		return Box{
			Prefix:   drawnPrefix.Draw(t, "prefix"),
			Protocol: rapid.SampledFrom(Protocols).Draw(t, "protocol"),
			Ports:    drawnRange(ports).Draw(t, "ports"),
		}
	})
}

func pairsOf(t require.TestingT, boxes ...Box) Pairs {
	var layer Layer
	entries := make([]string, len(boxes))
	for i, b := range boxes {
		entries[i] = b.String()
	}
	require.NoError(t, layer.Set(ExcludeOutbound, entries))
	return *layer.ExcludeOutbound
}

// drawnEntries draws a list for a field, whose sets never contradict those of
// another field: excludes have the low ports, includes the high ones.
func drawnEntries(t *rapid.T, f Field) []string {
	const most = 4
	isInclude := f == IncludeInboundPorts || f == IncludeOutboundIPRanges
	if isInclude && rapid.IntRange(0, 3).Draw(t, "everything") == 0 {
		return []string{Everything}
	}
	switch f {
	case ExcludeInboundPorts, ExcludeOutboundPorts:
		return rapid.SliceOfN(drawnPortEntry(lowPorts), 0, most).Draw(t, string(f))
	case IncludeInboundPorts, IncludeOutboundPorts:
		return rapid.SliceOfN(drawnPortEntry(highPorts), 0, most).Draw(t, string(f))
	case ExcludeOutbound:
		return rapid.SliceOfN(rapid.Map(drawnPair(lowPorts), Box.String), 0, most).Draw(t, string(f))
	default:
		return rapid.SliceOfN(rapid.Map(drawnPrefix, netip.Prefix.String), 0, most).Draw(t, string(f))
	}
}

// drawnLayer says some of the fields and contradicts no other drawnLayer.
var drawnLayer = rapid.Custom(func(t *rapid.T) Layer {
	var layer Layer
	for _, f := range Fields {
		if rapid.Bool().Draw(t, "says "+string(f)) {
			require.NoError(t, layer.Set(f, drawnEntries(t, f)))
		}
	}
	return layer
})

var drawnSettings = rapid.Map(drawnLayer, Layer.Settings)

var drawnConnection = rapid.Custom(func(t *rapid.T) Connection {
	return Connection{
		Direction: rapid.SampledFrom([]Direction{Outbound, Inbound}).Draw(t, "direction"),
		Protocol:  rapid.SampledFrom(Protocols).Draw(t, "protocol"),
		Address:   rapid.SampledFrom(sampleAddresses(nil)).Draw(t, "address"),
		Port:      rapid.SampledFrom(samplePorts).Draw(t, "port"),
		Loopback:  rapid.IntRange(0, 9).Draw(t, "loopback") == 0,
	}
})

// layerOf reads a layer from lists of entries.
func layerOf(t require.TestingT, lists map[Field][]string) Layer {
	var layer Layer
	for f, entries := range lists {
		require.NoError(t, layer.Set(f, entries), "%s", f)
	}
	return layer
}

// argumentValues sorts arguments by field, as a command's flag parser does.
func argumentValues(t require.TestingT, arguments []string) map[Field][]string {
	byFlag := map[string]Field{}
	for _, f := range Fields {
		byFlag["--"+f.Flag()] = f
	}
	values := map[Field][]string{}
	for _, argument := range arguments {
		flag, value, found := strings.Cut(argument, "=")
		require.True(t, found, "%s", argument)
		require.Contains(t, byFlag, flag)
		values[byFlag[flag]] = append(values[byFlag[flag]], value)
	}
	return values
}

// wrongEntries gives every *EntryError that an error is made of, in order.
func wrongEntries(t require.TestingT, err error) []EntryError {
	var all []EntryError
	for _, one := range Separate(err) {
		var bad *EntryError
		require.ErrorAs(t, one, &bad)
		all = append(all, *bad)
	}
	return all
}

func requireSameStrings(t require.TestingT, want, got []string) {
	require.True(t, slices.Equal(want, got), "want %q, got %q", want, got)
}
