package mesh

import (
	"cmp"
	_ "embed" // the keys that it knows
	"slices"
	"strconv"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

//go:embed known/istio.txt
var istioKnown string

// istio serves Istio, Alibaba Cloud Service Mesh and DaoCloud DCE 5.0. Facts
// are from istio/istio: pkg/kube/inject/validate.go for the grammar,
// tools/istio-iptables/pkg/capture/run.go for the order of the rules,
// pkg/kube/inject/template.go for how a pod's annotation replaces the value of
// the Helm chart.
var istio = row{name: "Istio", domain: "istio.io", rest: func() *Mesh {
	return &Mesh{
		Aka: []string{
			"ASM", "Alibaba Cloud Service Mesh", "Anthos Service Mesh", "Aspen", "Azure Service Mesh", "Calisti", "Cloud Service Mesh", "DCE", "DaoCloud",
			"Gloo", "Maistra", "OpenShift Service Mesh", "OSSM", "Red Hat OpenShift Service Mesh", "Sail", "Solo", "Tanzu Service Mesh", "TCM",
			"Tencent Cloud Mesh", "Tetrate", "Tetrate Istio Distro", "Tetrate Service Bridge", "TSB",
		},
		Keys: []Key{
			{Field: traffic.ExcludeInboundPorts, Annotation: "traffic.sidecar.istio.io/excludeInboundPorts", Values: istioPorts},
			{Field: traffic.IncludeInboundPorts, Annotation: "traffic.sidecar.istio.io/includeInboundPorts", Values: istioPortSelection},
			{Field: traffic.ExcludeOutboundPorts, Annotation: "traffic.sidecar.istio.io/excludeOutboundPorts", Values: istioPorts},
			{Field: traffic.IncludeOutboundPorts, Annotation: "traffic.sidecar.istio.io/includeOutboundPorts", Values: istioPorts},
			{Field: traffic.ExcludeOutboundIPRanges, Annotation: "traffic.sidecar.istio.io/excludeOutboundIPRanges", Values: istioCIDRs},
			{Field: traffic.IncludeOutboundIPRanges, Annotation: "traffic.sidecar.istio.io/includeOutboundIPRanges", Values: istioCIDRSelection},
		},
		known: &vocabulary{list: &istioKnown},
		Others: []Other{
			{Annotation: "traffic.sidecar.istio.io/excludeInterfaces", Opens: OpensAll, Source: istioTemplate},
			// What comes in by these is taken for outbound traffic.
			{Annotation: "traffic.sidecar.istio.io/kubevirtInterfaces", Opens: OpensInbound, Unless: []string{istioReroute}, Ahead: istioAhead, Source: istioTemplate},
			{Annotation: istioReroute, Opens: OpensInbound, planes: DataPlanes, Ahead: istioAhead, Source: istioTemplate},
			{Annotation: istioModeKey, Opens: OpensAll, Harmless: istioRedirects, Certain: istioNone, Source: istioTemplate},
			// It joins the excluded inbound ports; 0 is none.
			{
				Annotation: "status.sidecar.istio.io/port", Opens: OpensInbound, Harmless: []string{"0", "15020"}, ports: onePort, Source: "istio/istio pkg/kube/inject/template.go",
				Moves: 15020, Purpose: "Istio's status port", Stays: "Istio's CNI plugin excludes it in every pod", // cni/pkg/plugin/sidecar_redirect.go, NewRedirect
			},
			{
				Annotation: istioConfig, Opens: OpensAll, Words: istioWords,
				// What istio-iptables takes where nobody says anything, beside what lets nothing bypass.
				Defaults: map[string]string{"ISTIO_DUAL_STACK": "false"},
				Source:   istioTemplate + ", tools/istio-iptables/pkg/cmd/root.go",
			},
			// Their keys go into YAML as they are, and a network between single quotes.
			{Annotation: "sidecar.istio.io/userVolume", Opens: OpensAll, Unfit: `\`, Source: istioTemplate},
			{Annotation: "sidecar.istio.io/userVolumeMount", Opens: OpensAll, Unfit: `\`, Source: istioTemplate},
			{Annotation: "apm.datadoghq.com/env", Opens: OpensAll, Unfit: `\`, Source: istioTemplate},
			{Annotation: "k8s.v1.cni.cncf.io/networks", Opens: OpensAll, Unfit: "'", Source: istioTemplate},
			// What it holds is merged over the containers of the template, istio-init
			// among them (reapplyOverwrittenContainers).
			{Annotation: "proxy.istio.io/overrides", Opens: OpensAll, Source: "istio/istio pkg/kube/inject/webhook.go"},
			{Annotation: "ambient.istio.io/bypass-inbound-capture", Opens: OpensInbound, Harmless: []string{"false"}, planes: []DataPlane{Ambient}, Source: "istio/istio cni/pkg/nodeagent/net.go"},
		},
		Prefixes:   []string{"traffic.sidecar.istio.io/"},
		UIDs:       []string{"1337"},
		GIDs:       []string{"1337"},
		Containers: []string{"istio-init", "istio-validation"},
		Sidecar:    istioProxyName,
		OwnImage:   "auto",
		// 15000 to 15090 is what istio.io/docs/ops/deployment/application-requirements
		// reserves for the sidecar and its agent.
		OwnPorts:   []OwnPorts{{traffic.PortRange{First: 15000, Last: 15090}, "Istio's sidecar and agent"}},
		Namespaces: []string{"istio-system", "istio-operator"},
		Levels:     Replaces,
		Unmeshed:   istioUnmeshed,
		intercepts: istioIntercepts,
		certain:    istioCertain,
		ambient:    istioAmbient(),
		OptOuts: []OptOut{
			{Label: true, Key: "sidecar.istio.io/inject", Value: `^false$`},
			{Key: "sidecar.istio.io/inject", Value: `^false$`, Unless: "sidecar.istio.io/inject"},
			{Key: istioTemplates, Value: `[^\s\v\x{85}\p{Z}]`, But: `(^|,)[\s\v\x{85}\p{Z}]*sidecar[\s\v\x{85}\p{Z}]*(,|$)`},
		},
		// pkg/kube/inject/inject.go, injectRequired; pkg/kube/inject/validate.go.
		choices: []Choice{
			{Key: istioTemplates, Takes: `(?s).*`}, // which an installation may add to
			{Label: true, Key: "sidecar.istio.io/inject", Takes: `^(true|false|)$`, Otherwise: istioUndecided},
			{Key: "sidecar.istio.io/inject", Takes: `^(true|false|)$`, Otherwise: istioUndecided, Unless: "sidecar.istio.io/inject", Overruled: "Istio goes by the label of this name, which says something else: remove this annotation"},
			{Label: true, Key: planeKey, Takes: planeValues, Otherwise: "Istio's CNI agent " + planeOtherwise},
			refusing(false, istioModeKey, `^(REDIRECT|TPROXY|NONE)$`, istioInjector, "REDIRECT, TPROXY or NONE"),
			refusing(false, "status.sidecar.istio.io/port", `^\s*[0-9]{1,5}\s*$`, istioInjector, "one port"),
		},
		// manifests/charts/istio-control/istio-discovery/templates/mutatingwebhook.yaml.
		injects: []Choice{
			{Label: true, Key: injectionKey, Takes: `^(enabled|disabled)$`, Otherwise: "Istio's webhook matches no such value, so these pods get no sidecar: write enabled or disabled"},
			{Label: true, Key: planeKey, Takes: planeValues, Otherwise: "Istio's CNI agent " + planeOtherwise},
		},
		// manifests/charts/istio-control/istio-discovery/templates/mutatingwebhook.yaml,
		// manifests/charts/istio-cni/values.yaml.
		joins: []join{
			{true, injectionKey, `^enabled$`, OnNamespace},
			{true, revKey, `.`, OnNamespace | OnPod},
			{true, injectKey, `^true$`, OnPod},
			{true, planeKey, `^` + planeAmbient + `$`, OnNamespace | OnPod},
		},
		Merged: &MergedMetrics{
			Says: "merges them into its own metrics on port 15020 (enablePrometheusMerge is on by default)", Source: "istio/istio pkg/kube/inject/webhook.go, enablePrometheusMerge",
			Off: "prometheus.istio.io/merge-metrics", Field: "enablePrometheusMerge",
			Fields: map[string][]string{
				"ConfigMap": {"data", "mesh"}, "IstioOperator.install.istio.io": {"spec", "meshConfig", "enablePrometheusMerge"},
				"Istio.sailoperator.io": {"spec", "values", "meshConfig", "enablePrometheusMerge"},
			},
		},
		Opaque: &Opaque{
			Ports:  traffic.SinglePorts(traffic.TCP, 25, 53, 3306, 27017),
			Remedy: "write appProtocol: tcp at the port of the Service, or let its name begin with tcp-", Source: "istio/istio pkg/config/kube/conversion.go, wellKnownPorts",
		},
		Mark:              statusKey,
		UnmeshedNamespace: istioUnmeshedNamespace,
		limits:            []limit{istioDNS, portsWithoutProtocol, singlePorts, istioInbound, istioIncluded, rangesBeforePorts, noPairs},
		mislead:           istioMislead,
		Commons: []Common{
			{Kind: "ConfigMap", Name: "istio*", Document: []string{"data", "mesh"}, At: []string{"defaultConfig"}, As: istioConfig, Root: istioRoot},
			{Group: "install.istio.io", Kind: "IstioOperator", At: []string{"spec", "meshConfig", "defaultConfig"}, As: istioConfig, Root: istioRoot},
			{Group: "sailoperator.io", Kind: "Istio", At: []string{"spec", "values", "meshConfig", "defaultConfig"}, As: istioConfig, Root: istioRoot},
			{
				Group: "networking.istio.io", Kind: "ProxyConfig", At: []string{"spec", "environmentVariables"}, As: istioConfig, Under: "proxyMetadata.", Selects: []string{"spec", "selector", "matchLabels"},
				Several: "of several ProxyConfigs for the same pods the oldest alone counts, and only the cluster knows which that is",
			},
		},
		sources: []Source{
			{At: []string{"global", "proxy"}, Settings: istioProxy, Versions: "0.8 and later"},
			// The injector's, with the Helm values that it was installed with; each
			// revision has its own (1.2.0,
			// install/kubernetes/helm/istio/templates/sidecar-injector-configmap.yaml). A copy
			// of them is for people.
			{Kind: "ConfigMap", Name: "istio-sidecar-injector*", Document: []string{"data", "values"}, At: []string{"global", "proxy"}, Settings: istioProxy, Versions: "1.2 and later"},
			{Kind: "ConfigMap", Name: "values*", Document: []string{"data", "merged-values"}, At: []string{"global", "proxy"}, Settings: istioProxy, Versions: "1.26 and later"},
			{Group: "install.istio.io", Kind: "IstioOperator", At: []string{"spec", "values", "global", "proxy"}, Settings: istioProxy, Versions: "1.4 and later"},
			{Group: "sailoperator.io", Kind: "Istio", At: []string{"spec", "values", "global", "proxy"}, Settings: istioProxy},
			{Group: "sailoperator.io", Kind: "IstioRevision", At: []string{"spec", "values", "global", "proxy"}, Settings: istioProxy},
			// maistra/istio-operator pkg/apis/maistra/v2/proxy.go, ProxyTrafficControlConfig.
			{Group: "maistra.io", Kind: "ServiceMeshControlPlane", At: []string{"spec", "proxy", "networking", "trafficControl", "inbound"}, Settings: maistraInbound, Versions: "OpenShift Service Mesh 2"},
			{Group: "maistra.io", Kind: "ServiceMeshControlPlane", At: []string{"spec", "proxy", "networking", "trafficControl", "outbound"}, Settings: maistraOutbound, Versions: "OpenShift Service Mesh 2"},
			{Group: "maistra.io", Kind: "ServiceMeshControlPlane", At: []string{"spec", "istio", "global", "proxy"}, Settings: istioProxy, Versions: "OpenShift Service Mesh 1"},
			asmAnswer,
		},
		// The status port and two of the sidecar's, which the injection template
		// adds to whatever is configured.
		Always: traffic.SinglePorts(traffic.TCP, 15020, 15021, 15090),
		Facts:  []Fact{istioNative, istioExclusion},
		Order:  Order{Key: "sidecar.istio.io/nativeSidecar", Former: "false", First: istioFirst, Last: istioLast, Depends: istioNative},
		// pkg/kube/inject/webhook.go, reorderPod; cni/pkg/plugin/plugin.go, CmdAdd.
		Init: InitContainers{
			Native: istioNatively, NativeIf: "in Istio since 1.27, where every node's kubelet is 1.33 or later",
			All: []Injected{
				{Name: "istio-init", Says: "makes Istio's rules; where Istio's CNI plugin makes them, it is istio-validation, which waits for them", of: nativeSidecar},
				{Name: istioProxyName, Says: "the sidecar", Stays: true, of: nativeSidecar},
				{Name: "istio-validation", Says: "waits for Istio's rules", If: "Istio's CNI plugin makes the rules", of: formerSidecar},
				{Name: "istio-init", Says: "makes Istio's rules", Last: true, If: "no CNI plugin of Istio makes the rules", of: formerSidecar},
			},
		},
		Early: Early{Native: istioNatively, Else: "where Istio's CNI plugin makes the rules, which it does before them, and the sidecar is no native one; istio-init comes last, so that without the plugin they reach everything"},
		// Beside an includeInboundPorts that is not "*" there are no rules for excluded
		// ports; those for excluded outbound ports come first (istio/istio
		// tools/istio-iptables/pkg/capture/run.go, handleInboundPortsInclude and Run).
		wins:        []traffic.Field{traffic.IncludeInboundPorts, traffic.ExcludeOutboundPorts},
		rangesFirst: true,
		Signs: Signs{
			Envoy:      true,
			Marks:      []Mark{{"server", "istio-envoy", "istio/istio pilot/pkg/networking/core/accesslog.go"}},
			Identities: []Identity{{URI, "spiffe://", "/sa/", "istio/istio pkg/spiffe/spiffe.go"}},
			// A server's sidecar that takes plain text too answers the handshake
			// itself only where one of these is offered, and passes any other on
			// (istio/istio pilot/pkg/networking/util/util.go).
			Protocols: []string{"istio-peer-exchange", "istio"},
		},
	}
}}

const (
	istioInjector = "Istio's injector"
	istioReroute  = "istio.io/reroute-virtual-interfaces"
	// tools/istio-iptables/pkg/capture/run.go, handleOutboundIncludeRules.
	istioAhead    = "what comes in by these interfaces goes out through"
	istioConfig   = "proxy.istio.io/config"
	istioRoot     = "rootNamespace"
	istioTemplate = "istio/istio manifests/charts/istio-control/istio-discovery/files/injection-template.yaml"
)

const (
	istioFirst = "istio-init and the sidecar come before krm-bypass-init, as the first of the init containers (a native sidecar); either order holds"
	istioLast  = "istio-init comes after krm-bypass-init, as the last of the init containers; either order holds"
)

var (
	istioNatively = []string{"sidecar.istio.io/nativeSidecar"}
	// pilot/pkg/features/pilot.go, and pkg/kube/inject/webhook.go, DetectNativeSidecar and
	// reorderPod.
	istioNative    = Fact{Of: "Istio", Since: "1.27", Says: "istio-init and the sidecar come before krm-bypass-init, as native sidecars, where every node's kubelet is 1.33 or later (ENABLE_NATIVE_SIDECARS: auto), else istio-init after it", Source: "istio/istio pilot/pkg/features/pilot.go, pkg/kube/inject/webhook.go"}
	istioExclusion = Fact{Of: "Istio", Since: "1.31", Says: "an egress host of a Sidecar whose namespace begins with ~ is taken away from what the others expose; before, it exposes nothing by itself", Source: "istio/istio pilot/pkg/model/sidecar.go"}
)

// istioWords are what a ProxyConfig can say of interception: its own field, and
// in proxyMetadata the environment of istio-iptables, whose flags each have a
// variable, where the injection template does not give the flag itself.
var istioWords = Words{
	{"interceptionMode", Other{Opens: OpensAll, Harmless: istioRedirects, Certain: istioNone, Unless: []string{istioModeKey}}},
	{"interception_mode", Other{Opens: OpensAll, Harmless: istioRedirects, Certain: istioNone, Unless: []string{istioModeKey}}},
	{"ISTIO_LOCAL_OUTBOUND_PORTS_EXCLUDE", Other{
		Opens: OpensOutbound, ports: istioExcluded, Unless: []string{"traffic.sidecar.istio.io/excludeOutboundPorts"},
		Doubt: "Istio's CNI plugin does not read it",
	}},
	{"ISTIO_EXCLUDE_INTERFACES", Other{Opens: OpensAll}},
	{"ISTIO_OUTBOUND_OWNER_GROUPS", Other{Opens: OpensAll, Harmless: []string{"*"}}},
	{"ISTIO_OUTBOUND_OWNER_GROUPS_EXCLUDE", Other{Opens: OpensAll}},
	{"ISTIO_OUTBOUND_IPV4_LOOPBACK_CIDR", Other{Opens: OpensAll, Harmless: []string{"127.0.0.1/32", "127.0.0.0/8"}}},
	{"KUBE_VIRT_INTERFACES", Other{Opens: OpensAll}},
	{"INBOUND_TUNNEL_PORT", Other{Opens: OpensAll, Harmless: []string{"15008"}}},
	{"PROXY_GID", Other{Opens: OpensAll, Harmless: []string{"1337"}}},
	{"NETWORK_NAMESPACE", Other{Opens: OpensAll}},
	{"DRY_RUN", Other{Opens: OpensAll, Harmless: []string{"false"}}},
	{"SKIP_RULE_APPLY", Other{Opens: OpensAll, Harmless: []string{"false"}}},
	{"CLEANUP_ONLY", Other{Opens: OpensAll, Harmless: []string{"false"}}},
	{"ISTIO_DUAL_STACK", Other{Opens: OpensAll, Harmless: []string{"true"}}},
	{"DUAL_STACK", Other{Opens: OpensAll, Harmless: []string{"true"}}},
	{"DISABLE_ENVOY", Other{Opens: OpensAll, Harmless: []string{"false"}}}, // istio/istio cni/pkg/plugin/plugin.go
}

// istioRedirects are the modes by which inbound connections are redirected; with NONE
// nothing is, in either direction, since no rules are made.
var istioRedirects, istioNone = []string{"REDIRECT", "TPROXY"}, []string{"NONE"}

const istioModeKey = "sidecar.istio.io/interceptionMode"

// istioExcluded reads the ports of a variable as of the annotation in whose place it is.
func istioExcluded(value string) (traffic.Ports, bool) {
	said, err := Key{Field: traffic.ExcludeOutboundPorts, Values: istioPorts}.Read(value)
	return said.Settings().ExcludeOutboundPorts, err == nil
}

// istioProxy are the Helm values that the injection template falls back to
// where a pod has no annotation (istio/istio
// manifests/charts/istio-control/istio-discovery/files/injection-template.yaml).
var istioProxy = []Setting{
	{"excludeInboundPorts", traffic.ExcludeInboundPorts},
	{"includeInboundPorts", traffic.IncludeInboundPorts},
	{"excludeOutboundPorts", traffic.ExcludeOutboundPorts},
	{"includeOutboundPorts", traffic.IncludeOutboundPorts},
	{"excludeIPRanges", traffic.ExcludeOutboundIPRanges},
	{"includeIPRanges", traffic.IncludeOutboundIPRanges},
}

var (
	maistraInbound  = []Setting{{"includedPorts", traffic.IncludeInboundPorts}, {"excludedPorts", traffic.ExcludeInboundPorts}}
	maistraOutbound = []Setting{{"includedIPRanges", traffic.IncludeOutboundIPRanges}, {"excludedIPRanges", traffic.ExcludeOutboundIPRanges}, {"excludedPorts", traffic.ExcludeOutboundPorts}}
)

// asmAnswer is what Alibaba ASM says of all pods or of those of a namespace, each item
// instead of the broader one (alibabacloud-go/servicemesh-20200111
// client/describe_namespace_scope_sidecar_config_response_body_model.go,
// DescribeNamespaceScopeSidecarConfigResponseBodyConfigPatches). It does not say of which:
// that was in the request.
var asmAnswer = Source{
	At: []string{"ConfigPatches"}, Namespace: "Namespace", Versions: "API 2020-01-11",
	Settings: []Setting{
		{"ExcludeInboundPorts", traffic.ExcludeInboundPorts},
		{"IncludeInboundPorts", traffic.IncludeInboundPorts},
		{"ExcludeOutboundPorts", traffic.ExcludeOutboundPorts},
		{"IncludeOutboundPorts", traffic.IncludeOutboundPorts},
		{"ExcludeOutboundIPRanges", traffic.ExcludeOutboundIPRanges},
		{"IncludeOutboundIPRanges", traffic.IncludeOutboundIPRanges},
	},
	Unsayable: []Unsayable{
		{Key: "InterceptionMode", Harmless: "REDIRECT", Why: "no field of a ClusterBypass says how the sidecar intercepts, and this stays"},
		{Key: "ProxyMetadata", Why: "the environment of istio-init has it, by whose ISTIO_ variables traffic may bypass the sidecar, and no field of a ClusterBypass says this"},
	},
}

// istioUnmeshed follows injectRequired in istio/istio pkg/kube/inject/inject.go:
// the label wins over the annotation, and only "false" opts out. It does not read
// the label for ambient mode.
func istioUnmeshed(labels, annotations map[string]string) string {
	return cmp.Or(istioSwitchedOff(labels, annotations), istioWithoutSidecar(annotations))
}

func istioSwitchedOff(labels, annotations map[string]string) string {
	if value, labelled := labels[injectKey]; labelled {
		if value == "false" {
			return `its template's label sidecar.istio.io/inject: "false" opts out of the mesh`
		}
	} else if annotations[injectKey] == "false" {
		return `its template's annotation sidecar.istio.io/inject: "false" opts out of the mesh`
	}
	return ""
}

const istioUndecided = `Istio takes only "true" and "false" here, and with this value injects the sidecar as if nothing was said: write "true" or "false"`

const istioTemplates = "inject.istio.io/templates"

func istioWithoutSidecar(annotations map[string]string) string {
	switch value, named := annotations[istioTemplates], istioNamed(annotations); {
	case strings.TrimSpace(value) == "", slices.Contains(named, "sidecar"):
		return ""
	case slices.Contains(named, "gateway"):
		return istioGateway(annotations)
	case !slices.ContainsFunc(named, func(name string) bool { return name != "grpc-agent" && name != "grpc-simple" }):
		return "its template's annotation inject.istio.io/templates: " + value + " makes it proxyless gRPC, where nothing is intercepted"
	default:
		return "its template's annotation inject.istio.io/templates: " + strconv.Quote(value) + " does not name sidecar, the template that intercepts"
	}
}

// istioNamed gives the injection templates that are named. All of them apply
// (istio/istio pkg/kube/inject/inject.go, selectTemplates).
func istioNamed(annotations map[string]string) []string {
	names := strings.Split(annotations[istioTemplates], ",")
	for i, name := range names {
		names[i] = strings.TrimSpace(name)
	}
	return names
}

// istioIntercepts: a template that does not come with Istio may be an alias of the
// sidecar's (pkg/kube/inject/inject.go, resolveAliases).
func istioIntercepts(labels, annotations map[string]string) Opening {
	alias := slices.ContainsFunc(istioNamed(annotations), func(name string) bool {
		return !slices.Contains([]string{"gateway", "grpc-agent", "grpc-simple", "waypoint"}, name)
	})
	if istioSwitchedOff(labels, annotations) != "" || !alias {
		return 0
	}
	return OpensAll
}

// istioUnmeshedNamespace follows the namespace selectors of the injector's
// webhook (istio/istio manifests/charts/istio-control/istio-discovery/templates/mutatingwebhook.yaml).
func istioUnmeshedNamespace(labels, _ map[string]string) string {
	disabled, ambient := labels[injectionKey] == "disabled", labels[planeKey] == planeAmbient && istioInjected(labels) == ""
	switch {
	case disabled && ambient:
		return "has the labels istio-injection: disabled and istio.io/dataplane-mode: ambient, so its pods have no sidecar"
	case disabled:
		return "has the label istio-injection: disabled"
	case ambient:
		return "has the label istio.io/dataplane-mode: ambient, so its pods have no sidecar"
	}
	return ""
}

// istioDNS: an excluded port stands for TCP and UDP in Istio's rules, and on
// port 53 with DNS capture it takes both.
func istioDNS(e *expression) {
	ports := e.said.ExcludeOutboundPorts
	if ports.Contains(traffic.TCP, traffic.DNSPort) && !ports.Contains(traffic.UDP, traffic.DNSPort) {
		e.gap(traffic.ExcludeOutboundPorts, "Istio's annotation has no protocol and would switch off DNS capture over UDP along with 53/TCP")
		e.said.ExcludeOutboundPorts = ports.Without(traffic.SinglePorts(traffic.TCP, traffic.DNSPort))
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
	included := in.Set().Without(e.said.ExcludeInboundPorts).Bare()
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
	e.leave(traffic.IncludeOutboundIPRanges, "includeOutboundPorts does not fit beside it")
	rangesBeforePorts(e)
	e.silence(traffic.IncludeOutboundPorts)
}

func istioMislead(l traffic.Layer) []Misleading {
	if l.ExcludeInboundPorts == nil || l.ExcludeInboundPorts.IsEmpty() || l.IncludeInboundPorts == nil || l.IncludeInboundPorts.All() {
		return nil
	}
	return []Misleading{{traffic.ExcludeInboundPorts, `Istio ignores excludeInboundPorts beside an includeInboundPorts that is not "*": what is not included bypasses the sidecar already, so remove this annotation`}}
}

// Istio's injector neither trims blanks around a range nor takes an address
// without its mask. It takes "*" only as the whole value.
var (
	istioPorts         = portList{refuser: istioInjector, number: istioNumber}
	istioPortSelection = portList{refuser: istioInjector, number: istioNumber, all: traffic.Everything}
	istioCIDRs         = rangeList{refuser: istioInjector, masked: true}
	istioCIDRSelection = rangeList{refuser: istioInjector, masked: true, all: traffic.Everything}
)

// istioNumber: the injector reads a decimal number and hands on its text, which
// iptables and nft read as C does.
func istioNumber(text string) (uint64, error) {
	if _, err := strconv.ParseUint(text, 10, 16); err != nil {
		return 0, err
	}
	return cNumber(text)
}
