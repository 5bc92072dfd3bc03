package lint

import (
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// sidecarEgress finds listeners of Sidecars that no connection reaches.
func sidecarEgress(j *judgement) {
	sidecarsOf := j.sidecarsOf()
	for _, group := range j.leaving {
		for _, w := range group.workloads {
			for _, s := range sidecarsOf(w) {
				for i, egress := range s.Spec.Egress {
					bind, _ := traffic.ParsePrefix(egress.Bind) // the zero prefix where there is none
					if port := egress.Port.Number; port != 0 && exposes(egress.Hosts) && bypasses(group.settings, bind, port) {
						j.note(s.Object, s.Path("spec", "egress", i, "port", "number"), "", port).add("", w)
					}
				}
			}
		}
	}
}

// exposes reports whether a listener exposes anything at all. A host whose namespace
// begins with "~" is taken away from what the others expose, and alone "~" stands for any
// namespace (istio/istio pilot/pkg/model/sidecar.go, convertIstioListenerToWrapper); to
// versions before that one it is a namespace without services. Where nothing is left,
// Istio makes no listener.
func exposes(hosts []string) bool {
	var taken []string
	for _, host := range hosts {
		if namespaced, excluded := strings.CutPrefix(host, "~"); excluded {
			taken = append(taken, namespaced)
		}
	}
	return len(hosts) == 0 || slices.ContainsFunc(hosts, func(host string) bool {
		return !strings.HasPrefix(host, "~") && !slices.ContainsFunc(taken, func(by string) bool { return takes(by, host) })
	})
}

// takes reports whether what is taken away covers a host.
func takes(taken, host string) bool {
	from, name, _ := strings.Cut(taken, "/")
	namespace, exposed, _ := strings.Cut(host, "/")
	suffix, wild := strings.CutPrefix(name, "*")
	return (from == "" || from == "*" || from == namespace) && (name == exposed || wild && strings.HasSuffix(exposed, suffix))
}

// sidecarsOf gives the Sidecars that may count for a workload: those that select
// it, else the namespace's, else the mesh's (istio/istio
// pilot/pkg/model/push_context.go, getSidecarScope).
func (j *judgement) sidecarsOf() func(*Workload) []*sidecar {
	all := newScoped(j, viewed[sidecar](j.items))
	return func(w *Workload) []*sidecar {
		selecting, wide, mesh := all.of(w)
		for _, scope := range [][]*sidecar{selecting, wide} {
			if len(scope) > 0 {
				return scope
			}
		}
		return mesh
	}
}
