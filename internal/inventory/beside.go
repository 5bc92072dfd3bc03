package inventory

import (
	"slices"

	"github.com/krm-bypass/krm-bypass/internal/bystander"
	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// lookBeside notes the annotations of a mesh on objects that are no workloads, where it
// does not read them or in pod templates of kinds that krm-bypass does not know.
func (s *survey) lookBeside(o resource) {
	if o.Kind == "" || bystander.IsSilent(o.Type) || transform.IsKnown(o.Type) {
		return
	}
	pods, marked := bystander.In(o.Value, mesh.IsTraffic)
	for _, place := range pods {
		marked = append(marked, append(place.Path, "metadata", "annotations"))
	}
	s.besideAt(o, edit.Path{"metadata", "annotations"}, func(m *mesh.Mesh) string {
		if m.ReadElsewhere(o.group, o.Kind) {
			return ""
		}
		return "not imported, since " + m.Name + " reads this annotation only " + m.ReadsIn() + ": write it in the pod template that it is meant for, or in a rule of the ClusterBypass"
	})
	for _, path := range marked {
		s.besideAt(o, path, func(*mesh.Mesh) string {
			return "left as it is, since krm-bypass does not know this kind: if its pods get this annotation, name its pod template in spec.podTemplates, and say in a rule what should bypass"
		})
	}
}

func (s *survey) besideAt(o resource, path edit.Path, says func(*mesh.Mesh) string) {
	for e := range o.At(path...).Entries() {
		if m := mesh.ReaderOf(e.Key); m != nil && says(m) != "" {
			s.beside = append(s.beside, o.in.problem(o.id(), o.path(append(slices.Clone(path), e.Key)...), "%s", says(m)))
		}
	}
}
