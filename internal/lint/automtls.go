package lint

import (
	"maps"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// autoMTLS finds ports of Services to which the callers' sidecars speak mTLS
// although no sidecar terminates it any more.
//
// A caller's sidecar looks at the DestinationRule of the Service; without a TLS
// mode there it speaks mTLS to every pod that has a sidecar, unless a
// PeerAuthentication says DISABLE for the port (istio/istio
// pilot/pkg/xds/endpoints/mtls_checker.go). For a headless Service it asks the
// PeerAuthentications of the namespace and the mesh alone
// (BestEffortInferServiceMTLSMode in pilot/pkg/model/push_context.go), so that
// one for a port mends nothing there. Which ports a pod leaves out of its
// redirection it never knows.
func autoMTLS(j *judgement) {
	for _, m := range viewed[meshConfig](j.items) {
		if m.EnableAutoMtls != nil && !*m.EnableAutoMtls {
			return
		}
	}
	t := &mtls{peers: newPeers(j), rules: newRules(j), broken: map[*Workload]*broken{}, mend: mending{}}
	j.reaching(func(w *Workload, r reached) {
		if mode, said := w.labels.value(tlsModeLabel); !said || mode == mutual {
			t.judge(w, r)
		}
	})
	for w, b := range t.broken {
		b.changes = map[*Workload]map[*change]bool{}
		for _, member := range w.members {
			b.changes[member] = t.changes(member, b)
		}
	}
	// Each change is shown with all that it mends.
	for w, b := range t.broken {
		for _, member := range w.members {
			t.report(j, member, b)
		}
	}
}

// tlsModeLabel is on every pod with a sidecar, as "istio" where its template does
// not say otherwise (istio/istio
// manifests/charts/istio-control/istio-discovery/files/injection-template.yaml).
const (
	tlsModeLabel = "security.istio.io/tlsMode"
	mutual       = "istio"
)

// mtls is what is known of the connections that break.
type mtls struct {
	peers  peers
	rules  *rules
	broken map[*Workload]*broken
	mend   mending
}

// broken is a workload with connections that break.
type broken struct {
	ports traffic.Ports
	// through are the ports of Services by which they come.
	through crowd
	// rules are changes of rules that mend it, peers the ports that a
	// PeerAuthentication mends and have those that may.
	rules map[*change]bool
	peers traffic.Ports
	have  []*peerAuthentication
	// changes mend it, by workload.
	changes map[*Workload]map[*change]bool
}

// judge notes whether the callers of a port break on it.
func (t *mtls) judge(w *Workload, r reached) {
	rules := t.rules.of(r.service)
	forced, other := t.rules.modes(rules, r)
	if other && len(forced) == 0 {
		return // plain text, or a TLS that the application itself may speak
	}
	applied := t.peers.applied(w)
	if len(forced) == 0 && only(applied.seen(r), disable) {
		return
	}
	b := t.broken[w]
	if b == nil {
		b = &broken{rules: map[*change]bool{}}
		t.broken[w] = b
	}
	b.ports = b.ports.Union(traffic.SinglePorts(traffic.TCP, r.port))
	b.through.name(portOf(r.view()) + " of " + r.service.ID())
	switch {
	case len(forced) > 0:
		rules = forced
	case !r.service.headless() && len(w.labels) > 0:
		b.peers, b.have = b.peers.Union(traffic.SinglePorts(traffic.TCP, r.port)), applied.workload
		return
	}
	for _, c := range t.mend.rules(r, rules, t.rules.missing) {
		b.rules[c] = true
	}
}

// changes gives what mends the connections of one workload.
func (t *mtls) changes(w *Workload, b *broken) map[*change]bool {
	all := maps.Clone(b.rules)
	for port := range b.peers.Numbers(traffic.TCP) {
		for _, c := range t.mend.peers(w, port, b.have) {
			all[c] = true
		}
	}
	return all
}

func (t *mtls) report(j *judgement, w *Workload, b *broken) {
	by := traffic.ExcludeInboundPorts
	if w.settings.ExcludeInboundPorts.Intersect(b.ports).IsEmpty() {
		by = traffic.IncludeInboundPorts
	}
	key, _ := j.linter.policy.Mesh.Key(by)
	changes := slices.SortedFunc(maps.Keys(b.changes[w]), func(a, c *change) int { return strings.Compare(a.ID(), c.ID()) })
	var remedies, documents []string
	for _, c := range changes {
		if remedy := c.remedy(w); !slices.Contains(remedies, remedy) {
			remedies = append(remedies, remedy)
		}
		documents = append(documents, c.document())
	}
	one := b.ports.Count(traffic.TCP) == 1
	f := j.find(w.Object, w.annotation(key.Annotation), "",
		portsOf(b.ports), b.through.String(), verb(one, "it bypasses", "they bypass"), strings.Join(remedies, "; "))
	f.Ports = portsIn(portsOf(b.ports))
	f.Proposed = strings.Join(documents, "---\n")
}
