package lint

import "github.com/krm-bypass/krm-bypass/internal/traffic"

// sidecarEgress finds listeners of Sidecars that no connection reaches.
func sidecarEgress(j *judgement) {
	sidecarsOf := j.sidecarsOf()
	for _, group := range j.leaving() {
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
	var all scoped[*sidecar]
	for _, s := range viewed[sidecar](j.items) {
		all.add(j.namespace(s.Namespace), s.Spec.WorkloadSelector.Labels, s)
	}
	var mesh []*sidecar
	for _, root := range j.roots() {
		mesh = append(mesh, all.wide[root]...)
	}
	return func(w *Workload) []*sidecar {
		if own := all.selecting(w); len(own) > 0 {
			return own
		}
		if wide := all.wide[w.namespace]; len(wide) > 0 {
			return wide
		}
		return mesh
	}
}
