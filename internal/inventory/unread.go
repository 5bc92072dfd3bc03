package inventory

import (
	"maps"
	"slices"

	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// unreadKinds are the kinds of what a mesh does not read, or not as it is meant.
var unreadKinds = []*finding.Kind{finding.UnknownAnnotation, finding.MisplacedAnnotation, finding.UnreadableAnnotation}

// unread tells of keys on workloads that the mesh to which they belong does not read as
// they stand there, which may be why there is nothing to import. Where something is
// imported, verify does so.
func (s *survey) unread() {
	for _, w := range s.workloads {
		for _, m := range mesh.All() {
			policy := &transform.Policy{Mesh: m}
			s.unsayable(policy, w.annotations, w.TemplateAnnotations)
			for _, f := range policy.Plan(w.Workload).Findings {
				if !slices.Contains(unreadKinds, f.Kind) || len(f.Path) == 0 {
					continue
				}
				if key, is := f.Path[len(f.Path)-1].(string); is && m.Owns(key) {
					s.warn(w.in.problem(w.id(), f.Path, "%s", f.Message))
				}
			}
		}
	}
}

// unimportable tells of what the meshes' own configurations say and no spec can.
func (s *survey) unimportable() {
	for _, st := range s.stated {
		if st.why != "" {
			s.warn(st.problem("not imported: %s", st.why))
		}
	}
}

// unsayable tells of annotations by which the mesh lets traffic bypass too and which no
// field of a ClusterBypass can say.
func (s *survey) unsayable(policy *transform.Policy, at annotations, values map[string]string) {
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if policy.Mesh.ReadsAnnotation(key) && policy.Opens(key, values[key]) {
			on, judged := policy.Mesh, "limits judge it"
			other, _ := on.Other(key)
			if !other.ReadOn(mesh.Sidecar) {
				on = on.On(mesh.Ambient)
			}
			if other.Spares {
				judged = "limits.meshOptOut judges it"
			}
			s.warn(at.problem(key, "left as it is: traffic may bypass %s of %s by it, and no field of a ClusterBypass says this; krm-bypass explain counts it, and %s", on.Proxy(), on.Name, judged))
		}
	}
}
