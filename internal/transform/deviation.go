package transform

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/node"
)

// DeviationKind says in which way what stands on an object is not what the
// policy makes of it.
type DeviationKind string

const (
	// Missing is what should be there and is not.
	Missing DeviationKind = "missing"
	// Stale is what an earlier run wrote and another policy does not want so.
	Stale DeviationKind = "stale"
	// Foreign is what somebody else wrote where krm-bypass writes.
	Foreign DeviationKind = "foreign"
)

// Deviation is one place in which an object is not what the policy makes of it.
type Deviation struct {
	Kind DeviationKind
	Path edit.Path
	// Wants is what should be there, as a person would name it; "" for
	// nothing, or where what is there may stay.
	Wants string
	// moved says that it is there, and not in its place.
	moved bool
	// mark says that it has no record.
	mark bool
	// edited says that it was written, and then changed; adopted that it was not written
	// but taken over.
	edited, adopted bool
	// added says that it is the user's, and was not there yet when the rest was written.
	added bool
	// former says that it is a record in the form of an earlier version.
	former bool
}

// Deviations gives every place in which the workload is not what the plan makes
// of it. There is none exactly where the plan has no edits, but for what another
// hand wrote: values that were changed after they were written count as the
// user's own, and marks without a record are not krm-bypass's, so that neither
// is a reason for an edit.
func (p *Plan) Deviations() []Deviation {
	if p.was == nil || p.Failed() || p.Other != "" || p.Workload.controlled {
		return nil // an error says it already, also one of another template of the object, or it is another spec's, or a controller's
	}
	w, was := p.Workload, p.was
	_, recorded := w.Annotations[RecordAnnotation]
	if !recorded && len(p.Edits) == 0 {
		return w.marks()
	}
	stays := func(value node.Value) bool { return was.record.Wrote[value.Entry("name").Text()] == value.Digest() }
	planned := deviations(&w.Object, p.Edits, stays, func(path edit.Path) DeviationKind {
		key, _ := path[len(path)-1].(string)
		switch {
		case !recorded:
			return Missing // the user's own value, with which the policy's is yet to be merged
		case key == RecordAnnotation || was.record.accountsFor(w, key):
			return Stale
		}
		return Foreign
	})
	for i, d := range planned {
		planned[i].adopted = was.record.onlyAdopted(d.Path)
	}
	var edited []Deviation
	for _, path := range was.record.edited(w) {
		// What is planned takes the edit for the user's own: nobody expects that here.
		planned = slices.DeleteFunc(planned, func(d Deviation) bool { return slices.Equal(d.Path, path) })
		edited = append(edited, Deviation{Kind: Foreign, Path: path, edited: true, adopted: was.record.onlyAdopted(path)})
	}
	for _, key := range p.byHand {
		path := w.templatePath("metadata", "annotations", key)
		planned = slices.DeleteFunc(planned, func(d Deviation) bool { return slices.Equal(d.Path, path) })
		edited = append(edited, Deviation{Kind: Foreign, Path: path, added: true})
	}
	if unnamed := p.unnamed(); len(unnamed) > 0 { // the record's change follows from it
		planned = slices.DeleteFunc(planned, func(d Deviation) bool { return slices.Equal(d.Path, recordPath(&w.Object)) })
		edited = append(edited, unnamed...)
	}
	return append(edited, planned...)
}

// Deviations gives every place in which the mesh's configuration is not what the
// plan makes of it.
func (p *ConfigPlan) Deviations() []Deviation {
	if p.Failed() {
		return nil
	}
	return deviations(&p.Config.Object, p.Edits, nil, func(edit.Path) DeviationKind { return Stale })
}

// marks gives what looks as if krm-bypass had written it.
func (w *Workload) marks() []Deviation {
	var found []Deviation
	if _, stands := w.TemplateAnnotations[PolicyAnnotation]; stands {
		found = append(found, Deviation{Kind: Foreign, Path: w.templatePath("metadata", "annotations", PolicyAnnotation), mark: true})
	}
	for _, c := range w.foreign(nowhere) {
		if isContainer(c.name) {
			found = append(found, Deviation{Kind: Foreign, Path: c.path, mark: true})
		}
	}
	return found
}

// deviations reads edits as what is wrong with an object. stays says of a container that
// only its place is to change, and overwritten what a value is that an edit replaces.
func deviations(o *Object, edits []edit.Edit, stays func(node.Value) bool, overwritten func(edit.Path) DeviationKind) []Deviation {
	var found []Deviation
	var record []Deviation
	for i, e := range edits {
		d := Deviation{Path: e.Path, Kind: Stale}
		last := e.Path[len(e.Path)-1]
		switch key, _ := last.(string); {
		case e.Op == edit.Insert && replaces(edits, i):
			d.Path, d.Wants, d.moved = settled(e.Path, edits[i+1].Path), named(e.Value), stays(node.Of(e.Value))
		case e.Op == edit.Insert:
			d.Kind, d.Wants = Missing, named(e.Value)
		case e.Op == edit.Remove && i > 0 && replaces(edits, i-1):
			continue // the new one is said to be wanted
		case e.Op == edit.Set && !slices.Contains(o.parent(e.Path[:len(e.Path)-1]).children, key):
			d.Kind, d.Wants = Missing, named(e.Value)
		case e.Op == edit.Set:
			d.Kind, d.Wants = overwritten(e.Path), named(e.Value)
		case e.Op == edit.Restore:
			d.Wants = named(e.Value)
		}
		if last == RecordAnnotation || slices.Equal(e.Path, o.Path("metadata", "annotations")) || slices.Equal(e.Path, o.Path("metadata")) {
			// It follows from the rest; by itself it is worth a word.
			if e.Op == edit.Set {
				d.Wants = "the record of what was written"
				d.former = d.Kind == Stale && !strings.HasPrefix(o.Annotations[RecordAnnotation], recordStart())
			}
			record = append(record, d)
			continue
		}
		found = append(found, d)
	}
	if len(found) == 0 {
		return record
	}
	return found
}

// replaces reports whether an insertion is that of an init container of ours beside an
// earlier one of ours, which then goes.
func replaces(edits []edit.Edit, i int) bool {
	if edits[i].Op != edit.Insert || i+1 >= len(edits) || edits[i+1].Op != edit.Remove {
		return false
	}
	list := edits[i].Path[:len(edits[i].Path)-1]
	return isContainer(node.Of(edits[i].Value).Entry("name").Text()) && len(edits[i+1].Path) == len(list)+1 && slices.Equal(edits[i+1].Path[:len(list)], list)
}

// settled is where an item stands once the one that it replaces is gone.
func settled(inserted, removed edit.Path) edit.Path {
	at, _ := inserted[len(inserted)-1].(int)
	if gone, _ := removed[len(removed)-1].(int); gone < at {
		at--
	}
	return append(slices.Clone(inserted[:len(inserted)-1]), at)
}

// named writes a value as a person would name it.
func named(value *yaml.Node) string {
	if value == nil {
		return ""
	}
	if name := node.Of(value).Entry("name"); name.Exists() {
		return "the container " + name.Text()
	}
	return node.Of(value).Describe()
}
