package lab

import (
	"net/netip"
)

// Family says which addresses a pod has.
type Family struct {
	Name       string
	IPv4, IPv6 bool
}

// The families of a pod.
var (
	IPv4      = Family{Name: "IPv4", IPv4: true}
	IPv6      = Family{Name: "IPv6", IPv6: true}
	DualStack = Family{Name: "dual-stack", IPv4: true, IPv6: true}
)

// Of returns the address of the family, which must be IPv4 or IPv6.
func (f Family) Of(pair Pair) netip.Addr {
	if f.IPv4 {
		return pair.IPv4
	}
	return pair.IPv6
}

// FamilyOf returns the family of one address.
func FamilyOf(address netip.Addr) Family {
	if address.Unmap().Is4() {
		return IPv4
	}
	return IPv6
}

// Pair is an address in either family.
type Pair struct{ IPv4, IPv6 netip.Addr }

// The addresses of a pod's world.
var (
	PodAddress     = Pair{netip.MustParseAddr("10.244.0.2"), netip.MustParseAddr("fd00:244::2")}
	OutsideAddress = Pair{netip.MustParseAddr("10.244.0.1"), netip.MustParseAddr("fd00:244::1")}
	Loopback       = Pair{netip.MustParseAddr("127.0.0.1"), netip.IPv6Loopback()}
	// InboundSource is where Istio's proxy calls its application from.
	InboundSource = Pair{netip.MustParseAddr("127.0.0.6"), netip.MustParseAddr("::6")}
	// NameService is a Service at which NameServer answers in place of the outside.
	NameService = Pair{netip.MustParseAddr("10.96.0.10"), netip.MustParseAddr("fd00:96::a")}
)

// The users in a pod.
const (
	Root         = 0
	Application  = 1000
	IstioProxy   = 1337 // istio/istio tools/istio-iptables/pkg/constants/constants.go
	FSMProxy     = 1500 // flomesh-io/fsm pkg/constants/constants.go
	LinkerdProxy = 2102 // linkerd/linkerd2 charts/linkerd-control-plane/values.yaml
	KumaProxy    = 5678 // kumahq/kuma pkg/transparentproxy/consts/consts.go
	ConsulProxy  = 5995 // hashicorp/consul-k8s control-plane/connect-inject/webhook/mesh_webhook.go
	ConsulInit   = 5996
)

// World is the server to run outside the pod: it answers in everybody's place.
var World = Server{Name: "outside", Ports: []uint16{everywhere}}

// NameServer is the server to run outside the pod for NameService.
var NameServer = Server{Name: "dns proxy", Ports: []uint16{nameService}}

// everywhere is the port at which the outside answers for all others, and nameService
// that for the one address.
const (
	everywhere  = 9
	nameService = 10053
)

// NewPod returns a pod, and the host that has every other address and port.
func NewPod(t TB, family Family) (pod, outside *Host) {
	t.Helper()
	pod, outside = NewHost(t, "pod"), NewHost(t, "outside")
	near, far := End{Host: pod}, End{Host: outside}
	var gateways []netip.Addr
	add := func(bits int, near, far *End, of func(Pair) netip.Addr) {
		near.Addresses = append(near.Addresses, netip.PrefixFrom(of(PodAddress), bits))
		far.Addresses = append(far.Addresses, netip.PrefixFrom(of(OutsideAddress), bits))
		gateways = append(gateways, of(OutsideAddress))
	}
	if family.IPv4 {
		add(24, &near, &far, IPv4.Of)
	}
	if family.IPv6 {
		add(64, &near, &far, IPv6.Of)
	}
	Wire(t, near, far)
	pod.Settle(t)
	outside.Settle(t)
	pod.RouteEverything(t, gateways...)
	outside.BeEverywhere(t, everywhere)
	return pod, outside
}
