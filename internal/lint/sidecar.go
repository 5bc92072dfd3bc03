package lint

import "github.com/krm-bypass/krm-bypass/internal/traffic"

// sidecarEgress finds listeners of Sidecars that no connection reaches.
func sidecarEgress(j *judgement) {
	sidecarsOf := j.sidecarsOf()
	for _, group := range j.leaving {
		for _, w := range group.workloads {
			for _, s := range sidecarsOf(w) {
				for i, egress := range s.Spec.Egress {
					bind, _ := traffic.ParsePrefix(egress.Bind) // the zero prefix where there is none
					if port := egress.Port.Number; port != 0 && bypasses(group.settings, bind, port) {
						j.note(s.Object, s.Path("spec", "egress", i, "port", "number"), "", port).add("", w)
					}
				}
			}
		}
	}
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
