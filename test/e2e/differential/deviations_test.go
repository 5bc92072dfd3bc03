package differential_test

import (
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/internal/traffic"
	"github.com/krm-bypass/krm-bypass/test/lab"
	"github.com/krm-bypass/krm-bypass/test/lab/interceptor"
)

// deviation is a connection that a mesh's rules treat otherwise than the same settings
// do by the decision, or otherwise than one would think. docs/deviations.md has a
// paragraph on each. What is said of annotations that somebody wrote by hand follows
// the mesh, but for port 53, the proxy's own and what stays in the pod.
type deviation struct {
	name string
	// of is the interceptor: the first of the mesh that is fit.
	of       fit
	settings map[traffic.Field]string
	call     call
	verdict  traffic.Verdict // by the decision
	// alone is who answers with the mesh alone, annotated with the settings as its
	// annotations, and ours with krm-bypass-init beside it; "" leaves it unasked.
	alone, annotated, ours string
}

var elsewhere = netip.MustParseAddr("192.0.2.7")

func to(protocol traffic.Protocol, address netip.Addr, port uint16) call {
	return call{Connection: traffic.Connection{Protocol: protocol, Address: address, Port: port, Loopback: address.IsLoopback() || address == lab.PodAddress.IPv4}}
}

func (c call) ofTheProxy() call {
	c.byProxy = true
	return c
}

// fit says which interceptors show a deviation.
type fit struct {
	mesh        string
	capturesDNS bool                // over UDP
	backend     interceptor.Backend // "" for any
}

func (f fit) first(t *testing.T) stand {
	t.Helper()
	all := stands()
	i := slices.IndexFunc(all, func(s stand) bool {
		return s.Mesh == f.mesh && s.mesh() != nil && s.CapturesDNS("udp") == f.capturesDNS && (f.backend == "" || f.backend == s.Backend)
	})
	require.GreaterOrEqual(t, i, 0, "no interceptor of %s is fit", f.mesh)
	return all[i]
}

var (
	istioPlain = fit{mesh: "Istio"}
	istioDNS   = fit{mesh: "Istio", capturesDNS: true}
	kumaDNS    = fit{mesh: "Kuma", capturesDNS: true}
)

