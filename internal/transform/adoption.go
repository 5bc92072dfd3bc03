package transform

import (
	"fmt"
	"maps"
	"slices"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// Adopt gives the edits by which the policy takes annotations over from the templates of
// an object to which it has not written yet. Only the object's record comes, so that no pod
// restarts. keys gives the annotations of a template.
func (p *Policy) Adopt(family []*Workload, keys func(*Workload) []string) ([]edit.Edit, error) {
	plan := p.planOf(family[0])
	dr := p.newDraft(&family[0].Object, newRecord(""), &plan.report)
	for _, w := range family {
		for _, key := range keys(w) {
			dr.will.Adopted[w.entry(key)] = node.Digest(key, w.TemplateAnnotations[key])
		}
	}
	dr.record()
	for _, f := range plan.Findings {
		if f.Severity == Error {
			return nil, fmt.Errorf("%s: %s", f.Path, f.Message)
		}
	}
	return dr.finish(), nil
}

// adopt finds those of the user's annotations that are as they were when they were taken
// over.
func (was *prior) adopt() {
	was.fits = was.fits || len(was.record.Adopted) > 0 && len(was.record.Wrote) == 0
	for key, digest := range was.record.Adopted {
		if value, has := was.annotations[key]; has && node.Digest(key, value) == digest {
			if was.adopted == nil {
				was.adopted = map[string]string{}
			}
			was.adopted[key], was.fits = value, true
		}
	}
}

// named are the annotations that were written or taken over.
func (r *record) named() []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(overlaid(r.Adopted, r.Wrote))), isContainer)
}

// accountsFor reports whether an annotation stands on the template as it was written or
// taken over.
func (r *record) accountsFor(w *Workload, key string) bool {
	value, stands := w.TemplateAnnotations[key]
	return r.wroteAnnotation(w, key) || stands && r.Adopted[key] == node.Digest(key, value)
}

// takesOver gives what was there without the annotations that were taken over, as long as
// a rule speaks in their place. Where none does, they count as the workload's own again: to
// take one away is the user's to do, and this is the last run that can tell.
func (p *Policy) takesOver(s said, was *prior, plan *Plan) *prior {
	if len(was.adopted) == 0 {
		return was
	}
	rest := *was
	rest.annotations, rest.adopted, rest.taken = maps.Clone(was.annotations), maps.Clone(was.adopted), map[string]string{}
	for _, k := range p.Mesh.Keys {
		value, adopted := was.adopted[k.Annotation]
		switch {
		case !adopted || !s.says(k.Field) && len(s.unsure) > 0: // a rule may speak of it
		case s.says(k.Field):
			rest.taken[k.Annotation] = value
			delete(rest.annotations, k.Annotation)
		default:
			delete(rest.adopted, k.Annotation)
			plan.warn(finding.HandEdited, was.at(plan.Workload, k.Annotation), value, "this was taken over into %s, and none of its rules says %s of this workload any more, so that the annotation counts as the workload's own again: remove it too, unless you mean it", p.called(), k.Field)
		}
	}
	plan.was = &rest
	return &rest
}

// says reports whether one of the scopes says a field.
func (s said) says(f traffic.Field) bool {
	for _, scope := range s.scopes {
		if scope.Layer.Says(f) {
			return true
		}
	}
	return false
}

// beside are the user's annotations with those that were taken over.
func (was *prior) beside() map[string]string {
	if len(was.taken) == 0 {
		return was.annotations
	}
	return overlaid(was.taken, was.annotations)
}

// standsAsMeant reports whether what was taken over, as the mesh reads it on the template,
// is all that the rules want for it: no init container, and the same connections.
func (p *Policy) standsAsMeant(w *Workload, was *prior, plan *Plan) bool {
	if len(was.taken) == 0 || plan.Mode == InitContainer || len(plan.Gaps) > 0 || !plan.Initially.Equal(plan.Settings) || w.stand.over != nil || plan.DataPlane() != mesh.Sidecar {
		return false
	}
	stands, refused := plan.on.Read(was.beside())
	return len(refused) == 0 && plan.on.Effective(p.MeshDefaults, stands).Equal(plan.Settings)
}
