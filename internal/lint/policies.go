package lint

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// strictMTLS finds PeerAuthentications that ask for mTLS at a port where nothing
// enforces it any more.
func strictMTLS(j *judgement) {
	peers := newPeers(j)
	for _, w := range j.opening.workloads {
		applied := peers.applied(w)
		for _, ports := range applied.parts(w.inbound) {
			for _, d := range applied.decide(ports.Ranges(traffic.TCP)[0].First) {
				if d.by == nil || d.mode != strict {
					continue
				}
				path := d.by.Path("spec", "mtls", "mode")
				if d.port != "" {
					path = d.by.Path("spec", "portLevelMtls", d.port, "mode")
				}
				n := j.note(d.by.Object, path, strict, "")
				n.add(portsOf(ports), w)
				// One that stands there twice is that of two overlays, and no cluster has both.
				if rivals := slices.Compact(slices.Sorted(slices.Values(idsOf(d.rivals)))); len(rivals) > 1 {
					n.more[0] = ", if this one counts: only the oldest of " + some(rivals) + " does"
				}
			}
		}
	}
}

// authorization finds AuthorizationPolicies that speak of a port at which nobody
// asks them.
func authorization(j *judgement) {
	for _, p := range viewed[authorizationPolicy](j.items) {
		if p.Spec.toGateway() || p.Spec.Action == audit {
			continue
		}
		n := j.note(p.Object, p.Path("spec"), "", cmp.Or(p.Spec.Action, allow))
		if p.aboutAll() {
			n.known = j.openTo(p.Namespace, p.Spec.Selector)
			continue
		}
		for _, w := range j.governed(p.Namespace, p.Spec.Selector) {
			if ports := p.about(w.inbound); !ports.IsEmpty() {
				n.add(portsOf(ports), w)
			}
		}
		j.conclude()
	}
}

// An audit policy keeps nobody out.
const (
	allow = "ALLOW"
	audit = "AUDIT"
)

// aboutAll says that the policy would say something of every port if it were
// asked: an ALLOW policy refuses what none of its rules names.
func (p *authorizationPolicy) aboutAll() bool { return cmp.Or(p.Spec.Action, allow) == allow }

// about gives those of the ports of which another policy would say something.
func (p *authorizationPolicy) about(ports traffic.Ports) traffic.Ports {
	var about traffic.Ports
	for _, rule := range p.Spec.Rules {
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

// requestAuthentication finds RequestAuthentications whose workloads have ports
// at which no token is looked at.
func requestAuthentication(j *judgement) {
	for _, r := range viewed[requestAuthenticationObject](j.items) {
		if r.Spec.toGateway() || len(r.Spec.JwtRules) == 0 {
			continue
		}
		j.note(r.Object, r.Path("spec", "jwtRules"), "").known = j.openTo(r.Namespace, r.Spec.Selector)
	}
}

// openTo gives what there is to say of the ports at which nobody asks a policy.
func (j *judgement) openTo(namespace string, by selector) []saying {
	key := fmt.Sprint(j.namespace(namespace), by.MatchLabels)
	known, done := j.open[key]
	if !done {
		said := tally{}
		for _, w := range j.governed(namespace, by) {
			said.add(portsOf(w.inbound), w)
		}
		known = said.sayings()
		j.open[key] = known
	}
	return known
}

// governed gives the workloads that a policy with a selector governs: those of
// its namespace, or of all from the root namespace
// (istio/istio pilot/pkg/model/policyattachment.go).
func (j *judgement) governed(namespace string, by selector) []*Workload {
	namespace = j.namespace(namespace)
	if slices.Contains(j.roots, namespace) {
		return j.opening.selectedAnywhere(by.MatchLabels)
	}
	return j.opening.selected(namespace, by.MatchLabels)
}

// namespace gives the namespace of an object as the workloads have theirs.
func (j *judgement) namespace(named string) string { return cmp.Or(named, j.linter.policy.Namespace) }

// defaultRoot is Istio's root namespace where its MeshConfig names none.
const defaultRoot = "istio-system"

// rootsOf gives the root namespaces of the meshes that the items configure.
func rootsOf(items Items) []string {
	var roots []string
	for _, m := range viewed[meshConfig](items) {
		if m.RootNamespace != "" {
			roots = append(roots, m.RootNamespace)
		}
	}
	if roots == nil {
		return []string{defaultRoot}
	}
	slices.Sort(roots)
	return slices.Compact(roots)
}
