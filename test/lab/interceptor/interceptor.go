// Package interceptor puts a mesh's redirection into a pod of the lab: the
// real istio-iptables, Istio's rules for ambient pods by its own code, FSM's,
// Linkerd's and Kuma's rules in their own form, and one that redirects everything.
//
// It does what the mesh's init container would do. The proxy behind it is not here.
package interceptor

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/test/lab"
)

// Interceptor redirects a pod's traffic to its proxy.
type Interceptor struct {
	Name    string
	Proxy   Proxy
	Install func(t lab.TB, pod *lab.Host)
	// Annotated is the same for a pod with annotations; nil where it does not
	// know any.
	Annotated func(annotations map[string]string) Interceptor
}

// Proxy says where traffic is redirected to, and whose own traffic is not.
type Proxy struct {
	UID                    int
	Outbound, Inbound, DNS uint16 // ports; 0 where there is none
	// Tunnel is the port to which callers in the mesh come by themselves, with no
	// rule to lead them there; 0 where they do not.
	Tunnel uint16
	// CallsLoopback is set where the proxy calls its application at 127.0.0.1
	// and not at the pod's own address.
	CallsLoopback bool
	// CallsFrom is the source that it takes for that; the zero place leaves it
	// to the kernel.
	CallsFrom lab.Pair
}

// IstioProgram is the real istio-iptables, to be built by lab.Main.
var IstioProgram = lab.Program{Name: "istio-iptables", Directory: "test/interceptors/istio/iptables"}

// IstioProxy is Envoy beside Istio's agent (istio/istio
// manifests/charts/istio-control/istio-discovery/files/injection-template.yaml).
var IstioProxy = Proxy{UID: lab.IstioProxy, Outbound: 15001, Inbound: 15006, DNS: 15053, CallsFrom: lab.InboundSource}

// AmbientProgram is what Istio's CNI agent does in an ambient pod, to be built by
// lab.Main.
var AmbientProgram = lab.Program{Name: "istio-ambient", Directory: "test/interceptors/istio/ambient"}

// Ambient is what Istio's CNI agent puts into an ambient pod. Behind it is ztunnel,
// whose sockets are in the pod too; the rules know it by its mark, not by a user
// (istio/istio cni/pkg/config/config.go).
func Ambient(name string, arguments ...string) Interceptor {
	return Interceptor{
		Name:  name,
		Proxy: Proxy{UID: lab.Root, Outbound: 15001, Inbound: 15006, DNS: 15053, Tunnel: 15008},
		Install: func(t lab.TB, pod *lab.Host) {
			t.Helper()
			pod.Run(t, append([]string{lab.Binary(AmbientProgram.Name)}, arguments...)...)
		},
	}
}

// IstioArguments are those that the injection template gives istio-iptables
// when no annotation says otherwise, and more; of two that say the same, the
// later one counts.
func IstioArguments(more ...string) []string {
	return append([]string{
		"-p", "15001", "-z", "15006", "-u", "1337", "-m", "REDIRECT",
		"-i", "*", "-x", "", "-b", "*", "-d", "15090,15021,15020",
	}, more...)
}

// istioFlags carry an annotation to istio-iptables as the injection template
// does (istio/istio manifests/charts/istio-control/istio-discovery/files/injection-template.yaml).
var istioFlags = map[string]string{
	"traffic.sidecar.istio.io/includeOutboundIPRanges": "-i",
	"traffic.sidecar.istio.io/excludeOutboundIPRanges": "-x",
	"traffic.sidecar.istio.io/includeInboundPorts":     "-b",
	"traffic.sidecar.istio.io/excludeInboundPorts":     "-d",
	"traffic.sidecar.istio.io/includeOutboundPorts":    "-q",
	"traffic.sidecar.istio.io/excludeOutboundPorts":    "-o",
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
		if flag == "-d" {
			value = strings.TrimSuffix("15090,15021,15020,"+value, ",")
		}
		arguments = append(arguments, flag, value)
	}
	return arguments
}

// Istio is the real istio-iptables.
func Istio(name string, arguments ...string) Interceptor {
	return Interceptor{
		Name:  name,
		Proxy: IstioProxy,
		Install: func(t lab.TB, pod *lab.Host) {
			t.Helper()
			pod.Run(t, append([]string{lab.Binary(IstioProgram.Name)}, IstioArguments(arguments...)...)...)
		},
		Annotated: func(annotations map[string]string) Interceptor {
			return Istio(name, slices.Concat(arguments, istioAnnotated(annotations))...)
		},
	}
}

// Legacy has istio-iptables take iptables-legacy; without it that is taken only
// where its nat table has rules already.
var Legacy = []string{"--force-iptables-binary", "legacy"}

// Everything redirects all that is not the proxy's own, loopback too, so that
// whatever escapes it was bypassed by somebody in front of it.
func Everything() Interceptor {
	rules := fmt.Sprintf(`
table inet everything {
	chain prerouting {
		type nat hook prerouting priority -100
		meta l4proto { tcp, udp } redirect to :%[2]d
	}
	chain output {
		type nat hook output priority -100
		meta skuid %[3]d return
		meta l4proto { tcp, udp } redirect to :%[1]d
	}
}`, IstioProxy.Outbound, IstioProxy.Inbound, IstioProxy.UID)
	return Interceptor{
		Name:  "everything",
		Proxy: IstioProxy,
		Install: func(t lab.TB, pod *lab.Host) {
			t.Helper()
			pod.Feed(t, rules, "nft", "-f", "-")
		},
	}
}

// EverythingByLegacy does by iptables-legacy what Everything does by nftables.
func EverythingByLegacy() Interceptor {
	var rules strings.Builder
	fmt.Fprintf(&rules, "*nat\n-A OUTPUT -m owner --uid-owner %d -j RETURN\n", IstioProxy.UID)
	for _, protocol := range []string{"tcp", "udp"} {
		fmt.Fprintf(&rules, "-A PREROUTING -p %s -j REDIRECT --to-ports %d\n", protocol, IstioProxy.Inbound)
		fmt.Fprintf(&rules, "-A OUTPUT -p %s -j REDIRECT --to-ports %d\n", protocol, IstioProxy.Outbound)
	}
	rules.WriteString("COMMIT\n")
	return Interceptor{
		Name:  "everything-by-legacy",
		Proxy: IstioProxy,
		Install: func(t lab.TB, pod *lab.Host) {
			t.Helper()
			pod.Feed(t, rules.String(), "iptables-legacy-restore", "--noflush")
			pod.Feed(t, rules.String(), "ip6tables-legacy-restore", "--noflush")
		},
	}
}
