package e2e_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/test/lab"
	"github.com/krm-bypass/krm-bypass/test/lab/interceptor"
)

// cells counts what a test compared, and says it when the test ends.
type cells struct{ atomic.Int32 }

func countCells(t *testing.T, name string) *cells {
	t.Helper()
	var sum cells
	t.Cleanup(func() { fmt.Printf("%s: %d cells compared\n", name, sum.Load()) })
	return &sum
}

// hostProbe is where the node's probes come from, by the rules that Istio's CNI agent
// puts into the node (istio/istio cni/pkg/nodeagent/options.go).
var hostProbe = at("169.254.7.127", "fd16:9254:7127:1337:ffff:ffff:ffff:ffff")

// theNode calls from any address.
var theNode = caller{func(p pod) *lab.Host { return p.outside.Marked(1) }, func(pod) int { return lab.Root }}

const (
	tunnelled   = "tunnel > application"
	viaService  = "outbound proxy > application"
	captured    = "dns proxy"
	tunnelPort  = 15008
	notExpected = "" // nobody is asked
)

// ambient is a connection in an ambient pod.
type ambient struct {
	check
	capturing string // the answer where the mesh captures DNS; "" = as elsewhere
	left      string // the answer when the pod has left the mesh
}

// inMesh is what is asked of ambient pods under the settings.
type inMesh struct {
	settings []string
	asked    []ambient
}

var excludes = inMesh{
	settings: []string{
		"--exclude-inbound-ports=7001", "--exclude-outbound-ports=6379", "--include-outbound-ports=7443",
		"--exclude-outbound-ip-ranges=192.0.2.0/24,2001:db8:2::/48", "--exclude-outbound=203.0.113.0/24@5432,2001:db8:113::/48@5432",
	},
	asked: []ambient{
		{check: check{name: "outbound-port", by: theApplication, to: somewhereElse, port: 6379, answer: outside}, left: outside},
		{check: check{name: "outbound-range", by: theApplication, to: cardProcessor, port: 443, answer: outside}, left: outside},
		{check: check{name: "included-port-in-the-range", by: theApplication, to: cardProcessor, port: 7443, answer: refused}, left: outside},
		{check: check{name: "pair", by: theApplication, to: excludedAddress, port: 5432, answer: outside}, left: outside},
		{check: check{name: "another-port-beside-the-pair", by: theApplication, to: excludedAddress, port: 5433, answer: refused}, left: outside},
		{check: check{name: "elsewhere", by: theApplication, to: somewhereElse, port: 443, answer: refused}, left: outside},
		{check: check{name: "udp-elsewhere", by: theApplication, udp: true, to: somewhereElse, port: 443, answer: outside}, left: outside},
		{check: check{name: "inbound-port", by: theOutside, to: lab.PodAddress, port: 7001, answer: application, seen: lab.OutsideAddress}, left: application},
		{check: check{name: "other-inbound", by: theOutside, to: lab.PodAddress, port: 8080, answer: toApp, seen: lab.OutsideAddress}, left: application},
		// A caller in the mesh is delivered by ztunnel, whatever is excluded here.
		{check: check{name: "tunnel-to-the-excluded-port", by: theOutside, through: tunnelPort, to: lab.PodAddress, port: 7001, answer: tunnelled, seen: lab.OutsideAddress}, left: notExpected},
		{check: check{name: "tunnel-to-another-port", by: theOutside, through: tunnelPort, to: lab.PodAddress, port: 8080, answer: tunnelled, seen: lab.OutsideAddress}, left: notExpected},
		{check: check{name: "host-probe-of-the-excluded-port", by: theNode, from: hostProbe, to: lab.PodAddress, port: 7001, answer: application, seen: hostProbe}, left: application},
		{check: check{name: "host-probe-of-another-port", by: theNode, from: hostProbe, to: lab.PodAddress, port: 8080, answer: application, seen: hostProbe}, left: application},
		{check: check{name: "own-address", by: theApplication, to: lab.PodAddress, port: 8080, answer: application}, left: application},
		{check: check{name: "own-address-excluded-port", by: theApplication, to: lab.PodAddress, port: 7001, answer: application}, left: application},
		{check: check{name: "own-service", by: theApplication, to: serviceAddress, port: 80, answer: viaService}, left: outside},
		{check: check{name: "own-service-excluded-port", by: theApplication, to: serviceAddress, port: 81, answer: viaService}, left: outside},
		{check: check{name: "ztunnel-to-the-range", by: theProxy, to: cardProcessor, port: 443, answer: outside}, left: outside},
		{check: check{name: "dns-in-the-range", by: theApplication, udp: true, to: nameServer, port: 53, answer: outside}, capturing: captured, left: outside},
		{check: check{name: "dns-in-the-range-over-tcp", by: theApplication, to: nameServer, port: 53, answer: refused}, capturing: captured, left: outside},
		{check: check{name: "dns-of-ztunnel", by: theProxy, udp: true, to: nameServer, port: 53, answer: outside}, left: outside},
	},
}

