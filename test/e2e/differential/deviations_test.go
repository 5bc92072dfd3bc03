package differential_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
	"github.com/krm-bypass/krm-bypass/test/lab"
	"github.com/krm-bypass/krm-bypass/test/lab/interceptor"
)

// deviation is a connection that Istio's rules treat otherwise than the same
// settings do by the decision. docs/semantics.md has a paragraph on each. What is said
// of annotations that somebody wrote by hand follows Istio, but for port 53 and the
// proxy's own.
type deviation struct {
	name       string
	arguments  []string // of istio-iptables
	settings   map[traffic.Field]string
	connection traffic.Connection
	uid        int
	verdict    traffic.Verdict // by the decision
	answer     string          // by Istio
}

var elsewhere = netip.MustParseAddr("192.0.2.7")

var deviations = []deviation{
	{
		name:       "an-excluded-range-wins-over-an-included-port",
		arguments:  []string{"-x", "192.0.2.0/24", "-q", "7001"},
		settings:   map[traffic.Field]string{traffic.ExcludeOutboundIPRanges: "192.0.2.0/24", traffic.IncludeOutboundPorts: "7001"},
		connection: traffic.Connection{Protocol: traffic.TCP, Address: elsewhere, Port: 7001},
		uid:        lab.Application,
		verdict:    traffic.Intercepted, answer: lab.World.Name,
	},
	{
		name:       "an-excluded-inbound-port-means-nothing-beside-included-ones",
		arguments:  []string{"-b", "7001,8080", "-d", "7001"},
		settings:   map[traffic.Field]string{traffic.IncludeInboundPorts: "7001,8080", traffic.ExcludeInboundPorts: "7001"},
		connection: traffic.Connection{Direction: traffic.Inbound, Protocol: traffic.TCP, Address: lab.PodAddress.IPv4, Port: 7001},
		verdict:    traffic.Bypassed, answer: inboundProxy,
	},
	{
		name:       "an-excluded-range-takes-tcp-53-along-without-dns-capture",
		arguments:  []string{"-x", "192.0.2.0/24"},
		settings:   map[traffic.Field]string{traffic.ExcludeOutboundIPRanges: "192.0.2.0/24"},
		connection: traffic.Connection{Protocol: traffic.TCP, Address: elsewhere, Port: dns},
		uid:        lab.Application,
		verdict:    traffic.LeftToMesh, answer: lab.World.Name,
	},
	{
		name:       "an-address-outside-the-included-ranges-takes-tcp-53-along-without-dns-capture",
		arguments:  []string{"-i", "10.0.0.0/8"},
		settings:   map[traffic.Field]string{traffic.IncludeOutboundIPRanges: "10.0.0.0/8"},
		connection: traffic.Connection{Protocol: traffic.TCP, Address: elsewhere, Port: dns},
		uid:        lab.Application,
		verdict:    traffic.LeftToMesh, answer: lab.World.Name,
	},
	{
		name:       "an-excluded-port-53-ends-dns-capture-over-loopback",
		arguments:  []string{"-o", "53", "--redirect-dns", "--capture-all-dns"},
		settings:   map[traffic.Field]string{traffic.ExcludeOutboundPorts: "53"},
		connection: traffic.Connection{Protocol: traffic.UDP, Address: lab.Loopback.IPv4, Port: dns, Loopback: true},
		uid:        lab.Application,
		verdict:    traffic.LeftToMesh, answer: application,
	},
	{
		name:       "an-excluded-port-lets-the-proxy-reach-its-own-pod-past-itself",
		arguments:  []string{"-o", "8080"},
		settings:   map[traffic.Field]string{traffic.ExcludeOutboundPorts: "8080"},
		connection: traffic.Connection{Protocol: traffic.TCP, Address: lab.PodAddress.IPv4, Port: 8080, Loopback: true},
		uid:        lab.IstioProxy,
		verdict:    traffic.LeftToMesh, answer: application,
	},
}

func TestDeviations(t *testing.T) {
	for _, deviation := range deviations {
		t.Run(deviation.name, func(t *testing.T) {
			values := map[traffic.Field][]string{}
			for field, value := range deviation.settings {
				values[field] = []string{value}
			}
			settings, err := traffic.ParseArguments(values)
			assert.NoError(t, err)
			assert.Equal(t, deviation.verdict, settings.Decide(deviation.connection).Verdict, "the decision")

			if deviation.connection.Port != dns && deviation.uid != lab.IstioProxy {
				istio, _ := mesh.ByName("Istio")
				verdict := istio.Effective(settings.Layer()).Decide(deviation.connection).Verdict
				assert.Equal(t, deviation.answer == destination(deviation.connection), verdict == traffic.Bypassed, "what explain says")
			}
			istio := setup{install: func(t lab.TB, pod *lab.Host) {
				interceptor.Istio(deviation.name, deviation.arguments...).Install(t, pod)
			}}
			assert.Equal(t, []string{deviation.answer}, istio.askAs(t, deviation.uid, []traffic.Connection{deviation.connection}),
				"istio-iptables %s", strings.Join(deviation.arguments, " "))
		})
	}
}
