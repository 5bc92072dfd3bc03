package inventory

import (
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
			for _, f := range (&transform.Policy{Mesh: m, Kinds: transform.Kinds}).Plan(w.Workload).Findings {
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
