package interceptor

import (
	"fmt"
	"strings"

	"github.com/krm-bypass/krm-bypass/test/lab"
)

// The annotations from which FSM's injector makes exclusions
// (flomesh-io/fsm pkg/injector/exclusions.go).
const (
	fsmInboundPorts   = "flomesh.io/inbound-port-exclusion-list"
	fsmOutboundPorts  = "flomesh.io/outbound-port-exclusion-list"
	fsmExcludedRanges = "flomesh.io/outbound-ip-range-exclusion-list"
	fsmIncludedRanges = "flomesh.io/outbound-ip-range-inclusion-list"
)

// FSM is flomesh-io/fsm pkg/injector/iptables.go: its chains, in its order,
// loaded as its init container does, with IPv4's iptables-restore alone. Like
// it, this does not look whether the kernel will take what annotations say.
func FSM(annotations map[string]string) Interceptor {
	return fsm("fsm-iptables", "iptables-restore", FSM, annotations)
}

// FSMLegacy is FSM where its image's iptables-restore is that of
// iptables-legacy.
func FSMLegacy(annotations map[string]string) Interceptor {
	return fsm("fsm-iptables-legacy", "iptables-legacy-restore", FSMLegacy, annotations)
}

func fsm(name, restore string, annotated func(map[string]string) Interceptor, annotations map[string]string) Interceptor {
	return Interceptor{
		Name:      name,
		Proxy:     Proxy{UID: lab.FSMProxy, Outbound: 15001, Inbound: 15003, CallsLoopback: true},
		Annotated: annotated,
		Install: func(t lab.TB, pod *lab.Host) {
			t.Helper()
			pod.Feed(t, FSMRules(annotations), restore, "--noflush")
		},
	}
}

// FSMRules is what FSM's init container feeds to iptables-restore.
func FSMRules(annotations map[string]string) string {
	const rules = `*nat
:FSM_PROXY_INBOUND - [0:0]
:FSM_PROXY_IN_REDIRECT - [0:0]
:FSM_PROXY_OUTBOUND - [0:0]
:FSM_PROXY_OUT_REDIRECT - [0:0]
-A FSM_PROXY_IN_REDIRECT -p tcp -j REDIRECT --to-port 15003
-A PREROUTING -p tcp -j FSM_PROXY_INBOUND
%s-A FSM_PROXY_INBOUND -p tcp -j FSM_PROXY_IN_REDIRECT
-A FSM_PROXY_OUT_REDIRECT -p tcp -j REDIRECT --to-port 15001
-A FSM_PROXY_OUT_REDIRECT -p tcp --dport 15000 -j ACCEPT
-A OUTPUT -p tcp -j FSM_PROXY_OUTBOUND
-A FSM_PROXY_OUTBOUND -o lo ! -d 127.0.0.1/32 -m owner --uid-owner 1500 -j FSM_PROXY_IN_REDIRECT
-A FSM_PROXY_OUTBOUND -o lo -m owner ! --uid-owner 1500 -j RETURN
-A FSM_PROXY_OUTBOUND -m owner --uid-owner 1500 -j RETURN
-A FSM_PROXY_OUTBOUND -d 127.0.0.1/32 -j RETURN
%sCOMMIT
`
	var inbound, outbound strings.Builder
	rule := func(b *strings.Builder, format string, arguments ...any) { fmt.Fprintf(b, format+"\n", arguments...) }
	// Metrics, probes and their health check (pkg/constants/constants.go).
	for _, port := range []uint16{15010, 15901, 15902, 15903, 15904} {
		rule(&inbound, "-A FSM_PROXY_INBOUND -p tcp --dport %d -j RETURN", port)
	}
	if ports := annotations[fsmInboundPorts]; ports != "" {
		rule(&inbound, "-I FSM_PROXY_INBOUND -p tcp --match multiport --dports %s -j RETURN", ports)
	}
	for _, excluded := range entries(annotations[fsmExcludedRanges]) {
		rule(&outbound, "-A FSM_PROXY_OUTBOUND -d %s -j RETURN", excluded)
	}
	if ports := annotations[fsmOutboundPorts]; ports != "" {
		rule(&outbound, "-A FSM_PROXY_OUTBOUND -p tcp --match multiport --dports %s -j RETURN", ports)
	}
	included := entries(annotations[fsmIncludedRanges])
	for _, one := range included {
		rule(&outbound, "-A FSM_PROXY_OUTBOUND -d %s -j FSM_PROXY_OUT_REDIRECT", one)
	}
	if len(included) > 0 {
		rule(&outbound, "-A FSM_PROXY_OUTBOUND -j RETURN")
	} else {
		rule(&outbound, "-A FSM_PROXY_OUTBOUND -j FSM_PROXY_OUT_REDIRECT")
	}
	return fmt.Sprintf(rules, inbound.String(), outbound.String())
}

// entries cuts an annotation's list.
func entries(list string) []string {
	if list == "" {
		return nil
	}
	return strings.Split(list, ",")
}
