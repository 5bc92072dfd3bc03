package interceptor

import (
	"encoding/json"
	"maps"
	"os/exec"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/test/lab"
)

// Istio's programs, to be built by lab.Main: the real istio-iptables, and what its CNI
// plugin and its CNI agent do in a pod with a sidecar and in an ambient one.
var (
	IstioProgram    = lab.Program{Name: "istio-iptables", Directory: "test/interceptors/istio/iptables"}
	IstioCNIProgram = lab.Program{Name: "istio-cni-plugin", Directory: "test/interceptors/istio/cni", Borrows: &lab.Borrowed{
		Module:  "istio.io/istio",
		Version: "v0.0.0-20260827124520-eed52ebb66ad",
		Sum:     "h1:ui9TJjRMAV/hb5ehQaZDq7IUGxuQP6dra9lapT/VjHI=",
		Package: "cni/pkg/plugin",
		Files: []string{
			"sidecar_redirect.go", "sidecar_intercept_rule_mgr.go",
			"sidecar_iptables.go", "sidecar_iptables_linux.go", "sidecar_nftables.go", "sidecar_nftables_linux.go",
		},
	}}
	AmbientProgram = lab.Program{Name: "istio-ambient", Directory: "test/interceptors/istio/ambient"}
)

// IstioProxy is Envoy beside Istio's agent (istio/istio
// manifests/charts/istio-control/istio-discovery/files/injection-template.yaml).
var IstioProxy = Proxy{UID: lab.IstioProxy, Outbound: 15001, Inbound: 15006, DNS: 15053, CallsFrom: lab.InboundSource}

// Ztunnel has its sockets in the pod, and the rules know them by their mark and not by
// a user (istio/istio cni/pkg/config/config.go). It calls an application from the
// address of who called it.
var Ztunnel = Proxy{UID: lab.Root, Mark: 0x539, Outbound: 15001, Inbound: 15006, DNS: 15053, Tunnel: 15008}

// Legacy has Istio's programs take iptables-legacy; without it that is taken only
// where its nat table has rules already.
var Legacy = []string{"--force-iptables-binary", "legacy"}

// IstioArguments are those that the injection template gives istio-iptables
// when no annotation says otherwise, and more; of two that say the same, the
// later one counts.
func IstioArguments(more ...string) []string {
	return append([]string{
		"-p", "15001", "-z", "15006", "-u", "1337", "-m", "REDIRECT",
		"-i", "*", "-x", "", "-b", "*", "-d", "15090,15021," + statusPort,
	}, more...)
}

const (
	includeInbound = "traffic.sidecar.istio.io/includeInboundPorts"
	excludeInbound = "traffic.sidecar.istio.io/excludeInboundPorts"
	statusPort     = "15020"
)

// istioFlags carry an annotation to istio-iptables as the injection template does.
var istioFlags = map[string]string{
	"traffic.sidecar.istio.io/includeOutboundIPRanges": "-i",
	"traffic.sidecar.istio.io/excludeOutboundIPRanges": "-x",
	includeInbound: "-b",
	excludeInbound: "-d",
	"traffic.sidecar.istio.io/includeOutboundPorts": "-q",
	"traffic.sidecar.istio.io/excludeOutboundPorts": "-o",
	"traffic.sidecar.istio.io/excludeInterfaces":    "-c",
	"istio.io/reroute-virtual-interfaces":           "-k",
	"sidecar.istio.io/interceptionMode":             "-m",
}

// istioAnnotated gives the arguments that the injection template makes of annotations.
func istioAnnotated(annotations map[string]string) []string {
	var arguments []string
	for _, key := range slices.Sorted(maps.Keys(annotations)) {
		flag, known := istioFlags[key]
		if !known {
			panic("no flag of istio-iptables for " + key)
		}
		value := annotations[key]
		if key == excludeInbound {
			value = "15090,15021," + withStatusPort(value)
		}
		arguments = append(arguments, flag, value)
	}
	return arguments
}

