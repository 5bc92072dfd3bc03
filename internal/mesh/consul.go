package mesh

import (
	_ "embed" // the keys that it knows
	"strconv"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

//go:embed known/consul.txt
var consulKnown string

// consul's facts are from hashicorp/consul-k8s: control-plane/connect-inject
// constants/annotations_and_labels.go, webhook/redirect_traffic.go,
// webhook/container_init.go and webhook/mesh_webhook.go; and from
// hashicorp/consul: sdk/iptables/iptables.go and, since sdk 0.19,
// sdk/nftables/nftables.go in its place. The webhook validates no list: what the
// init container cannot use makes it fail.
var consul = row{name: "Consul", domain: "consul.hashicorp.com", rest: func() *Mesh {
	ports := portList{refuser: "Consul's init container", number: cNumber, separator: ":", open: true, named: true, refuses: consulDashed, digits: consulPlain, nonempty: true}
	ranges := rangeList{refuser: "Consul's init container", blanks: true, nonempty: true}
	return &Mesh{
		Aka: []string{"Connect", "Consul Connect", "consul-k8s", "HashiCorp", "HashiCorp Consul", "HCP Consul"},
		Keys: []Key{
			{Field: traffic.ExcludeInboundPorts, Annotation: "consul.hashicorp.com/transparent-proxy-exclude-inbound-ports", Values: ports, Loses: consulEnds, Nothing: "0"},
			{Field: traffic.ExcludeOutboundPorts, Annotation: "consul.hashicorp.com/transparent-proxy-exclude-outbound-ports", Values: ports, Loses: consulEnds, Nothing: "0"},
			{Field: traffic.ExcludeOutboundIPRanges, Annotation: "consul.hashicorp.com/transparent-proxy-exclude-outbound-cidrs", Values: ranges, Loses: consulEnds, Nothing: "127.0.0.1/32"},
		},
		known: &vocabulary{list: &consulKnown},
		Others: []Other{
			{Annotation: "consul.hashicorp.com/transparent-proxy-exclude-uids", Opens: OpensOutbound, Source: consulRedirect},
			{Annotation: "consul.hashicorp.com/redirect-traffic-config", Opens: OpensAll, Source: consulRedirect},
			// It joins the excluded inbound ports.
			{Annotation: "consul.hashicorp.com/prometheus-scrape-port", Opens: OpensInbound, Harmless: []string{"20200"}, ports: onePort, Source: consulRedirect},
			// A pod with it counts as injected, and gets no sidecar.
			{Annotation: "consul.hashicorp.com/connect-inject-status", Opens: OpensAll, Source: "hashicorp/consul-k8s control-plane/connect-inject/webhook/mesh_webhook.go"},
			// It goes into a shell command between double quotes.
			{Annotation: "consul.hashicorp.com/connect-service", Opens: OpensAll, Unfit: "\"$`\\", Source: "hashicorp/consul-k8s control-plane/connect-inject/webhook/container_init.go"},
		},
		Prefixes:   []string{"consul.hashicorp.com/transparent-proxy-exclude-"},
		UIDs:       []string{"5995", "5996"},
		Containers: []string{"consul-connect-inject-init", "consul-dataplane"},
		OwnPorts: []OwnPorts{
			{traffic.PortRange{First: 8600, Last: 8600}, "Consul's DNS"},
			{traffic.PortRange{First: 15001, Last: 15001}, "Consul's outbound proxy"},
			{traffic.PortRange{First: 19000, Last: 19000}, "Consul's proxy, for its administration"},
			{traffic.PortRange{First: 20000, Last: 20000}, "Consul's inbound proxy"},
			// From each of these up, one for each container (webhook/mesh_webhook.go, overwriteProbes).
			{traffic.PortRange{First: 20300, Last: 20309}, "Consul's proxy, for liveness probes"},
			{traffic.PortRange{First: 20400, Last: 20409}, "Consul's proxy, for readiness probes"},
			{traffic.PortRange{First: 20500, Last: 20509}, "Consul's proxy, for startup probes"},
			{traffic.PortRange{First: 20600, Last: 20600}, "Consul's proxy, for its own health"},
			{traffic.PortRange{First: 21000, Last: 21000}, "Consul's proxy, for its health"},
		},
		Namespaces: []string{"consul"},
		Levels:     PodAlone,
		// The webhook does not read gateway-kind: Consul's own gateways say
		// connect-inject: "false" beside it (webhook/mesh_webhook.go, shouldInject).
		Unmeshed: func(_, annotations map[string]string) string {
			for _, key := range []string{"consul.hashicorp.com/connect-inject", consulTransparent} {
				if isFalse(annotations[key]) {
					return "its template's annotation " + key + `: "` + annotations[key] + `" opts out of the mesh`
				}
			}
			return ""
		},
		OptOuts: []OptOut{
			{Key: "consul.hashicorp.com/connect-inject", Value: parsedFalse},
			{Key: consulTransparent, Value: parsedFalse},
		},
		choices: []Choice{
			refusing(false, "consul.hashicorp.com/connect-inject", parsedBool, "Consul's webhook", `"true" or "false"`),
			refusing(false, consulTransparent, parsedBool, "Consul's webhook", `"true" or "false"`),
		},
		injects: []Choice{
			refusing(true, consulTransparent, parsedBool, "Consul's webhook", `"true" or "false"`),
			refusing(true, "consul.hashicorp.com/consul-dns", parsedBool, "Consul's webhook", `"true" or "false"`),
		},
		// Whether others get one is a value of the chart (connectInject.default).
		joins: []join{{false, "consul.hashicorp.com/connect-inject", `^(1|t|T|TRUE|true|True)$`, OnPod}},
		Mark:  "consul.hashicorp.com/connect-inject-status",
		UnmeshedNamespace: func(labels, _ map[string]string) string {
			if isFalse(labels[consulTransparent]) {
				return "has the label " + consulTransparent + `: "` + labels[consulTransparent] + `", so nothing is redirected to its pods' sidecars`
			}
			return ""
		},
		Signs: Signs{
			Envoy:      true,
			Identities: []Identity{{URI, "spiffe://", "/dc/", "hashicorp/consul agent/connect/uri_service.go"}},
		},
		// webhook/mesh_webhook.go, MutateHandler; lifecycle/lifecycle_configuration.go.
		Init: InitContainers{
			Native: []string{"consul.hashicorp.com/enable-consul-dataplane-as-sidecar"}, NativeIf: "where its chart has connectInject.dataplaneAsSidecarInitContainer.defaultEnabled: true",
			All: []Injected{
				{Name: "consul-connect-inject-init", Says: "registers the pod, and makes Consul's rules where no CNI plugin of Consul does", Last: true},
				{Name: "consul-dataplane", Says: "the sidecar", Stays: true, Last: true, of: nativeSidecar},
			},
		},
		// The rules of DNS that has the address of a Service come first, over both
		// protocols. With DNS by loopback or none, which is what consul-k8s has, an excluded
		// port 53 lets TCP past (TestPort53 in test/e2e/differential).
		dns:       []traffic.Protocol{traffic.UDP},
		dnsInSome: []traffic.Protocol{traffic.TCP},
		limits: []limit{
			rangesBeforePorts, portsWithoutProtocol, onlyIPv4(consulIPv4.String()),
			noKeys, noPairs,
		},
		unsayable: func(annotations map[string]string) (traffic.Field, string) {
			if dual, err := strconv.ParseBool(annotations[consulStack]); err != nil || !dual {
				return "", ""
			}
			return traffic.ExcludeOutboundIPRanges, consulDualStack.String()
		},
		Facts: []Fact{consulServiceDNS, consulIPv4, consulDashed, consulBlank, consulDualStack, consulPlain, consulAgain},
	}
}}

const (
	consulRedirect    = "hashicorp/consul-k8s control-plane/connect-inject/webhook/redirect_traffic.go"
	consulTransparent = "consul.hashicorp.com/transparent-proxy"
	// consulStack is what the webhook writes for the CNI plugin, in every pod, by its
	// chart's global.dualStack.enabled (webhook/mesh_webhook.go, addDualStackAnnotation).
	consulStack = "consul.hashicorp.com/dual-stack"
)

// Up to sdk 0.18, which is that of consul-k8s 2.0, the init container hands every entry
// as it is to iptables; later ones read it first and write one table with nftables.
var (
	consulIPv4      = consulSDK("the init container gives every range to the iptables of IPv4 and would fail with IPv6")
	consulDashed    = consulSDK(`the init container fails with a port range with "-"`)
	consulBlank     = consulSDK("the init container fails with whitespace behind an entry")
	consulDualStack = consulSDK("the init container gives every range to ip6tables too in a dual-stack cluster, and would fail with IPv4")
	consulAgain     = consulSDK("the init container fails when it runs a second time in a pod, since its chains are there")

	// "+443" is a number to Go, and nft refuses it; "0x1bb" is none (validatePortNumber).
	consulPlain = Fact{Of: "consul/sdk", Since: "0.19", Says: "the init container fails with a port that is not written in digits alone", Source: "hashicorp/consul sdk/nftables/nftables.go"}
)

var consulServiceDNS = Fact{Of: "consul-k8s", Until: "1.0", Says: "consul-dns takes everything to port 53, also where the port is excluded; since then it takes what goes to that of loopback alone, and an excluded port 53 lets TCP past", Source: consulRedirect}

func consulSDK(says string) Fact {
	return Fact{Of: "consul/sdk", Until: "0.19", Says: says, Source: "hashicorp/consul sdk/iptables/iptables.go"}
}

// isFalse reports whether a value switches off what Consul reads by
// strconv.ParseBool.
func isFalse(value string) bool {
	on, err := strconv.ParseBool(value)
	return err == nil && !on
}

// consulEnds: iptables takes whitespace in front of an entry.
func consulEnds(value string) string {
	for _, entry := range traffic.SplitList(value) {
		if trimmed := strings.TrimRight(entry, " \t\n"); trimmed != entry && trimmed != "" {
			return strconv.Quote(entry) + " has whitespace behind it, and " + consulBlank.String() + ": remove the whitespace"
		}
	}
	return ""
}

// parsedBool matches what strconv.ParseBool takes, and parsedFalse what isFalse finds.
const (
	parsedBool  = `^(1|t|T|true|TRUE|True|0|f|F|false|FALSE|False)$`
	parsedFalse = `^(0|f|F|false|FALSE|False)$`
)
