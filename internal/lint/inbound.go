package lint

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

const closeOff = "take the port out of the ClusterBypass, or keep others away from it by other means, such as a NetworkPolicy"

// defaultRoot is Istio's root namespace where its MeshConfig names none.
const defaultRoot = "istio-system"

// roots are the namespaces whose policies hold for the whole mesh: one, unless
// the items configure several meshes.
func (j *judgement) roots() []string {
	var roots []string
	for _, m := range j.items.meshConfigs {
		if root := m.view.RootNamespace; root != "" && !slices.Contains(roots, root) {
			roots = append(roots, root)
		}
	}
	if roots == nil {
		return []string{defaultRoot}
	}
	slices.Sort(roots)
	return roots
}

// strictMTLS finds PeerAuthentications that ask for mTLS at a port where nothing
// enforces it any more.
func strictMTLS(j *judgement) {
	peers := newPeers(j)
	type place struct {
		*peerAuthentication
		port string // of portLevelMtls, "" for the rest
	}
	said := map[place]tally{}
	rivals := map[*peerAuthentication]string{}
	for _, w := range j.opening.workloads {
		applied := peers.applied(w)
		for _, part := range applied.parts(w.inbound) {
			for _, d := range applied.decide(part.port) {
				if d.by == nil || d.mode != strict {
					continue
				}
				at := place{d.by, d.port}
				if said[at] == nil {
					said[at] = tally{}
				}
				said[at].add(portsOf(part.ports), w)
				if len(d.rivals) > 1 {
					rivals[d.by] = ", if this one counts, as only the oldest of " + idsOf(d.rivals) + " does"
				}
			}
		}
	}
	places := make([]place, 0, len(said))
	for at := range said {
		places = append(places, at)
	}
	slices.SortFunc(places, func(a, b place) int { return cmp.Or(cmp.Compare(a.id(), b.id()), cmp.Compare(a.port, b.port)) })
	for _, at := range places {
		path := at.Path("spec", "mtls", "mode")
		if at.port != "" {
			path = at.Path("spec", "portLevelMtls", at.port, "mode")
		}
		said[at].each(func(ports, workloads string) {
			j.find(at.Object, path, strict, "mTLS is not enforced where connections bypass the sidecar, here at %s of %s%s: anyone who reaches the pods is let in there, in plain text and unauthenticated; %s",
				ports, workloads, rivals[at.peerAuthentication], closeOff)
		})
	}
}

func idsOf[T interface{ id() string }](views []T) string {
	names := make([]string, len(views))
	for i, v := range views {
		names[i] = v.id()
	}
	return some(names)
}

// authorization finds AuthorizationPolicies that speak of a port at which nobody
// asks them.
func authorization(j *judgement) {
	roots := j.roots()
	for _, p := range j.items.authorizationPolicies {
		spec := p.view.Spec
		if spec.TargetRef != nil || len(spec.TargetRefs) > 0 {
			continue // it is for gateways and waypoints
		}
		said := tally{}
		for _, w := range j.governed(p.Namespace, spec.Selector, roots) {
			if ports := p.about(w.inbound); !ports.IsEmpty() {
				said.add(portsOf(ports), w)
			}
		}
		action := cmp.Or(spec.Action, allow)
		said.each(func(ports, workloads string) {
			j.find(p.Object, p.Path("spec"), "", "nothing asks this %s policy where connections bypass the sidecar, here at %s of %s: whoever reaches the pods is let in there; %s", action, ports, workloads, closeOff)
		})
	}
}

// governed gives the workloads that a policy with a selector governs: those of
// its namespace, or of all from the root namespace
// (istio/istio pilot/pkg/model/policyattachment.go).
func (j *judgement) governed(namespace string, by selector, roots []string) []*Workload {
	namespace = j.namespace(namespace)
	if slices.Contains(roots, namespace) {
		return j.opening.selectedAnywhere(by.MatchLabels)
	}
	return j.opening.selected(namespace, by.MatchLabels)
}

// namespace gives the namespace of an object as the workloads have theirs.
func (j *judgement) namespace(named string) string { return cmp.Or(named, j.linter.namespace) }

const allow = "ALLOW"

