package mesh

import (
	_ "embed" // the keys that it knows
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

//go:embed known/kuma.txt
var kumaKnown string

// kuma's facts are from kumahq/kuma: pkg/plugins/runtime/k8s/metadata/annotations.go
// for the keys and injector.go beside it for opting out,
// pkg/transparentproxy/kubernetes/kubernetes_config.go for the levels,
// pkg/transparentproxy/config for the grammar, pkg/transparentproxy/iptables/builder
// for the rules.
var kuma = row{name: "Kuma", domain: "kuma.io", rest: func() *Mesh {
	return &Mesh{
		Aka: []string{"Kong", "Konnect"},
		Keys: []Key{
			{Field: traffic.ExcludeInboundPorts, Annotation: "traffic.kuma.io/exclude-inbound-ports", Values: kumaPorts, Loses: kumaPassesOver},
			{Field: traffic.ExcludeOutboundPorts, Annotation: "traffic.kuma.io/exclude-outbound-ports", Values: kumaPorts, Loses: kumaPassesOver},
			{Field: traffic.ExcludeOutboundIPRanges, Annotation: "traffic.kuma.io/exclude-outbound-ips", Values: kumaRanges, Loses: kumaPassesOver},
		},
		known: &vocabulary{list: &kumaKnown},
		Others: []Other{
			{Annotation: "traffic.kuma.io/drop-invalid-packets", Source: kumaKeys},
			{Annotation: "traffic.kuma.io/iptables-logs", Source: kumaKeys},
			{Annotation: "traffic.kuma.io/exclude-inbound-ips", Opens: OpensInbound, Source: kumaKeys},
			{Annotation: "traffic.kuma.io/exclude-outbound-ports-for-uids", Opens: OpensOutbound, ports: kumaPortsForUIDs, Source: kumaKeys},
			{Annotation: "traffic.kuma.io/exclude-outbound-tcp-ports-for-uids", Opens: OpensOutbound, ports: kumaPortsForUIDs, Source: kumaKeys},
			{Annotation: "traffic.kuma.io/exclude-outbound-udp-ports-for-uids", Opens: OpensOutbound, ports: kumaPortsForUIDs, Source: kumaKeys},
			{Annotation: "traffic.kuma.io/transparent-proxy-configmap-name", Opens: OpensAll, Names: kumaConfigMap(), Source: kumaInjector},
			{Annotation: "traffic.kuma.io/transparent-proxy-config", Opens: OpensAll, Source: "kumahq/kuma app/cni/pkg/cni/main_linux.go"},
			{Annotation: "kuma.io/transparent-proxying-ip-family-mode", Opens: OpensAll, Harmless: []string{"dualstack"}, OnlyIPv4: "ipv4", Source: kumaInjector},
			// A gateway that brings its own proxy is only spared what comes in.
			// No MeshService is made of a Service with it (pkg/plugins/runtime/k8s/controllers/meshservice_controller.go).
			{Annotation: kumaGateway, Opens: OpensInbound, Spares: true, On: "Service", Harmless: []string{"disabled", "false", "no", "builtin"}, ports: kumaEverything,
				Source: "kumahq/kuma pkg/transparentproxy/kubernetes/kubernetes_config.go, ConfigForKubernetes"},
			// The port of the proxy for probes joins the excluded inbound ports; with 0, which
			// is none, those of the pod's probes do.
			{Annotation: "kuma.io/application-probe-proxy-port", Opens: OpensInbound, Harmless: []string{"9001"}, ports: onePort, Moves: 9001, Purpose: kumaProbes, Source: kumaInjector},
			{Annotation: "kuma.io/virtual-probes-port", Opens: OpensInbound, Harmless: []string{"0", "9000"}, ports: onePort, Source: kumaInjector},
		},
		Prefixes:   []string{"traffic.kuma.io/"},
		UIDs:       []string{"5678"},
		Containers: []string{"kuma-init", "kuma-sidecar", "kuma-validation"},
		OwnPorts: []OwnPorts{
			{traffic.PortRange{First: 9001, Last: 9001}, kumaProbes},
			{traffic.PortRange{First: 9901, Last: 9902}, "Kuma's sidecar, for its administration and readiness"},
			{traffic.PortRange{First: 15001, Last: 15001}, "Kuma's outbound proxy"},
			{traffic.PortRange{First: 15006, Last: 15006}, "Kuma's inbound proxy"},
			{traffic.PortRange{First: 15053, Last: 15053}, "Kuma's DNS"},
		},
		// pkg/transparentproxy/kubernetes/kubernetes_config.go, ConfigForKubernetes.
		Always:     traffic.SinglePorts(traffic.TCP, 9001),
		Namespaces: []string{"kuma-system"},
		Levels:     FirstSaid,
		// ConfigForKubernetes takes the ConfigMap's before those of the control plane, of which
		// the environment comes after the file (pkg/config/loader.go).
		sources: []Source{
			{At: []string{"transparentProxy", "configMap", "config", "redirect", "inbound"}, Settings: kumaRedirectIn, Unsayable: kumaInOnly, Counts: 2, Versions: kumaChart},
			{At: []string{"transparentProxy", "configMap", "config", "redirect", "outbound"}, Settings: kumaRedirectOut, Unsayable: kumaOutOnly, Counts: 2, Versions: kumaChart},
			{Document: []string{"controlPlane", "config"}, At: kumaInjected, Settings: kumaSidecarTraffic, Unsayable: kumaAddresses},
			{At: []string{"controlPlane", "envVars"}, Settings: kumaEnvironment, Unsayable: kumaVariables, Counts: 1},
			// What the chart makes of these (deployments/charts/kuma/templates/cp-configmap.yaml,
			// cp-deployment.yaml), which in Kong's begin with another name.
			{Kind: "ConfigMap", Name: "*-transparent-proxy-config", Document: kumaDocument, At: []string{"redirect", "inbound"}, Settings: kumaRedirectIn, Unsayable: kumaInOnly, Counts: 2, Versions: "2.9 and later"},
			{Kind: "ConfigMap", Name: "*-transparent-proxy-config", Document: kumaDocument, At: []string{"redirect", "outbound"}, Settings: kumaRedirectOut, Unsayable: kumaOutOnly, Counts: 2, Versions: "2.9 and later"},
			{Kind: "ConfigMap", Name: "*-control-plane-config", Document: kumaDocument, At: kumaInjected, Settings: kumaSidecarTraffic, Unsayable: kumaAddresses},
			{Group: "apps", Kind: "Deployment", Name: "*-control-plane", At: []string{"spec", "template", "spec", "containers"}, Env: true, Settings: kumaEnvironment, Unsayable: kumaVariables, Counts: 1},
		},
		Signs: Signs{Envoy: true, SPIFFE: true},
		// An annotation of that name is none (pkg/plugins/runtime/k8s/webhooks/injector/precheck.go).
		Unmeshed: func(labels, annotations map[string]string) string {
			if reason := kumaLeaves(labels); reason != "" {
				return reason
			}
			if annotations[kumaGateway] == "builtin" {
				return "its template's annotation kuma.io/gateway: builtin makes it a gateway of Kuma's own"
			}
			return ""
		},
		OptOuts: []OptOut{
			{Label: true, Key: kumaExceptions[0]}, {Label: true, Key: kumaExceptions[1]},
			{Label: true, Key: "kuma.io/sidecar-injection", Value: `^(disabled|false|no)$`},
			{Key: kumaGateway, Value: `^(builtin|enabled|true|yes)$`},
		},
		choices: []Choice{
			kumaInjects,
			refusing(false, kumaGateway, `^(enabled|true|yes|disabled|false|no|builtin)$`, "Kuma's injector", "enabled or disabled"),
			refusing(false, "kuma.io/transparent-proxying-ip-family-mode", `^(dualstack|ipv4|ipv6)$`, "Kuma's injector", "dualstack or ipv4"),
		},
		injects: []Choice{kumaInjects},
		joins:   []join{{true, "kuma.io/sidecar-injection", `^(enabled|true|yes)$`, OnNamespace | OnPod}},
		UnmeshedNamespace: func(labels, _ map[string]string) string {
			if value := labels["kuma.io/sidecar-injection"]; kumaDisabled(value) {
				return "has the label kuma.io/sidecar-injection: " + value
			}
			return ""
		},
		// Among the rules at the top of OUTPUT those for DNS are for UDP alone.
		dns:    []traffic.Protocol{traffic.UDP},
		limits: []limit{kumaExcluded, portsWithoutProtocol, singlePorts, noKeys, noPairs},
		// injector.go, injectKuma; UPGRADE.md, 2.14.
		Init: InitContainers{
			NativeIf: "in Kuma since 2.14, on Kubernetes 1.29 or later; before, where experimental.sidecarContainers is set", First: "kuma.io/init-first",
			All: []Injected{
				{Name: "kuma-init", Says: kumaMakes, of: nativeSidecar},
				{Name: "kuma-sidecar", Says: "the sidecar", Stays: true, of: nativeSidecar},
				{Name: "kuma-init", Says: kumaMakes, Last: true, of: formerSidecar},
			},
		},
		Facts: []Fact{
			{Of: "Kuma", Since: "2.9", Says: "traffic.kuma.io/exclude-outbound-ips and traffic.kuma.io/exclude-inbound-ips are read; before, nobody reads them", Source: "kumahq/kuma CHANGELOG.md"},
			{Of: "Kuma", Since: "2.13.1", Passes: traffic.SinglePorts(traffic.TCP, 53), Says: "as in 2.12.6 and 2.11.9, TCP to port 53 passes no sidecar while Kuma's DNS is on; before, its DNS takes that too", Source: kumaRules},
			{Of: "Kuma", Since: "3.0", Says: "a pod with kuma.io/application-probe-proxy-port: 0 is spared what comes in to the ports of its probes", Source: kumaInjector},
			{Of: "Kuma", Since: "3.0", Says: "the ConfigMap of the control plane is the base of every pod's configuration, and the pod's annotations stand instead of it; the ConfigMap that traffic.kuma.io/transparent-proxy-configmap-name names is read after both", Source: kumaInjector},
			{Of: "Kuma", Until: "3.0", Says: "kuma.io/transparent-proxying-ebpf lets eBPF programs intercept in place of iptables, out of any rule's reach", Source: "kumahq/kuma UPGRADE.md"},
			{Of: "Kuma", Until: "3.0", Says: "kuma.io/gateway: builtin makes a pod a gateway of Kuma's own", Source: kumaInjector},
		},
	}
}}

const (
	kumaMakes    = "makes Kuma's rules; where Kuma's CNI plugin makes them, it is kuma-validation, which waits for them"
	kumaProbes   = "Kuma's sidecar, for the pod's probes"
	kumaGateway  = "kuma.io/gateway"
	kumaChart    = "3.0 and later; 2.9 to 2.14 with configMap.enabled: true"
	kumaVariable = "KUMA_RUNTIME_KUBERNETES_SIDECAR_TRAFFIC_"
	kumaFrom     = "no field of a ClusterBypass says from which addresses traffic bypasses the sidecar"
	kumaOnly     = "the mesh then intercepts these ports alone and passes over those that it excludes: say in meshDefaults what bypasses"
	kumaKeys     = "kumahq/kuma pkg/plugins/runtime/k8s/metadata/annotations.go"
	kumaInjector = "kumahq/kuma pkg/plugins/runtime/k8s/webhooks/injector/injector.go"
	kumaRules    = "kumahq/kuma pkg/transparentproxy/iptables/builder/builder_table_nat.go"
)

var (
	kumaPorts  = portList{refuser: "Kuma's injector", number: unsigned, skipsEmpty: true}
	kumaRanges = rangeList{refuser: "Kuma's init container", blanks: true, skipsEmpty: true}
)

// Of pkg/transparentproxy/config/config.go, and of
// pkg/config/app/kuma-cp/kuma-cp.defaults.yaml.
var (
	kumaRedirectIn  = []Setting{{"excludePorts", traffic.ExcludeInboundPorts}}
	kumaRedirectOut = []Setting{{"excludePorts", traffic.ExcludeOutboundPorts}, {"excludePortsForIPs", traffic.ExcludeOutboundIPRanges}}
	kumaInjected    = []string{"runtime", "kubernetes", "injector", "sidecarTraffic"}
	// pkg/config/plugins/runtime/k8s/config.go, SidecarTraffic.
	kumaEnvironment = []Setting{
		{kumaVariable + "EXCLUDE_INBOUND_PORTS", traffic.ExcludeInboundPorts}, {kumaVariable + "EXCLUDE_OUTBOUND_PORTS", traffic.ExcludeOutboundPorts},
		{kumaVariable + "EXCLUDE_OUTBOUND_IPS", traffic.ExcludeOutboundIPRanges},
	}
	kumaInOnly    = []Unsayable{{Key: "excludePortsForIPs", Why: kumaFrom}, {Key: "includePorts", Why: kumaOnly}}
	kumaOutOnly   = []Unsayable{{Key: "excludePortsForUIDs", Why: "no field of a ClusterBypass says whose traffic bypasses the sidecar"}, {Key: "includePorts", Why: kumaOnly}}
	kumaAddresses = []Unsayable{{Key: "excludeInboundIPs", Why: kumaFrom}}
	kumaVariables = []Unsayable{{Key: kumaVariable + "EXCLUDE_INBOUND_IPS", Why: kumaFrom}}

	kumaSidecarTraffic = []Setting{{"excludeInboundPorts", traffic.ExcludeInboundPorts}, {"excludeOutboundPorts", traffic.ExcludeOutboundPorts}, {"excludeOutboundIPs", traffic.ExcludeOutboundIPRanges}}
)

var kumaInjects = refusing(true, "kuma.io/sidecar-injection", `^(enabled|true|yes|disabled|false|no)$`, "Kuma's injector", "enabled or disabled")

// kumaExceptions are labels of pods that get no sidecar as long as nobody configures
// others (pkg/config/app/kuma-cp/kuma-cp.defaults.yaml, injector.exceptions).
var kumaExceptions = []string{"openshift.io/build.name", "openshift.io/deployer-pod-for.name"}

func kumaLeaves(labels map[string]string) string {
	for _, exception := range kumaExceptions {
		if _, labelled := labels[exception]; labelled {
			return "its template's label " + exception + " makes it an exception, which Kuma gives no sidecar"
		}
	}
	const inject = "kuma.io/sidecar-injection"
	if value := labels[inject]; kumaDisabled(value) {
		return "its template's label " + inject + ": " + value + " opts out of the mesh"
	}
	return ""
}

func kumaDisabled(value string) bool {
	return value == "disabled" || value == "false" || value == "no"
}

// kumaConfigMap is mounted into the init container as a volume, so that it is one of the
// pod's own namespace (injector.go, injectKuma), and read after what the injector made
// of the pod's annotations (NewInitContainer). Its settings are those of
// pkg/transparentproxy/config/config.go, Config.
func kumaConfigMap() *Named {
	return &Named{
		Kind: "ConfigMap", Document: kumaDocument,
		As: map[string]string{
			"redirect.inbound.excludePorts":         "traffic.kuma.io/exclude-inbound-ports",
			"redirect.inbound.excludePortsForIPs":   "traffic.kuma.io/exclude-inbound-ips",
			"redirect.outbound.excludePorts":        "traffic.kuma.io/exclude-outbound-ports",
			"redirect.outbound.excludePortsForIPs":  "traffic.kuma.io/exclude-outbound-ips",
			"redirect.outbound.excludePortsForUIDs": "traffic.kuma.io/exclude-outbound-ports-for-uids",
			"ipFamilyMode":                          "kuma.io/transparent-proxying-ip-family-mode",
		},
		Settings: Words{
			{"redirect.inbound.enabled", Other{Opens: OpensInbound, Harmless: []string{"true"}, Certain: []string{"false"}}},
			{"redirect.outbound.enabled", Other{Opens: OpensOutbound, Harmless: []string{"true"}, Certain: []string{"false"}}},
			{"redirect.inbound.includePorts", Other{Opens: OpensInbound, ports: notAmong}},
			{"redirect.outbound.includePorts", Other{Opens: OpensOutbound, ports: notAmong}},
			{"redirect.inbound.excludePortsForUIDs", Other{Opens: OpensInbound}},
			{"redirect.inbound.port", Other{Opens: OpensInbound, Harmless: []string{"15006"}}},
			{"redirect.outbound.port", Other{Opens: OpensOutbound, Harmless: []string{"15001"}}},
			{"redirect.vnet.networks", Other{Opens: OpensAll}},
			{"kumaDPUser", Other{Opens: OpensOutbound, Harmless: []string{"5678"}}},
			{"dryRun", Other{Opens: OpensAll, Harmless: []string{"false"}, Certain: []string{"true"}}},
		},
		Harmless: []string{
			"redirect.dns", "log", "retry", "wait", "waitInterval", "verbose", "comments", "dropInvalidPackets", "storeFirewalld",
			"redirect.inbound.insertRedirectInsteadOfAppend", "redirect.outbound.insertRedirectInsteadOfAppend",
		},
		Doubt: "Kuma's init container reads it and its CNI plugin does not, nor does either before 3.0 unless the control plane names a ConfigMap of its own",
	}
}

var kumaDocument = []string{"data", "config.yaml"}

// kumaEverything is what a gateway that brings its own proxy is spared.
func kumaEverything(gateway string) (traffic.Ports, bool) {
	return traffic.EveryPort, slices.Contains([]string{"enabled", "true", "yes"}, gateway)
}

// kumaPortsForUIDs reads the ports that bypass for some users, which may be the
// application's: entries PROTOCOL:PORTS:USERS with semicolons between them, where
// the older keys have PORTS:USERS. Users alone are every port.
func kumaPortsForUIDs(value string) (traffic.Ports, bool) {
	var all traffic.Ports
	for entry := range strings.SplitSeq(value, ";") {
		parts := strings.Split(strings.TrimSpace(entry), ":")
		if len(parts) < 2 || len(parts) > 3 {
			return traffic.Ports{}, false
		}
		if strings.Trim(parts[len(parts)-2], " *") == "" {
			return traffic.Ports{}, false // every port
		}
		var said traffic.Layer
		if said.Set(traffic.ExcludeOutboundPorts, traffic.SplitList(parts[len(parts)-2])) != nil {
			return traffic.Ports{}, false
		}
		all = all.Union(*said.ExcludeOutboundPorts)
	}
	return all, true
}

// kumaExcluded: the rules for excluded addresses stand before those for DNS, and
// are for every protocol.
func kumaExcluded(e *expression) {
	e.leave(traffic.ExcludeOutboundIPRanges, "Kuma's annotation would also switch off its DNS capture for name servers in the ranges")
}

func kumaPassesOver(value string) string {
	if strings.Trim(value, ", \t\n") == "" {
		return "Kuma ignores an empty value: its own configuration still applies"
	}
	return ""
}
