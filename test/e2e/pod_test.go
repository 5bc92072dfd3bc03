package e2e_test

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/krm-bypass/krm-bypass/test/lab"
	"github.com/krm-bypass/krm-bypass/test/lab/interceptor"
	"github.com/krm-bypass/krm-bypass/test/lab/sidecar"
)

var (
	bypassProgram = lab.Program{Name: "krm-bypass-init", Directory: "images/init"}
	probeProgram  = lab.Program{Name: "krm-bypass", Directory: "cmd/krm-bypass"}
)

func TestMain(m *testing.M) {
	lab.Main(m, append(interceptor.Programs(), bypassProgram, probeProgram)...)
}

// variant is an interceptor and the backend by which we stand in front of it.
type variant struct {
	interceptor.Variant
	ours backend
}

// of are the interceptors of a mesh by its init container.
func of(mesh string) []variant {
	return those(func(v interceptor.Variant) bool { return v.Mesh == mesh && !v.ByCNI })
}

// those are interceptors, each with our backend that reaches it: where it is
// iptables-legacy both do, and nftables is tried too. Under TPROXY nftables alone does.
func those(wanted func(interceptor.Variant) bool) []variant {
	var all []variant
	for _, v := range interceptor.Variants() {
		switch {
		case !wanted(v):
		case v.Backend == interceptor.IptablesLegacy && !v.TPROXY:
			all = append(all, variant{v, byIptables})
			v.Name = "nftables-before-" + v.Name
			all = append(all, variant{v, byNftables})
		default:
			all = append(all, variant{v, byNftables})
		}
	}
	return all
}

// backend is a way of krm-bypass-init into the kernel.
type backend struct {
	name      string
	arguments []string
	// flush empties what was applied, behind our back.
	flush []string
	// load are the commands that load what is shown.
	load [][]string
}

// Which backend is taken is nobody's business but where it has to be iptables:
// nftables comes first in front of every mesh.
var (
	byNftables = backend{
		name:  "nftables",
		flush: []string{"nft", "flush", "table", "inet", "krm-bypass"},
		load:  [][]string{{"nft", "-f", "-"}},
	}
	byIptables = backend{
		name:      "iptables",
		arguments: []string{"--backend=iptables"},
		flush:     []string{"iptables-legacy", "-t", "nat", "-F", "KRM_BYPASS_OUTPUT"},
		load:      [][]string{{"iptables-legacy-restore", "--noflush"}, {"ip6tables-legacy-restore", "--noflush"}},
	}
)

// call gives the arguments of krm-bypass-init for this backend.
func (b backend) call(command string, arguments ...string) []string {
	return slices.Concat([]string{command, "--here"}, b.arguments, arguments)
}

var bothFamilies = []lab.Family{lab.IPv4, lab.IPv6}

var (
	istioVariants, linkerdVariants, kumaVariants = of("Istio"), of("Linkerd"), of("Kuma")
	fsmVariants, osmVariants, consulVariants     = of("FSM"), of("OSM"), of("Consul")
)

var (
	cniVariants     = those(func(v interceptor.Variant) bool { return v.ByCNI && v.DataPlane == "" })
	ambientVariants = those(func(v interceptor.Variant) bool { return v.DataPlane == interceptor.AmbientDataPlane })
)

// step is one init container's turn.
type step uint8

const (
	ours step = iota
	theMesh
)

// order is a history of a pod's init containers.
type order struct {
	name  string
	steps []step
}

var meshAlone = order{"mesh-alone", []step{theMesh}}

var orders = []order{
	{"ours-before", []step{ours, theMesh}}, // injected last: no native sidecars
	{"ours-after", []step{theMesh, ours}},  // native sidecars, or the CNI plugin
	{"both-run-again", []step{ours, theMesh, ours, theMesh, ours}},
}

// pod is a meshed pod and its world.
type pod struct {
	*lab.Host
	outside *lab.Host
	family  lab.Family // of the checks
	mesh    variant
}

// newPod returns a pod whose init containers ran in the given order.
func newPod(t *testing.T, mesh variant, order order, family lab.Family, bypass []string) pod {
	t.Helper()
	inside, outside := lab.NewPod(t, mesh.PodHas(family))
	for _, step := range order.steps {
		switch step {
		case ours:
			mesh.ours.apply(t, inside, bypass...)
		case theMesh:
			mesh.Install(t, inside)
		}
	}
	return inhabit(t, inside, outside, mesh, family)
}