var deviations = []deviation{
	{
		name: "an-excluded-range-wins-over-an-included-port", of: istioPlain,
		settings: map[traffic.Field]string{traffic.ExcludeOutboundIPRanges: "192.0.2.0/24", traffic.IncludeOutboundPorts: "7001"},
		call:     to(traffic.TCP, elsewhere, 7001),
		verdict:  traffic.Intercepted, alone: outboundProxy, annotated: lab.World.Name, ours: outboundProxy,
	},
	{
		name: "an-excluded-inbound-port-means-nothing-beside-included-ones", of: istioPlain,
		settings: map[traffic.Field]string{traffic.IncludeInboundPorts: "7001,8080", traffic.ExcludeInboundPorts: "7001"},
		call:     call{Connection: traffic.Connection{Direction: traffic.Inbound, Protocol: traffic.TCP, Address: lab.PodAddress.IPv4, Port: 7001}},
		verdict:  traffic.Bypassed, alone: inboundProxy, annotated: inboundProxy, ours: application,
	},
	{
		name: "an-excluded-range-takes-tcp-53-along-without-dns-capture", of: istioPlain,
		settings: map[traffic.Field]string{traffic.ExcludeOutboundIPRanges: "192.0.2.0/24"},
		call:     to(traffic.TCP, elsewhere, dns),
		verdict:  traffic.LeftToMesh, alone: outboundProxy, annotated: lab.World.Name, ours: outboundProxy,
	},
	{
		name: "an-address-outside-the-included-ranges-takes-tcp-53-along-without-dns-capture", of: istioPlain,
		settings: map[traffic.Field]string{traffic.IncludeOutboundIPRanges: "10.0.0.0/8"},
		call:     to(traffic.TCP, elsewhere, dns),
		verdict:  traffic.LeftToMesh, alone: outboundProxy, annotated: lab.World.Name, ours: outboundProxy,
	},
	{
		name: "an-excluded-port-53-ends-dns-capture-over-loopback", of: istioDNS,
		settings: map[traffic.Field]string{traffic.ExcludeOutboundPorts: "53"},
		call:     to(traffic.UDP, lab.Loopback.IPv4, dns),
		verdict:  traffic.LeftToMesh, alone: dnsProxy, annotated: application, ours: dnsProxy,
	},
	{
		name: "an-excluded-port-lets-the-proxy-reach-its-own-pod-past-itself", of: istioPlain,
		settings: map[traffic.Field]string{traffic.ExcludeOutboundPorts: "8080"},
		call:     to(traffic.TCP, lab.PodAddress.IPv4, 8080).ofTheProxy(),
		verdict:  traffic.LeftToMesh, alone: inboundProxy, annotated: application, ours: inboundProxy,
	},
	{
		name: "an-excluded-port-lets-kumas-proxy-reach-its-own-pod-past-itself", of: kumaDNS,
		settings: map[traffic.Field]string{traffic.ExcludeOutboundPorts: "8080"},
		call:     to(traffic.TCP, lab.PodAddress.IPv4, 8080).ofTheProxy(),
		verdict:  traffic.LeftToMesh, alone: inboundProxy, annotated: application, ours: inboundProxy,
	},
	{
		name: "a-range-of-fsm-takes-an-included-port-along", of: fit{mesh: "FSM"},
		settings: map[traffic.Field]string{traffic.ExcludeOutboundIPRanges: "192.0.2.0/24", traffic.IncludeOutboundPorts: "7001"},
		call:     to(traffic.TCP, elsewhere, 7001),
		verdict:  traffic.Intercepted, alone: outboundProxy, annotated: lab.World.Name, ours: outboundProxy,
	},
	{
		name: "an-excluded-range-ends-kumas-dns-capture", of: kumaDNS,
		settings: map[traffic.Field]string{traffic.ExcludeOutboundIPRanges: "192.0.2.0/24"},
		call:     to(traffic.UDP, elsewhere, dns),
		verdict:  traffic.LeftToMesh, alone: dnsProxy, annotated: lab.World.Name, ours: dnsProxy,
	},
	{
		name: "an-excluded-range-ends-kumas-dns-capture-over-loopback", of: kumaDNS,
		settings: map[traffic.Field]string{traffic.ExcludeOutboundIPRanges: "0.0.0.0/0"},
		call:     to(traffic.UDP, lab.Loopback.IPv4, dns),
		verdict:  traffic.LeftToMesh, alone: dnsProxy, annotated: application, ours: dnsProxy,
	},
	{
		name: "an-excluded-port-53-does-not-end-kumas-dns-capture", of: kumaDNS,
		settings: map[traffic.Field]string{traffic.ExcludeOutboundPorts: "53"},
		call:     to(traffic.UDP, elsewhere, dns),
		verdict:  traffic.Bypassed, alone: dnsProxy, annotated: dnsProxy, ours: lab.World.Name,
	},
	{
		name: "consul-18-takes-what-the-application-sends-to-its-own-pod", of: fit{mesh: "Consul", backend: interceptor.IptablesNFT},
		settings: map[traffic.Field]string{traffic.ExcludeOutboundPorts: "8080"},
		call:     to(traffic.TCP, lab.PodAddress.IPv4, 8080),
		verdict:  traffic.LeftToMesh, alone: outboundProxy, annotated: application, ours: outboundProxy,
	},
	{
		name: "consul-18-by-service-takes-the-sidecars-own-dns", of: fit{mesh: "Consul", capturesDNS: true, backend: interceptor.IptablesNFT},
		settings: map[traffic.Field]string{traffic.ExcludeOutboundPorts: "53"},
		call:     to(traffic.UDP, elsewhere, dns).ofTheProxy(),
		verdict:  traffic.Bypassed, alone: dnsProxy, annotated: dnsProxy, ours: lab.World.Name,
	},
	{
		name: "consul-19-takes-what-the-application-sends-to-its-own-pod", of: fit{mesh: "Consul", backend: interceptor.Nftables},
		settings: map[traffic.Field]string{traffic.ExcludeOutboundPorts: "8080"},
		call:     to(traffic.TCP, lab.PodAddress.IPv4, 8080),
		verdict:  traffic.LeftToMesh, alone: outboundProxy, annotated: application, ours: outboundProxy,
	},
	{
		name: "consul-19-by-service-takes-the-sidecars-own-dns", of: fit{mesh: "Consul", capturesDNS: true, backend: interceptor.Nftables},
		settings: map[traffic.Field]string{traffic.ExcludeOutboundPorts: "53"},
		call:     to(traffic.UDP, elsewhere, dns).ofTheProxy(),
		verdict:  traffic.Bypassed, alone: dnsProxy, annotated: dnsProxy, ours: lab.World.Name,
	},
	// What leaves the socket of an application that calls 10.96.0.10:80, where the
	// kernel's hook in connect() has put an endpoint in the place of the Service
	// (cilium/cilium bpf/bpf_sock.c, cil_sock4_connect).
	{
		name: "a-service-address-does-not-match-where-sockets-are-balanced", of: istioPlain,
		settings: map[traffic.Field]string{traffic.ExcludeOutboundIPRanges: "10.96.0.0/12"},
		call:     to(traffic.TCP, endpoint, 8080),
		verdict:  traffic.LeftToMesh, alone: outboundProxy, annotated: outboundProxy, ours: outboundProxy,
	},
	{
		name: "a-service-port-does-not-match-where-sockets-are-balanced", of: istioPlain,
		settings: map[traffic.Field]string{traffic.ExcludeOutboundPorts: "80"},
		call:     to(traffic.TCP, endpoint, 8080),
		verdict:  traffic.LeftToMesh, alone: outboundProxy, annotated: outboundProxy, ours: outboundProxy,
	},
	{
		name: "an-endpoint-matches-where-sockets-are-balanced", of: istioPlain,
		settings: map[traffic.Field]string{traffic.ExcludeOutbound: "10.1.0.0/16@8080"},
		call:     to(traffic.TCP, endpoint, 8080),
		verdict:  traffic.Bypassed, alone: outboundProxy, ours: lab.World.Name,
	},
}

