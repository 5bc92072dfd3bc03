package differential_test

import (
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
	"github.com/krm-bypass/krm-bypass/test/lab"
	"github.com/krm-bypass/krm-bypass/test/lab/interceptor"
)

// Whoever may answer.
const (
	application   = "application"
	outboundProxy = "outbound proxy"
	inboundProxy  = "inbound proxy"
	dnsProxy      = "dns proxy"
)

const dns = traffic.DNSPort

// stand is an interceptor in pods with certain addresses.
type stand struct {
	interceptor.Variant
	addresses lab.Family
}

// stands are all interceptors in all pods that they are for.
func stands() []stand {
	var all []stand
	for _, v := range slices.Concat(interceptor.Variants(), everything) {
		if v.DualStack {
			all = append(all, stand{v, lab.DualStack})
			continue
		}
		for _, family := range v.Families {
			all = append(all, stand{v, family})
		}
	}
	return all
}

// everything are two that take whatever is not the proxy's own, loopback and UDP
// too: what escapes them was bypassed by us.
var everything = []interceptor.Variant{
	{Interceptor: interceptor.Everything(), Backend: interceptor.Nftables, Families: bothFamilies, DualStack: true, DNS: []string{"tcp", "udp"}},
	{Interceptor: interceptor.EverythingByLegacy(), Backend: interceptor.IptablesLegacy, Families: bothFamilies, DualStack: true, DNS: []string{"tcp", "udp"}},
}

var bothFamilies = []lab.Family{lab.IPv4, lab.IPv6}

// mesh is that of the stand; nil where there is none, or none with annotations that
// exclude.
func (s stand) mesh() *mesh.Mesh {
	if s.Annotated == nil || s.DataPlane == interceptor.AmbientDataPlane {
		return nil
	}
	m, _ := mesh.ByName(s.Mesh)
	return m
}

// name tells the stand from others.
func (s stand) name() string { return strings.TrimPrefix(s.Mesh+" "+s.Name, " ") }

// mode is the mesh and, beside sidecars, how else it is run.
func (s stand) mode() string { return strings.TrimSpace(s.Mesh + " " + strings.ToLower(s.DataPlane)) }

// backends of krm-bypass-init that come before the interceptor.
func (s stand) backends() []string {
	if s.Backend == interceptor.IptablesLegacy {
		return []string{"iptables", "nftables"}
	}
	return []string{"nftables"}
}

// families of connections in its pods.
func (s stand) families() []lab.Family {
	if s.addresses == lab.DualStack {
		return bothFamilies
	}
	return []lab.Family{s.addresses}
}

// pod is a pod of a stand, and its world.
type pod struct {
	stand
	*lab.Host
	outside *lab.Host
	// from is the port from which the last question over UDP came. Each has its
	// own, since the kernel keeps what it made of the one before.
	from atomic.Uint32
}

// newPod returns a pod that runs everything but the application and init containers.
func (s stand) newPod(t lab.TB) *pod {
	inside, outside := lab.NewPod(t, s.addresses)
	p := &pod{stand: s, Host: inside, outside: outside}
	p.from.Store(firstSource)
	outside.Answer(t, lab.World)
	outside.Answer(t, lab.NameServer)
	for name, port := range map[string]uint16{outboundProxy: s.Proxy.Outbound, inboundProxy: s.Proxy.Inbound, dnsProxy: s.Proxy.DNS} {
		if port != 0 {
			inside.Answer(t, lab.Server{Name: name, UID: s.Proxy.UID, Ports: []uint16{port}})
		}
	}
	return p
}

// firstSource is where the kernel begins to choose source ports by itself.
const firstSource = 32768

// bypass runs krm-bypass-init.
func (p *pod) bypass(t lab.TB, backend string, settings traffic.Settings) {
	t.Helper()
	arguments := []string{lab.Binary(bypassProgram.Name), "apply", "--here", "--backend=" + backend}
	p.Run(t, append(arguments, settings.Arguments()...)...)
}

// intercept runs the mesh's init container in a pod with these annotations.
func (p *pod) intercept(t lab.TB, annotations map[string]string) {
	t.Helper()
	i := p.Interceptor
	if annotations != nil {
		i = i.Annotated(annotations)
	}
	i.Install(t, p.Host)
	p.Settle(t) // Istio gives the pod ::6
}

// serve runs the application, at every port at which these calls may reach it.
func (p *pod) serve(t lab.TB, calls calls) {
	t.Helper()
	var ports []uint16
	for _, c := range calls {
		if c.Direction == traffic.Inbound || c.Loopback {
			ports = append(ports, c.Port)
		}
	}
	slices.Sort(ports)
	p.Answer(t, lab.Server{Name: application, UID: lab.Application, Ports: slices.Compact(ports)})
}

// ask makes every call and returns who answered.
func (p *pod) ask(calls calls) []string {
	var answers []string
	for _, c := range calls {
		caller, uid := p.Host, lab.Application
		switch {
		case c.Direction == traffic.Inbound:
			caller, uid = p.outside, lab.Root
		case c.byProxy:
			caller, uid = p.Marked(p.Proxy.Mark), p.Proxy.UID
		}
		if p.ProxyDNS && c.Address.IsLoopback() && c.Port == dns {
			c.Protocol = traffic.UDP // neither gets from loopback to a Service, and TCP learns it late
		}
		to := netip.AddrPortFrom(c.Address, c.Port)
		if c.Protocol == traffic.TCP {
			answers = append(answers, caller.Ask(uid, "tcp", netip.Addr{}, to))
			continue
		}
		answer := lab.PortTaken
		for answer == lab.PortTaken {
			from := netip.AddrPortFrom(netip.Addr{}, uint16(firstSource+p.from.Add(1)%(1<<15)))
			answer = caller.AskFrom(uid, "udp", from, to)
		}
		answers = append(answers, answer)
	}
	return answers
}

// destination is who answers at a connection's own destination.
func destination(c traffic.Connection) string {
	if c.Direction == traffic.Inbound || c.Loopback {
		return application
	}
	return lab.World.Name
}

func (c call) String() string {
	way := "outbound"
	switch {
	case c.Loopback:
		way = "over loopback"
	case c.Direction == traffic.Inbound:
		way = "inbound"
	}
	if c.byProxy {
		way += ", by the proxy,"
	}
	return way + " " + c.Protocol.String() + " to " + netip.AddrPortFrom(c.Address, c.Port).String()
}

// scope ends what a test began before the test itself ends.
type scope struct {
	lab.TB
	cleanups []func()
}

func (s *scope) Cleanup(f func()) { s.cleanups = append(s.cleanups, f) }

func (s *scope) end() {
	for _, f := range slices.Backward(s.cleanups) {
		f()
	}
}

// alone asks in a pod whose mesh alone ran its init container.
func (s stand) alone(t lab.TB, annotations map[string]string, calls calls) []string {
	t.Helper()
	scope := &scope{TB: t}
	defer scope.end()
	p := s.newPod(scope)
	p.intercept(scope, annotations)
	p.serve(scope, calls)
	return p.ask(calls)
}

// named gives the pods of the interceptor of that name.
func named(t testing.TB, name string) []stand {
	t.Helper()
	all := slices.DeleteFunc(stands(), func(s stand) bool { return s.name() != name })
	require.NotEmpty(t, all, "no interceptor is called %s", name)
	return all
}
