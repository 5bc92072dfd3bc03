package inventory

import "github.com/krm-bypass/krm-bypass/internal/traffic"

// istioProxy are the Helm values that the injection template falls back to
// where a pod has no annotation (istio/istio
// manifests/charts/istio-control/istio-discovery/files/injection-template.yaml).
var istioProxy = []setting{
	{"excludeInboundPorts", traffic.ExcludeInboundPorts},
	{"includeInboundPorts", traffic.IncludeInboundPorts},
	{"excludeOutboundPorts", traffic.ExcludeOutboundPorts},
	{"includeOutboundPorts", traffic.IncludeOutboundPorts},
	{"excludeIPRanges", traffic.ExcludeOutboundIPRanges},
	{"includeIPRanges", traffic.IncludeOutboundIPRanges},
}

var istio = dialect{
	configurations: []configuration{
		{at: path("global.proxy"), settings: istioProxy},
		// The injector's, with the Helm values that it was installed with; each
		// revision has its own.
		{kind: "ConfigMap", name: "istio-sidecar-injector*", document: path("data.values"), at: path("global.proxy"), settings: istioProxy},
		{group: "install.istio.io", kind: "IstioOperator", at: path("spec.values.global.proxy"), settings: istioProxy},
		{group: "sailoperator.io", kind: "Istio", at: path("spec.values.global.proxy"), settings: istioProxy},
	},
	// The status port and two of the sidecar's, which the injection template
	// adds to whatever is configured.
	always: tcpPorts(15020, 15021, 15090),
	means:  istioMeans,
}

// istioMeans follows the order of Istio's rules (istio/istio
// tools/istio-iptables/pkg/capture/run.go) where that differs from the decision
// of traffic.Settings.
func istioMeans(s traffic.Settings) traffic.Settings {
	// The rules for excluded ports stand first.
	s.IncludeOutboundPorts = s.IncludeOutboundPorts.Without(s.ExcludeOutboundPorts)
	// Beside an includeInboundPorts that is not "*" there are no rules for
	// excluded ports, and what is included is intercepted.
	if in := s.IncludeInboundPorts; !in.All() {
		s.ExcludeInboundPorts = s.ExcludeInboundPorts.Without(in.Set())
	}
	// The rules for excluded ranges stand before those for included ports, so
	// that these ports bypass the sidecar at those addresses. What is sent to
	// port 53 is taken for DNS capture before either.
	dns := tcpPorts(dnsPort)
	s.ExcludeOutbound = s.ExcludeOutbound.Union(
		traffic.NewPairs(s.ExcludeOutboundIPRanges, s.IncludeOutboundPorts.Of(traffic.TCP).Without(dns)))
	return s
}

const dnsPort = 53

func tcpPorts(ports ...uint16) traffic.Ports {
	var all traffic.Ports
	for _, port := range ports {
		all = all.Union(traffic.NewPorts(traffic.TCP, traffic.PortRange{First: port, Last: port}))
	}
	return all
}
