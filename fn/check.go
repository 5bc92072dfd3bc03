package fn

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/pass"
	"github.com/krm-bypass/krm-bypass/internal/spec"
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

// Expiry says which rules count as expired.
type Expiry struct {
	// Today is the current day; "" ignores expiry.
	Today v1alpha1.Date
	// Notice is how many days before a rule expires Check begins to warn.
	Notice int
}

// Check says where files differ from what Manifests would make of them. Once the
// function has run over them with this spec they differ nowhere, however they
// were formatted since. by and options are as for Manifests.
//
// The error is ErrFailed if the spec or a document cannot be read, so that
// nothing can be judged; the results say why.
func Check(by *Manifest, files []Manifest, options Options, expiry Expiry) (*Checked, error) {
	r := runOn(by, stream.Of(files...), options)
	objects := make([][]CheckedObject, len(r.items))
	checked := &Checked{Results: r.process(func(d *pass.Document) { objects[d.At] = checkedIn(d) }, nil)}
	if r.spec == nil {
		return checked, &FailedError{checked.Results}
	}
	checked.Results = append(checked.Results, r.expired(expiry)...).inOrder()
	checked.Objects = slices.Concat(objects...)
	return checked, nil
}

// checkedIn compares the objects of a document with what is planned for them.
func checkedIn(d *pass.Document) []CheckedObject {
	var objects []CheckedObject
	for _, plan := range d.Configs {
		objects = append(objects, checkedObject(d, &plan.Config.Object, plan.Deviations()))
	}
	for _, plan := range d.Workloads {
		objects = append(objects, checkedObject(d, &plan.Workload.Object, plan.Deviations()))
	}
	return objects
}

// Passed says whether nothing differs, no rule has expired, and the function would
// refuse nothing.
func (c *Checked) Passed() bool {
	return !c.Results.Failed() && !slices.ContainsFunc(c.Objects, func(o CheckedObject) bool { return len(o.Differences) > 0 })
}

// checkedObject says where an object of a document deviates from its plan.
func checkedObject(d *pass.Document, of *transform.Object, deviations []transform.Deviation) CheckedObject {
	at := d.Locate(of, of.Path())
	c := CheckedObject{ResourceRef: *refTo(pass.RefOf(of)), File: at.File, Line: at.Line, Remedy: remedy(deviations)}
	for _, deviation := range deviations {
		path := deviation.Path
		difference := Difference{Kind: string(deviation.Kind), Path: path.String(), Line: d.Locate(of, path).Line, Message: matter(deviation)}
		if has := node.Of(d.Nodes).At(path...); has.IsScalar() {
			difference.Has = has.Node().Value
		}
		c.Differences = append(c.Differences, difference)
	}
	slices.SortStableFunc(c.Differences, func(a, b Difference) int { return cmp.Compare(a.Line, b.Line) })
	return c
}

// matter says what is wrong in one place.
func matter(d transform.Deviation) string {
	switch {
	case d.Kind == transform.Missing:
		return fmt.Sprintf("expected %s here", d.Wants)
	case d.Kind == transform.Foreign && d.Wants == "":
		return "krm-bypass did not write this"
	case d.Wants == "":
		return "krm-bypass wrote this for an earlier spec, and would remove it now"
	case d.Kind == transform.Foreign:
		return fmt.Sprintf("expected %s here; krm-bypass did not write what is here", d.Wants)
	}
	return fmt.Sprintf("expected %s here; krm-bypass wrote what is here for an earlier spec", d.Wants)
}

// remedy says what to do about an object that deviates.
func remedy(deviations []transform.Deviation) string {
	switch {
	case len(deviations) == 0:
		return ""
	case transform.Skipped(deviations):
		return "render it with krm-bypass; in kustomize, build with --enable-alpha-plugins and --enable-exec: without --enable-exec, kustomize skips the function and says nothing"
	case transform.Forged(deviations):
		return "remove it: by this spec krm-bypass writes nothing here"
	case slices.ContainsFunc(deviations, func(d transform.Deviation) bool { return d.Kind == transform.Foreign }):
		return "remove what is foreign, or keep it if you meant it: it then counts as the workload's own annotation. Then render it again with krm-bypass"
	}
	return "render it again with krm-bypass"
}

// The names of the checks that find expired rules, in the tag CheckTag.
const (
	Expired  = "expired"
	Expiring = "expiring"
)

// expired gives an error for each rule that has expired, and a warning for each
// that soon will.
func (r *run) expired(expiry Expiry) Results {
	if expiry.Today == "" {
		return nil
	}
	soon := expiry.Today
	if day, err := time.Parse(time.DateOnly, string(expiry.Today)); err == nil {
		soon = v1alpha1.Date(day.AddDate(0, 0, expiry.Notice).Format(time.DateOnly))
	}
	var problems Results
	for _, rule := range spec.Rules(r.spec.ClusterBypass) {
		name, severity, message := Expired, Error, "expired on %s%s: remove the rule, or have its owner set a later day"
		switch {
		case rule.Expired(expiry.Today):
		case rule.Expires != "" && rule.Expires <= soon:
			name, severity, message = Expiring, Warning, "expires on %s%s: remove the rule by then, or have its owner set a later day"
		default:
			continue
		}
		at := r.spec.Locate(spec.Problem{Path: rule.Path + ".expires"})
		problems = append(problems, Result{
			Tags: map[string]string{CheckTag: name}, Severity: severity, Message: fmt.Sprintf(message, rule.Expires, noted(rule.Note)), ResourceRef: refOf(r.spec.Object),
			Field: &Field{Path: at.Path, CurrentValue: string(rule.Expires)}, File: fileOf(at.File, 0), Line: at.Line,
		})
	}
	return problems
}

// noted writes who answers for a rule and what it is for.
func noted(n v1alpha1.Note) string {
	var parts []string
	if n.Owner != "" {
		parts = append(parts, "owner "+n.Owner)
	}
	if reason := strings.TrimSpace(n.Reason); reason != "" {
		parts = append(parts, "reason: "+reason)
	}
	if parts == nil {
		return ""
	}
	return " (" + strings.Join(parts, ", ") + ")"
}
