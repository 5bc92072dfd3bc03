// Package interceptor puts a mesh's redirection into a pod of the lab: Istio's by its
// init container, its CNI plugin and, for ambient pods, its CNI agent, Consul's and OSM's
// by their own code, FSM's by OSM's, those of Linkerd's and Kuma's older versions by their
// own code and of the newest in their form, and one that redirects everything.
//
// It does what the mesh's init container would do. The proxy behind it is not here.
package interceptor

import (
	"fmt"
	"strings"

	"github.com/krm-bypass/krm-bypass/test/lab"
)

// Interceptor redirects a pod's traffic to its proxy.
type Interceptor struct {
	Name    string
	Proxy   Proxy
	Install func(t lab.TB, pod *lab.Host)
	// Reconcile has the mesh rewrite the rules of a pod that runs; nil where it does
	// not do that.
	Reconcile func(t lab.TB, pod *lab.Host)
	// Clean has the mesh take its rules away; nil where it cannot.
	Clean func(t lab.TB, pod *lab.Host)
	// Annotated is the same for a pod with annotations; nil where it does not
	// know any.
	Annotated func(annotations map[string]string) Interceptor
}

// Proxy says where traffic is redirected to, and whose own traffic is not.
type Proxy struct {
	UID int
	// Mark is on its sockets; 0 where rules do not ask for one. A proxy that marks
	// calls the application from the address of who called it.
	Mark                   uint32
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
