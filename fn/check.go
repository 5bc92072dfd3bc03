package fn

import (
	"cmp"
	"slices"

	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/pass"
	"github.com/krm-bypass/krm-bypass/internal/stream"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// Checked is what Check found.
type Checked struct {
	// Objects are the workloads and mesh configurations in the files, in their
	// order.
	Objects []CheckedObject
	// Results are what the function says about them and about the spec,
	// including which rules have expired.
	Results Results
	// Reach says whom the parts of the spec reach.
	Reach []Reach

	accepting map[acceptance]bool
	entries   entries
}

// Findings gives what was found without the objects.
func (c *Checked) Findings() *Checked {
	return &Checked{Results: c.Results, Reach: c.Reach, accepting: c.accepting, entries: c.entries}
}

// CheckedObject is an object and where it differs from what Manifests would make
// of it.
type CheckedObject struct {
	ResourceRef
	// File and Line say where it is; Line counts from 1.
	File string
	Line int
	// Differences are the places where it differs.
	Differences []Difference
	// Remedy says what to do about them; "" if there are none.
	Remedy string
	// LeftAlone says why the function does not touch it; "" if it may.
	LeftAlone string
	// Other names another ClusterBypass that wrote to it, "" for none, and where what
	// it wrote was changed since.
	Other string
}

// Difference is one place where an object differs.
type Difference struct {
	// Kind is missing if the function would write something that is not there,
	// stale if it wrote this for an earlier spec, foreign if somebody else wrote
	// this where the function writes.
	Kind string
	// Path is the field.
	Path string
	// Line is that of the field, or of the innermost field around it that is
	// there.
	Line int
	// Has is the value of the field, "" if it has none or is no single value.
	Has string
	// Message says what is wrong.
	Message string
}

// Check says where files differ from what Manifests would make of them. Once the
// function has run over them with this spec they differ nowhere, however they
// were formatted since. spec and options are as for Manifests.
//
// The error is ErrFailed if the spec, a document or an object in one cannot be
// read, so that not all can be judged; the results say why.
func Check(spec *Spec, files []Manifest, options Options, expiry Expiry) (*Checked, error) {
	r := runOn(spec, stream.Of(files...), options)
	r.asked, r.today = true, expiry.Today
	objects := make([][]CheckedObject, len(r.items))
	checked := &Checked{Results: r.process(func(d *pass.Document) { objects[d.At] = checkedIn(d) }, nil)}
	if r.unread {
		return checked, &FailedError{checked.Results}
	}
	checked.Results = r.checked(checked.Results, expiry)
	checked.Objects, checked.Reach, checked.accepting = slices.Concat(objects...), r.listed(), r.accepting()
	checked.entries = r.entries()
	if r.malformed {
		return checked, &FailedError{checked.Results}
	}
	return checked, nil
}

// checked adds to results what only those are told who ask about manifests, and judges
// them as check does.
func (r *run) checked(said Results, expiry Expiry) Results {
	dated := r.expired(expiry, slices.Concat(r.rules(), datedOf(r.lapsed), datedOf(r.spec.Policy.Acceptances))...)
	return slices.Concat(said, dated, r.unused()).gated().inOrder()
}

// gated makes errors of those warnings on which a check fails.
func (r Results) gated() Results {
	for i := range r {
		if kind, known := finding.ByID(r[i].Tags[CheckTag]); known && kind.Gate && r[i].Severity == Warning && r[i].Tags[AcceptedTag] == "" {
			r[i].Severity = Error
		}
	}
	return r
}

// checkedIn compares the objects of a document with what is planned for them.
func checkedIn(d *pass.Document) []CheckedObject {
	var objects []CheckedObject
	for _, plan := range d.Configs {
		o := checkedObject(d, &plan.Config.Object, plan.Deviations())
		o.LeftAlone, o.Other = plan.LeftAlone, plan.Other
		objects = append(objects, o)
	}
	for _, plan := range d.Workloads {
		o := checkedObject(d, &plan.Workload.Object, plan.Deviations())
		o.LeftAlone = plan.WhyLeftAlone()
		if !plan.Altered {
			o.Other = plan.Other
		}
		objects = append(objects, o)
	}
	for _, plan := range d.Refused {
		objects = append(objects, checkedObject(d, &plan.Workload.Object, nil))
	}
	return objects
}

// Passed reports whether nothing differs, no rule has expired, and the function would
// refuse nothing.
func (c *Checked) Passed() bool {
	return !c.Results.Failed() && !slices.ContainsFunc(c.Objects, func(o CheckedObject) bool { return len(o.Differences) > 0 })
}

// checkedObject says where an object of a document deviates from its plan.
func checkedObject(d *pass.Document, of *transform.Object, deviations []transform.Deviation) CheckedObject {
	at := d.Locate(of, of.Path())
	c := CheckedObject{ResourceRef: *refTo(pass.RefOf(of)), File: at.File, Line: at.Line, Remedy: transform.Remedy(deviations)}
	for _, deviation := range deviations {
		path := deviation.Path
		difference := Difference{Kind: string(deviation.Kind), Path: path.String(), Line: d.Locate(of, path).Line, Message: deviation.Message()}
		if has := of.In(node.Of(d.Nodes), path); has.IsScalar() {
			difference.Has = has.Node().Value
		}
		c.Differences = append(c.Differences, difference)
	}
	slices.SortStableFunc(c.Differences, func(a, b Difference) int { return cmp.Compare(a.Line, b.Line) })
	return c
}
