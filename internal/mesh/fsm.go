package mesh

import (
	_ "embed" // the keys that it knows
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

//go:embed known/fsm.txt
var fsmKnown string

// fsm is OSM under other names: a comparison of both projects' pkg/injector
// shows no other logic. Facts are from flomesh-io/fsm pkg/injector: exclusions.go
// for the grammar and how a pod's lists are united with those of the MeshConfig,
// iptables.go for the rules and their order, webhook.go for opting in and out;
// and from pkg/constants/constants.go for the ports.
var fsm = row{name: "FSM", domain: "flomesh.io", rest: func() *Mesh {
	m := fsmLike("FSM", []string{"Flomesh"}, "flomesh.io", &fsmKnown, "fsm-system", []Source{chartLists("fsm", ""), preset("fsm", "")}, Signs{
		Marks: []Mark{
			{"fsm-stats*", "", "flomesh-io/fsm pkg/sidecar/v1/providers/pipy/repo/codebase/modules/inbound-metrics-http.js"},
			{"server", "pipy", "flomesh-io/osm-edge pkg/sidecar/providers/pipy/repo/codebase/outbound-mux-http.js"},
			{"x-pipy-*", "", "flomesh-io/osm-edge pkg/sidecar/providers/pipy/repo/codebase/outbound-mux-http.js"},
		},
		Identities: []Identity{{Subject, "", "O=Flomesh Service Mesh", "flomesh-io/fsm pkg/certificate/providers/config.go"}},
	})
	m.Facts = append(m.Facts, fsmIncluded)
	m.Others = append(m.Others,
		Other{Annotation: "flomesh.io/inbound-port-inclusion-list", Opens: OpensInbound, Doubt: fsmIncluded.String(), ports: notAmong, Source: fsmIncluded.Source},
		Other{Annotation: "flomesh.io/outbound-port-inclusion-list", Opens: OpensOutbound, Doubt: fsmIncluded.String(), ports: notAmong, Source: fsmIncluded.Source},
	)
	return m
}}

var fsmIncluded = Fact{Of: "FSM", Until: "1.5", Says: "its CNI plugin alone reads flomesh.io/inbound-port-inclusion-list and flomesh.io/outbound-port-inclusion-list, by which it intercepts nothing else; since then nothing reads them", Source: "flomesh-io/fsm pkg/cni/controller/podwatcher/pod.go"}

// fsmLike is FSM or OSM, whose keys all stand under one domain.
func fsmLike(name string, aka []string, domain string, known *string, namespace string, sources []Source, signs Signs) *Mesh {
	injector := name + "'s injector"
	ports := portList{refuser: injector, number: signed, nonempty: true}
	ranges := rangeList{refuser: injector, blanks: true, masked: true, nonempty: true}
	inject := domain + "/sidecar-injection"
	switches := refusing(false, inject, `^(?i:enabled|yes|true|disabled|no|false)$`, injector, "enabled or disabled")
	return &Mesh{
		Aka: aka,
		// Neither takes an empty value, so that the values that say nothing
		// name what the sidecar's rules release or take in any case.
		Keys: []Key{
			{Field: traffic.ExcludeInboundPorts, Annotation: domain + "/inbound-port-exclusion-list", Values: ports, Nothing: "15901"},
			{Field: traffic.ExcludeOutboundPorts, Annotation: domain + "/outbound-port-exclusion-list", Values: ports, Nothing: "15001"},
			{Field: traffic.ExcludeOutboundIPRanges, Annotation: domain + "/outbound-ip-range-exclusion-list", Values: ranges, Nothing: "127.0.0.1/32"},
			{Field: traffic.IncludeOutboundIPRanges, Annotation: domain + "/outbound-ip-range-inclusion-list", Values: ranges, Nothing: "0.0.0.0/0"},
		},
		known:      &vocabulary{list: known},
		UIDs:       []string{"1500"},
		Containers: []string{strings.ToLower(name) + "-init"},
		OwnPorts: []OwnPorts{
			{traffic.PortRange{First: 15000, Last: 15003}, name + "'s sidecar"},
			{traffic.PortRange{First: 15010, Last: 15010}, name + "'s metrics"},
			{traffic.PortRange{First: 15901, Last: 15904}, name + "'s health probes"},
		},
		Namespaces: []string{namespace},
		OnlyIPv4:   "flomesh-io/fsm pkg/injector/iptables.go, as in what it comes from: iptables-restore alone",
		Levels:     Adds,
		// pkg/injector/patch.go.
		Init:  InitContainers{All: []Injected{{Name: strings.ToLower(name) + "-init", Says: "makes " + name + "'s rules", Last: true}}},
		Signs: signs,
		// For metrics and for the probes that the injector rewrites
		// (flomesh-io/fsm pkg/constants/constants.go).
		Always:  traffic.SinglePorts(traffic.TCP, 15010, 15901, 15902, 15903, 15904),
		Config:  meshConfig("config." + domain),
		sources: sources,
		Commons: []Common{{Group: "config." + domain, Kind: configKind}},
		Unmeshed: func(_, annotations map[string]string) string {
			if value := annotations[inject]; fsmDisabled(value) {
				return "its template's annotation " + inject + ": " + value + " opts out of the mesh"
			}
			return ""
		},
		OptOuts: []OptOut{{Key: inject, Value: `^(?i:disabled|no|false)$`}},
		choices: []Choice{switches},
		// pkg/injector/metrics.go, IsMetricsEnabled.
		injects: []Choice{switches, refusing(false, domain+"/metrics", `^(?i:enabled|yes|true|disabled|no|false|)$`, injector, "enabled or disabled")},
		UnmeshedNamespace: func(labels, annotations map[string]string) string {
			if _, ignored := labels[domain+"/ignore"]; ignored {
				return "has the label " + domain + "/ignore"
			}
			if value := annotations[inject]; fsmDisabled(value) {
				return "has the annotation " + inject + ": " + value
			}
			return ""
		},
		// pkg/injector/webhook.go, mustInject.
		joins: []join{
			{true, domain + "/monitored-by", `.`, OnNamespace},
			{false, inject, `^(?i:enabled|yes|true)$`, OnPod},
		},
		Opaque: &Opaque{
			Remedy: "write appProtocol: tcp-server-first at the port of the Service", Source: "flomesh-io/fsm pkg/constants/constants.go, ProtocolTCPServerFirst",
		},
		limits: []limit{
			rangesBeforePorts, portsWithoutProtocol, multiport, onlyIPv4(name + "'s init container has rules only for IPv4 and would fail with IPv6"),
			includedAdds, noKeys, noPairs,
		},
	}
}

// chartLists are the lists in the values of a chart, of which it makes the first MeshConfig
// (flomesh-io/fsm charts/fsm/templates/preset-mesh-config.yaml, and as in what it comes
// from).
func chartLists(key, versions string) Source {
	lists := Source{
		At: []string{key}, Versions: versions,
		Unsayable: []Unsayable{{Key: "networkInterfaceExclusionList", Why: "no field of a ClusterBypass says by which interfaces traffic bypasses the sidecar"}},
	}
	for _, l := range meshConfig("").Lists {
		lists.Settings = append(lists.Settings, Setting{l.Path[len(l.Path)-1], l.Field})
	}
	return lists
}

// preset is the ConfigMap with these lists, which the chart makes of its values and
// cmd/fsm-bootstrap/fsm-bootstrap.go, ensureMeshConfig, reads.
func preset(key, versions string) Source {
	lists := chartLists("traffic", versions)
	lists.Kind, lists.Name, lists.Document = "ConfigMap", "preset-mesh-config", []string{"data", "preset-mesh-config.json"}
	lists.Sign, lists.First = []string{"observability", key + "LogLevel"}, true
	lists.Unsayable = append(lists.Unsayable, Unsayable{Key: "interceptionMode", Harmless: "PodLevel", Why: nodeLevel})
	return lists
}

// fsmDisabled reports whether a value switches injection off.
func fsmDisabled(value string) bool {
	return slices.Contains([]string{"disabled", "no", "false"}, strings.ToLower(value))
}

// mostMultiports is how many ports iptables takes in one rule
// (XT_MULTI_PORTS, include/uapi/linux/netfilter/xt_multiport.h). FSM puts all
// of a list into one.
const mostMultiports = 15

// multiport leaves lists that are too long together with the mesh's own.
func multiport(e *expression) {
	check := func(f traffic.Field, said, wide traffic.Ports) {
		n := said.Union(wide).Count(traffic.TCP)
		if said.IsEmpty() || n <= mostMultiports {
			return
		}
		e.fatal(f, "%s's init container takes at most %d ports, including those of its MeshConfig, and would fail with %d", e.mesh.Name, mostMultiports, n)
		e.silence(f)
	}
	check(traffic.ExcludeInboundPorts, e.said.ExcludeInboundPorts, e.wide.ExcludeInboundPorts)
	check(traffic.ExcludeOutboundPorts, e.said.ExcludeOutboundPorts, e.wide.ExcludeOutboundPorts)
}

// includedAdds: an empty list of included ranges means all of them, and the
// mesh's own are intercepted along with a pod's.
func includedAdds(e *expression) {
	said, wide := e.said.IncludeOutboundIPRanges, e.wide.IncludeOutboundIPRanges
	if said.IsEmpty() && e.left(traffic.IncludeOutboundIPRanges) {
		e.silence(traffic.IncludeOutboundIPRanges)
		return
	}
	if said.IsEmpty() {
		e.leave(traffic.IncludeOutboundIPRanges, "to %s an empty list means every range", e.mesh.Name)
		return
	}
	if !said.All() && !wide.All() && !said.Union(wide).Equal(said) {
		e.gap(traffic.IncludeOutboundIPRanges, "%s intercepts the ranges of its MeshConfig too, %s", e.mesh.Name, wide.Set())
	}
}