// withStatusPort adds the port of the agent's status server to a list of excluded
// inbound ports (istio/istio pkg/kube/inject/template.go, excludeInboundPort).
func withStatusPort(list string) string {
	ports := strings.FieldsFunc(list, func(r rune) bool { return r == ',' })
	if slices.Contains(ports, statusPort) {
		return list
	}
	return strings.Join(append(ports, statusPort), ",")
}

// Istio is the real istio-iptables.
func Istio(name string, arguments ...string) Interceptor {
	run := func(more ...string) func(lab.TB, *lab.Host) {
		return func(t lab.TB, pod *lab.Host) {
			t.Helper()
			pod.Run(t, slices.Concat([]string{lab.Binary(IstioProgram.Name)}, IstioArguments(arguments...), more)...)
		}
	}
	return Interceptor{
		Name:      name,
		Proxy:     IstioProxy,
		Install:   run(),
		Reconcile: run("--reconcile"),
		Clean: func(t lab.TB, pod *lab.Host) {
			t.Helper()
			run("--cleanup-only")(t, pod)
			if !slices.Contains(arguments, "--native-nftables") && !slices.Contains(arguments, "--force-iptables-binary") {
				// Left to choose, it writes into iptables-nft first and into iptables-legacy when
				// run again, and cleans up the latter.
				run("--cleanup-only", "--force-iptables-binary", "nft")(t, pod)
			}
		},
		Annotated: func(annotations map[string]string) Interceptor {
			return Istio(name, slices.Concat(arguments, istioAnnotated(annotations))...)
		},
	}
}

// IstioCNI is what Istio's CNI plugin puts into a pod with a sidecar.
func IstioCNI(name string, arguments ...string) Interceptor {
	return fromAnnotations(name, IstioProxy, IstioCNIProgram, arguments, func(annotations map[string]string) map[string]string {
		// What the injection template writes beside the pod's own.
		said := map[string]string{includeInbound: "*"}
		maps.Copy(said, annotations)
		said[excludeInbound] = withStatusPort(annotations[excludeInbound])
		return said
	})
}

// Ambient is what Istio's CNI agent puts into an ambient pod.
func Ambient(name string, arguments ...string) Interceptor {
	ambient := fromAnnotations(name, Ztunnel, AmbientProgram, arguments, func(annotations map[string]string) map[string]string { return annotations })
	// The agent rewrites the rules at its own start as it first wrote them.
	ambient.Reconcile = ambient.Install
	ambient.Clean = func(t lab.TB, pod *lab.Host) {
		t.Helper()
		pod.Run(t, slices.Concat([]string{lab.Binary(AmbientProgram.Name), "--leave"}, arguments)...)
	}
	return ambient
}

// fromAnnotations is a program that reads the annotations of the pod that it is in.
func fromAnnotations(name string, proxy Proxy, program lab.Program, arguments []string, injected func(map[string]string) map[string]string) Interceptor {
	var annotated func(map[string]string) Interceptor
	annotated = func(annotations map[string]string) Interceptor {
		return Interceptor{
			Name:  name,
			Proxy: proxy,
			Install: func(t lab.TB, pod *lab.Host) {
				t.Helper()
				text, err := json.Marshal(injected(annotations))
				if err != nil {
					panic(err) // strings
				}
				run := exec.Command(lab.Binary(program.Name), arguments...)
				pod.Feed(t, string(text), run.Args...)
			},
			Annotated: annotated,
		}
	}
	return annotated(nil)
}

// istioVersion is that of test/interceptors/istio/go.mod.
const istioVersion = " eed52eb"

