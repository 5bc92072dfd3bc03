package e2e_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/krm-bypass/krm-bypass/test/lab"
)

// bypass is what the pods of TestAsTheMeshAlone bypass. The name server is in
// the excluded range, to show that a range does not switch DNS capture off.
var bypass = []string{
	"--exclude-inbound-ports=7001,9000-9010,15021",
	"--exclude-outbound-ports=6379",
	"--exclude-outbound-ip-ranges=192.0.2.0/24,2001:db8:2::/48",
}

var nameServer = at("192.0.2.53", "2001:db8:2::53")

// neighbour is a connection beside the bypass, with the answers that it gets.
type neighbour struct {
	check
	bypassed string // the answer with the bypass; "" = as without it
	captured string // the answer with DNS capture; "" = as without it
	spared   string // the answer where the mesh takes port 53 nowhere; "" = as elsewhere
	// looped is the answer where the port 53 of loopback is captured, and proxyDNS
	// where the proxy's own DNS is; "" = as without it.
	looped, proxyDNS string
	// by holds the answers under other meshes, where they are not Istio's, by
	// the proxy's user.
	by map[int]string
}

var (
	// FSM's and OSM's rules do not know 127.0.0.6.
	underFSM = map[int]string{lab.FSMProxy: toApp}
	// Linkerd's and Consul's never take what the proxy itself calls, nor do those for ztunnel.
	unlessOwn = map[int]string{lab.Root: application, lab.LinkerdProxy: application, lab.ConsulProxy: application}
	// Consul's take what the application sends to the pod's own address.
	underConsul = map[int]string{lab.ConsulProxy: "outbound proxy > application"}
)