var includes = inMesh{
	settings: []string{
		"--include-inbound-ports=8080", "--include-outbound-ip-ranges=198.51.100.0/24,2001:db8:51::/48", "--exclude-outbound-ports=53",
	},
	asked: []ambient{
		{check: check{name: "included-range", by: theApplication, to: notCardProcessor, port: 443, answer: refused}, left: outside},
		{check: check{name: "outside-the-included-range", by: theApplication, to: cardProcessor, port: 443, answer: outside}, left: outside},
		{check: check{name: "included-inbound", by: theOutside, to: lab.PodAddress, port: 8080, answer: toApp, seen: lab.OutsideAddress}, left: application},
		{check: check{name: "other-inbound", by: theOutside, to: lab.PodAddress, port: 7001, answer: application, seen: lab.OutsideAddress}, left: application},
		{check: check{name: "tunnel-to-a-port-not-included", by: theOutside, through: tunnelPort, to: lab.PodAddress, port: 7001, answer: tunnelled, seen: lab.OutsideAddress}, left: notExpected},
		{check: check{name: "dns", by: theApplication, udp: true, to: nameServer, port: 53, answer: outside}, left: outside},
		{check: check{name: "dns-over-tcp", by: theApplication, to: nameServer, port: 53, answer: outside}, left: outside},
	},
}

func (m inMesh) hold(t *testing.T, p pod, when string, left bool, sum *cells) {
	t.Helper()
	for _, a := range m.asked {
		check := a.check
		if a.capturing != "" && p.mesh.CapturesDNS(check.protocol()) {
			check.answer = a.capturing
		}
		if left {
			check.answer = a.left
		}
		if check.answer == notExpected {
			continue
		}
		check.name = when + ": " + check.name
		check.run(t, p)
		sum.Add(1)
	}
	_, err := p.Try(program(p.mesh.ours.call("verify", m.settings...)...))
	assert.NoError(t, err, when)
}

// An ambient pod bypasses what a pod with a sidecar does: also when the agent rewrites at
// its own start what an older one wrote, when the pod has left the mesh, and when it is
// in it again.
func TestAmbient(t *testing.T) {
	sum := countCells(t, "ambient")
	for _, mesh := range ambientVariants {
		for _, family := range mesh.Families {
			t.Run(mesh.Name+"/"+family.Name+"/ours-before", func(t *testing.T) {
				t.Parallel()
				inside, outside := lab.NewPod(t, family)
				mesh.ours.apply(t, inside, excludes.settings...)
				mesh.Annotated(ofAnOlderAgent(mesh)).Install(t, inside)
				mesh.Reconcile(t, inside)
				p := inhabit(t, inside, outside, mesh, family)
				excludes.hold(t, p, "in the mesh", false, sum)
				mesh.Clean(t, inside)
				excludes.hold(t, p, "out of the mesh", true, sum)
				mesh.Install(t, inside)
				excludes.hold(t, p, "in it again", false, sum)
			})
			t.Run(mesh.Name+"/"+family.Name+"/ours-after", func(t *testing.T) {
				t.Parallel()
				p := newPod(t, mesh, orders[1], family, includes.settings)
				includes.hold(t, p, "in the mesh", false, sum)
			})
		}
	}
}

const dnsCapture = "ambient.istio.io/dns-capture"

