package inventory

import (
	"fmt"
	"slices"
	"strings"

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
	for _, held := range bystander.ValuesIn(o.Type, o.Value) { // of these, search tells
		marked = slices.DeleteFunc(marked, func(path edit.Path) bool {
			return len(path) >= len(held.Path) && slices.Equal(path[:len(held.Path)], held.Path)
		})
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

// onPodsOfCharts tells of annotations among Helm values, or in a kustomization without
// a kind, once for what one file or object holds.
func (s *survey) onPodsOfCharts(v values, keys []edit.Path) {
	if len(keys) == 0 {
		return
	}
	does := "a chart puts it on pods: render the chart and import what it prints, as in helm template NAME CHART --values FILE | krm-bypass import -"
	if keys[0][0] == "commonAnnotations" {
		does = "kustomize puts it on objects: import the folder of the kustomization"
	}
	p := v.resource.in.problem(v.id(), slices.Concat(v.at, keys[0]), "")
	if v.isText { // lines of what a text holds are not known
		p = v.resource.in.problem(v.id(), v.at, "")
		p.Path += " → " + keys[0].String()
	}
	var lines []string
	last := p.Line
	for _, key := range keys[1:] {
		if line := v.resource.in.problem("", slices.Concat(v.at, key), "").Line; !v.isText && line != last {
			lines, last = append(lines, fmt.Sprintf("line %d", line)), line
		}
	}
	also := ""
	switch {
	case len(lines) > 0:
		also = " (the same at " + strings.Join(lines, ", ") + ")"
	case len(keys) > 1:
		also = fmt.Sprintf(" (the first of %d there)", len(keys))
	}
	p.Message = "not imported" + also + ": " + does
	s.beside = append(s.beside, p)
}
