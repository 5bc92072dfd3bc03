package lint

import (
	"cmp"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

const (
	// captureKey switches DNS capture on (istio/istio
	// tools/istio-iptables/pkg/constants/constants.go).
	captureKey = "ISTIO_META_DNS_CAPTURE"
	// proxyAnnotation holds a ProxyConfig in YAML, with variables in proxyMetadata.
	proxyAnnotation = "proxy.istio.io/config"
	proxyMetadata   = "proxyMetadata"
	// autoAllocate is the label by which a ServiceEntry declines addresses
	// (istio/istio pilot/pkg/networking/serviceentry/ip_autoallocation.go).
	autoAllocate = "networking.istio.io/enable-autoallocate-ip"
)

// ambientCapture is the annotation of an ambient pod that says whether its DNS is
// captured, as it is by default (istio/istio cni/pkg/nodeagent/net.go).
const ambientCapture = "ambient.istio.io/dns-capture"

// capture gives what switches DNS capture on or off for a plan's pods, nil for nothing.
func (e *examination) capture(plan *transform.Plan) *transform.Setting {
	if !e.workload.isIn(mesh.Ambient) {
		return e.linter.policy.Setting(plan, e.linter.commons, proxyAnnotation, proxyMetadata+"."+captureKey, "proxy_metadata."+captureKey)
	}
	on, err := strconv.ParseBool(e.annotation(ambientCapture))
	if err != nil {
		return nil
	}
	return &transform.Setting{Value: strconv.FormatBool(on)}
}

// agentConfig is what the ConfigMap of the CNI agent says of DNS in ambient pods that say
// nothing themselves (istio/istio manifests/charts/istio-cni/templates/configmap-cni.yaml).
type agentConfig struct {
	resource
	capture string
}

const agentConfigName = "istio-cni-config"

// allocated are the ranges from which a ServiceEntry without addresses gets one
// where DNS is captured; nothing but a sidecar answers there (istio/istio
// pilot/pkg/features/pilot.go, PILOT_IP_AUTOALLOCATE_IPV4_PREFIX and _IPV6_PREFIX).
var allocated = []netip.Prefix{netip.MustParsePrefix("240.240.0.0/16"), netip.MustParsePrefix("2001:2::/48")}

// captured gives the workloads whose DNS is captured.
func (j *judgement) captured() func(*Workload) bool {
	off := slices.ContainsFunc(viewed[agentConfig](j.items), func(a *agentConfig) bool { return a.capture == "false" })
	return func(w *Workload) bool {
		if w.isIn(mesh.Ambient) && w.capture == nil {
			return !off
		}
		if w.capture == nil {
			return false
		}
		on, _ := strconv.ParseBool(w.capture.Value) // istio/istio pkg/env/var.go, RegisterBoolVar
		return on
	}
}

// addressed reports whether the ServiceEntry gets an address that only sidecars
// know, where DNS is captured.
func (e *serviceEntryObject) addressed() bool {
	spec := e.Spec
	return len(spec.Addresses) == 0 && spec.Resolution != "" && spec.Resolution != "NONE" &&
		!strings.EqualFold(e.Metadata.Labels[autoAllocate], "false")
}

// dnsCapture finds hosts that resolve to an address at which only the sidecar
// would answer, called on ports that bypass it.
func dnsCapture(j *judgement) {
	entries := slices.DeleteFunc(viewed[serviceEntryObject](j.items), func(e *serviceEntryObject) bool { return !e.addressed() })
	captured := j.captured()
	for _, group := range j.leaving {
		if group.settings.ExcludeOutboundPorts.Contains(traffic.UDP, traffic.DNSPort) && group.workloads[0].isIn(mesh.Ambient) {
			for _, w := range group.workloads {
				j.unresolved(entries, captured, w)
			}
			continue
		}
		holes := blackHoles(group.settings)
		if holes == "" {
			continue
		}
		lost := lostIn(entries, group.settings)
		for _, w := range group.workloads {
			if !captured(w) {
				continue
			}
			named := false
			for _, e := range entries {
				if ports := lost[e]; ports != "" && exported(e.Spec.ExportTo, j.namespace(e.Namespace), w.namespace) {
					j.note(e.Object, e.Path("spec", "hosts"), strings.Join(e.Spec.Hosts, ", "), allocated[0], autoAllocate).add(ports, w)
					named = true
				}
			}
			if said := w.capture; !named && !w.isIn(mesh.Ambient) {
				n := j.note(cmp.Or(said.By, w.Object), said.Path, captureKey, allocated[0], autoAllocate)
				n.says = mayBeLost
				n.add(holes, w)
			}
		}
	}
}

// unresolved tells of hosts that a workload asks another name server for than ztunnel.
func (j *judgement) unresolved(entries []*serviceEntryObject, captured func(*Workload) bool, w *Workload) {
	if !captured(w) {
		return
	}
	for _, e := range entries {
		if exported(e.Spec.ExportTo, j.namespace(e.Namespace), w.namespace) {
			n := j.note(e.Object, e.Path("spec", "hosts"), strings.Join(e.Spec.Hosts, ", "))
			n.says = askedElsewhere
			n.add("port 53", w)
		}
	}
}

// askedElsewhere is said of an ambient pod, whose DNS ztunnel answers unless told
// otherwise (istio/istio manifests/charts/istio-cni/values.yaml, dnsCapture).
const askedElsewhere = "only the sidecar knows the address by which this ServiceEntry is known in the mesh, but %[1]s of %[2]s bypasses it: their name server answers with another address or none, and the ServiceEntry does not apply to them; remove the port from the ClusterBypass, or give the ServiceEntry its real spec.addresses"

// mayBeLost is said where none of the items is such a host.
const mayBeLost = "with DNS capture the hosts of ServiceEntries without addresses are addresses of %[3]s to %[2]s, where only the sidecar answers, but their connections to %[1]s bypass it: to such a host they go nowhere. Give such ServiceEntries their real spec.addresses or the label %[4]s: \"false\""

// lostIn gives the ports of ServiceEntries at which connections of a workload with
// these settings go nowhere, in words; "" for none.
func lostIn(entries []*serviceEntryObject, s traffic.Settings) map[*serviceEntryObject]string {
	lost := map[*serviceEntryObject]string{}
	for _, e := range entries {
		var ports traffic.Ports
		for _, p := range e.Spec.Ports {
			if unanswered(s, p.Number) {
				ports = ports.Union(traffic.SinglePorts(traffic.TCP, p.Number))
			}
		}
		if !ports.IsEmpty() {
			lost[e] = portsOf(ports)
		}
	}
	return lost
}

// unanswered reports whether connections to an allocated address bypass the sidecar.
// Where only IPv4 ranges are spoken of, IPv6 is not in use.
func unanswered(s traffic.Settings, port uint16) bool {
	ranges := s.ExcludeOutboundIPRanges.List()
	if in := s.IncludeOutboundIPRanges; !in.All() {
		ranges = slices.Concat(ranges, in.Set().List())
	}
	return slices.ContainsFunc(allocated, func(p netip.Prefix) bool {
		used := p.Addr().Is4() || slices.ContainsFunc(ranges, func(r netip.Prefix) bool { return r.Addr().Is6() })
		return used && bypasses(s, p, port)
	})
}

// blackHoles gives what of the settings leads to an allocated address past the
// sidecar, in words; "" for nothing.
func blackHoles(s traffic.Settings) string {
	// A port that no list names goes by the ranges alone.
	var other uint16 = 1
	for s.ExcludeOutboundPorts.Contains(traffic.TCP, other) || s.IncludeOutboundPorts.Contains(traffic.TCP, other) || other == 53 {
		other++
	}
	if unanswered(s, other) {
		return "every port"
	}
	ports := s.ExcludeOutboundPorts.Of(traffic.TCP)
	for _, b := range s.ExcludeOutbound.Boxes() {
		if b.Protocol == traffic.TCP && slices.ContainsFunc(allocated, func(p netip.Prefix) bool { return p.Overlaps(b.Prefix) }) {
			ports = ports.Union(traffic.NewPorts(traffic.TCP, b.Ports))
		}
	}
	if ports.IsEmpty() {
		return ""
	}
	return portsOf(ports)
}
