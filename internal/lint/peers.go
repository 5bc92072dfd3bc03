package lint

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// The modes of a PeerAuthentication. A mode that is not set is that of the
// broader scope, and without any it is PERMISSIVE.
const (
	strict     = "STRICT"
	disable    = "DISABLE"
	permissive = "PERMISSIVE"
	unset      = "UNSET"
)

// peers finds the PeerAuthentications of a workload, by the rules of istio/istio
// pilot/pkg/security/authn/policy_applier.go, ComposePeerAuthentication: one with
// a selector that matches the pods, else the namespace's, else the mesh's, of
// each only the oldest.
type peers struct{ *scoped[*peerAuthentication] }

func newPeers(j *judgement) peers {
	return peers{newScoped(j, slices.DeleteFunc(viewed[peerAuthentication](j.items), func(one *peerAuthentication) bool {
		// A root namespace's selector selects nothing.
		return len(one.selects()) > 0 && slices.Contains(j.roots, j.namespace(one.Namespace))
	}))}
}

// applied are the PeerAuthentications that may count for one workload, of each
// scope.
type applied struct{ workload, namespace, mesh []*peerAuthentication }

func (p peers) applied(w *Workload) applied {
	selecting, wide, mesh := p.of(w)
	return applied{oldest(selecting), oldest(wide), oldest(mesh)}
}

// oldest gives the one that Istio takes, or all of them where the manifests do
// not say when they were created (sortConfigByCreationTime in istio/istio
// pilot/pkg/model/config.go).
func oldest(rivals []*peerAuthentication) []*peerAuthentication {
	sorted := slices.SortedFunc(slices.Values(rivals), func(a, b *peerAuthentication) int {
		return cmp.Or(cmp.Compare(a.Metadata.CreationTimestamp, b.Metadata.CreationTimestamp), cmp.Compare(a.ID(), b.ID()))
	})
	if len(sorted) > 1 && sorted[0].Metadata.CreationTimestamp != "" {
		return sorted[:1]
	}
	return sorted
}

// parts divides ports by who may decide about them: the same PeerAuthentication
// about all of a part.
func (a applied) parts(ports traffic.Ports) []traffic.Ports {
	var named traffic.Ports
	for _, one := range a.workload {
		named = named.Union(portSet(keysOf(one.Spec.PortLevelMtls)))
	}
	named = named.Intersect(ports)
	var parts []traffic.Ports
	for port := range named.Numbers(traffic.TCP) {
		parts = append(parts, traffic.SinglePorts(traffic.TCP, port))
	}
	if rest := ports.Without(named); !rest.IsEmpty() {
		parts = append(parts, rest)
	}
	return parts
}

// decision is what may hold for a port.
type decision struct {
	mode string
	// by is nil where no PeerAuthentication says it, and port is the entry of
	// its portLevelMtls that does, "" for another field.
	by   *peerAuthentication
	port string
	// rivals are those of which only the oldest counts, by among them.
	rivals []*peerAuthentication
}

// decide gives the mode of a port, or several where it depends on which
// PeerAuthentication is the oldest.
func (a applied) decide(port uint16) []decision {
	decisions := []decision{{mode: permissive}}
	for _, scope := range []struct {
		all  []*peerAuthentication
		port string
	}{{a.mesh, ""}, {a.namespace, ""}, {a.workload, strconv.Itoa(int(port))}} {
		var narrower []decision
		for _, one := range scope.all {
			switch level, mode := one.Spec.PortLevelMtls[scope.port].Mode, one.Spec.Mtls.Mode; {
			case scope.port != "" && level != "" && level != unset:
				narrower = append(narrower, decision{level, one, scope.port, scope.all})
			case mode != "" && mode != unset:
				narrower = append(narrower, decision{mode, one, "", scope.all})
			default:
				narrower = append(narrower, decisions...)
			}
		}
		if len(scope.all) > 0 {
			decisions = narrower
		}
	}
	return decisions
}

// seen gives the modes that callers go by: of a headless Service they see those
// of the namespace and the mesh alone.
func (a applied) seen(r reached) []decision {
	if r.service.headless() {
		a.workload = nil
	}
	return a.decide(r.port)
}

// only reports whether all decisions are of the mode.
func only(decisions []decision, mode string) bool {
	return !slices.ContainsFunc(decisions, func(d decision) bool { return d.mode != mode })
}
