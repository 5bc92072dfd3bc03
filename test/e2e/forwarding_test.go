package e2e_test

import (
	"net/netip"
	"os/exec"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/test/lab"
	"github.com/krm-bypass/krm-bypass/test/lab/interceptor"
)

// The pod forwards for a guest, as KubeVirt's pods do for a virtual machine that is
// bound by masquerade: the guest is behind an interface of the pod, and leaves by the
// pod's address.
const guestInterface = "k6t-eth0"

var (
	gatewayOfGuest = lab.Pair{IPv4: netip.MustParseAddr("10.0.2.1"), IPv6: netip.MustParseAddr("fd10:2::1")}
	guestAddress   = lab.Pair{IPv4: netip.MustParseAddr("10.0.2.2"), IPv6: netip.MustParseAddr("fd10:2::2")}
	farAway        = lab.Pair{IPv4: netip.MustParseAddr("192.0.2.1"), IPv6: netip.MustParseAddr("2001:db8::1")}
)

// newGuest puts a guest behind the pod.
func newGuest(t *testing.T, pod *lab.Host, family lab.Family) *lab.Host {
	t.Helper()
	guest := lab.NewHost(t, "guest")
	bits := family.Of(guestAddress).BitLen() - 8
	lab.Wire(t,
		lab.End{Host: pod, Interface: guestInterface, Addresses: []netip.Prefix{netip.PrefixFrom(family.Of(gatewayOfGuest), bits)}},
		lab.End{Host: guest, Addresses: []netip.Prefix{netip.PrefixFrom(family.Of(guestAddress), bits)}})
	guest.Settle(t)
	pod.Settle(t)
	guest.RouteEverything(t, family.Of(gatewayOfGuest))
	pod.Run(t, "sh", "-ec", "echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding")
	pod.Feed(t, `
table inet kubevirt {
	chain postrouting {
		type nat hook postrouting priority srcnat
		iifname "`+guestInterface+`" oifname "eth0" masquerade
	}
}`, "nft", "-f", "-")
	return guest
}

// forwardingMeshes take what comes from a guest: Istio where its interfaces are named,
// Linkerd and Kuma at every interface, and so Istio by TPROXY.
var forwardingMeshes = slices.Concat(
	rerouting("sidecar", interceptor.Istio),
	rerouting("ambient", interceptor.Ambient),
	linkerdVariants,
	kumaVariants[:1],
	tproxyVariants,
)

// rerouting are Istio's rules in each backend, with the guest's interface named.
func rerouting(mode string, rules func(name string, arguments ...string) interceptor.Interceptor) []variant {
	named := map[string]string{"istio.io/reroute-virtual-interfaces": guestInterface}
	in := func(name string, ours backend, arguments ...string) variant {
		return variant{interceptor.Variant{
			Interceptor: rules(mode+"-"+name, arguments...).Annotated(named),
			Families:    bothFamilies,
		}, ours}
	}
	return []variant{
		in("iptables-nft", byNftables, "--force-iptables-binary", "nft"),
		in("native-nftables", byNftables, "--native-nftables"),
		in("iptables-legacy", byIptables, interceptor.Legacy...),
		in("nftables-before-iptables-legacy", byNftables, interceptor.Legacy...),
	}
}

// An inbound setting says nothing of what the pod forwards: the guest's connections
// to the same port elsewhere go to the mesh's proxy as before.
func TestInboundSettingsLeaveAGuestsEgressToTheMesh(t *testing.T) {
	for _, mesh := range forwardingMeshes {
		for _, family := range mesh.Families {
			for _, order := range orders {
				t.Run(mesh.Name+"/"+family.Name+"/"+order.name, func(t *testing.T) {
					t.Parallel()
					leavesEgressToTheMesh(t, mesh, family, order, func(pod *lab.Host, call *exec.Cmd) error {
						_, err := pod.Try(call)
						return err
					})
				})
			}
		}
	}
}