// about gives those of the ports of which the policy would say something if it
// were asked. An ALLOW policy refuses what none of its rules names.
func (p *authorizationPolicy) about(ports traffic.Ports) traffic.Ports {
	if cmp.Or(p.view.Spec.Action, allow) == allow {
		return ports
	}
	var about traffic.Ports
	for _, rule := range p.view.Spec.Rules {
		of := ports
		for _, condition := range rule.When {
			if condition.Key == "destination.port" && len(condition.Values) > 0 {
				of = of.Intersect(portSet(condition.Values))
			}
		}
		if len(rule.To) == 0 {
			about = about.Union(of)
		}
		for _, to := range rule.To {
			part := of
			if len(to.Operation.Ports) > 0 {
				part = part.Intersect(portSet(to.Operation.Ports))
			}
			about = about.Union(part.Without(portSet(to.Operation.NotPorts)))
		}
	}
	return about
}

// portSet reads ports; what is none is passed over.
func portSet(list []string) traffic.Ports {
	var ranges []traffic.PortRange
	for _, entry := range list {
		if n, err := strconv.ParseUint(strings.TrimSpace(entry), 10, 16); err == nil && n > 0 {
			ranges = append(ranges, traffic.PortRange{First: uint16(n), Last: uint16(n)})
		}
	}
	return traffic.NewPorts(traffic.TCP, ranges...)
}

// requestAuthentication finds RequestAuthentications whose workloads have ports
// at which no token is looked at.
func requestAuthentication(j *judgement) {
	roots := j.roots()
	for _, r := range j.items.requestAuthentications {
		spec := r.view.Spec
		if spec.TargetRef != nil || len(spec.TargetRefs) > 0 || len(spec.JwtRules) == 0 {
			continue
		}
		said := tally{}
		for _, w := range j.governed(r.Namespace, spec.Selector, roots) {
			said.add(portsOf(w.inbound), w)
		}
		said.each(func(ports, workloads string) {
			j.find(r.Object, r.Path("spec", "jwtRules"), "", "no token is looked at where requests bypass the sidecar, here at %s of %s: whoever reaches the pods is let in there, with a forged one or none; %s", ports, workloads, closeOff)
		})
	}
}

// reached is a port of a Service that leads to a port of a workload which
// bypasses the sidecar.
type reached struct {
	service *service
	index   int // among the Service's ports
	port    uint16
}

func (r reached) view() servicePortView { return r.service.view.Spec.Ports[r.index] }

// path leads to the field that names the port.
func (r reached) path() edit.Path {
	field := "targetPort"
	if r.view().TargetPort == "" {
		field = "port"
	}
	return r.service.Path("spec", "ports", r.index, field)
}

// reaching visits the ports of Services that lead past a sidecar.
func (j *judgement) reaching(visit func(*Workload, reached)) {
	for i := range j.items.services {
		j.items.services[i].reaching(j.opening, visit)
	}
}

// reaching visits those of the Service.
func (s *service) reaching(opening *index, visit func(*Workload, reached)) {
	if s.view.Spec.Type == "ExternalName" || len(s.view.Spec.Selector) == 0 {
		return
	}
	for _, w := range opening.selected(s.Namespace, s.view.Spec.Selector) {
		for k, p := range s.view.Spec.Ports {
			if p.Protocol != "" && p.Protocol != "TCP" {
				continue
			}
			port := w.port(cmp.Or(string(p.TargetPort), strconv.Itoa(int(p.Port))))
			if w.inbound.Contains(traffic.TCP, port) {
				visit(w, reached{s, k, port})
			}
		}
	}
}

// servicePort finds ports of Services behind which no sidecar stands. Where the
// mesh has been told to speak plain text to one, somebody has thought of it.
func servicePort(j *judgement) {
	peers, rules := newPeers(j), newRules(j)
	type place struct {
		service *service
		index   int
	}
	said := map[place]tally{}
	var places []place
	j.reaching(func(w *Workload, r reached) {
		_, told := rules.modes(rules.of(r.service), r)
		if told || only(peers.applied(w).seen(r), disable) {
			return
		}
		at := place{r.service, r.index}
		if said[at] == nil {
			said[at] = tally{}
			places = append(places, at)
		}
		said[at].add(strconv.Itoa(int(r.port)), w)
	})
	for _, at := range places {
		said[at].each(func(port, workloads string) {
			r := reached{service: at.service, index: at.index}
			p := r.view()
			j.find(at.service.Object, r.path(), string(p.TargetPort), "%s leads to port %s of %s, which bypasses the sidecar: neither the mesh's authentication nor its authorisation holds for those who call it; %s",
				portOf(p), port, workloads, closeOff)
		})
	}
}

// portOf names a port of a Service.
func portOf(p servicePortView) string {
	if p.Name == "" {
		return fmt.Sprintf("port %d", p.Port)
	}
	return fmt.Sprintf("port %d (%s)", p.Port, p.Name)
}