// ofAnOlderAgent are annotations under which the agent writes other rules than it does
// for the pods of this variant.
func ofAnOlderAgent(mesh variant) map[string]string {
	return map[string]string{dnsCapture: strconv.FormatBool(!mesh.CapturesDNS("udp"))}
}

// What annotations of the pod switch off stays off, and ours holds beside it.
func TestAmbientAnnotations(t *testing.T) {
	sum := countCells(t, "ambient, by annotations")
	inbound := []check{
		{name: "inbound", by: theOutside, to: lab.PodAddress, port: 8080, answer: application, seen: lab.OutsideAddress},
		{name: "tunnel", by: theOutside, through: tunnelPort, to: lab.PodAddress, port: 8080, answer: tunnelled, seen: lab.OutsideAddress},
		{name: "outbound-range", by: theApplication, to: cardProcessor, port: 443, answer: outside},
		{name: "elsewhere", by: theApplication, to: somewhereElse, port: 443, answer: refused},
	}
	resolves := func(answer, overTCP string) []check {
		return []check{
			{name: "dns", by: theApplication, udp: true, to: nameServer, port: 53, answer: answer},
			{name: "dns-over-tcp", by: theApplication, to: nameServer, port: 53, answer: overTCP},
			{name: "outbound-range", by: theApplication, to: cardProcessor, port: 443, answer: outside},
		}
	}
	for i, mesh := range ambientVariants {
		family := mesh.Families[i%len(mesh.Families)]
		toggled, overTCP := captured, captured
		if mesh.CapturesDNS("udp") {
			toggled, overTCP = outside, refused
		}
		for _, one := range []struct {
			name        string
			annotations map[string]string
			checks      []check
		}{
			{"bypass-inbound-capture", map[string]string{"ambient.istio.io/bypass-inbound-capture": "true"}, inbound},
			{"dns-capture", ofAnOlderAgent(mesh), resolves(toggled, overTCP)},
		} {
			t.Run(mesh.Name+"/"+family.Name+"/"+one.name, func(t *testing.T) {
				t.Parallel()
				annotated := mesh
				annotated.Interceptor = mesh.Annotated(one.annotations)
				p := newPod(t, annotated, orders[i%2], family, excludes.settings)
				for _, check := range one.checks {
					check.run(t, p)
					sum.Add(1)
				}
			})
		}
	}
}

// The plugin writes the rules of istio-init for what annotations say, but for outbound
// port 15020, which it leaves out where no annotation names outbound ports.
func TestTheCNIPluginReadsAnnotationsAsTheTemplateDoes(t *testing.T) {
	annotations := map[string]string{
		"traffic.sidecar.istio.io/excludeInboundPorts":     "7001",
		"traffic.sidecar.istio.io/excludeOutboundPorts":    "6379",
		"traffic.sidecar.istio.io/excludeOutboundIPRanges": "192.0.2.0/24",
		"traffic.sidecar.istio.io/includeOutboundPorts":    "8443",
	}
	rules := func(of interceptor.Interceptor) []string {
		pod, _ := lab.NewPod(t, lab.IPv4)
		of.Install(t, pod)
		return natRules(pod.Run(t, "iptables-nft-save", "-t", "nat"))
	}
	nft := []string{"--force-iptables-binary", "nft"}
	byInit, byPlugin := interceptor.Istio("init", nft...), interceptor.IstioCNI("plugin", nft...)
	assert.ElementsMatch(t, rules(byInit.Annotated(annotations)), rules(byPlugin.Annotated(annotations)))

	require.NotEmpty(t, rules(byInit))
	more := slices.DeleteFunc(rules(byPlugin), func(rule string) bool { return slices.Contains(rules(byInit), rule) })
	assert.Equal(t, []string{
		"-A ISTIO_OUTPUT -p tcp -m tcp --dport 15020 -j RETURN",
		"-A ISTIO_OUTPUT -p udp -m udp --dport 15020 -j RETURN",
	}, more)
}

// natRules are the rules of what iptables-save wrote.
func natRules(saved string) []string {
	return slices.DeleteFunc(slices.Collect(strings.SplitSeq(saved, "\n")), func(line string) bool { return !strings.HasPrefix(line, "-A ") })
}
