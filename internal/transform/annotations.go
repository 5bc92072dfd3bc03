package transform

import (
	"errors"

	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
)

// advise warns of annotations on a workload that is left alone: they are not
// the function's to mend, but its user would want to know.
func (p *Policy) advise(w *Workload, was *prior, plan *Plan) {
	user, refused := p.Mesh.Read(was.annotations)
	for _, bad := range unreadable(refused) {
		plan.warn(finding.UnreadableAnnotation, w.templatePath("metadata", "annotations", bad.Annotation), bad.Value, "%v", bad.Err)
	}
	p.reportMisleading(w, was, plan)
	_, gaps := p.Mesh.Express(user.Settings(), p.MeshDefaults)
	for _, g := range gaps {
		if key, annotated := p.Mesh.Key(g.Field); g.Fatal && annotated {
			plan.warn(finding.UnreadableAnnotation, w.templatePath("metadata", "annotations", key.Annotation), was.annotations[key.Annotation], "%s", g.Reason)
		}
	}
}

// unreadable gives what of the errors is about an annotation.
func unreadable(errs []error) []*mesh.AnnotationError {
	var all []*mesh.AnnotationError
	for _, err := range errs {
		var bad *mesh.AnnotationError
		if errors.As(err, &bad) {
			all = append(all, bad)
		}
	}
	return all
}

func (p *Policy) reportMisleading(w *Workload, was *prior, plan *Plan) {
	for _, m := range p.Mesh.Misleads(was.annotations) {
		key, _ := p.Mesh.Key(m.Field)
		plan.warn(finding.MisleadingAnnotation, w.templatePath("metadata", "annotations", key.Annotation), was.annotations[key.Annotation], "%s", m.Reason)
	}
}
