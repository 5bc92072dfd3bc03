package fn

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/pass"
	"github.com/krm-bypass/krm-bypass/internal/stream"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// Checked is what Check found.
type Checked struct {
	// Objects are the workloads and mesh configurations that were looked at, in
	// the order in which they stand.
	Objects []CheckedObject
	// Results are what the function has to say of them and of the spec, what
	// has expired among it.
	Results Results
}

// CheckedObject is an object and how it differs from what Manifests would make of
// it.
type CheckedObject struct {
	ResourceRef
	// File and Line say where it stands; Line counts from 1.
	File string
	Line int
	// Differences are the places in which it differs.
	Differences []Difference
	// Remedy says what to do about them; "" where there are none.
	Remedy string
}

// Difference is one place in which an object differs.
type Difference struct {
	// Kind is missing for what the function would write and that is not there,
	// stale for what it wrote under another spec, foreign for what somebody
	// else wrote where it writes.
	Kind string
	// Path is the field.
	Path string
	// Line is where the field stands, or the innermost one around it.
	Line int
	// Has is what stands there, "" where that says nothing.
	Has string
	// Message says what is the matter.
	Message string
}

// Expiry says which rules Check takes for expired.
type Expiry struct {
	// Today is the day on which it is asked, "" to leave expires out of it.
	Today Date
	// Notice is how many days before a rule expires that is warned of.
	Notice int
}

// Check says how files differ from what Manifests would make of them: not in a
// single place, once the function has run over them with this spec, whatever has
// formatted them since. spec and options are as for Manifests.
//
// The error is ErrFailed where the files cannot be judged, since the spec or a
// document cannot be read; the results say so.
func Check(spec *Manifest, files []Manifest, options Options, expiry Expiry) (*Checked, error) {
	r := runOn(spec, stream.Of(files...), options)
	objects := make([][]CheckedObject, len(r.items))
	checked := &Checked{Results: r.process(func(d *pass.Document) { objects[d.At] = checkedIn(d) }, nil)}
	if r.policy == nil {
		return checked, ErrFailed
	}
	checked.Results = append(checked.Results, r.expired(expiry)...).inOrder()
	checked.Objects = slices.Concat(objects...)
	return checked, nil
}

// checkedIn says how the objects of a document differ from what is planned for
// them.
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

// Passed says that nothing differs, that nothing has expired, and that the
// function would not refuse anything.
func (c *Checked) Passed() bool {
	return !c.Results.Failed() && !slices.ContainsFunc(c.Objects, func(o CheckedObject) bool { return len(o.Differences) > 0 })
}

// checkedObject says how an object in a document differs.
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

// matter says what is the matter with a place.
func matter(d transform.Deviation) string {
	switch {
	case d.Kind == transform.Missing:
		return fmt.Sprintf("%s shall stand here", d.Wants)
	case d.Kind == transform.Foreign && d.Wants == "":
		return "krm-bypass did not write this"
	case d.Wants == "":
		return "krm-bypass wrote this for a spec that said otherwise, and takes it away now"
	case d.Kind == transform.Foreign:
		return fmt.Sprintf("krm-bypass did not write this, and %s shall stand here", d.Wants)
	}
	return fmt.Sprintf("krm-bypass wrote this for a spec that said otherwise; %s shall stand here", d.Wants)
}

// remedy says what to do about an object that differs.
func remedy(deviations []transform.Deviation) string {
	switch {
	case len(deviations) == 0:
		return ""
	case transform.Skipped(deviations):
		return "render it with krm-bypass; in kustomize, build with --enable-alpha-plugins and --enable-exec, since without the latter the function is skipped in silence"
	case transform.Forged(deviations):
		return "take it away: krm-bypass writes nothing for it by this spec"
	case slices.ContainsFunc(deviations, func(d transform.Deviation) bool { return d.Kind == transform.Foreign }):
		return "take out what is foreign, or leave it if it is meant, since it counts as the workload's own annotation; then render it again with krm-bypass"
	}
	return "render it again with krm-bypass"
}

// The checks by which Check tells the results about expires.
const (
	Expired  = "expired"
	Expiring = "expiring"
)

// expired gives an error for each rule that was needed until a day in the past,
// and a warning for one that soon will have been.
func (r *run) expired(expiry Expiry) Results {
	if expiry.Today == "" {
		return nil
	}
	soon := expiry.Today
	if day, err := time.Parse(time.DateOnly, string(expiry.Today)); err == nil {
		soon = Date(day.AddDate(0, 0, expiry.Notice).Format(time.DateOnly))
	}
	var problems Results
	for _, rule := range r.read.compiled.Rules() {
		name, severity, message := Expired, Error, "expired on %s%s: take the rule out, or have its owner move the day"
		switch {
		case rule.Expired(expiry.Today):
		case rule.Expires != "" && rule.Expires <= soon:
			name, severity, message = Expiring, Warning, "expires on %s%s: take the rule out by then, or have its owner move the day"
		default:
			continue
		}
		at := rule.Path + ".expires"
		problems = append(problems, Result{
			Tags: map[string]string{CheckTag: name}, Severity: severity, Message: fmt.Sprintf(message, rule.Expires, noted(rule.Note)), ResourceRef: refOf(r.read.node),
			Field: &Field{Path: at, CurrentValue: string(rule.Expires)}, File: fileOf(r.read.file, 0), Line: r.read.lineOf(at),
		})
	}
	return problems
}

// noted writes who answers for a rule and what it is for.
func noted(n Note) string {
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
