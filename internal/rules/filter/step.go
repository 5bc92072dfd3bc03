package filter

import (
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// Step is one question that rules ask about a connection, for one field of the
// settings. The steps of a direction are asked in order, and the first one that
// has an answer decides: together they say what Settings.Decide says.
type Step struct {
	Field traffic.Field
	Then  Then
	// The field's entries, in the one of the three that Kind names.
	Kind     Kind
	Ports    traffic.Ports
	Pairs    traffic.Pairs
	Prefixes traffic.Prefixes
}

// Kind is what a step looks at.
type Kind uint8

// The kinds of steps. A step on addresses asks about TCP only, and never about
// port 53, which the mesh captures whatever the address.
const (
	OnPorts Kind = iota
	OnPairs
	OnAddresses
)

// Then is what a step does with a connection.
type Then uint8

// What steps do.
const (
	// Bypass lets what is listed bypass the mesh.
	Bypass Then = iota
	// Leave leaves what is listed to the mesh.
	Leave
	// BypassOthers lets TCP that is not listed bypass the mesh.
	BypassOthers
)

// Inbound gives the steps for connections to the pod. A step may list nothing.
func Inbound(s traffic.Settings) []Step {
	steps := []Step{{Field: traffic.ExcludeInboundPorts, Ports: s.ExcludeInboundPorts}}
	if !s.IncludeInboundPorts.All() {
		steps = append(steps, Step{Field: traffic.IncludeInboundPorts, Then: BypassOthers, Ports: s.IncludeInboundPorts.Set().Of(traffic.TCP)})
	}
	return steps
}

// Outbound gives the steps for connections from the pod. A step may list
// nothing.
func Outbound(s traffic.Settings) []Step {
	steps := []Step{
		{Field: traffic.ExcludeOutboundPorts, Ports: s.ExcludeOutboundPorts},
		{Field: traffic.ExcludeOutbound, Kind: OnPairs, Pairs: s.ExcludeOutbound},
	}
	others := !s.IncludeOutboundIPRanges.All()
	if s.ExcludeOutboundIPRanges.IsEmpty() && !others {
		return steps
	}
	// An included port only keeps a connection from the ranges that follow,
	// and they apply to TCP alone.
	steps = append(steps,
		Step{Field: traffic.IncludeOutboundPorts, Then: Leave, Ports: s.IncludeOutboundPorts.Of(traffic.TCP)},
		Step{Field: traffic.ExcludeOutboundIPRanges, Kind: OnAddresses, Prefixes: s.ExcludeOutboundIPRanges},
	)
	if others {
		steps = append(steps, Step{Field: traffic.IncludeOutboundIPRanges, Kind: OnAddresses, Then: BypassOthers, Prefixes: s.IncludeOutboundIPRanges.Set()})
	}
	return steps
}

// ProtocolName is the protocol's name in nft and in iptables.
func ProtocolName(p traffic.Protocol) string { return strings.ToLower(p.String()) }