var neighbours = []neighbour{
	{check: check{name: "application-to-own-address", by: theApplication, to: lab.PodAddress, port: 8080, answer: application}, by: underConsul},
	{check: check{name: "application-to-own-address-bypassed-port", by: theApplication, to: lab.PodAddress, port: 7001, answer: application}, by: underConsul},
	{check: check{name: "application-to-own-address-at-a-port-bypassed-outbound", by: theApplication, to: lab.PodAddress, port: 6379, answer: application}, by: underConsul},
	{check: check{name: "application-to-loopback", by: theApplication, to: lab.Loopback, port: 8080, answer: application}},
	{check: check{name: "proxy-to-own-address", by: theProxy, to: lab.PodAddress, port: 8080, answer: toApp}, by: unlessOwn},
	{check: check{name: "proxy-to-own-address-bypassed-port", by: theProxy, to: lab.PodAddress, port: 7001, answer: toApp}, by: unlessOwn},
	{check: check{name: "proxy-to-own-address-at-a-port-bypassed-outbound", by: theProxy, to: lab.PodAddress, port: 6379, answer: toApp}, by: unlessOwn},
	{check: check{name: "proxy-to-loopback", by: theProxy, to: lab.Loopback, port: 8080, answer: application}},
	{check: check{name: "proxy-from-127.0.0.6-to-own-address", by: theProxy, from: lab.InboundSource, to: lab.PodAddress, port: 8080, answer: application}, by: underFSM},
	{check: check{name: "proxy-from-127.0.0.6-to-own-address-bypassed-port", by: theProxy, from: lab.InboundSource, to: lab.PodAddress, port: 7001, answer: application}, by: underFSM},
	// So the validators of the CNI plugins of Istio and Kuma find out whether rules are there
	// (kumahq/kuma pkg/transparentproxy/validate/validator.go).
	{check: check{name: "proxy-to-127.0.0.6-bypassed-port", by: theProxy, to: lab.InboundSource, port: 7001, answer: toApp}, by: unlessOwn},
	{check: check{name: "proxy-to-excluded-range", by: theProxy, to: cardProcessor, port: 443, answer: outside}},
	{check: check{name: "proxy-to-elsewhere", by: theProxy, to: somewhereElse, port: 443, answer: outside}},
	{check: check{name: "port-forward", by: portForward, to: lab.Loopback, port: 8080, answer: application}},
	{check: check{name: "port-forward-bypassed-port", by: portForward, to: lab.Loopback, port: 7001, answer: application}},
	{check: check{name: "probe-from-outside", by: theOutside, to: lab.PodAddress, port: 8080, answer: toApp}},
	{check: check{name: "probe-from-outside-bypassed-port", by: theOutside, to: lab.PodAddress, port: 7001, answer: toApp}, bypassed: application},
	{check: check{name: "probe-from-outside-first-of-bypassed-range", by: theOutside, to: lab.PodAddress, port: 9000, answer: toApp}, bypassed: application},
	{check: check{name: "probe-from-outside-last-of-bypassed-range", by: theOutside, to: lab.PodAddress, port: 9010, answer: toApp}, bypassed: application},
	{check: check{name: "probe-from-outside-after-bypassed-range", by: theOutside, to: lab.PodAddress, port: 9011, answer: toApp}},
	{check: check{name: "udp-from-outside", by: theOutside, udp: true, to: lab.PodAddress, port: 8080, answer: application}},
	{check: check{name: "udp-from-outside-bypassed-port", by: theOutside, udp: true, to: lab.PodAddress, port: 7001, answer: application}},
	{check: check{name: "application-to-excluded-range", by: theApplication, to: cardProcessor, port: 443, answer: refused}, bypassed: outside},
	{check: check{name: "application-to-excluded-port", by: theApplication, to: somewhereElse, port: 6379, answer: refused}, bypassed: outside},
	{check: check{name: "application-to-elsewhere", by: theApplication, to: somewhereElse, port: 443, answer: refused}},
	{check: check{name: "application-over-udp", by: theApplication, udp: true, to: somewhereElse, port: 443, answer: outside}},
	{check: check{name: "dns-over-udp", by: theApplication, udp: true, to: nameServer, port: 53, answer: outside}, captured: "dns proxy"},
	{check: check{name: "dns-over-tcp", by: theApplication, to: nameServer, port: 53, answer: refused}, captured: "dns proxy", spared: outside},
	{check: check{name: "dns-of-the-proxy-over-udp", by: theProxy, udp: true, to: nameServer, port: 53, answer: outside}, proxyDNS: "dns proxy"},
	{check: check{name: "dns-of-the-proxy-over-tcp", by: theProxy, to: nameServer, port: 53, answer: outside}, proxyDNS: "dns proxy"},
	{check: check{name: "dns-at-loopback-over-udp", by: theApplication, udp: true, to: lab.Loopback, port: 53, answer: "refused"}, captured: "dns proxy", looped: "dns proxy"},
	{check: check{name: "dns-at-loopback-over-tcp", by: theApplication, to: lab.Loopback, port: 53, answer: "refused"}, captured: "dns proxy", looped: "dns proxy"},
}

// under returns the check with the answer that this pod has to give.
func (n neighbour) under(mesh variant, order order, family lab.Family) check {
	check := n.check
	if answer, other := n.by[mesh.Proxy.UID]; other {
		check.answer = answer
	}
	if n.captured != "" && mesh.CapturesDNS(check.protocol()) && !(n.looped != "" && mesh.SparesLoopbackDNS) {
		check.answer = n.captured
	}
	if n.spared != "" && slices.Contains(mesh.Spares, check.protocol()) {
		check.answer = n.spared
	}
	if slices.Contains(mesh.LoopbackDNS, family) && n.looped != "" {
		check.answer = n.looped
	}
	if mesh.ProxyDNS && n.proxyDNS != "" {
		check.answer = n.proxyDNS
	}
	if order.name != meshAlone.name && n.bypassed != "" {
		check.answer = n.bypassed
	}
	return check
}

