package lint

import (
	"net/netip"
	"slices"
	"strconv"

	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// ambientInbound finds ports of Services behind which ambient pods bypass ztunnel for
// callers in plain text alone: those in the mesh come by HBONE (istio/istio
// cni/pkg/iptables/iptables.go redirects no connection to port 15008). Where some
// workload lets the Service's port bypass on its way out, somebody has thought of it.
func ambientInbound(j *judgement) {
	groups := grouped(j.all)
	j.reaching(func(w *Workload, r reached) {
		if p := r.view(); w.settings.Inbound().Contains(traffic.TCP, r.port) && !slices.ContainsFunc(groups, func(g *group) bool { return r.service.left(g.settings, p.Port) }) {
			j.note(r.service.Object, r.path(), p.TargetPort.text, portOf(p), p.Port).add(strconv.Itoa(int(r.port)), w)
		}
	})
}

// useWaypoint is the label of a Service, else of its Namespace, that names the waypoint
// of its callers (istio/istio pilot/pkg/serviceregistry/kube/controller/ambient/waypoints.go).
const useWaypoint = "istio.io/use-waypoint"

// waypoint finds Services, and Namespaces of them, past whose waypoint connections go.
func waypoint(j *judgement) {
	within := map[string]*namespace{}
	for _, n := range viewed[namespace](j.items) {
		within[n.Name] = n
	}
	for _, s := range viewed[service](j.items) {
		name, own := s.Metadata.Labels[useWaypoint]
		about, path, called := s.Object, s.Path("metadata", "labels", useWaypoint), "this Service"
		if n := within[j.namespace(s.Namespace)]; !own && n != nil {
			name, about, path, called = n.labels[useWaypoint], n.Object, n.Path("metadata", "labels", useWaypoint), "its Services"
		}
		if name == "" || name == "none" || s.headless() || s.Spec.Type == "ExternalName" {
			continue
		}
		j.past(j.note(about, path, name, called, name), nil, s.Namespace, s.bypassed)
	}
}

// left reports whether settings let a port of the Service bypass, by a pair also where
// nobody knows the address of the Service.
func (s *service) left(settings traffic.Settings, port uint16) bool {
	return s.bypassed(settings).Contains(traffic.TCP, port) || s.Spec.ClusterIP == "" && slices.ContainsFunc(settings.ExcludeOutbound.Boxes(), func(b traffic.Box) bool {
		return b.Protocol == traffic.TCP && b.Ports.First <= port && port <= b.Ports.Last
	})
}

// bypassed gives the ports of the Service at which settings go past it.
func (s *service) bypassed(settings traffic.Settings) traffic.Ports {
	var to netip.Prefix // the zero prefix where nobody knows the address
	if address, err := netip.ParseAddr(s.Spec.ClusterIP); err == nil {
		to = netip.PrefixFrom(address, address.BitLen())
	}
	var all traffic.Ports
	for _, p := range s.Spec.Ports {
		if (p.Protocol == "" || p.Protocol == "TCP") && bypasses(settings, to, p.Port) {
			all = all.Union(traffic.SinglePorts(traffic.TCP, p.Port))
		}
	}
	return all
}
