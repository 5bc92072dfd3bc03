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
	crowds map[string]*crowd
}

// seeing adds those in whose namespaces an object counts.
func (g group) seeing(exportTo []string, from string, to *crowd) {
	for namespace, c := range g.crowds {
		if exported(exportTo, from, namespace) {
			to.join(c)
		}
	}
}

// leaving gives the workloads that bypass anything on its way out, by their
// settings, so that each is asked once what it does to an object.
func (j *judgement) leaving() []group {
	if j.groups != nil {
		return j.groups
	}
	at := map[*bypass]int{}
	for _, w := range j.alike {
		if !w.opensOutbound() {
			continue
		}
		i, known := at[w.bypass]
		if !known {
			i = len(j.groups)
			at[w.bypass] = i
			j.groups = append(j.groups, group{settings: w.settings, crowds: map[string]*crowd{}})
		}
		j.groups[i].workloads = append(j.groups[i].workloads, w)
		c := j.groups[i].crowds[w.namespace]
		if c == nil {
			c = &crowd{}
			j.groups[i].crowds[w.namespace] = c
		}
		c.add(w)
	}
	return j.groups
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
