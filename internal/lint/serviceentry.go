package lint

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// serviceEntry finds ServiceEntries past which connections go.
func serviceEntry(j *judgement) {
	for _, e := range viewed[serviceEntryObject](j.items) {
		n := j.note(e.Object, e.Path("spec", "hosts"), strings.Join(e.Spec.Hosts, ", "))
		j.past(n, e.Spec.ExportTo, j.namespace(e.Namespace), e.bypassed)
		j.conclude()
	}
}

// destinations are the addresses by which an application calls a host: the
// virtual ones, else those of the endpoints, else one that nobody knows.
func (e *serviceEntryObject) destinations(port int) []destination {
	spec := e.Spec
	p := spec.Ports[port]
	var found []destination
	for _, address := range spec.Addresses {
		if prefix, err := traffic.ParsePrefix(address); err == nil {
			found = append(found, destination{prefix, p.Number})
		}
	}
	if len(found) > 0 {
		return found
	}
	for _, endpoint := range spec.Endpoints {
		if prefix, err := traffic.ParsePrefix(endpoint.Address); err == nil {
			found = append(found, destination{prefix, cmp.Or(endpoint.Ports[p.Name], p.Number)})
		}
	}
	if len(found) > 0 {
		return found
	}
	return []destination{{port: p.Number}}
}

type destination struct {
	address netip.Prefix // the zero prefix is one that is not known
	port    uint16
}

// bypassed gives the ports of the ServiceEntry at which settings go past it.
func (e *serviceEntryObject) bypassed(s traffic.Settings) traffic.Ports {
	if e.called == nil {
		for i := range e.Spec.Ports {
			e.called = append(e.called, e.destinations(i))
		}
	}
	var ports traffic.Ports
	for i, p := range e.Spec.Ports {
		if slices.ContainsFunc(e.called[i], func(d destination) bool { return bypasses(s, d.address, d.port) }) {
			ports = ports.Union(traffic.SinglePorts(traffic.TCP, p.Number))
		}
	}
	return ports
}
