package transform

import (
	"errors"
	"maps"
	"slices"

	"github.com/krm-bypass/krm-bypass/internal/edit"
)

// prior is the workload as it was before the function last wrote to it.
type prior struct {
	record *record
	// whole is the record of the object, of which record is what is about the template.
	whole *record
	// other is the record of another spec, nil if there is none. What it accounts
	// for counts as the user's: a record proves nothing.
	other *record
	// annotations are those of the template that are the user's, by decoded
	// value.
	annotations map[string]string
	// beneath are those of them over which the template is laid, and below is where in
	// the family the template is in which they stand, -1 if it is none.
	beneath map[string]string
	below   int
	// lower is that template as it was.
	lower *prior
	// sources holds the text of those of them that are overwritten.
	sources map[string]string
	// adopted holds those of the annotations that the spec took over, and taken those for
	// which its rules speak now: these are none of annotations any more.
	adopted, taken map[string]string
	// containers are the places of our init containers.
	containers places
	// fits says that the record accounts for something that stands there.
	fits bool
}

// priorsOf gives that of each workload of an object.
func (p *Policy) priorsOf(family []*Workload) ([]*prior, error) {
	w := family[0]
	r, err := w.recordOfAll()
	if err != nil {
		return nil, err
	}
	all, fits := make([]*prior, len(family)), !p.owns(r)
	if _, recorded := w.Annotations[RecordAnnotation]; !recorded {
		fits = true
	}
	for i, one := range family {
		all[i] = p.priorOf(one, r.at(one))
		all[i].whole = r
		fits = fits || all[i].fits
	}
	for i, one := range family {
		all[i].layOver(one, family, all)
	}
	for entry := range r.Wrote {
		place, _ := placed(entry)
		fits = fits || place != "" && !slices.ContainsFunc(family, func(one *Workload) bool { return one.stand.place == place || one.rooted() == place })
	}
	if !fits {
		// It was copied from elsewhere, or its workload was rewritten by hand.
		return nil, errors.New("the record fits nothing here, as if it were copied from another workload")
	}
	return all, nil
}

// layOver adds what counts in a template that does not say it: of another template of
// the object, what was there before the function wrote to it.
func (was *prior) layOver(w *Workload, family []*Workload, all []*prior) {
	if w.stand.over == nil {
		return
	}
	was.beneath = w.over
	was.below = slices.IndexFunc(family, func(one *Workload) bool { return slices.Equal(one.stand.annotations, w.stand.over[0]) })
	if was.below >= 0 {
		was.lower = all[was.below]
		was.beneath = was.lower.annotations
	}
	own := was.annotations
	was.annotations = overlaid(was.beneath, own)
	was.beneath = maps.Clone(was.beneath)
	maps.DeleteFunc(was.beneath, func(key, _ string) bool { _, hidden := own[key]; return hidden })
}

// at leads to an annotation of a template where it stands.
func (was *prior) at(w *Workload, key string) edit.Path {
	switch _, beneath := was.beneath[key]; {
	case beneath && was.lower != nil:
		return was.lower.at(w.family[was.below], key)
	case beneath:
		return append(w.Path(w.stand.over[0]...), key)
	}
	return w.templatePath("metadata", annotations, key)
}

// AnnotationPath leads to an annotation of the plan's pods where it stands.
func (p *Plan) AnnotationPath(key string) edit.Path {
	if p.was == nil {
		return p.Workload.templatePath("metadata", annotations, key)
	}
	return p.was.at(p.Workload, key)
}

// own gives what the user had in the template itself.
func (was *prior) own(key string) (value string, has bool) {
	if _, beneath := was.beneath[key]; beneath {
		return "", false
	}
	value, has = was.annotations[key]
	return value, has
}

func (p *Policy) priorOf(w *Workload, r *record) *prior {
	if _, recorded := w.Annotations[RecordAnnotation]; recorded && !p.owns(r) {
		return &prior{record: newRecord(""), other: r, annotations: w.TemplateAnnotations, containers: nowhere}
	}
	return r.priorOf(w)
}

func (r *record) priorOf(w *Workload) *prior {
	p := &prior{record: r, annotations: maps.Clone(w.TemplateAnnotations), sources: map[string]string{}, containers: r.containersOf(w)}
	p.fits = p.containers != nowhere || len(w.pullSecrets.ours(r)) > 0
	for _, key := range r.annotations() {
		if !r.wroteAnnotation(w, key) {
			continue
		}
		p.fits = true
		delete(p.annotations, key)
		if hidden, merged := w.mergedAnnotations[key]; merged {
			p.annotations[key] = hidden
		}
		if source, replaced := r.Replaced[key]; replaced {
			p.annotations[key], p.sources[key] = decoded(source).Text(), source
		}
	}
	p.adopt()
	return p
}
