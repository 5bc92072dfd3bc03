package mesh

import (
	"strconv"
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
		{traffic.ExcludeInboundPorts, "traffic.sidecar.istio.io/excludeInboundPorts", expandedPorts, readPorts},
		{traffic.IncludeInboundPorts, "traffic.sidecar.istio.io/includeInboundPorts", expandedPorts, readSelected(readPorts)},
		{traffic.ExcludeOutboundPorts, "traffic.sidecar.istio.io/excludeOutboundPorts", expandedPorts, readPorts},
		{traffic.IncludeOutboundPorts, "traffic.sidecar.istio.io/includeOutboundPorts", expandedPorts, readPorts},
		{traffic.ExcludeOutboundIPRanges, "traffic.sidecar.istio.io/excludeOutboundIPRanges", list, readCIDRs},
		{traffic.IncludeOutboundIPRanges, "traffic.sidecar.istio.io/includeOutboundIPRanges", list, readSelected(readCIDRs)},
	},
	Domain: "istio.io",
	Others: []string{"traffic.sidecar.istio.io/excludeInterfaces", "traffic.sidecar.istio.io/kubevirtInterfaces"},
	// 15000 to 15090 is what istio.io/docs/ops/deployment/application-requirements
	// reserves for the sidecar and its agent.
	OwnPorts:          []OwnPorts{{traffic.PortRange{First: 15000, Last: 15090}, "Istio's sidecar and agent"}},
	Namespaces:        []string{"istio-system", "istio-operator"},
	EmptyClears:       true,
	Unmeshed:          istioUnmeshed,
	UnmeshedNamespace: istioUnmeshedNamespace,
	limit:             istioLimit,
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
func istioUnmeshedNamespace(labels map[string]string) string {
	if labels["istio-injection"] == "disabled" {
		return "has the label istio-injection: disabled"
	}
	if labels["istio.io/dataplane-mode"] == "ambient" && labels["istio-injection"] != "enabled" {
		return "has the label istio.io/dataplane-mode: ambient, so its pods have no sidecar"
	}
	return ""
}

const dnsPort = 53

// istioMostPorts is the length at which an expanded list of ports is left to
// the init container. Istio writes two rules for each excluded port and tries
// them one after the other for every new connection; all annotations of an
// object together may hold 256 KiB (kubernetes/kubernetes
// staging/src/k8s.io/apimachinery/pkg/api/validation/objectmeta.go).
const istioMostPorts = 10000

func istioLimit(s traffic.Settings) (traffic.Layer, []Gap) {
	rest := s
	var gaps []Gap
	gap := func(f traffic.Field, reason string) { gaps = append(gaps, Gap{f, reason}) }

	tcp := func(p traffic.Ports) traffic.Ports { return p.Of(traffic.TCP) }
	crowded := func(f traffic.Field, ports traffic.Ports) bool {
		n := ports.Count(traffic.TCP)
		if n > istioMostPorts {
			gap(f, "Istio's annotation has no port ranges, and "+strconv.Itoa(n)+" single ports do not fit")
		}
		return n > istioMostPorts
	}
	// Each port of an annotation stands for TCP and UDP. Istio's sidecar takes
	// UDP on port 53 alone, for DNS capture, so only there does naming a
	// protocol too many change anything.
	exclude := func(f traffic.Field, ports traffic.Ports, dns bool) traffic.Ports {
		sayable := tcp(ports)
		if udp := onlyUDP(ports); !udp.IsEmpty() {
			gap(f, "Istio's annotation has no protocol and would take TCP along with "+strings.Join(udp.Entries(), ", "))
		}
		if dns && ports.Contains(traffic.TCP, dnsPort) && !ports.Contains(traffic.UDP, dnsPort) {
			sayable = sayable.Without(traffic.NewPorts(traffic.TCP, traffic.PortRange{First: dnsPort, Last: dnsPort}))
			gap(f, "Istio's annotation has no protocol and would switch off DNS capture over UDP along with 53/TCP")
		}
		if crowded(f, sayable) {
			return traffic.Ports{}
		}
		return sayable
	}
	rest.ExcludeOutboundPorts = exclude(traffic.ExcludeOutboundPorts, s.ExcludeOutboundPorts, true)
	rest.ExcludeInboundPorts = exclude(traffic.ExcludeInboundPorts, s.ExcludeInboundPorts, false)

	// With an includeInboundPorts other than "*" Istio ignores
	// excludeInboundPorts, and whatever is not included is not intercepted:
	// the included ports less the excluded ones say the same.
	if in := s.IncludeInboundPorts; !in.All() {
		included := tcp(in.Set()).Without(s.ExcludeInboundPorts)
		if crowded(traffic.IncludeInboundPorts, included) {
			rest.IncludeInboundPorts = traffic.Selection[traffic.Ports]{}
		} else {
			rest.IncludeInboundPorts = traffic.Only(included)
			rest.ExcludeInboundPorts = traffic.Ports{}
		}
	}
	included := tcp(s.IncludeOutboundPorts)
	rest.IncludeOutboundPorts = included
	if crowded(traffic.IncludeOutboundPorts, included) {
		rest.IncludeOutboundPorts = traffic.Ports{}
		// Nothing would keep these ports from the ranges then.
		if !s.IncludeOutboundIPRanges.All() {
			gap(traffic.IncludeOutboundIPRanges, "includeOutboundPorts cannot stand beside it")
			rest.IncludeOutboundIPRanges = traffic.Selection[traffic.Prefixes]{}
		}
	}

	// Istio's rules for excluded ranges stand before those for included
	// ports, so that the range would win.
	contested := included.Without(rest.ExcludeOutboundPorts)
	if !s.ExcludeOutboundIPRanges.IsEmpty() && !contested.IsEmpty() {
		gap(traffic.ExcludeOutboundIPRanges, "in Istio an excluded range wins over includeOutboundPorts, here "+strings.Join(bare(contested), ", "))
		rest.ExcludeOutboundIPRanges = traffic.Prefixes{}
	}
	if !s.ExcludeOutbound.IsEmpty() {
		gap(traffic.ExcludeOutbound, "no annotation can say an IP range and a port together")
		rest.ExcludeOutbound = traffic.Pairs{}
	}
	return rest.Layer(), gaps
}

