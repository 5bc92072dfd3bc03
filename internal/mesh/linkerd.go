package mesh

import (
	_ "embed" // the keys that it knows
	"errors"
	"strconv"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

//go:embed known/linkerd.txt
var linkerdKnown string

// linkerd's facts are from linkerd/linkerd2: pkg/k8s/labels.go for the keys,
// charts/linkerd-control-plane/values.yaml for the defaults,
// pkg/inject/inject.go for the levels, charts/partials/templates/_proxy-init.tpl
// for what an empty value does; and from linkerd/linkerd2-proxy-init:
// pkg/ports/ports.go for the grammar, pkg/iptables/iptables.go for the rules.
var linkerd = row{name: "Linkerd", domain: "linkerd.io", rest: func() *Mesh {
	galera := traffic.NewPorts(traffic.TCP, traffic.PortRange{First: 4567, Last: 4568}).Bare()
	return &Mesh{
		Aka: []string{"BEL", "Buoyant", "Buoyant Enterprise for Linkerd", "Conduit"},
		Keys: []Key{
			{Field: traffic.ExcludeInboundPorts, Annotation: "config.linkerd.io/skip-inbound-ports", Values: linkerdPorts{}},
			{Field: traffic.ExcludeOutboundPorts, Annotation: "config.linkerd.io/skip-outbound-ports", Values: linkerdPorts{failsWithout: true}},
		},
		known: &vocabulary{list: &linkerdKnown},
		Others: []Other{
			// Callers from these are not intercepted, on any port.
			{Annotation: "config.linkerd.io/skip-subnets", Opens: OpensInbound, Source: linkerdInit},
			// The proxy's own ports are in front of the excluded inbound ports.
			{Annotation: "config.linkerd.io/control-port", Opens: OpensInbound, Harmless: []string{"4190"}, ports: onePort, Moves: 4190, Purpose: "Linkerd's proxy, for its control", Source: linkerdInit},
			{Annotation: "config.linkerd.io/admin-port", Opens: OpensInbound, Harmless: []string{"4191"}, ports: onePort, Moves: 4191, Purpose: "Linkerd's proxy, for its metrics", Source: linkerdInit},
			{Annotation: "config.linkerd.io/inbound-port", Opens: OpensInbound, Harmless: []string{"4143"}, Moves: 4143, Purpose: "Linkerd's inbound proxy", Source: linkerdInit},
			{Annotation: "config.linkerd.io/outbound-port", Opens: OpensOutbound, Harmless: []string{"4140"}, Moves: 4140, Purpose: "Linkerd's outbound proxy", Source: linkerdInit},
			{Annotation: "config.linkerd.io/proxy-uid", Opens: OpensOutbound, Harmless: []string{"2102"}, As: AsUser, Source: linkerdInit},
			{Annotation: "config.linkerd.io/proxy-gid", Opens: OpensOutbound, Harmless: []string{"-1"}, As: AsGroup, Source: linkerdInit},
			// These go into the YAML of linkerd-init as they are.
			{Annotation: "config.linkerd.io/image-pull-policy", Opens: OpensAll, Unfit: "\"\\\n\r\u0085\u2028\u2029", Source: linkerdInit},
			{Annotation: "config.linkerd.io/proxy-image", Opens: OpensAll, Unfit: "\"\\\n\r\u0085\u2028\u2029", Source: linkerdInit},
			{Annotation: "config.linkerd.io/proxy-version", Opens: OpensAll, Unfit: "\"\\\n\r\u0085\u2028\u2029", Source: linkerdInit},
		},
		// Others of tomorrow among them: linkerd/linkerd2 pull request 15496.
		Prefixes: []string{"config.linkerd.io/skip-"},
		UIDs:     []string{"2102"},
		// With one of Istio's, or with one of these images, a pod counts as injected
		// (pkg/healthcheck/sidecar.go, HasExistingSidecars).
		Containers: []string{"linkerd-init", "linkerd-proxy", "linkerd-network-validator", "istio-init", "istio-proxy"},
		Images:     []string{"cr.l5d.io/linkerd/proxy:", "cr.l5d.io/linkerd/proxy-init:", "gcr.io/istio-release/proxyv2:", "gcr.io/istio-release/proxy_init:"},
		OwnPorts: []OwnPorts{
			{traffic.PortRange{First: 4140, Last: 4140}, "Linkerd's outbound proxy"},
			{traffic.PortRange{First: 4143, Last: 4143}, "Linkerd's inbound proxy"},
			{traffic.PortRange{First: 4190, Last: 4190}, "Linkerd's proxy, for its control"},
			{traffic.PortRange{First: 4191, Last: 4191}, "Linkerd's proxy, for its metrics"},
		},
		// linkerd/linkerd2 pkg/inject/inject.go, ApplyAnnotationOverrides, and
		// charts/patch/templates/patch.json.
		Init: InitContainers{
			Native: linkerdNatively, NativeIf: "where its chart has proxy.nativeSidecar: true, the default since edge-26.5.2",
			All: []Injected{
				{Name: "linkerd-init", Says: linkerdMakes, of: nativeSidecar},
				{Name: "linkerd-proxy", Says: "the sidecar", Stays: true, of: nativeSidecar},
				{Name: "linkerd-init", Says: linkerdMakes, Last: true, of: formerSidecar},
			},
		},
		Early: Early{
			Native: linkerdNatively,
			Else:   "where Linkerd's CNI plugin makes the rules, which it does before them, and the sidecar is no native one; linkerd-init comes last, so that without the plugin they reach everything",
		},
		Namespaces:    []string{"linkerd", "linkerd-*"},
		Levels:        Replaces,
		NamespaceKeys: "linkerd/linkerd2 pkg/inject/inject.go, AppendNamespaceAnnotations",
		IPv6If:        "its chart has disableIPv6: false",
		// charts/linkerd-control-plane/values.yaml, and charts/linkerd2/values.yaml of the older
		// ones, whose ConfigMap is made in charts/linkerd2/templates/_config.tpl.
		sources: []Source{
			{At: []string{"proxyInit"}, Settings: linkerdProxyInit, Unsayable: linkerdSubnets, Versions: "2.10 and later"},
			{At: []string{"global", "proxyInit"}, Settings: linkerdProxyInit, Versions: "2.7 to 2.9", Note: linkerdFormer},
			{At: []string{"ProxyInit"}, Settings: []Setting{{"IgnoreInboundPorts", traffic.ExcludeInboundPorts}, {"IgnoreOutboundPorts", traffic.ExcludeOutboundPorts}}, Versions: "2.5 and 2.6", Note: linkerdFormer},
			// The values that the control plane was installed with.
			{Kind: "ConfigMap", Name: "linkerd-config", Document: []string{"data", "values"}, At: []string{"proxyInit"}, Settings: linkerdProxyInit, Unsayable: linkerdSubnets, Versions: "2.10 and later"},
			{Kind: "ConfigMap", Name: "linkerd-config", Document: []string{"data", "values"}, At: []string{"global", "proxyInit"}, Settings: linkerdProxyInit, Versions: "2.9", Note: linkerdFormer},
			{Kind: "ConfigMap", Name: "linkerd-config", Document: []string{"data", "proxy"}, Settings: linkerdProxyInit, Versions: "2.3 to 2.8", Note: linkerdFormer},
			{At: []string{"linkerd2-cni"}, Settings: linkerdProxyInit, Left: linkerdCNI},
			{Settings: linkerdProxyInit, Left: linkerdCNI}, // of its own chart
		},
		// The proxy's control and admin ports (linkerd/linkerd2
		// charts/partials/templates/_proxy-init.tpl).
		Always: traffic.SinglePorts(traffic.TCP, 4190, 4191),
		Signs: Signs{
			// Linkerd's proxy leaves one only on answers that it makes itself
			// because something went wrong.
			Marks:      []Mark{{"l5d-*", "", "linkerd/linkerd2-proxy linkerd/app/core/src/errors/respond.rs"}},
			Identities: []Identity{{DNSName, "", ".serviceaccount.identity.", "linkerd/linkerd2 charts/partials/templates/_proxy.tpl"}},
		},
		// Galera, MySQL's cluster.
		Defaults: traffic.Settings{ExcludeInboundPorts: galera, ExcludeOutboundPorts: galera}.Layer(),
		Unmeshed: func(labels, annotations map[string]string) string {
			// The selectors of the injector's webhook:
			// charts/linkerd-control-plane/templates/proxy-injector-rbac.yaml.
			if _, own := labels["linkerd.io/control-plane-component"]; own {
				return "its template's label linkerd.io/control-plane-component makes it a part of the mesh itself"
			}
			if _, cni := labels["linkerd.io/cni-resource"]; cni {
				return "its template's label linkerd.io/cni-resource makes it a part of the mesh itself"
			}
			if value := annotations["linkerd.io/inject"]; linkerdLeaves(value) {
				return "its template's annotation linkerd.io/inject: " + value + " opts out of the mesh"
			}
			return ""
		},
		OptOuts: []OptOut{
			{Label: true, Key: "linkerd.io/control-plane-component"},
			{Label: true, Key: "linkerd.io/cni-resource"},
			{Key: "linkerd.io/inject", Value: `(?s).`, But: `^(enabled|ingress)$`},
		},
		choices: linkerdChoices,
		// pkg/inject/report.go; charts/linkerd-control-plane/values.yaml, opaquePorts.
		joins: []join{{false, "linkerd.io/inject", `^(enabled|ingress)$`, OnNamespace | OnPod}},
		Opaque: &Opaque{
			Ports:  traffic.SinglePorts(traffic.TCP, 25, 587, 3306, 4444, 5432, 6379, 9300, 11211),
			Remedy: "list the port in the annotation config.linkerd.io/opaque-ports of the Service and of the pods", Source: "linkerd/linkerd2 charts/linkerd-control-plane/values.yaml, opaquePorts",
		},
		injects: append([]Choice{{Label: true, Key: "config.linkerd.io/admission-webhooks"}}, linkerdChoices...),
		UnmeshedNamespace: func(labels, annotations map[string]string) string {
			if labels["config.linkerd.io/admission-webhooks"] == "disabled" {
				return "has the label config.linkerd.io/admission-webhooks: disabled"
			}
			if value := annotations["linkerd.io/inject"]; linkerdLeaves(value) {
				return "has the annotation linkerd.io/inject: " + value
			}
			return ""
		},
		limits: []limit{portsWithoutProtocol, linkerdKeyless, noPairs},
	}
}}

func linkerdKeyless(e *expression) {
	e.leaveWithoutKey(func(f traffic.Field) string {
		if f == traffic.ExcludeOutboundIPRanges || f == traffic.IncludeOutboundIPRanges {
			return "Linkerd has no annotation for destination ranges; its skip-subnets is about callers"
		}
		return "Linkerd has no annotation for it"
	})
}

const linkerdMakes = "makes Linkerd's rules; where Linkerd's CNI plugin makes them, it is linkerd-network-validator, which waits for them"

var linkerdNatively = []string{"config.linkerd.io/proxy-enable-native-sidecar", "config.beta.linkerd.io/proxy-enable-native-sidecar", "config.alpha.linkerd.io/proxy-enable-native-sidecar"}

// linkerdChoices are read on pods and on Namespaces.
var linkerdChoices = []Choice{
	{Key: "linkerd.io/inject", Takes: `^(enabled|disabled|ingress|)$`, Otherwise: "Linkerd does not know this value and gives the pod no sidecar: write enabled, ingress or disabled"},
	refusing(false, "config.linkerd.io/proxy-log-http-headers", `^(insecure|off|)$`, "Linkerd's injector", "insecure or off"),
	refusing(false, "config.linkerd.io/image-pull-policy", `^(Always|IfNotPresent|Never|)$`, "Kubernetes", "Always, IfNotPresent or Never"),
}

// linkerdLeaves: a value that Linkerd does not know is as disabled (pkg/inject/report.go,
// disabledByAnnotation).
func linkerdLeaves(value string) bool {
	return value != "" && value != "enabled" && value != "ingress"
}

const linkerdInit = "linkerd/linkerd2 charts/partials/templates/_proxy-init.tpl"

// linkerdProxyInit are values of linkerd/linkerd2
// charts/linkerd-control-plane/values.yaml.
var linkerdProxyInit = []Setting{
	{"ignoreInboundPorts", traffic.ExcludeInboundPorts},
	{"ignoreOutboundPorts", traffic.ExcludeOutboundPorts},
}

// linkerdCNI: cni-plugin/main.go of linkerd/linkerd2-proxy-init, cmdAdd.
const (
	linkerdCNI    = "Linkerd's CNI plugin adds its inbound list to what a pod's annotation says, which no scope of a ClusterBypass does: say in meshDefaults or in rules what should bypass"
	linkerdFormer = "the charts of Linkerd before 2.11 exclude other ports by themselves (2.9: 25,443,587,3306,11211, others none) where the values do not say, and meshDefaults has those of today: correct it"
)

var linkerdSubnets = []Unsayable{{Key: "skipSubnets", Why: "no field of a ClusterBypass says from which addresses traffic bypasses the sidecar"}}

// linkerdPorts is the grammar of proxy-init. It drops an entry that it cannot
// read, even if only for a blank, and writes a line to its log. It takes port 0,
// on which nothing arrives.
type linkerdPorts struct {
	// failsWithout says that proxy-init fails if no entry is left. For inbound
	// ports there always are some: it gets the sidecar's own in front of these.
	failsWithout bool
}

func (linkerdPorts) entries(s traffic.Settings, f traffic.Field) []string {
	return portList{separator: "-"}.entries(s, f)
}

func (l linkerdPorts) read(value string) ([]string, error) {
	if strings.ContainsAny(value, linkerdOdd) {
		return nil, errors.New(`it has quotes, backslashes or line breaks, which Linkerd's init container and its CNI plugin read each in its own way: write ports, or ranges such as "8000-8010", with commas between them`)
	}
	kept, lost := linkerdKeeps(value)
	if l.failsWithout && len(kept) == 0 && len(lost) > 0 {
		return nil, errors.New(`no entry of it is a port to Linkerd, and its init container then fails: write ports, or ranges such as "8000-8010", without blanks`)
	}
	return kept, nil
}

func linkerdKeeps(value string) (kept, lost []string) {
	kept = []string{}
	for _, entry := range traffic.SplitList(value) {
		first, last, isRange := strings.Cut(entry, "-")
		if !isRange {
			last = first
		}
		lower, err := strconv.Atoi(first)
		upper, err2 := strconv.Atoi(last)
		if errors.Join(err, err2) != nil || lower < 0 || upper > 65535 || upper < lower {
			lost = append(lost, strconv.Quote(entry))
			continue
		}
		if upper > 0 {
			kept = append(kept, strconv.Itoa(max(lower, 1))+"-"+strconv.Itoa(upper))
		}
	}
	return kept, lost
}

// linkerdOdd are characters with a meaning in YAML, into which the injector writes inbound
// ports as they are, or in CSV, as which proxy-init reads each list (proxy-init/cmd/root.go,
// StringSliceVar). Linkerd's CNI plugin cuts at the commas alone.
const linkerdOdd = "\"\\\r\n"

// drops: by no version does an entry let anything bypass that it drops.
func (linkerdPorts) drops() {}

func (linkerdPorts) doubts(value string) string {
	_, lost := linkerdKeeps(value)
	if len(lost) == 0 || strings.ContainsAny(value, linkerdOdd) { // which is refused
		return ""
	}
	return "Linkerd drops " + strings.Join(lost, " and ") + `, which it does not read as a port, and only its init container's log says so: write ports, or ranges such as "8000-8010", without blanks`
}
