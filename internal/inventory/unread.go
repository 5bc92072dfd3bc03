package inventory

import (
	"maps"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/edit"
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
	for _, m := range mesh.All() {
		s.common(&transform.Policy{Mesh: m})
	}
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

// common tells of what objects of the mesh say for many pods and no field of a ClusterBypass
// can: what an annotation of theirs could say too, and how the mesh intercepts at all.
func (s *survey) common(policy *transform.Policy) {
	for _, o := range s.others {
		row, is := policy.Mesh.CommonIn(o.group, o.Kind, o.name)
		if !is {
			continue
		}
		if row.As == "" {
			for _, f := range policy.Mesh.Config.Fields {
				if at := o.Below(f.Path...); f.Value != "" && at.Text() == f.Value || f.Value == "" && at.Len() > 0 {
					s.warn(o.in.problem(o.id(), o.path(edit.Keys(f.Path)...), "not imported: %s", f.Says))
				}
			}
			continue
		}
		v := values{resource: o, in: o.Value, at: o.Path}
		found, is := s.inText(v, edit.Keys(row.Document))
		said := found.in.Below(row.At...)
		if !is || !said.Exists() {
			continue
		}
		if text, err := yaml.Marshal(said.Node()); err == nil && policy.Opens(row.As, string(text)) {
			at := found.at
			if !found.isText {
				at = slices.Concat(at, edit.Keys(row.At))
			}
			s.warn(o.in.problem(o.id(), at, "not imported: traffic may bypass the sidecars of many pods by what it says, as by their %s, and no field of a ClusterBypass says this; krm-bypass explain counts it", row.As))
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
