package lint

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/edit"
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
	p := &plain{j: j, peers: newPeers(j), pods: newScopedPods(j), meshed: map[*Workload]bool{}, namespaces: map[string]*namespace{}, left: map[*Workload][]*leftPeer{}}
	for _, n := range viewed[namespace](j.items) {
		p.namespaces[n.Name] = n
	}
	var left []*leftPeer
	for _, a := range viewed[peerAuthentication](j.items) {
		left = append(left, p.leftBy(a)...)
	}
	rules := disabling(j)
	for _, s := range viewed[service](j.items) {
		of := rules[hostOf(s.Name, j.namespace(s.Namespace))]
		if len(of) > 0 && s.Spec.Type != "ExternalName" && len(s.Spec.Selector) > 0 {
			p.byRules(s, of)
		}
	}
	for _, l := range left {
		p.byPeer(l)
	}
}

// plain is what is known of pods whose callers speak plain text.
type plain struct {
	j          *judgement
	peers      peers
	pods       map[label][]*Workload
	namespaces map[string]*namespace
	meshed     map[*Workload]bool
	// left are the entries of PeerAuthentications that are left over at a workload.
	left map[*Workload][]*leftPeer
}

// leftPeer is the entry of a PeerAuthentication for a port that bypasses nowhere any more.
type leftPeer struct {
	*peerAuthentication
	level string
	port  uint16
	pods  []*Workload
	// needed says that other ports need the object.
	needed bool
	// rules are the DestinationRules by which callers break where the entry goes first.
	rules []string
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

// selected gives the pods of a namespace that have all of the labels, none where one of them
// is not in the mesh.
func (p *plain) selected(inNamespace string, labels map[string]string) []*Workload {
	inNamespace = p.j.namespace(inNamespace)
	key := slices.Min(keysOf(labels))
	found := having(p.pods[label{inNamespace, key, labels[key]}], labels)
	n := p.namespaces[inNamespace]
	for _, w := range found {
		if _, known := p.meshed[w]; !known {
			p.meshed[w] = !w.outside
			if n != nil && !w.outside {
				reason, _ := p.j.unmeshed(n, w)
				p.meshed[w] = reason == ""
			}
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

// level is the place of the port's own entry that says the mode, -1 where the rule says it for
// the whole host.
func (d *destinationRule) level(port uint16) int {
	return slices.IndexFunc(d.Spec.TrafficPolicy.PortLevelSettings, func(l portLevel) bool { return l.Port.Number == port && l.TLS != nil })
}

// disabledAt is the path of the mode that the rule says for a port.
func (d *destinationRule) disabledAt(port uint16) edit.Path {
	if i := d.level(port); i >= 0 {
		return d.Path("spec", "trafficPolicy", "portLevelSettings", i, "tls")
	}
	return d.Path("spec", "trafficPolicy", "tls")
}

// byRules tells of rules for the ports of a Service.
func (p *plain) byRules(s *service, rules []*destinationRule) {
	pods := p.selected(s.Namespace, s.Spec.Selector)
	plain := func(port servicePortView) bool {
		return port.isTCP() && slices.ContainsFunc(pods, func(w *Workload) bool { return w.mayBypass(port.among(w.ports)) })
	}
	for _, d := range rules {
		needed := slices.DeleteFunc(slices.Clone(s.Spec.Ports), func(port servicePortView) bool { return !plain(port) || !d.disables(port.Port, rules) })
		ofHost := slices.ContainsFunc(needed, func(port servicePortView) bool { return d.level(port.Port) < 0 })
		for _, port := range s.Spec.Ports {
			if port.isTCP() && !plain(port) && d.disables(port.Port, rules) && (d.level(port.Port) >= 0 || !ofHost) {
				p.byRule(s, port, pods, d, len(needed) > 0)
			}
		}
	}
}

// byRule tells of one rule for a port of a Service. needed says that other ports need it.
func (p *plain) byRule(s *service, port servicePortView, pods []*Workload, d *destinationRule, needed bool) {
	refused, open := overs{}, overs{}
	var beside []*leftPeer
	for _, w := range pods {
		target := port.among(w.ports)
		if target == 0 {
			return
		}
		o := over{port: target, through: ", by " + portOf(port) + " of " + s.ID(), remedy: remedy(needed), accepted: w.acceptance(target)}
		left, applied := p.leftAt(w, target)
		if len(left) > 0 {
			peers := some(idsOf(left))
			o.because, o.remedy = "without "+peers+" ", o.remedy+", before "+peers
		}
		switch decisions := applied.decide(target); {
		case only(decisions, strict):
			o.because += "the sidecar refuses the plain text that callers in the mesh speak by this object, because " + decisions[0].by.ID() + " is " + strict + " there"
			refused.add(o, w)
		case !slices.ContainsFunc(decisions, func(d decision) bool { return d.mode == disable }):
			o.because = "by this object callers in the mesh speak plain text to it, which the sidecar refuses where mTLS is " + strict
			open.add(o, w)
		default:
			continue
		}
		beside = append(beside, left...)
	}
	if len(refused) == 0 && isAddedFor(s.Name, d.Name) {
		refused = open
	}
	if len(refused) == 0 {
		return
	}
	for _, l := range beside {
		l.rules = append(l.rules, d.ID())
	}
	p.tell(d.Object, d.disabledAt(port.Port), refused)
}

// leftBy gives the ports for which an object that was proposed for a workload says DISABLE.
func (p *plain) leftBy(a *peerAuthentication) []*leftPeer {
	if !strings.HasSuffix(a.Name, addedFor) || len(a.selects()) == 0 {
		return nil
	}
	var all []*leftPeer
	pods, others := p.selected(a.Namespace, a.selects()), false
	for _, level := range slices.Sorted(maps.Keys(a.Spec.PortLevelMtls)) {
		port, err := strconv.ParseUint(level, 10, 16)
		l := &leftPeer{peerAuthentication: a, level: level, port: uint16(port), pods: pods}
		if err != nil || a.Spec.PortLevelMtls[level].Mode != disable || slices.ContainsFunc(pods, func(w *Workload) bool { return w.mayBypass(l.port) || !isAddedFor(w.Name, a.Name) }) {
			others = true
			continue
		}
		all = append(all, l)
		for _, w := range pods {
			p.left[w] = append(p.left[w], l)
		}
	}
	for _, l := range all {
		l.needed = others
	}
	return all
}

// leftAt gives what is left over at a port of a workload, and the PeerAuthentications that
// apply to it without that.
func (p *plain) leftAt(w *Workload, port uint16) (left []*leftPeer, applied applied) {
	applied = p.peers.applied(w)
	for _, l := range p.left[w] {
		i := slices.Index(applied.workload, l.peerAuthentication)
		if l.port != port || i < 0 {
			continue
		}
		without := *l.peerAuthentication
		without.Spec.PortLevelMtls = maps.Clone(without.Spec.PortLevelMtls)
		delete(without.Spec.PortLevelMtls, l.level)
		left, applied.workload = append(left, l), slices.Clone(applied.workload)
		applied.workload[i] = &without
	}
	return left, applied
}

// byPeer tells of the entry of a PeerAuthentication.
func (p *plain) byPeer(l *leftPeer) {
	at := overs{}
	for _, w := range l.pods {
		o := over{port: l.port, because: "by this object it takes plain text from anyone", remedy: remedy(l.needed), accepted: w.acceptance(l.port)}
		if len(l.rules) > 0 {
			o.remedy += ", after " + some(l.rules)
		}
		at.add(o, w)
	}
	p.tell(l.Object, l.Path("spec", "portLevelMtls", l.level), at)
}

// over is what there is to say of some workloads with an object that is left over.
type over struct {
	port uint16
	// through is the port of the Service that leads to it, because says what is wrong, and
	// remedy what to do, and before or after what.
	through, because, remedy string
	accepted                 *transform.Acceptance
}

// remedy says what to do with an object, which other ports may need.
func remedy(needed bool) string {
	if needed {
		return "take the port out of this object, which other ports need"
	}
	return "delete this object if it was for a bypass that is gone, or take the port out of it"
}

type overs map[over]*crowd

func (o overs) add(said over, w *Workload) {
	if o[said] == nil {
		o[said] = &crowd{}
	}
	o[said].add(w)
}

// tell tells of an object, what nothing accepts first.
func (p *plain) tell(about *transform.Object, path edit.Path, all overs) {
	accepted := func(o over) string {
		if o.accepted == nil {
			return ""
		}
		return o.accepted.Path
	}
	for _, o := range slices.SortedFunc(maps.Keys(all), func(a, b over) int {
		return cmp.Or(cmp.Compare(accepted(a), accepted(b)), cmp.Compare(a.port, b.port), cmp.Compare(a.because, b.because))
	}) {
		port := portOf(servicePortView{Port: o.port})
		f := p.j.find(about, path, "", port+o.through, all[o].String(), o.because, o.remedy)
		f.Finding, f.Workloads, f.Ports = f.AcceptedBy(o.accepted), all[o].all(), portsIn(port)
	}
}
