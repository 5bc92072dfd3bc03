package lint

import (
	"slices"

	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// virtualService finds VirtualServices past whose routes connections go.
func virtualService(j *judgement) {
	hosted := j.hosted()
	for _, v := range viewed[virtualServiceObject](j.items) {
		if len(v.Spec.Gateways) > 0 && !slices.Contains(v.Spec.Gateways, "mesh") {
			continue // it is for gateways alone
		}
		own := j.namespace(v.Namespace)
		for h, host := range v.Spec.Hosts {
			n := j.note(v.Object, v.Path("spec", "hosts", h), host)
			j.past(n, v.Spec.ExportTo, own, func(s traffic.Settings) traffic.Ports { return v.bypassed(hosted, hostOf(host, own), s) })
		}
	}
}

// hosted is what the items say of hosts.
type hosted struct {
	services map[string][]*service
	entries  map[string][]*serviceEntryObject
}

func (j *judgement) hosted() hosted {
	of := hosted{map[string][]*service{}, map[string][]*serviceEntryObject{}}
	for _, s := range viewed[service](j.items) {
		host := hostOf(s.Name, j.namespace(s.Namespace))
		of.services[host] = append(of.services[host], s)
	}
	for _, e := range viewed[serviceEntryObject](j.items) {
		for _, host := range e.Spec.Hosts {
			of.entries[host] = append(of.entries[host], e)
		}
	}
	return of
}

// bypassed gives the ports at which settings go past the routes to a host: of
// those that its Service or ServiceEntry has, and of those that routes name.
func (v *virtualServiceObject) bypassed(hosted hosted, host string, s traffic.Settings) traffic.Ports {
	var ports traffic.Ports
	services, entries := hosted.services[host], hosted.entries[host]
	for _, service := range services {
		address, _ := traffic.ParsePrefix(service.Spec.ClusterIP) // the zero prefix where it is not given
		for _, p := range service.Spec.Ports {
			if bypasses(s, address, p.Port) {
				ports = ports.Union(traffic.SinglePorts(traffic.TCP, p.Port))
			}
		}
	}
	for _, entry := range entries {
		ports = ports.Union(entry.bypassed(s))
	}
	named, all := v.matched()
	if !all {
		ports = ports.Intersect(named)
	}
	if services == nil && entries == nil {
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
