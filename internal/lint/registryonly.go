package lint

import (
	"cmp"
	"net/netip"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

const registryOnlyMode = "REGISTRY_ONLY"

// How many bits of an address leave a range that is not a place any more but a region:
// 65,536 IPv4 addresses, or as many IPv6 networks.
const wideIPv4, wideIPv6 = 16, 48

func isWide(p netip.Prefix) bool {
	if p.Addr().Is4() {
		return p.Bits() <= wideIPv4
	}
	return p.Bits() <= wideIPv6
}

// porous gives what of settings lets connections out to a region, or to
// everywhere.
func porous(s traffic.Settings) []string {
	var holes []string
	if ports := s.ExcludeOutboundPorts.Of(traffic.TCP); !ports.IsEmpty() {
		holes = append(holes, portsOf(ports)+" at every address")
	}
	var ranges []string
	for _, p := range s.ExcludeOutboundIPRanges.List() {
		if isWide(p) {
			ranges = append(ranges, p.String())
		}
	}
	for _, b := range s.ExcludeOutbound.Boxes() {
		if isWide(b.Prefix) && b.Protocol == traffic.TCP {
			ranges = append(ranges, "port "+b.Ports.String()+" at "+b.Prefix.String())
		}
	}
	if len(ranges) > 0 {
		holes = append(holes, some(ranges))
	}
	if in := s.IncludeOutboundIPRanges; !in.All() {
		but := "every address"
		if !in.IsEmpty() {
			but += " but " + some(in.Entries())
		}
		holes = append(holes, but)
	}
	return holes
}

// registryOnly finds meshes and namespaces that let out only what they know,
// beside workloads that let out whole regions.
func registryOnly(j *judgement) {
	var closed []*note
	for _, m := range viewed[meshConfig](j.items) {
		if p := m.OutboundTrafficPolicy; p != nil && p.Mode == registryOnlyMode {
			closed = append(closed, j.note(m.Object, m.path("outboundTrafficPolicy", "mode"), registryOnlyMode))
		}
	}
	sidecarsOf := j.sidecarsOf()
	for _, group := range j.leaving {
		holes := strings.Join(porous(group.settings), ", ")
		if holes == "" {
			continue
		}
		for _, w := range group.workloads {
			said := false
			for _, s := range sidecarsOf(w) {
				p := s.Spec.OutboundTrafficPolicy
				said = said || p != nil
				// The mode that is not written is the first, REGISTRY_ONLY.
				if p != nil && cmp.Or(p.Mode, registryOnlyMode) == registryOnlyMode {
					j.note(s.Object, s.Path("spec", "outboundTrafficPolicy", "mode"), registryOnlyMode).add(holes, w)
				}
			}
			for _, n := range closed {
				if !said {
					n.add(holes, w)
				}
			}
		}
	}
}
