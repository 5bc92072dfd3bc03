package transform

import (
	"fmt"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/spelling"
)

// annotated is a place on a workload where annotations stand.
type annotated struct {
	// path leads to the annotations, relative to the workload.
	path        edit.Path
	annotations map[string]string
}

// reportSlips warns of annotations that were meant to bypass the sidecar and
// that the mesh does not read: misspelt ones, another mesh's, and those that
// stand above the pod template. Nothing else tells their writer: the mesh sees
// pods alone, and ignores there what it does not know.
//
// It does so whether the policy speaks of the workload or not, but only where
// the mesh has a say.
func (p *Policy) reportSlips(w *Workload, was *prior, plan *Plan) {
	if !p.concerned(w, was) {
		return
	}
	template := append(edit.Path(steps(w.kind.Template)), "metadata", "annotations")
	for _, s := range p.Mesh.Slips(was.annotations) {
		if _, stands := was.annotations[s.Meant]; stands && s.Reader != nil {
			continue // it is written for both meshes
		}
		plan.warn(unread(s), w.Path(append(template, s.Annotation)...), was.annotations[s.Annotation], "%s: %s", p.unread(s), p.remedy(s))
	}
	for _, o := range p.Mesh.Others {
		if value := was.annotations[o.Annotation]; o.Idle != nil && o.Idle(value) != "" {
			plan.warn(finding.MisleadingAnnotation, w.Path(append(template, o.Annotation)...), value, "%s", o.Idle(value))
		}
	}
	for _, place := range w.above {
		misplaced := func(annotation, meant, why string) {
			remedy := fmt.Sprintf("move it to %s", template)
			if meant != annotation {
				remedy += " and spell it " + meant
			}
			if _, stands := was.annotations[meant]; stands {
				remedy = fmt.Sprintf("remove it, since %s has %s already", template, meant)
			}
			plan.warn(finding.MisplacedAnnotation, w.Path(append(place.path, annotation)...), place.annotations[annotation], "%s: %s", why, remedy)
		}
		for _, k := range p.Mesh.Keys {
			if _, stands := place.annotations[k.Annotation]; stands {
				misplaced(k.Annotation, k.Annotation, p.Mesh.Name+" reads this annotation only in the pod template, so it has no effect here")
			}
		}
		for _, s := range p.Mesh.Slips(place.annotations) {
			if s.Meant != "" {
				misplaced(s.Annotation, s.Meant, p.unread(s))
			}
		}
	}
}

// concerned reports whether annotations on the workload have a meaning: the mesh has
// a say there, and the namespace may be enrolled.
func (p *Policy) concerned(w *Workload, was *prior) bool {
	return p.reached(w) && p.Mesh.Unmeshed(w.TemplateLabels, was.annotations) == ""
}

// reached reports whether the mesh may have a say in the pods of a workload, if
// they do not opt out.
func (p *Policy) reached(w *Workload) bool {
	return p.namespaceEnrolled(p.namespaceOf(w)) != no && !w.hostNetwork && w.windows == nil
}

// unread gives the kind of finding that a slip is.
func unread(s mesh.Slip) *finding.Kind {
	if s.Reader != nil {
		return finding.OtherMesh
	}
	return finding.UnknownAnnotation
}

// unread says why a slip has no effect.
func (p *Policy) unread(s mesh.Slip) string {
	if s.Reader != nil {
		return fmt.Sprintf("this is an annotation of %s, which %s, the mesh of spec.mesh, does not read", s.Reader.Name, p.Mesh.Name)
	}
	return p.Mesh.Name + " does not know this annotation, so it has no effect"
}

// remedy says what to write instead of a slip on the template.
func (p *Policy) remedy(s mesh.Slip) string {
	switch {
	case s.Reader == nil:
		return "did you mean " + s.Meant + "?" + spelling.LookAlike(s.Annotation)
	case s.Meant == "":
		return fmt.Sprintf("set %s in the ClusterBypass, since %s has no annotation for it", s.Field, p.Mesh.Name)
	}
	return "write " + s.Meant
}
