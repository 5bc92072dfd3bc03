package transform

import (
	"errors"

	"github.com/krm-bypass/krm-bypass/internal/mesh"
)

// advise warns of annotations on a workload that is left alone: they are not
// the function's to mend, but its user would want to know.
func (p *Policy) advise(w *Workload, was *prior, plan *Plan) {
	user, refused := p.Mesh.Read(was.annotations)
	p.reportRefused(w, refused, Warning, plan)
	p.reportMisleading(w, was, plan)
	_, gaps := p.Mesh.Express(user.Settings(), p.MeshDefaults)
	for _, g := range gaps {
		if key, annotated := p.Mesh.Key(g.Field); g.Fatal && annotated {
			plan.find(Warning, w.templatePath("metadata", "annotations", key.Annotation), was.annotations[key.Annotation], "%s", g.Reason)
		}
	}
}

func (p *Policy) reportRefused(w *Workload, refused []error, severity Severity, plan *Plan) {
	for _, err := range refused {
		var bad *mesh.AnnotationError
		if errors.As(err, &bad) {
			plan.find(severity, w.templatePath("metadata", "annotations", bad.Annotation), bad.Value, "%v", bad.Err)
		}
	}
}

func (p *Policy) reportMisleading(w *Workload, was *prior, plan *Plan) {
	for _, m := range p.Mesh.Misleads(was.annotations) {
		key, _ := p.Mesh.Key(m.Field)
		plan.find(Warning, w.templatePath("metadata", "annotations", key.Annotation), was.annotations[key.Annotation], "%s", m.Reason)
	}
}