// istioVariants are Istio's three ways into a pod: its init container, its CNI plugin
// and, for ambient pods, its CNI agent.
func istioVariants() []Variant {
	sidecar := func(of Interceptor, backend Backend, dualStack bool, dns []string) Variant {
		return Variant{
			Interceptor: of, Mesh: "Istio", Rules: "istio.io/istio tools" + istioVersion,
			Backend: backend, Families: bothFamilies, DualStack: dualStack, DNS: dns,
		}
	}
	tproxy := func(of Interceptor, backend Backend) Variant {
		v := sidecar(of, backend, false, nil)
		v.TPROXY = true
		return v
	}
	byCNI := func(of Interceptor, backend Backend, dualStack bool, dns []string) Variant {
		v := sidecar(of, backend, dualStack, dns)
		v.Rules, v.ByCNI = "istio.io/istio cni/pkg/plugin"+istioVersion, true
		return v
	}
	ambient := func(name string, backend Backend, dns []string, arguments ...string) Variant {
		return Variant{
			Interceptor: Ambient(name, arguments...), Mesh: "Istio", DataPlane: AmbientDataPlane, Rules: "istio.io/istio cni/pkg/trafficmanager" + istioVersion,
			Backend: backend, Families: bothFamilies, DNS: dns, SparesLoopbackDNS: true, ByCNI: true,
		}
	}
	nft, native := []string{"--force-iptables-binary", "nft"}, []string{"--native-nftables"}
	with := func(some []string, more ...string) []string { return slices.Concat(some, more) }
	return []Variant{
		sidecar(Istio("iptables-nft"), IptablesNFT, false, nil),
		sidecar(Istio("native-nftables", native...), Nftables, false, nil),
		sidecar(Istio("iptables-legacy", Legacy...), IptablesLegacy, false, nil),
		sidecar(Istio("dual-stack", "--dual-stack"), IptablesNFT, true, nil),
		sidecar(Istio("native-nftables-dual-stack", with(native, "--dual-stack")...), Nftables, true, nil),
		sidecar(Istio("dns-capture", "--redirect-dns", "--capture-all-dns"), IptablesNFT, false, bothDNS),
		// Unforced, its second run takes the other iptables, and TPROXY twice breaks all.
		tproxy(Istio("tproxy-iptables-nft", with(nft, "-m", "TPROXY")...), IptablesNFT),
		tproxy(Istio("tproxy-native-nftables", with(native, "-m", "TPROXY")...), Nftables),
		tproxy(Istio("tproxy-iptables-legacy", with(Legacy, "-m", "TPROXY")...), IptablesLegacy),
		sidecar(Istio("iptables-legacy-dual-stack-dns-capture", with(Legacy, "--dual-stack", "--redirect-dns", "--capture-all-dns")...), IptablesLegacy, true, bothDNS),

		// The plugin captures all of port 53 where it captures any (cni/pkg/plugin/sidecar_iptables_linux.go).
		byCNI(IstioCNI("cni-iptables-nft", nft...), IptablesNFT, false, nil),
		byCNI(IstioCNI("cni-native-nftables-dns-capture", with(native, "--redirect-dns")...), Nftables, false, bothDNS),
		byCNI(IstioCNI("cni-iptables-legacy", Legacy...), IptablesLegacy, false, nil),
		byCNI(IstioCNI("cni-native-nftables-dual-stack", with(native, "--dual-stack")...), Nftables, true, nil),
		byCNI(IstioCNI("cni-iptables-nft-dual-stack-dns-capture", with(nft, "--dual-stack", "--redirect-dns")...), IptablesNFT, true, bothDNS),

		ambient("ambient-iptables-nft", IptablesNFT, nil, nft...),
		ambient("ambient-native-nftables", Nftables, nil, native...),
		ambient("ambient-iptables-legacy", IptablesLegacy, nil, Legacy...),
		ambient("ambient-iptables-nft-dns-capture", IptablesNFT, bothDNS, with(nft, "--redirect-dns")...),
		ambient("ambient-native-nftables-dns-capture", Nftables, bothDNS, with(native, "--redirect-dns")...),
		ambient("ambient-iptables-legacy-dns-capture", IptablesLegacy, bothDNS, with(Legacy, "--redirect-dns")...),
	}
}
