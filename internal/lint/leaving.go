package lint

import (
	"net/netip"
	"slices"

	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// group is workloads with the same settings.
type group struct {
	settings  traffic.Settings
	workloads []*Workload
	// crowds are they by their namespaces.
	crowds tally
}

// grouped gives the workloads that bypass anything on its way out, by their
// settings, so that each is asked once what it does to an object.
func grouped(workloads []*Workload) []*group {
	var groups []*group
	of := map[*bypass]*group{}
	for _, w := range workloads {
		if !w.opensOutbound() {
			continue
		}
		g := of[w.bypass]
		if g == nil {
			g = &group{settings: w.settings, crowds: tally{}}
			of[w.bypass] = g
			groups = append(groups, g)
		}
		g.workloads = append(g.workloads, w)
		g.crowds.add(w.namespace, w)
	}
	return groups
}

// past notes the workloads that go past an object on some ports, in whose
// namespaces it counts.
func (j *judgement) past(n *note, exportTo []string, from string, on func(traffic.Settings) traffic.Ports) {
	for _, group := range j.leaving {
		ports := on(group.settings)
		if ports.IsEmpty() {
			continue
		}
		for namespace, c := range group.crowds {
			if exported(exportTo, from, namespace) {
				n.of(portsOf(ports)).join(c)
			}
		}
	}
}

// bypasses reports whether connections to a port at an address bypass the sidecar;
// the zero prefix stands for an address that nobody knows. Of a range, it is
// enough if a part is bypassed.
func bypasses(s traffic.Settings, to netip.Prefix, port uint16) bool {
	if !to.IsValid() {
		return s.ExcludeOutboundPorts.Contains(traffic.TCP, port)
	}
	bypassed := func(address netip.Addr) bool {
		return s.Decide(traffic.Connection{Protocol: traffic.TCP, Address: address, Port: port}).Verdict == traffic.Bypassed
	}
	if bypassed(to.Addr()) {
		return true
	}
	return slices.ContainsFunc(s.ExcludeOutboundIPRanges.List(), func(p netip.Prefix) bool {
		return to.Bits() < p.Bits() && to.Contains(p.Addr()) && bypassed(p.Addr())
	})
}

// exported reports whether an object of a namespace counts in another one
// (istio/api networking/v1alpha3/service_entry.proto, exportTo).
func exported(to []string, from, namespace string) bool {
	if len(to) == 0 {
		return true
	}
	return slices.ContainsFunc(to, func(name string) bool {
		return name == "*" || name == "." && namespace == from || name == namespace
	})
}