// inhabit starts what runs in the pod and outside. The proxy knows no
// destination outside: REGISTRY_ONLY, or no egress. Linkerd's would pass on what
// it does not know; refusing shows that it was asked.
func inhabit(t *testing.T, inside, outside *lab.Host, mesh variant, family lab.Family) pod {
	t.Helper()
	inside.Settle(t) // Istio gives the pod ::6
	sidecar.Serve(t, outside, lab.World)
	sidecar.Serve(t, outside, lab.NameServer)
	sidecar.Serve(t, inside, lab.Server{Name: application, UID: lab.Application, Ports: applicationPorts})
	sidecar.Serve(t, inside, lab.Server{Name: status, UID: mesh.Proxy.UID, Ports: []uint16{statusPort}})
	knows := func(to netip.AddrPort) bool { return to.Addr() == family.Of(lab.PodAddress) }
	services := map[netip.AddrPort]netip.AddrPort{}
	for port, target := range ownService {
		services[netip.AddrPortFrom(family.Of(serviceAddress), port)] = netip.AddrPortFrom(family.Of(lab.PodAddress), target)
	}
	sidecar.Proxy{Proxy: mesh.Proxy, Knows: knows, Services: services}.Start(t, inside)
	return pod{Host: inside, outside: outside, family: family, mesh: mesh}
}

func (b backend) apply(t *testing.T, host *lab.Host, arguments ...string) {
	t.Helper()
	host.Run(t, append([]string{lab.Binary(bypassProgram.Name)}, b.call("apply", arguments...)...)...)
}

// What answers in the pod, and who may answer to whom.
const (
	application = "application"
	status      = "status"
	toApp       = "inbound proxy > application"
	refused     = "outbound proxy > refusal"
	outside     = "outside"

	statusPort = 15021 // Istio's own: it leaves it out of the redirection by itself
)

var applicationPorts = []uint16{80, 5000, 6379, 7001, 7002, 7005, 8080, 9000, 9010, 9011, 9090}

// The pod is behind a Service.
var (
	serviceAddress = at("10.96.0.80", "fd00:96::80")
	ownService     = map[uint16]uint16{80: 8080, 81: 7001} // its ports, and the pod's
)

// caller is whose socket a check opens.
type caller struct {
	host func(pod) *lab.Host
	uid  func(pod) int
}

func inPod(p pod) *lab.Host { return p.Host }

func inProxy(p pod) *lab.Host { return p.Marked(p.mesh.Proxy.Mark) }

var (
	theApplication = caller{inPod, func(pod) int { return lab.Application }}
	theProxy       = caller{inProxy, func(p pod) int { return p.mesh.Proxy.UID }}
	portForward    = caller{inPod, func(pod) int { return lab.Root }} // what the kubelet does for kubectl port-forward
	theOutside     = caller{func(p pod) *lab.Host { return p.outside }, func(pod) int { return lab.Root }}
)

// place is an address in both families.
type place = lab.Pair

func at(ipv4, ipv6 string) place {
	return place{IPv4: netip.MustParseAddr(ipv4), IPv6: netip.MustParseAddr(ipv6)}
}

// check is one connection and who has to answer it.
type check struct {
	name   string
	by     caller
	from   place // the zero place leaves the source to the kernel
	udp    bool
	to     place
	port   uint16
	answer string
	server string // the response's header; "" leaves it unchecked
	// through is a proxy's port that is asked to pass on; 0 for none.
	through uint16
	// seen is who called, for who answered; the zero place leaves it unchecked.
	seen place
}

func (c check) protocol() string {
	if c.udp {
		return "udp"
	}
	return "tcp"
}

func (c check) ask(p pod, from netip.Addr, to netip.AddrPort) sidecar.Answer {
	if c.through == 0 {
		return sidecar.Get(c.by.host(p), c.by.uid(p), from, to)
	}
	conversation, err := sidecar.Open(c.by.host(p), c.by.uid(p), from, netip.AddrPortFrom(to.Addr(), c.through), to)
	if err != nil {
		return sidecar.Answer{By: lab.Reason(err)}
	}
	defer conversation.Close()
	return conversation.Get()
}

func (c check) run(t *testing.T, p pod) {
	t.Helper()
	var from netip.Addr
	if c.from != (place{}) {
		from = p.family.Of(c.from)
	}
	to := netip.AddrPortFrom(p.family.Of(c.to), c.port)
	if c.udp {
		assert.Equal(t, c.answer, c.by.host(p).Ask(c.by.uid(p), c.protocol(), from, to), c.name)
		return
	}
	got := c.ask(p, from, to)
	assert.Equal(t, c.answer, got.By, c.name)
	if c.seen != (place{}) {
		assert.Equal(t, p.family.Of(c.seen), got.Caller, "%s: who called", c.name)
	}
	if c.server != "" {
		assert.Equal(t, c.server, got.Server, "the response's header Server")
	}
}
