package lint

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// addedFor ends the names of the objects that autoMTLS proposes.
const addedFor = "-bypass"

// isAddedFor reports whether an object has the name of one that was proposed for a Service or
// a workload. A namePrefix may stand before it.
func isAddedFor(of, name string) bool {
	return strings.HasSuffix("-"+name, "-"+strings.TrimSuffix(of, "-")+addedFor)
}

// plainText finds what has callers speak plain text to a port that bypasses the sidecar no
// more, as what autoMTLS proposes does when its bypass is gone.
//
// By a DestinationRule with the TLS mode DISABLE they speak it, and a sidecar for which a
// PeerAuthentication says STRICT refuses it (istio/istio.io
// content/en/docs/ops/common-problems/network-issues, "503 errors after setting destination
// rule"; istio/api security/v1beta1/peer_authentication.proto). Without STRICT there is
// something to say only of an object that was proposed for a bypass: whoever wrote another
// may have meant it.
func plainText(j *judgement) {
	p := &plain{j: j, peers: newPeers(j), applied: map[*Workload]applied{}, meshed: map[*Workload]bool{}}
	p.namespaces = map[string]*namespace{}
	for _, n := range viewed[namespace](j.items) {
		p.namespaces[n.Name] = n
	}
	p.pods = newScopedPods(j)
	rules := disabling(j)
	for _, s := range viewed[service](j.items) {
		if s.Spec.Type == "ExternalName" || len(s.Spec.Selector) == 0 {
			continue
		}
		of := rules[hostOf(s.Name, j.namespace(s.Namespace))]
		for _, port := range s.Spec.Ports {
			p.byRules(s, port, slices.DeleteFunc(slices.Clone(of), func(d *destinationRule) bool { return !d.disables(port.Port, of) }))
		}
	}
	for _, a := range viewed[peerAuthentication](j.items) {
		p.byPeers(a)
	}
}

// plain is what is known of pods whose callers speak plain text.
type plain struct {
	j          *judgement
	peers      peers
	pods       map[label][]*Workload
	namespaces map[string]*namespace
	applied    map[*Workload]applied
	meshed     map[*Workload]bool
}

// newScopedPods gives the pods of each namespace by each of their labels.
func newScopedPods(j *judgement) map[label][]*Workload {
	all := map[label][]*Workload{}
	for _, w := range j.workloads {
		namespace := j.namespace(w.namespace)
		for _, l := range w.labels {
			at := label{namespace, l.key, l.value}
			all[at] = append(all[at], w)
		}
	}
	return all
}

// selected gives the pods of a namespace that have all of the labels, if the mesh has all of
// them for sure.
func (p *plain) selected(inNamespace string, labels map[string]string) []*Workload {
	inNamespace = p.j.namespace(inNamespace)
	key := slices.Min(keysOf(labels))
	found := having(p.pods[label{inNamespace, key, labels[key]}], labels)
	n := p.namespaces[inNamespace]
	if n == nil {
		return found
	}
	for _, w := range found {
		if _, known := p.meshed[w]; !known {
			reason, _ := p.j.unmeshed(n, w)
			p.meshed[w] = reason == ""
		}
		if !p.meshed[w] {
			return nil
		}
	}
	return found
}

// disabling gives the DestinationRules that say DISABLE for one Service, by its host. Where
// subsets have policies of their own, routes decide which counts.
func disabling(j *judgement) map[string][]*destinationRule {
	all := map[string][]*destinationRule{}
	for _, d := range viewed[destinationRule](j.items) {
		ofSubset := slices.ContainsFunc(d.Spec.Subsets, func(s subset) bool { return bool(s.TrafficPolicy) })
		if !strings.HasPrefix(d.Spec.Host, "*") && !ofSubset {
			host := hostOf(d.Spec.Host, j.namespace(d.Namespace))
			all[host] = append(all[host], d)
		}
	}
	return all
}

// disables reports whether callers speak plain text to a port by the rule, and no other rule
// beside it says otherwise.
func (d *destinationRule) disables(port uint16, of []*destinationRule) bool {
	mode, said := d.mode(port)
	return said && mode == disable && !slices.ContainsFunc(of, func(other *destinationRule) bool {
		mode, said := other.mode(port)
		return other.Namespace == d.Namespace && said && mode != disable
	})
}

// disabledAt is the path of the mode that the rule says for a port.
func (d *destinationRule) disabledAt(port uint16) edit.Path {
	i := slices.IndexFunc(d.Spec.TrafficPolicy.PortLevelSettings, func(l portLevel) bool { return l.Port.Number == port && l.TLS != nil })
	if i >= 0 {
		return d.Path("spec", "trafficPolicy", "portLevelSettings", i, "tls")
	}
	return d.Path("spec", "trafficPolicy", "tls")
}

// byRules tells of rules for a port of a Service.
func (p *plain) byRules(s *service, port servicePortView, rules []*destinationRule) {
	if len(rules) == 0 || port.Protocol != "" && port.Protocol != "TCP" {
		return
	}
	refused, open := tally{}, tally{}
	for _, w := range p.selected(s.Namespace, s.Spec.Selector) {
		target := port.among(w.ports)
		if target == 0 || w.inbound.Contains(traffic.TCP, target) {
			return // it has to be so for these
		}
		at := portOf(port) + " of " + s.ID()
		switch decisions := p.decide(w, target); {
		case only(decisions, strict):
			refused.of(at + "\x00" + decisions[0].by.ID()).add(w)
		case !slices.ContainsFunc(decisions, func(d decision) bool { return d.mode == disable }):
			open.add(at, w)
		}
	}
	for _, d := range rules {
		for said, by := range refused {
			at, strictly, _ := strings.Cut(said, "\x00")
			p.tell(d.Object, d.disabledAt(port.Port), at, by, fmt.Sprintf("the sidecar refuses the plain text that callers in the mesh speak by this object, because %s is %s there", strictly, strict))
		}
		if len(refused) == 0 && isAddedFor(s.Name, d.Name) {
			for at, of := range open {
				p.tell(d.Object, d.disabledAt(port.Port), at, of, "by this object callers in the mesh speak plain text to it, which the sidecar refuses where mTLS is "+strict)
			}
		}
	}
}

// byPeers tells of ports for which an object that was proposed for a workload says DISABLE.
func (p *plain) byPeers(a *peerAuthentication) {
	if !strings.HasSuffix(a.Name, addedFor) || len(a.selects()) == 0 {
		return
	}
	workloads := p.selected(a.Namespace, a.selects())
	for _, level := range slices.Sorted(slices.Values(keysOf(a.Spec.PortLevelMtls))) {
		port, err := strconv.ParseUint(level, 10, 16)
		if err != nil || a.Spec.PortLevelMtls[level].Mode != disable {
			continue
		}
		of := &crowd{}
		for _, w := range workloads {
			if w.inbound.Contains(traffic.TCP, uint16(port)) || !isAddedFor(w.Name, a.Name) {
				of = &crowd{}
				break
			}
			of.add(w)
		}
		if len(of.first) > 0 {
			p.tell(a.Object, a.Path("spec", "portLevelMtls", level), "port "+level, of, "by this object it takes plain text from anyone")
		}
	}
}

func (p *plain) decide(w *Workload, port uint16) []decision {
	if _, known := p.applied[w]; !known {
		p.applied[w] = p.peers.applied(w)
	}
	return p.applied[w].decide(port)
}

func (p *plain) tell(about *transform.Object, path edit.Path, at string, of *crowd, then string) {
	p.j.find(about, path, "", at, of.String(), then)
}
