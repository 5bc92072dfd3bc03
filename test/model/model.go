package model

import (
	"slices"

	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// rule is one rule of a mesh, in the order in which its chains ask them.
type rule struct {
	ask func(annotated traffic.Layer, c traffic.Connection) answer
	// ofDNS says that it is there where the mesh captures DNS alone.
	ofDNS bool
}

type answer uint8

const (
	next answer = iota
	bypasses
	intercepts
)

func when(matches bool, a answer) answer {
	if matches {
		return a
	}
	return next
}

// The rules that meshes have, by what they ask for. What no rule answers is
// intercepted.
var (
	excludedPort = rule{ask: func(l traffic.Layer, c traffic.Connection) answer {
		return when(l.ExcludeOutboundPorts != nil && l.ExcludeOutboundPorts.Contains(traffic.TCP, c.Port), bypasses)
	}}
	excludedRange = rule{ask: func(l traffic.Layer, c traffic.Connection) answer {
		return when(l.ExcludeOutboundIPRanges != nil && l.ExcludeOutboundIPRanges.Contains(c.Address), bypasses)
	}}
	includedPort = rule{ask: func(l traffic.Layer, c traffic.Connection) answer {
		return when(l.IncludeOutboundPorts != nil && l.IncludeOutboundPorts.Contains(c.Protocol, c.Port), intercepts)
	}}
	includedRange = rule{ask: func(l traffic.Layer, c traffic.Connection) answer {
		in := l.Settings().IncludeOutboundIPRanges
		return when(!in.All() && !in.Set().Contains(c.Address), bypasses)
	}}
	dns = rule{func(_ traffic.Layer, c traffic.Connection) answer { return when(c.Port == 53, intercepts) }, true}
	// Of UDP a mesh takes DNS at the most.
	udpDNS = rule{func(_ traffic.Layer, c traffic.Connection) answer {
		return when(c.Protocol == traffic.UDP, intercepts)
	}, true}
)

// Model is what a mesh does with outbound connections, from the order of rules
// that its file names the sources of.
type Model struct {
	rules []rule
	// UDP says that the mesh captures DNS over UDP.
	UDP bool
	// families are the address families of its rules; empty for both.
	only4 bool
}

// Models are those of the meshes by name.
var Models = map[string]Model{
	"Istio":   {rules: []rule{excludedPort, dns, excludedRange, includedPort, includedRange}, UDP: true},
	"FSM":     {rules: []rule{excludedRange, excludedPort, includedRange}, only4: true},
	"OSM":     {rules: []rule{excludedRange, excludedPort, includedRange}, only4: true},
	"Linkerd": {rules: []rule{excludedPort}},
	"Consul":  {rules: []rule{excludedRange, excludedPort}}, // whose DNS is on loopback
	"Kuma":    {rules: []rule{excludedRange, udpDNS, excludedPort}, UDP: true},
}

// Ambient is that of ambient pods, which read no annotation about outbound traffic.
var Ambient = Model{rules: []rule{dns}, UDP: true}

// Bypass says what the mesh does with a connection that it would take if it were
// not for the annotations.
func (m Model) Bypass(annotated traffic.Layer, c traffic.Connection) bool {
	if c.Direction == traffic.Inbound {
		s := annotated.Settings()
		if in := s.IncludeInboundPorts; !in.All() { // Istio alone
			return !in.Set().Contains(traffic.TCP, c.Port)
		}
		return s.ExcludeInboundPorts.Contains(traffic.TCP, c.Port)
	}
	for _, r := range m.rules {
		if a := r.ask(annotated, c); a != next {
			return a == bypasses
		}
	}
	return false
}

// WithoutDNS is the mesh where it captures no DNS.
func (m Model) WithoutDNS() Model {
	m.rules = slices.DeleteFunc(slices.Clone(m.rules), func(r rule) bool { return r.ofDNS })
	m.UDP = false
	return m
}

// Takes reports whether the mesh takes a connection at all.
func (m Model) Takes(c traffic.Connection) bool {
	return (c.Protocol == traffic.TCP || m.UDP && c.Direction == traffic.Outbound && c.Port == 53) && (!m.only4 || c.Address.Is4())
}