// endpoint is a pod behind a Service.
var endpoint = netip.MustParseAddr("10.1.2.3")

func TestDeviations(t *testing.T) {
	root, err := lab.RepositoryRoot()
	require.NoError(t, err)
	page, err := os.ReadFile(filepath.Join(root, "docs", "deviations.md"))
	require.NoError(t, err)
	var cases, named []string
	for _, comment := range regexp.MustCompile(`<!-- test: (.*) -->`).FindAllSubmatch(page, -1) {
		named = append(named, strings.Split(string(comment[1]), ", ")...)
	}
	for _, d := range deviations {
		cases = append(cases, d.name)
		t.Run(d.name, func(t *testing.T) {
			values := map[traffic.Field][]string{}
			for field, value := range d.settings {
				values[field] = []string{value}
			}
			settings, err := traffic.ParseArguments(values)
			require.NoError(t, err)
			assert.Equal(t, d.verdict, settings.Decide(d.call.Connection).Verdict, "the decision")
			d.hold(t, d.of.first(t), settings)
		})
	}
	assert.ElementsMatch(t, cases, named, "docs/deviations.md has to name each case, and no other, behind what it holds")
}

func (d deviation) hold(t *testing.T, s stand, settings traffic.Settings) {
	calls := calls{d.call}
	if d.alone != "" {
		assert.Equal(t, []string{d.alone}, s.alone(t, nil, calls), "the mesh alone")
	}
	if m := s.mesh(); m != nil && d.annotated != "" {
		annotations := map[string]string{}
		for _, k := range m.Keys {
			if settings.Layer().Says(k.Field) {
				annotations[k.Annotation] = k.Write(settings)
			}
		}
		assert.Equal(t, []string{d.annotated}, s.alone(t, annotations, calls), "the mesh with %v", annotations)
		if d.call.Port != dns && !d.call.byProxy && !d.call.Loopback {
			read, problems := m.Read(annotations)
			require.Empty(t, problems)
			verdict := m.Effective(read).Decide(d.call.Connection).Verdict
			assert.Equal(t, d.annotated == destination(d.call.Connection), verdict == traffic.Bypassed, "what explain says")
		}
	}
	if d.ours != "" {
		p := s.newPod(t)
		p.intercept(t, nil)
		p.bypass(t, s.backends()[0], settings)
		p.serve(t, calls)
		assert.Equal(t, []string{d.ours}, p.ask(calls), "with krm-bypass-init")
	}
}
