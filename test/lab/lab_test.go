package lab_test

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/krm-bypass/krm-bypass/test/lab"
)

func TestMain(m *testing.M) { lab.Main(m) }

func TestTheOutsideAnswersEverywhere(t *testing.T) {
	pod, outside := lab.NewPod(t, lab.DualStack)
	outside.Answer(t, lab.World)
	for _, to := range []string{"10.244.0.1:80", "192.0.2.1:1", "8.8.8.8:53", "[fd00:244::1]:80", "[2001:db8::1]:65535"} {
		for _, network := range []string{"tcp", "udp"} {
			assert.Equal(t, lab.World.Name, pod.Ask(lab.Application, network, netip.Addr{}, netip.MustParseAddrPort(to)), "%s %s", network, to)
		}
	}
}

func TestTheOutsideReachesThePod(t *testing.T) {
	pod, outside := lab.NewPod(t, lab.DualStack)
	pod.Answer(t, lab.Server{Name: "application", UID: lab.Application, Ports: []uint16{8080}})
	for _, address := range []string{"10.244.0.2", "fd00:244::2"} {
		for _, network := range []string{"tcp", "udp"} {
			to := netip.MustParseAddr(address)
			assert.Equal(t, "application", outside.Ask(0, network, netip.Addr{}, netip.AddrPortFrom(to, 8080)), "%s %s", network, to)
			assert.Equal(t, "refused", outside.Ask(0, network, netip.Addr{}, netip.AddrPortFrom(to, 8081)), "%s %s", network, to)
		}
	}
}

func TestSocketsBelongToTheirUser(t *testing.T) {
	pod, outside := lab.NewPod(t, lab.DualStack)
	outside.Answer(t, lab.World)
	pod.Feed(t, `
table inet users {
	chain output {
		type filter hook output priority filter
		meta skuid 1337 reject
	}
}`, "nft", "-f", "-")
	to := netip.MustParseAddrPort("192.0.2.1:80")
	assert.Equal(t, lab.World.Name, pod.Ask(lab.Application, "tcp", netip.Addr{}, to))
	assert.Equal(t, "forbidden", pod.Ask(lab.IstioProxy, "udp", netip.Addr{}, to))
}

func TestNothingOfTheHostIsSeenInside(t *testing.T) {
	pod, _ := lab.NewPod(t, lab.DualStack)
	assert.Equal(t, "lo\neth0", strings.TrimSpace(pod.Run(t, "sh", "-c", "ip -o link | sed 's/^[0-9]*: //; s/[@:].*//'")))
}
