package lint

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// alike are workloads with the same settings.
type alike struct {
	settings  traffic.Settings
	workloads []*Workload
	// crowds are they by their namespaces.
	crowds map[string]*crowd
}

// seeing adds those in whose namespaces an object counts.
func (a alike) seeing(exportTo []string, from string, to *crowd) {
	for namespace, c := range a.crowds {
		if exported(exportTo, from, namespace) {
			to.join(c)
		}
	}
}

// leaving gives the workloads that bypass anything on its way out, by their
// settings, so that each is asked once what it does to an object.
func (j *judgement) leaving() []alike {
	if j.groups != nil {
		return j.groups
	}
	at := map[*bypass]int{}
	for _, w := range j.workloads {
		if !w.opensOutbound() {
			continue
		}
		i, known := at[w.bypass]
		if !known {
			i = len(j.groups)
			at[w.bypass] = i
			j.groups = append(j.groups, alike{settings: w.settings, crowds: map[string]*crowd{}})
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

// bypasses says whether connections to a port at an address bypass the sidecar;
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

// destinations are the addresses by which an application calls a host: the
// virtual ones, else those of the endpoints, else one that nobody knows.
func (e *serviceEntryObject) destinations(port int) []destination {
	spec := e.view.Spec
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
	var ports traffic.Ports
	for i, p := range e.view.Spec.Ports {
		if slices.ContainsFunc(e.destinations(i), func(d destination) bool { return bypasses(s, d.address, d.port) }) {
			ports = ports.Union(traffic.SinglePorts(traffic.TCP, p.Number))
		}
	}
	return ports
}

// exported says whether an object of a namespace counts in another one
// (istio/api networking/v1alpha3/service_entry.proto, exportTo).
func exported(to []string, from, namespace string) bool {
	if len(to) == 0 {
		return true
	}
	return slices.ContainsFunc(to, func(name string) bool {
		return name == "*" || name == "." && namespace == from || name == namespace
	})
}

// outOfForce is what there is to do about an object that is not asked.
const outOfForce = "take it out of the ClusterBypass, or let the object go"

// serviceEntry finds ServiceEntries past which connections go.
func serviceEntry(j *judgement) {
	for i := range j.items.serviceEntries {
		e := &j.items.serviceEntries[i]
		said := tally{}
		for _, group := range j.leaving() {
			if ports := e.bypassed(group.settings); !ports.IsEmpty() {
				group.seeing(e.view.Spec.ExportTo, j.namespace(e.Namespace), said.of(portsOf(ports)))
			}
		}
		said.each(func(ports, workloads string) {
			j.find(e.Object, e.Path("spec", "hosts"), strings.Join(e.view.Spec.Hosts, ", "),
				"connections of %s to %s of this host bypass the sidecar, so that this ServiceEntry and what hangs on it, such as TLS origination and an egress gateway, is out of force for them; %s", workloads, ports, outOfForce)
		})
	}
}

// virtualService finds VirtualServices past whose routes connections go.
func virtualService(j *judgement) {
	hosts := j.hosts()
	for i := range j.items.virtualServices {
		v := &j.items.virtualServices[i]
		spec := v.view.Spec
		if len(spec.Gateways) > 0 && !slices.Contains(spec.Gateways, "mesh") {
			continue // it is for gateways alone
		}
		own := j.namespace(v.Namespace)
		for h, host := range spec.Hosts {
			said := tally{}
			for _, group := range j.leaving() {
				if ports := v.bypassed(hosts[hostOf(host, own)], group.settings); !ports.IsEmpty() {
					group.seeing(spec.ExportTo, own, said.of(portsOf(ports)))
				}
			}
			said.each(func(ports, workloads string) {
				j.find(v.Object, v.Path("spec", "hosts", h), host, "connections of %s to %s of this host bypass the sidecar, which alone follows these routes; %s", workloads, ports, outOfForce)
			})
		}
	}
}

// hosted is what the items say of a host.
type hosted struct {
	services []*service
	entries  []*serviceEntryObject
}

func (j *judgement) hosts() map[string]hosted {
	hosts := map[string]hosted{}
	for i := range j.items.services {
		s := &j.items.services[i]
		host := hostOf(s.Name, j.namespace(s.Namespace))
		h := hosts[host]
		h.services = append(h.services, s)
		hosts[host] = h
	}
	for i := range j.items.serviceEntries {
		e := &j.items.serviceEntries[i]
		for _, host := range e.view.Spec.Hosts {
			h := hosts[host]
			h.entries = append(h.entries, e)
			hosts[host] = h
		}
	}
	return hosts
}

// bypassed gives the ports at which settings go past the routes to a host: of
// those that its Service or ServiceEntry has, and of those that routes name.
func (v *virtualServiceObject) bypassed(host hosted, s traffic.Settings) traffic.Ports {
	var ports traffic.Ports
	for _, service := range host.services {
		address, _ := traffic.ParsePrefix(service.view.Spec.ClusterIP) // the zero prefix where it is not given
		for _, p := range service.view.Spec.Ports {
			if bypasses(s, address, p.Port) {
				ports = ports.Union(traffic.SinglePorts(traffic.TCP, p.Port))
			}
		}
	}
	for _, entry := range host.entries {
		ports = ports.Union(entry.bypassed(s))
	}
	named, all := v.matched()
	if !all {
		ports = ports.Intersect(named)
	}
	if host.services == nil && host.entries == nil {
		ports = named.Intersect(s.ExcludeOutboundPorts)
	}
	return ports.Of(traffic.TCP)
}

// matched gives the ports that routes name, and whether a route is for every
// port.
func (v *virtualServiceObject) matched() (named traffic.Ports, all bool) {
	for _, r := range slices.Concat(v.view.Spec.HTTP, v.view.Spec.TLS, v.view.Spec.TCP) {
		all = all || len(r.Match) == 0
		for _, match := range r.Match {
			if match.Port == 0 {
				all = true
				continue
			}
			named = named.Union(traffic.SinglePorts(traffic.TCP, match.Port))
		}
	}
	return named, all
}

// sidecarsOf gives the Sidecars that may count for a workload: those that select
// it, else the namespace's, else the mesh's (istio/istio
// pilot/pkg/model/push_context.go, getSidecarScope).
func (j *judgement) sidecarsOf() func(*Workload) []*sidecar {
	var all scoped[*sidecar]
	for i := range j.items.sidecars {
		s := &j.items.sidecars[i]
		all.add(j.namespace(s.Namespace), s.view.Spec.WorkloadSelector.Labels, s)
	}
	var mesh []*sidecar
	for _, root := range j.roots() {
		mesh = append(mesh, all.wide[root]...)
	}
	return func(w *Workload) []*sidecar {
		if own := all.selecting(w); len(own) > 0 {
			return own
		}
		if wide := all.wide[w.namespace]; len(wide) > 0 {
			return wide
		}
		return mesh
	}
}

// sidecarEgress finds listeners of Sidecars that no connection reaches.
func sidecarEgress(j *judgement) {
	type place struct {
		*sidecar
		listener int
	}
	said := map[place]tally{}
	sidecarsOf := j.sidecarsOf()
	for _, group := range j.leaving() {
		for _, w := range group.workloads {
			for _, s := range sidecarsOf(w) {
				for i, egress := range s.view.Spec.Egress {
					bind, _ := traffic.ParsePrefix(egress.Bind) // the zero prefix where there is none
					if egress.Port.Number == 0 || !bypasses(group.settings, bind, egress.Port.Number) {
						continue
					}
					at := place{s, i}
					if said[at] == nil {
						said[at] = tally{}
					}
					said[at].add("", w)
				}
			}
		}
	}
	for at, tally := range said {
		egress := at.view.Spec.Egress[at.listener]
		tally.each(func(_, workloads string) {
			j.find(at.Object, at.Path("spec", "egress", at.listener, "port", "number"), "", "connections of %s to port %d bypass the sidecar, so that none comes to this listener and what it exposes limits nobody; %s", workloads, egress.Port.Number, outOfForce)
		})
	}
}

const registryOnlyMode = "REGISTRY_ONLY"

// wide is how many bits of an address leave a range that is not a place any more
// but a region: 65,536 IPv4 addresses, or as many IPv6 networks.
var wide = map[int]int{32: 16, 128: 48}

func isWide(p netip.Prefix) bool { return p.Bits() <= wide[p.Addr().BitLen()] }

// porous gives what of settings lets connections out to a region, or to
// everywhere.
func porous(s traffic.Settings) []string {
	var holes []string
	if ports := s.ExcludeOutboundPorts.Of(traffic.TCP); !ports.IsEmpty() {
		holes = append(holes, portsOf(ports)+" at every address")
	}
	var ranges []string
	for _, p := range s.ExcludeOutboundIPRanges.List() {
		if isWide(p) {
			ranges = append(ranges, p.String())
		}
	}
	for _, b := range s.ExcludeOutbound.Boxes() {
		if isWide(b.Prefix) && b.Protocol == traffic.TCP {
			ranges = append(ranges, "port "+b.Ports.String()+" at "+b.Prefix.String())
		}
	}
	if len(ranges) > 0 {
		holes = append(holes, some(ranges))
	}
	if in := s.IncludeOutboundIPRanges; !in.All() {
		but := "every address"
		if !in.IsEmpty() {
			but += " but " + some(in.Entries())
		}
		holes = append(holes, but)
	}
	return holes
}

// registryOnly finds meshes and namespaces that let out only what they know,
// beside workloads that let out whole regions.
func registryOnly(j *judgement) {
	var closed []*meshConfig
	for i := range j.items.meshConfigs {
		m := &j.items.meshConfigs[i]
		if p := m.view.OutboundTrafficPolicy; p != nil && p.Mode == registryOnlyMode {
			closed = append(closed, m)
		}
	}
	bySidecar, byMesh := map[*sidecar]tally{}, tally{}
	sidecarsOf := j.sidecarsOf()
	for _, group := range j.leaving() {
		holes := strings.Join(porous(group.settings), ", ")
		if holes == "" {
			continue
		}
		for _, w := range group.workloads {
			said := false
			for _, s := range sidecarsOf(w) {
				p := s.view.Spec.OutboundTrafficPolicy
				said = said || p != nil
				// The mode that is not written is the first, REGISTRY_ONLY.
				if p == nil || cmp.Or(p.Mode, registryOnlyMode) != registryOnlyMode {
					continue
				}
				if bySidecar[s] == nil {
					bySidecar[s] = tally{}
				}
				bySidecar[s].add(holes, w)
			}
			if !said {
				byMesh.add(holes, w)
			}
		}
	}
	const message = "%s lets out only what the mesh knows, but connections of %s bypass the sidecar to %s: take narrower ranges, or a port and its ranges together in excludeOutbound"
	for s, tally := range bySidecar {
		tally.each(func(holes, workloads string) {
			j.find(s.Object, s.Path("spec", "outboundTrafficPolicy", "mode"), registryOnlyMode, message, registryOnlyMode, workloads, holes)
		})
	}
	for _, m := range closed {
		byMesh.each(func(holes, workloads string) {
			j.find(m.Object, m.path("outboundTrafficPolicy", "mode"), registryOnlyMode, message, registryOnlyMode, workloads, holes)
		})
	}
}
