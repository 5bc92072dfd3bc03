package interceptor

import (
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/test/lab"
)

// The annotations from which Linkerd's injector makes arguments of its init
// container (linkerd/linkerd2 pkg/k8s/labels.go), and what it takes without
// them (charts/linkerd-control-plane/values.yaml).
const (
	linkerdInboundPorts  = "config.linkerd.io/skip-inbound-ports"
	linkerdOutboundPorts = "config.linkerd.io/skip-outbound-ports"
	linkerdSubnets       = "config.linkerd.io/skip-subnets"
	linkerdDefaultPorts  = "4567,4568"
	// linkerdOwnPorts are those of the proxy's tap and admin servers, which go
	// before the others (charts/partials/templates/_proxy-init.tpl).
	linkerdOwnPorts = "4190,4191"
)

// Linkerd is linkerd/linkerd2-proxy-init pkg/iptables/iptables.go in the mode
// nft, which is the default: its chains, in its order, one command a rule, for
// IPv4 and then for IPv6. A chain that is there is flushed and filled anew; a
// jump that is there is left as it is.
func Linkerd(annotations map[string]string) Interceptor {
	inbound := linkerdOwnPorts + "," + said(annotations, linkerdInboundPorts, linkerdDefaultPorts)
	outbound := said(annotations, linkerdOutboundPorts, linkerdDefaultPorts)
	inboundRules := slices.Concat(
		linkerdPorts(inbound),
		linkerdSources(annotations[linkerdSubnets]),
		[]string{"-p tcp -j REDIRECT --to-port 4143"},
	)
	outboundRules := slices.Concat(
		[]string{"-m owner --uid-owner 2102 -j RETURN", "-o lo -j RETURN"},
		linkerdPorts(outbound),
		[]string{"-p tcp -j REDIRECT --to-port 4140"},
	)
	return Interceptor{
		Name:      "linkerd-iptables",
		Proxy:     Proxy{UID: lab.LinkerdProxy, Outbound: 4140, Inbound: 4143},
		Annotated: Linkerd,
		Install: func(t lab.TB, pod *lab.Host) {
			t.Helper()
			for _, iptables := range []string{"iptables-nft", "ip6tables-nft"} {
				linkerdChain(t, pod, iptables, "PREROUTING", "PROXY_INIT_REDIRECT", inboundRules)
				linkerdChain(t, pod, iptables, "OUTPUT", "PROXY_INIT_OUTPUT", outboundRules)
			}
		},
	}
}

func linkerdChain(t lab.TB, pod *lab.Host, iptables, builtin, chain string, rules []string) {
	t.Helper()
	saved := pod.Run(t, iptables+"-save", "-t", "nat")
	nat := func(words ...string) { pod.Run(t, append([]string{iptables, "-t", "nat"}, words...)...) }
	if strings.Contains(saved, ":"+chain+" ") {
		nat("-F", chain)
	} else {
		nat("-N", chain)
	}
	for _, rule := range rules {
		nat(append([]string{"-A", chain}, strings.Fields(rule)...)...)
	}
	if !strings.Contains(saved, "-A "+builtin+" ") {
		nat("-A", builtin, "-j", chain, "-m", "comment", "--comment", "proxy-init/install-"+strings.ToLower(chain))
	}
}

// said is the value of an annotation that stands, empty or not.
func said(annotations map[string]string, key, otherwise string) string {
	if value, stands := annotations[key]; stands {
		return value
	}
	return otherwise
}

// linkerdPorts are the rules for a list of ports and ranges "lo-hi": fifteen to
// a rule, of which a range takes two.
func linkerdPorts(list string) []string {
	const most = 15
	var rules, chunk []string
	taken := 0
	finish := func() {
		if len(chunk) > 0 {
			rules = append(rules, "-p tcp --match multiport --dports "+strings.Join(chunk, ",")+" -j RETURN")
		}
		chunk, taken = nil, 0
	}
	for _, entry := range entries(list) {
		first, last, isRange := strings.Cut(entry, "-")
		size, ports := 1, first
		if isRange {
			size, ports = 2, first+":"+last
		}
		if taken+size > most {
			finish()
		}
		chunk, taken = append(chunk, ports), taken+size
	}
	finish()
	return rules
}

// linkerdSources are the rules for subnets that may call past the proxy.
func linkerdSources(list string) []string {
	var rules []string
	for _, subnet := range entries(list) {
		rules = append(rules, "-s "+subnet+" -j RETURN")
	}
	return rules
}