// The same where the kernel cannot tell what is for the pod.
func TestSoItIsWithoutFibAndAddrtype(t *testing.T) {
	for _, mesh := range forwardingMeshes {
		for _, family := range mesh.Families {
			t.Run(mesh.Name+"/"+family.Name, func(t *testing.T) {
				t.Parallel()
				leavesEgressToTheMesh(t, mesh, family, orders[0], func(pod *lab.Host, call *exec.Cmd) error {
					return pod.DoLacking(call, "fib", "addrtype")
				})
			})
		}
	}
}

// What comes to the pod's own address is for the pod: where a port of it is led on to a
// guest, bypassing that port ends this, and no other port's.
func TestAnInboundBypassEndsAGuestsTranslation(t *testing.T) {
	for _, family := range bothFamilies {
		t.Run(family.Name, func(t *testing.T) {
			const inGuest = "guest"
			pod, outside := lab.NewPod(t, family)
			guest := newGuest(t, pod, family)
			led := "add chain inet kubevirt prerouting { type nat hook prerouting priority dstnat; }\n"
			word := map[bool]string{true: "ip", false: "ip6"}[family.Of(guestAddress).Is4()]
			for _, port := range []string{"8080", "9090"} {
				led += "add rule inet kubevirt prerouting iifname eth0 tcp dport " + port + " dnat " + word + " to " + family.Of(guestAddress).String() + "\n"
			}
			pod.Feed(t, led, "nft", "-f", "-")
			pod.Answer(t, lab.Server{Name: application, UID: lab.Application, Ports: []uint16{8080, 9090}})
			guest.Answer(t, lab.Server{Name: inGuest, UID: lab.Application, Ports: []uint16{8080, 9090}})
			ask := func(port uint16) string {
				return outside.Ask(0, "tcp", netip.Addr{}, netip.AddrPortFrom(family.Of(lab.PodAddress), port))
			}
			assert.Equal(t, inGuest, ask(8080))
			_, err := pod.Try(program(byNftables.call("apply", "--exclude-inbound-ports=8080")...))
			require.NoError(t, err)
			assert.Equal(t, application, ask(8080))
			assert.Equal(t, inGuest, ask(9090))
		})
	}
}

func leavesEgressToTheMesh(t *testing.T, mesh variant, family lab.Family, order order, run func(*lab.Host, *exec.Cmd) error) {
	t.Helper()
	const proxy, tunnel = "proxy", "tunnel"
	for name, setting := range map[string]string{"excluded": "--exclude-inbound-ports=8080", "not-included": "--include-inbound-ports=9999"} {
		t.Run(name, func(t *testing.T) {
			pod, outside := lab.NewPod(t, family)
			guest := newGuest(t, pod, family)
			for _, step := range order.steps {
				if step == ours {
					require.NoError(t, run(pod, program(mesh.ours.call("apply", setting)...)))
				} else {
					mesh.Install(t, pod)
				}
			}
			outside.Answer(t, lab.World)
			pod.Answer(t, lab.Server{Name: application, UID: lab.Application, Ports: []uint16{8080}})
			pod.Answer(t, lab.Server{Name: proxy, UID: mesh.Proxy.UID, Ports: []uint16{mesh.Proxy.Outbound, mesh.Proxy.Inbound}})
			if mesh.Proxy.Tunnel != 0 {
				pod.Answer(t, lab.Server{Name: tunnel, UID: mesh.Proxy.UID, Ports: []uint16{mesh.Proxy.Tunnel}})
			}
			ask := func(from *lab.Host, to lab.Pair, port uint16) string {
				return from.Ask(0, "tcp", netip.Addr{}, netip.AddrPortFrom(family.Of(to), port))
			}
			assert.Equal(t, proxy, ask(guest, farAway, 8080), "the guest's egress")
			assert.Equal(t, application, ask(outside, lab.PodAddress, 8080), "what the pod receives")
			if mesh.Proxy.Tunnel != 0 {
				assert.Equal(t, proxy, ask(guest, farAway, mesh.Proxy.Tunnel), "the guest's egress to another pod's tunnel")
				assert.Equal(t, tunnel, ask(outside, lab.PodAddress, mesh.Proxy.Tunnel), "a caller in the mesh")
			}
		})
	}
}