// onlyUDP gives the ports that are meant for UDP and not for TCP.
func onlyUDP(ports traffic.Ports) traffic.Ports {
	return ports.Of(traffic.UDP).Without(traffic.NewPorts(traffic.UDP, ports.Ranges(traffic.TCP)...))
}

func bare(ports traffic.Ports) []string {
	var texts []string
	for _, r := range ports.Ranges(traffic.TCP) {
		texts = append(texts, r.String())
	}
	return texts
}

func istioMislead(l traffic.Layer) []Misleading {
	if l.ExcludeInboundPorts == nil || l.ExcludeInboundPorts.IsEmpty() || l.IncludeInboundPorts == nil || l.IncludeInboundPorts.All() {
		return nil
	}
	return []Misleading{{traffic.ExcludeInboundPorts, `Istio ignores excludeInboundPorts beside an includeInboundPorts that is not "*"`}}
}

// expandedPorts writes each TCP port by itself, since Istio's injector refuses
// ranges although its rules would take them.
func expandedPorts(entries []string) string {
	var texts []string
	for _, entry := range entries {
		if entry == traffic.Everything {
			return traffic.Everything
		}
		// Entries in canonical form always parse.
		ports, _ := traffic.ParsePorts(entry)
		for _, r := range ports.Ranges(traffic.TCP) {
			for port := int(r.First); port <= int(r.Last); port++ {
				texts = append(texts, strconv.Itoa(port))
			}
		}
	}
	return list(texts)
}

// readPorts reads a list of single ports; blanks around them are fine.
func readPorts(value string) ([]string, error) {
	entries := traffic.SplitList(value)
	for i, entry := range entries {
		entries[i] = strings.TrimSpace(entry)
		if first, last, isRange := cutRange(entries[i]); isRange {
			return nil, &traffic.EntryError{
				Index: i, Value: entries[i], Problem: "a port range, which Istio's injector refuses",
				Remedy: "list the ports " + first + " to " + last + " one by one, or put the range into a ClusterBypass",
			}
		}
		if _, suffix, narrowed := strings.Cut(entries[i], "/"); narrowed {
			return nil, &traffic.EntryError{
				Index: i, Value: entries[i], Problem: "narrowed to a protocol (" + suffix + "), which Istio's injector refuses",
				Remedy: "write the port alone, or put it into a ClusterBypass",
			}
		}
	}
	return entries, nil
}

func cutRange(entry string) (first, last string, isRange bool) {
	for _, separator := range []string{"-", ":"} {
		if first, last, isRange = strings.Cut(entry, separator); isRange {
			return first, last, true
		}
	}
	return "", "", false
}

// readCIDRs reads a list of ranges. Istio's injector neither trims blanks nor
// takes an address without its mask.
func readCIDRs(value string) ([]string, error) {
	entries := traffic.SplitList(value)
	for i, entry := range entries {
		trimmed := strings.TrimSpace(entry)
		switch {
		case trimmed != entry:
			return nil, &traffic.EntryError{
				Index: i, Value: entry, Problem: "a range with a blank beside it, which Istio's injector refuses",
				Remedy: "take the blank away",
			}
		case entry != traffic.Everything && !strings.Contains(entry, "/"):
			mask := "/32"
			if strings.Contains(entry, ":") {
				mask = "/128"
			}
			return nil, &traffic.EntryError{
				Index: i, Value: entry, Problem: "an address without a mask, which Istio's injector refuses",
				Remedy: "write " + strconv.Quote(entry+mask),
			}
		}
	}
	return entries, nil
}

// readSelected lets "*" stand for everything, which Istio takes only when it is
// the whole value.
func readSelected(read func(string) ([]string, error)) func(string) ([]string, error) {
	return func(value string) ([]string, error) {
		if value == traffic.Everything {
			return []string{traffic.Everything}, nil
		}
		return read(value)
	}
}
