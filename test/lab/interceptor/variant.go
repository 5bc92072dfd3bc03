package interceptor

import (
	"slices"

	"github.com/krm-bypass/krm-bypass/test/lab"
)

// Backend is the part of the kernel that an interceptor programs.
type Backend string

// The backends.
const (
	IptablesNFT    Backend = "iptables-nft"
	IptablesLegacy Backend = "iptables-legacy"
	Nftables       Backend = "nftables"
)

// AmbientDataPlane is Istio without a sidecar.
const AmbientDataPlane = "Ambient"

// Variant is an interceptor in one of the ways in which its mesh is run.
type Variant struct {
	Interceptor
	// Mesh is the mesh's name in a specification.
	Mesh string
	// DataPlane is Ambient or empty, for a sidecar.
	DataPlane string
	// ByCNI is set where the rules are there before the first init container.
	ByCNI bool
	// Rules says whose these are: a package and its version.
	Rules string
	// Backend is what it programs.
	Backend Backend
	// TPROXY is set where it takes inbound connections by TPROXY, not by address
	// translation.
	TPROXY bool
	// Families are those in which it intercepts.
	Families []lab.Family
	// DualStack is set where the pod has to have both families, also for a
	// connection in one.
	DualStack bool
	// DNS are the protocols over which it takes port 53 to its DNS proxy: tcp, udp.
	DNS []string
	// Spares are those over which it takes port 53 nowhere, as it does other ports.
	Spares []string
	// SparesLoopbackDNS is set where DNS leaves that of loopback alone.
	SparesLoopbackDNS bool
	// LoopbackDNS are the families in which it takes that of loopback alone.
	LoopbackDNS []lab.Family
	// ProxyDNS is set where it takes the proxy's own queries too.
	ProxyDNS bool
	// Unread are its mesh's annotations that it does not know yet.
	Unread []string
	// FailsAgain is the error of its init container where it ran before; "" where it
	// may run any number of times.
	FailsAgain string
}

// PodHas gives the families that a pod needs for a connection in one of them.
func (v Variant) PodHas(family lab.Family) lab.Family {
	if v.DualStack {
		return lab.DualStack
	}
	return family
}

// CapturesDNS reports whether it takes port 53 to its DNS proxy.
func (v Variant) CapturesDNS(protocol string) bool { return slices.Contains(v.DNS, protocol) }

// Programs are all that Variants need, to be built by lab.Main.
func Programs() []lab.Program {
	return []lab.Program{
		IstioProgram, IstioCNIProgram, AmbientProgram, OSMProgram, LinkerdProgram, KumaProgram, Consul18Program, Consul19Program,
	}
}

// Variants are all interceptors in all ways that the tests know.
func Variants() []Variant {
	return slices.Concat(istioVariants(), fsmVariants(), linkerdVariants(), kumaVariants(), consulVariants())
}

var (
	bothFamilies = []lab.Family{lab.IPv4, lab.IPv6}
	bothDNS      = []string{"tcp", "udp"}
)