// possible reports whether the pod has the addresses of the check: it is Istio and Kuma
// that give a pod ::6. What calls that comes from it, too. And no question from loopback
// reaches a name server outside.
func (n neighbour) possible(mesh variant, family lab.Family) bool {
	if n.looped != "" && mesh.ProxyDNS {
		return false
	}
	return !family.IPv6 || n.to != lab.InboundSource && (n.from == (place{}) || n.from == mesh.Proxy.CallsFrom)
}

// With the bypass, all that is not bypassed goes as the mesh alone makes it go.
// The order mesh-alone shows that this is how.
func TestAsTheMeshAlone(t *testing.T) {
	meshes := slices.Concat(istioVariants, cniVariants, ambientVariants, fsmVariants, osmVariants, linkerdVariants, kumaVariants, consulVariants)
	for _, mesh := range meshes {
		for _, order := range append([]order{meshAlone}, orders...) {
			for _, family := range mesh.Families {
				t.Run(mesh.Name+"/"+order.name+"/"+family.Name, func(t *testing.T) {
					t.Parallel()
					pod := newPod(t, mesh, order, family, bypass)
					for _, neighbour := range neighbours {
						if !neighbour.possible(mesh, family) {
							continue
						}
						check := neighbour.under(mesh, order, family)
						t.Run(check.name, func(t *testing.T) { check.run(t, pod) })
					}
				})
			}
		}
	}
}

// Filters are asked as before about what bypasses, as by a NetworkPolicy.
//
// The one exception is a filter for TCP in mangle: the first packet of a connection that
// bypasses is no TCP there. It holds at any other place, and for all other ports.
func TestFiltersHoldForWhatBypasses(t *testing.T) {
	const filters = `
table inet filters {
	chain output {
		type filter hook output priority filter
		ip daddr 192.0.2.0/24 tcp dport 443 reject with tcp reset
	}
	chain input {
		type filter hook input priority filter
		tcp dport 7001 reject with tcp reset
	}
}`
	for _, mesh := range istioVariants[1:3] {
		t.Run(mesh.Name, func(t *testing.T) {
			pod := newPod(t, mesh, orders[0], lab.IPv4, bypass)
			out := check{name: "out", by: theApplication, to: cardProcessor, port: 443, answer: outside}
			in := check{name: "in", by: theOutside, to: lab.PodAddress, port: 7001, answer: application}
			out.run(t, pod)
			in.run(t, pod)
			pod.Feed(t, filters, "nft", "-f", "-")
			out.answer, in.answer = "refused", "refused"
			out.run(t, pod)
			in.run(t, pod)
		})
	}
}

func TestFiltersInMangleDoNotSeeWhatBypasses(t *testing.T) {
	const (
		filter = "table inet filters {\nchain filter {\ntype filter hook %s\ntcp dport { 7001, 8080, 15006 } %s reject with tcp reset\n}\n}\n"
		syn    = "tcp flags & (syn|ack) == syn"
	)
	for _, test := range []struct{ hook, match, excluded string }{
		{"prerouting priority mangle", syn, application},
		{"prerouting priority mangle", "ct state new", application},
		{"prerouting priority raw", syn, "refused"},
		{"prerouting priority -152", "ct state new", "refused"},
		{"prerouting priority -148", "ct state new", "refused"},
		{"input priority filter", "ct state new", "refused"},
	} {
		t.Run(test.hook+" "+test.match, func(t *testing.T) {
			t.Parallel()
			pod := newPod(t, istioVariants[1], orders[0], lab.IPv4, bypass)
			excluded := check{name: "excluded", by: theOutside, to: lab.PodAddress, port: 7001, answer: application}
			other := check{name: "other", by: theOutside, to: lab.PodAddress, port: 8080, answer: toApp}
			excluded.run(t, pod)
			other.run(t, pod)
			pod.Feed(t, fmt.Sprintf(filter, test.hook, test.match), "nft", "-f", "-")
			excluded.answer, other.answer = test.excluded, "refused"
			excluded.run(t, pod)
			other.run(t, pod)
		})
	}
}
