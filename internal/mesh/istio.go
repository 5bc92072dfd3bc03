package mesh

import (
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// istio serves Istio, Alibaba Cloud Service Mesh and DaoCloud DCE 5.0. Facts
// are from istio/istio: pkg/kube/inject/validate.go for the grammar,
// tools/istio-iptables/pkg/capture/run.go for the order of the rules,
// pkg/kube/inject/template.go for how a pod's annotation replaces the value of
// the Helm chart.
var istio = Mesh{
	Name: "Istio",
	Keys: []Key{
		{Field: traffic.ExcludeInboundPorts, Annotation: "traffic.sidecar.istio.io/excludeInboundPorts", Write: expandedPorts, Read: istioPorts},
		{Field: traffic.IncludeInboundPorts, Annotation: "traffic.sidecar.istio.io/includeInboundPorts", Write: expandedPorts, Read: readSelected(istioPorts)},
		{Field: traffic.ExcludeOutboundPorts, Annotation: "traffic.sidecar.istio.io/excludeOutboundPorts", Write: expandedPorts, Read: istioPorts},
		{Field: traffic.IncludeOutboundPorts, Annotation: "traffic.sidecar.istio.io/includeOutboundPorts", Write: expandedPorts, Read: istioPorts},
		{Field: traffic.ExcludeOutboundIPRanges, Annotation: "traffic.sidecar.istio.io/excludeOutboundIPRanges", Write: list, Read: istioCIDRs},
		{Field: traffic.IncludeOutboundIPRanges, Annotation: "traffic.sidecar.istio.io/includeOutboundIPRanges", Write: list, Read: readSelected(istioCIDRs)},
	},
	Domain: "istio.io",
	Beyond: []string{"traffic.sidecar.istio.io/excludeInterfaces"},
	Others: []string{"traffic.sidecar.istio.io/kubevirtInterfaces"},
	// 15000 to 15090 is what istio.io/docs/ops/deployment/application-requirements
	// reserves for the sidecar and its agent.
	OwnPorts:          []OwnPorts{{traffic.PortRange{First: 15000, Last: 15090}, "Istio's sidecar and agent"}},
	Namespaces:        []string{"istio-system", "istio-operator"},
	Levels:            Replaces,
	Unmeshed:          istioUnmeshed,
	UnmeshedNamespace: istioUnmeshedNamespace,
	limits:            []limit{istioDNS, portsWithoutProtocol, singlePorts, istioInbound, istioIncluded, rangesBeforePorts, noPairs},
	mislead:           istioMislead,
}

// istioUnmeshed follows injectRequired in istio/istio pkg/kube/inject/inject.go:
// the label wins over the annotation, and only "false" opts out.
func istioUnmeshed(labels, annotations map[string]string) string {
	const inject = "sidecar.istio.io/inject"
	if value, labelled := labels[inject]; labelled {
		if value == "false" {
			return `its template's label sidecar.istio.io/inject: "false" opts out of the mesh`
		}
	} else if annotations[inject] == "false" {
		return `its template's annotation sidecar.istio.io/inject: "false" opts out of the mesh`
	}
	if labels["istio.io/dataplane-mode"] == "ambient" {
		return "its template's label istio.io/dataplane-mode: ambient puts it into the ambient mesh, which has no sidecar"
	}
	for template := range strings.SplitSeq(annotations["inject.istio.io/templates"], ",") {
		if strings.TrimSpace(template) == "gateway" {
			return "its template's annotation inject.istio.io/templates: gateway makes it a gateway"
		}
	}
	return ""
}

// istioUnmeshedNamespace follows the namespace selectors of the injector's
// webhook (istio/istio manifests/charts/istio-control/istio-discovery/templates/mutatingwebhook.yaml).
func istioUnmeshedNamespace(labels, _ map[string]string) string {
	if labels["istio-injection"] == "disabled" {
		return "has the label istio-injection: disabled"
	}
	if labels["istio.io/dataplane-mode"] == "ambient" && labels["istio-injection"] != "enabled" {
		return "has the label istio.io/dataplane-mode: ambient, so its pods have no sidecar"
	}
	return ""
}

// istioDNS: an excluded port stands for TCP and UDP in Istio's rules, and on
// port 53 with DNS capture it takes both.
func istioDNS(e *expression) {
	ports := e.said.ExcludeOutboundPorts
	if ports.Contains(traffic.TCP, dnsPort) && !ports.Contains(traffic.UDP, dnsPort) {
		e.gap(traffic.ExcludeOutboundPorts, "Istio's annotation has no protocol and would switch off DNS capture over UDP along with 53/TCP")
		e.said.ExcludeOutboundPorts = ports.Without(dnsOver(traffic.TCP))
	}
}

// istioInbound: with an includeInboundPorts other than "*" Istio ignores
// excludeInboundPorts, and whatever is not included is not intercepted: the
// included ports less the excluded ones say the same.
func istioInbound(e *expression) {
	in := e.said.IncludeInboundPorts
	if in.All() {
		return
	}
	included := bare(in.Set().Without(e.said.ExcludeInboundPorts))
	if e.crowded(traffic.IncludeInboundPorts, included) {
		e.silence(traffic.IncludeInboundPorts)
		return
	}
	e.said.IncludeInboundPorts = traffic.Only(included)
	e.silence(traffic.ExcludeInboundPorts)
}

// istioIncluded: nothing would keep too many included ports from the ranges.
func istioIncluded(e *expression) {
	included := e.said.IncludeOutboundPorts
	if !e.crowded(traffic.IncludeOutboundPorts, included) {
		return
	}
	e.leave(traffic.IncludeOutboundIPRanges, "includeOutboundPorts cannot stand beside it")
	rangesBeforePorts(e)
	e.silence(traffic.IncludeOutboundPorts)
}

func istioMislead(l traffic.Layer) []Misleading {
	if l.ExcludeInboundPorts == nil || l.ExcludeInboundPorts.IsEmpty() || l.IncludeInboundPorts == nil || l.IncludeInboundPorts.All() {
		return nil
	}
	return []Misleading{{traffic.ExcludeInboundPorts, `Istio ignores excludeInboundPorts beside an includeInboundPorts that is not "*": what is not included bypasses the sidecar already, so take this annotation away`}}
}

// istioPorts reads a list of single ports; blanks around them are fine.
var istioPorts = portList{refuser: "Istio's injector"}.read

// istioCIDRs reads a list of ranges. Istio's injector neither trims blanks nor
// takes an address without its mask.
var istioCIDRs = rangeList{refuser: "Istio's injector", masked: true}.read
