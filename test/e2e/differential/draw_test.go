package differential_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
	"github.com/krm-bypass/krm-bypass/test/lab"
)

// reserved are ports that neither settings nor connections name: those of the
// meshes' own, which the function refuses, and those that a mesh excludes by itself.
var reserved = func() (ports traffic.Ports) {
	for _, m := range mesh.All() {
		ports = ports.Union(m.Own(traffic.EveryPort)).Union(m.Defaults.Settings().ExcludeInboundPorts)
	}
	return ports
}()

// notablePorts are ends of what there is, the ports that the decision treats
// apart and their neighbours.
var notablePorts = []uint16{1, 2, 52, 53, 54, 80, 443, 7001, 8080, 14999, 15091, 65534, 65535}

func drawPort(t *rapid.T) uint16 {
	return free(rapid.OneOf(rapid.SampledFrom(notablePorts), rapid.Uint16Range(1, 65535)).Draw(t, "port"))
}

// free moves a port down out of the reserved ones.
func free(port uint16) uint16 {
	for reserved.Contains(traffic.TCP, port) {
		port--
	}
	return port
}

// wide are ranges that no annotation can list port by port.
var wide = []string{"1-14999", "15091-65535"}

// drawPortEntry gives an entry as a user writes it: mostly one port or a short
// range, since Istio gets two rules for each port.
func drawPortEntry(t *rapid.T) string {
	kind := rapid.IntRange(0, 19).Draw(t, "kind of port entry")
	suffix := rapid.SampledFrom([]string{"", "", "", "/TCP", "/UDP"}).Draw(t, "suffix")
	first := drawPort(t)
	switch {
	case kind == 19:
		return rapid.SampledFrom(wide).Draw(t, "wide range") + suffix
	case kind > 11:
		last := min(65535, int(first)+rapid.IntRange(0, 12).Draw(t, "length"))
		return fmt.Sprintf("%d-%d%s", first, max(first, free(uint16(last))), suffix)
	default:
		return fmt.Sprintf("%d%s", first, suffix)
	}
}

// drawShortPortEntry leaves out the wide ranges.
func drawShortPortEntry(t *rapid.T) string {
	entry := drawPortEntry(t)
	for _, w := range wide {
		if len(entry) >= len(w) && entry[:len(w)] == w {
			return "443"
		}
	}
	return entry
}

// trunks are addresses under which drawn prefixes nest and overlap.
var trunks = []netip.Addr{
	netip.MustParseAddr("10.1.2.3"), netip.MustParseAddr("10.1.128.0"), netip.MustParseAddr("192.0.2.255"), netip.MustParseAddr("198.51.100.7"),
	netip.MustParseAddr("2001:db8:1:2::3"), netip.MustParseAddr("2001:db8:1:8000::"), netip.MustParseAddr("fd12:3456::ffff"),
}

func drawPrefix(t *rapid.T) netip.Prefix {
	trunk := rapid.SampledFrom(trunks).Draw(t, "trunk")
	bits := rapid.OneOf(
		rapid.SampledFrom([]int{0, 1, 8, 16, 24, 31, 32}),
		rapid.IntRange(0, trunk.BitLen()),
		rapid.IntRange(trunk.BitLen()-8, trunk.BitLen()),
	).Draw(t, "bits")
	return netip.PrefixFrom(trunk, bits).Masked()
}

func drawPrefixEntry(t *rapid.T) string { return drawPrefix(t).String() }

func drawPairEntry(t *rapid.T) string {
	return drawPrefixEntry(t) + "@" + drawPortEntry(t)
}

