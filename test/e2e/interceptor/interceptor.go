// Package interceptor puts a mesh's redirection into a pod of the lab: the
// real istio-iptables, FSM's rules in FSM's own form, and one that redirects
// everything.
//
// It owns what the mesh's init container would do, not the proxy behind it.
package interceptor

import (
	"fmt"
	"strings"

	"github.com/krm-bypass/krm-bypass/test/e2e/lab"
)

// Interceptor redirects a pod's traffic to its proxy.
type Interceptor struct {
	Name    string
	Proxy   Proxy
	Install func(t lab.TB, pod *lab.Host)
}

// Proxy says where traffic is redirected to, and whose own traffic is not.
type Proxy struct {
	UID                    int
	Outbound, Inbound, DNS uint16 // ports; 0 where there is none
	// CallsLoopback is set where the proxy calls its application at 127.0.0.1;
	// Istio's calls the pod's own address, from 127.0.0.6.
	CallsLoopback bool
}

// IstioProgram is the real istio-iptables, to be built by lab.Main.
var IstioProgram = lab.Program{Name: "istio-iptables", Directory: "test/istio-iptables"}

// IstioProxy is Envoy beside Istio's agent (istio/istio
// manifests/charts/istio-control/istio-discovery/files/injection-template.yaml).
var IstioProxy = Proxy{UID: lab.IstioProxy, Outbound: 15001, Inbound: 15006, DNS: 15053}

// IstioArguments are those that the injection template gives istio-iptables
// when no annotation says otherwise, and more; of two that say the same, the
// later one counts.
func IstioArguments(more ...string) []string {
	return append([]string{
		"-p", "15001", "-z", "15006", "-u", "1337", "-m", "REDIRECT",
		"-i", "*", "-x", "", "-b", "*", "-d", "15090,15021,15020",
	}, more...)
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
	}
}

// FSM is flomesh-io/fsm pkg/injector/iptables.go without exclusions: its
// chains, in its order, loaded as its init container does.
func FSM() Interceptor {
	const rules = `*nat
:FSM_PROXY_INBOUND - [0:0]
:FSM_PROXY_IN_REDIRECT - [0:0]
:FSM_PROXY_OUTBOUND - [0:0]
:FSM_PROXY_OUT_REDIRECT - [0:0]
-A FSM_PROXY_IN_REDIRECT -p tcp -j REDIRECT --to-port 15003
-A PREROUTING -p tcp -j FSM_PROXY_INBOUND
%s
-A FSM_PROXY_INBOUND -p tcp -j FSM_PROXY_IN_REDIRECT
-A FSM_PROXY_OUT_REDIRECT -p tcp -j REDIRECT --to-port 15001
-A FSM_PROXY_OUT_REDIRECT -p tcp --dport 15000 -j ACCEPT
-A OUTPUT -p tcp -j FSM_PROXY_OUTBOUND
-A FSM_PROXY_OUTBOUND -o lo ! -d 127.0.0.1/32 -m owner --uid-owner 1500 -j FSM_PROXY_IN_REDIRECT
-A FSM_PROXY_OUTBOUND -o lo -m owner ! --uid-owner 1500 -j RETURN
-A FSM_PROXY_OUTBOUND -m owner --uid-owner 1500 -j RETURN
-A FSM_PROXY_OUTBOUND -d 127.0.0.1/32 -j RETURN
-A FSM_PROXY_OUTBOUND -j FSM_PROXY_OUT_REDIRECT
COMMIT
`
	// Metrics, probes and their health check (pkg/constants/constants.go).
	ownPorts := []uint16{15010, 15901, 15902, 15903, 15904}
	var returns []string
	for _, port := range ownPorts {
		returns = append(returns, fmt.Sprintf("-A FSM_PROXY_INBOUND -p tcp --dport %d -j RETURN", port))
	}
	return Interceptor{
		Name:  "fsm-iptables",
		Proxy: Proxy{UID: lab.FSMProxy, Outbound: 15001, Inbound: 15003, CallsLoopback: true},
		Install: func(t lab.TB, pod *lab.Host) {
			t.Helper()
			pod.Feed(t, fmt.Sprintf(rules, strings.Join(returns, "\n")), "iptables-restore", "--noflush")
		},
	}
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
