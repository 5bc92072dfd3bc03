package lint

import (
	"slices"

	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// virtualService finds VirtualServices past whose routes connections go.
func virtualService(j *judgement) {
	hosts := j.hosts()
	for _, v := range viewed[virtualServiceObject](j.items) {
		if len(v.Spec.Gateways) > 0 && !slices.Contains(v.Spec.Gateways, "mesh") {
			continue // it is for gateways alone
		}
		own := j.namespace(v.Namespace)
		for h, host := range v.Spec.Hosts {
			n := j.note(v.Object, v.Path("spec", "hosts", h), host)
			j.past(n, v.Spec.ExportTo, own, func(s traffic.Settings) traffic.Ports { return v.bypassed(hosts[hostOf(host, own)], s) })
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
	for _, s := range viewed[service](j.items) {
		host := hostOf(s.Name, j.namespace(s.Namespace))
		h := hosts[host]
		h.services = append(h.services, s)
		hosts[host] = h
	}
	for _, e := range viewed[serviceEntryObject](j.items) {
		for _, host := range e.Spec.Hosts {
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
		address, _ := traffic.ParsePrefix(service.Spec.ClusterIP) // the zero prefix where it is not given
		for _, p := range service.Spec.Ports {
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
	for _, r := range slices.Concat(v.Spec.HTTP, v.Spec.TLS, v.Spec.TCP) {
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