// drawSettings gives settings as a user may end up with after the fold, which set
// the wanted fields. Others are left at their defaults half of the time, so that
// later ones decide too.
func drawSettings(t *rapid.T, wanted []traffic.Field) traffic.Settings {
	var layer traffic.Layer
	draw := func(field traffic.Field, entry func(*rapid.T) string, least int) {
		if slices.Contains(wanted, field) || rapid.Bool().Draw(t, "sets "+string(field)) {
			entries := rapid.SliceOfN(rapid.Custom(entry), least, 6).Draw(t, string(field))
			if err := layer.Set(field, entries); err != nil {
				t.Fatalf("setting %s: %v", field, err)
			}
		}
	}
	draw(traffic.ExcludeInboundPorts, drawPortEntry, 1)
	draw(traffic.IncludeInboundPorts, drawShortPortEntry, 0)
	draw(traffic.ExcludeOutboundPorts, drawPortEntry, 1)
	draw(traffic.IncludeOutboundPorts, drawShortPortEntry, 1)
	draw(traffic.ExcludeOutboundIPRanges, drawPrefixEntry, 1)
	draw(traffic.IncludeOutboundIPRanges, drawPrefixEntry, 0)
	draw(traffic.ExcludeOutbound, drawPairEntry, 1)
	said := layer
	if byName(t, &layer); !layer.Equal(said) {
		t.Fatalf("by names of ports it comes to %sinstead of %s", layer, said)
	}
	return layer.Settings()
}

// edges are the ports and addresses next to which the settings may change
// their mind.
type edges struct {
	inbound, outbound []uint16
	addresses         []netip.Addr
	boxes             []traffic.Box // of the pairs, whose addresses and ports belong together
}

func edgesOf(s traffic.Settings) edges {
	e := edges{inbound: []uint16{dns}, outbound: []uint16{dns}, boxes: s.ExcludeOutbound.Boxes()}
	for _, protocol := range traffic.Protocols {
		for _, ports := range []traffic.Ports{s.ExcludeInboundPorts, s.IncludeInboundPorts.Set()} {
			e.inbound = append(e.inbound, edgesOfPorts(ports.Ranges(protocol))...)
		}
		for _, ports := range []traffic.Ports{s.ExcludeOutboundPorts, s.IncludeOutboundPorts} {
			e.outbound = append(e.outbound, edgesOfPorts(ports.Ranges(protocol))...)
		}
	}
	for _, prefixes := range []traffic.Prefixes{s.ExcludeOutboundIPRanges, s.IncludeOutboundIPRanges.Set()} {
		for _, prefix := range prefixes.List() {
			e.addresses = append(e.addresses, edgesOfPrefix(prefix)...)
		}
	}
	for _, box := range s.ExcludeOutbound.Boxes() {
		e.outbound = append(e.outbound, edgesOfPorts([]traffic.PortRange{box.Ports})...)
		e.addresses = append(e.addresses, edgesOfPrefix(box.Prefix)...)
	}
	return e
}

func edgesOfPorts(ranges []traffic.PortRange) []uint16 {
	var ports []uint16
	for _, r := range ranges {
		for _, port := range []uint16{r.First - 1, r.First, r.Last, r.Last + 1} {
			if port != 0 && free(port) == port {
				ports = append(ports, port)
			}
		}
	}
	return ports
}

func edgesOfPrefix(prefix netip.Prefix) []netip.Addr {
	first, last := prefix.Addr(), lastOf(prefix)
	var addresses []netip.Addr
	for _, address := range []netip.Addr{first.Prev(), first, last, last.Next()} {
		if routable(address) {
			addresses = append(addresses, address)
		}
	}
	return addresses
}

func lastOf(prefix netip.Prefix) netip.Addr {
	bytes := prefix.Addr().AsSlice()
	for bit := prefix.Bits(); bit < len(bytes)*8; bit++ {
		bytes[bit/8] |= 1 << (7 - bit%8)
	}
	last, _ := netip.AddrFromSlice(bytes)
	return last
}

// unroutable are ranges in which no pod calls anybody over its network.
var unroutable = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("224.0.0.0/3"),
	netip.MustParsePrefix("::/8"), netip.MustParsePrefix("fe80::/10"), netip.MustParsePrefix("ff00::/8"),
	netip.PrefixFrom(lab.PodAddress.IPv4, 24).Masked(), netip.PrefixFrom(lab.PodAddress.IPv6, 64).Masked(),
}

