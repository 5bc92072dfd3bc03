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
// restarts. keys gives the annotations of a template, of which those are taken over for
// which a rule may speak.
func (p *Policy) Adopt(family []*Workload, keys func(*Workload) []string) ([]edit.Edit, error) {
	plan := p.planOf(family[0])
	dr := p.newDraft(&family[0].Object, newRecord(""), &plan.report)
	for _, w := range family {
		dr.adopt(w, p.said(w, p.namespaceOf(w)), p.Mesh.Keys, keys(w))
	}
	dr.record()
	for _, f := range plan.Findings {
		if f.Severity == Error {
			return nil, fmt.Errorf("%s: %s", f.Path, f.Message)
		}
	}
	return dr.finish(), nil
}

// adopt plans that the record of a template says whose annotations the mesh's are: those
// that are taken over are the rules', and beside them all others are the workload's own.
func (dr *draft) adopt(w *Workload, s said, all []mesh.Key, keys []string) {
	own := map[string]string{}
	adopts := false
	for _, k := range all {
		value, stands := w.TemplateAnnotations[k.Annotation]
		switch entry, digest := w.entry(k.Annotation), node.Digest(k.Annotation, value); {
		case !stands:
		case slices.Contains(keys, k.Annotation) && s.maySay(k.Field):
			dr.will.Adopted[entry], adopts = digest, true
		default:
			own[entry] = digest
		}
	}
	if adopts {
		maps.Copy(dr.will.Kept, own)
	}
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

// onlyAdopted reports whether the annotation at a path was taken over, and nothing has been
// written over it since.
func (r *record) onlyAdopted(path edit.Path) bool {
	key, _ := path[len(path)-1].(string)
	_, adopted := r.Adopted[key]
	_, wrote := r.Wrote[key]
	return adopted && !wrote
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
		case s.says(k.Field) && adopted:
			rest.taken[k.Annotation] = value
			delete(rest.annotations, k.Annotation)
		case adopted && !s.maySay(k.Field):
			delete(rest.adopted, k.Annotation)
			plan.warn(finding.HandEdited, was.at(plan.Workload, k.Annotation), value, "this was taken over into %s, and none of its rules says %s of this workload any more%s, so that the annotation counts as the workload's own again: remove it too, unless you mean it", p.called(), k.Field, s.unsaid(k.Field))
		}
	}
	plan.was = &rest
	return &rest
}

// says reports whether one of the scopes says something in a field. What comes to nothing
// does not: nothing would be written in place of an annotation.
func (s said) says(f traffic.Field) bool {
	for i, scope := range s.scopes {
		if scope.Layer.Says(f) && s.adds(s.scopes[:i], scope).Says(f) {
			return true
		}
	}
	return false
}

// maySay also counts scopes that may speak of the workload.
func (s said) maySay(f traffic.Field) bool { return s.says(f) || len(s.unsure) > 0 }

// unsaid says why scopes that speak of a field say nothing in it, "" where none does.
func (s said) unsaid(f traffic.Field) string {
	if slices.ContainsFunc(s.scopes, func(scope *Scope) bool { return scope.Layer.Says(f) }) {
		return " (a name that no container port has says nothing, and neither does [] under Union)"
	}
	return ""
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

// asItStands gives what the mesh's annotations on an adopted template say beside those that
// were taken over. It stays the workload's own, and the record names it.
func (p *Plan) asItStands() (d desired) {
	for _, k := range p.on.Keys {
		value, own := p.was.own(k.Annotation)
		if _, adopted := p.was.adopted[k.Annotation]; own && !adopted {
			d.annotate(k.Annotation, value)
		}
	}
	return d
}

// unnamed gives the annotations of an adopted template that came after it was adopted: the
// record does not name them, or with another value.
func (p *Plan) unnamed() []Deviation {
	if !p.Adopted {
		return nil
	}
	var found []Deviation
	d, r := p.asItStands(), p.was.record
	for _, key := range d.keys {
		if r.Kept[key] != node.Digest(key, d.annotations[key]) && !slices.Contains(r.named(), key) {
			found = append(found, Deviation{Kind: Foreign, Path: p.was.at(p.Workload, key)})
		}
	}
	return found
}