func routable(address netip.Addr) bool {
	for _, prefix := range unroutable {
		if prefix.Contains(address) {
			return false
		}
	}
	return address.IsValid()
}

// call is a connection and whose it is.
type call struct {
	traffic.Connection
	// byProxy says that the mesh's proxy makes it, and not the application.
	byProxy bool
}

// calls are connections that a failure prints in words.
type calls []call

func (c calls) GoString() string {
	var words []string
	for _, call := range c {
		words = append(words, call.String())
	}
	return strings.Join(words, ", ")
}

// drawCalls gives n calls in the families: of three times as many the first ones of
// each family and field that decides, so that every field gets its turn.
func drawCalls(settings traffic.Settings, families []lab.Family, n int) func(*rapid.T) calls {
	edges := edgesOf(settings)
	return func(t *rapid.T) calls {
		var chosen, rest calls
		met := map[string]int{}
		for _, c := range rapid.SliceOfN(rapid.Custom(drawCall(edges, families)), 3*n, 3*n).Draw(t, "calls") {
			kind := lab.FamilyOf(c.Address).Name + string(settings.Decide(c.Connection).By)
			if met[kind]++; met[kind] <= n/(2*len(traffic.Fields)) {
				chosen = append(chosen, c)
			} else {
				rest = append(rest, c)
			}
		}
		return append(chosen, rest...)[:n]
	}
}

// drawCall gives a call, mostly at an edge of the settings.
func drawCall(e edges, families []lab.Family) func(*rapid.T) call {
	return func(t *rapid.T) call {
		family := rapid.SampledFrom(families).Draw(t, "family")
		c := call{Connection: traffic.Connection{Protocol: rapid.SampledFrom([]traffic.Protocol{traffic.TCP, traffic.TCP, traffic.UDP}).Draw(t, "protocol")}}
		boxes := e.boxesOf(family)
		switch way := rapid.IntRange(0, 11).Draw(t, "way"); {
		case way == 11:
			c.Loopback = true
			c.Address = family.Of(rapid.SampledFrom([]lab.Pair{lab.Loopback, lab.PodAddress}).Draw(t, "own address"))
			c.Port = drawPortNear(t, e.outbound)
		case way > 7:
			c.Direction = traffic.Inbound
			c.Address = family.Of(lab.PodAddress)
			c.Port = drawPortNear(t, e.inbound)
		case way > 4 && len(boxes) > 0:
			box := rapid.SampledFrom(boxes).Draw(t, "box")
			c.Address = drawAddressNear(t, family, edgesOfPrefix(box.Prefix))
			c.Port = rapid.SampledFrom(append(edgesOfPorts([]traffic.PortRange{box.Ports}), dns)).Draw(t, "port at the box")
		default:
			c.Address = drawAddressNear(t, family, e.addresses)
			c.Port = drawPortNear(t, e.outbound)
		}
		c.byProxy = c.Direction == traffic.Outbound && rapid.IntRange(0, 7).Draw(t, "by the proxy") == 7
		return c
	}
}

// boxesOf are the pairs' in one family.
func (e edges) boxesOf(family lab.Family) []traffic.Box {
	return slices.DeleteFunc(slices.Clone(e.boxes), func(b traffic.Box) bool { return lab.FamilyOf(b.Prefix.Addr()) != family })
}

func drawPortNear(t *rapid.T, ports []uint16) uint16 {
	if rapid.IntRange(0, 3).Draw(t, "near a port") == 3 {
		return drawPort(t)
	}
	return rapid.SampledFrom(ports).Draw(t, "port at an edge")
}

func drawAddressNear(t *rapid.T, family lab.Family, edges []netip.Addr) netip.Addr {
	var near []netip.Addr
	for _, address := range edges {
		if lab.FamilyOf(address) == family {
			near = append(near, address)
		}
	}
	for _, trunk := range trunks {
		if lab.FamilyOf(trunk) == family {
			near = append(near, trunk)
		}
	}
	return rapid.SampledFrom(near).Draw(t, "address at an edge")
}
