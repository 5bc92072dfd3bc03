package page

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/report"
	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// workloadView is one workload: who says what of it, and what came of that.
type workloadView struct {
	Kind, Name, Namespace, Template string
	Place, Says                     string
	Tags                            []tagView
	Matrix                          string
	Ask, Add                        string
	// Voided says why nothing that is written holds.
	Voided string
	Fields []ladderView
	Others []rungView
	Notes  []string
	Mode   *modeView
	// Starting are the init containers.
	Starting starting
	// Findings are those on this workload, URL where all stand.
	Findings []problemView
	Diff     writtenView
	Changes  []changedField
	Change   string
}

// writtenView is what is written into a workload. Later is where to ask for it, where it
// is not known yet.
type writtenView struct {
	Lines []diffLine
	Later string
}

// modeView is how the settings are enforced, and who says so.
type modeView struct{ Mode, Means, Place, Edit string }

// ladderView is a field, and the scopes that say something of it, from broad to narrow.
type ladderView struct {
	Field, Word string
	Effective   string
	More        int
	Key, Value  string
	Gap         string
	Rungs       []rungView
}

// rungView is what one scope says of a field.
type rungView struct {
	Scope              scope
	Path, Place, Edit  string
	Entries            string
	Mark, Won          string
	Lost               []lossView
	Carried            string
	Reason, Owner, End string
	Expired            bool
}

// lossView are entries that are not in force: a narrower scope took them, or, where NoPlace
// says so, the pods have no place for them.
type lossView struct {
	Entries string
	// To is the scope, By what it is called, and Place where that stands. Own says that this
	// is in the manifest.
	To        scope
	By, Place string
	Own       bool
	NoPlace   bool
}

// lossesOf gives what is lost of an entry, with no more entries each than most.
func lossesOf(e fn.ExplainedEntry, most int) (all []lossView) {
	for _, l := range e.Lost {
		all = append(all, lossView{
			Entries: some(l.Entries, most), To: scopeOf(l.To), By: l.To.Scope, Place: place(l.To.File, l.To.Line), Own: !strings.HasPrefix(l.To.Scope, "spec."),
		})
	}
	if len(e.NoPlace) > 0 {
		all = append(all, lossView{Entries: some(e.NoPlace, most), NoPlace: true})
	}
	return all
}

// meant says in a sentence what each mode does.
var meant = map[string]string{
	"InitContainer":   "an init container writes the rules of the kernel, beside the annotations",
	"WhereNeeded":     "annotations, and an init container where they cannot say everything",
	"AnnotationsOnly": "annotations alone",
}

// workload shows one workload.
func (s *Site) workload(r *request) error {
	seen, err := s.see(r)
	if err != nil {
		return err
	}
	w := r.workload(seen)
	if w == nil {
		switch named := r.workloadsNamed(seen); len(named) {
		case 0:
		case 1:
			http.Redirect(r.w, r.Request, r.link("/workload", "of", named[0].Key()), http.StatusSeeOther)
			return nil
		default:
			http.Redirect(r.w, r.Request, r.link("/", "text", named[0].Name), http.StatusSeeOther)
			return nil
		}
		return s.show(r, "workload", "No such workload", &workloadView{Matrix: r.link("/")})
	}
	v := newWorkload(r, seen, w, s.mender(r))
	written := make(chan writtenView, 1)
	go func() { written <- r.written(seen, w) }() // it goes on when the page is shown
	select {
	case v.Diff = <-written:
	case <-time.After(patience / 3):
		v.Diff.Later = r.link("/difference", "of", w.Key())
	}
	return s.show(r, "workload", w.Title(), v)
}

// difference shows what is written into one workload.
func (s *Site) difference(r *request) error {
	seen, err := s.see(r)
	if err != nil {
		return err
	}
	w := r.workload(seen)
	if w == nil {
		return &failure{http.StatusNotFound, errors.New("there is no such workload")}
	}
	return s.show(r, "difference", w.Title(), r.written(seen, w))
}

// workload finds the one that the URL names, nil if it is not there.
func (r *request) workload(seen *Seen) *report.Workload {
	i, there := seen.index().at[r.query.Get("of")]
	if !there {
		return nil
	}
	return &seen.Explanation.Workloads[i]
}

// workloadsNamed gives those of the name in the URL, as explain takes it.
func (r *request) workloadsNamed(seen *Seen) (all []*report.Workload) {
	for i := range seen.Explanation.Workloads {
		if w := &seen.Explanation.Workloads[i]; w.Name != "" && report.Named(w.ResourceRef, r.query.Get("of")) {
			all = append(all, w)
		}
	}
	return all
}

func (r *request) written(seen *Seen, w *report.Workload) writtenView {
	if seen.Rendering == nil {
		return writtenView{}
	}
	return writtenView{Lines: diffLines(seen.Rendering().Of(w.ResourceRef))}
}

func newWorkload(r *request, seen *Seen, w *report.Workload, m *mender) *workloadView {
	ref := w.ResourceRef
	v := &workloadView{
		Kind: w.Kind, Name: w.Name, Namespace: w.Namespace, Template: w.Template, Place: place(w.File, w.Line), Says: capital(w.Says()),
		Tags: tagsOf(r, w, tally{}), Matrix: r.link("/", "namespace", cmp.Or(w.Namespace, noNamespace)), Voided: w.Voided,
		Ask: r.link("/connection", "of", strings.Join(slices.DeleteFunc([]string{w.Kind, w.Namespace, w.Name}, func(s string) bool { return s == "" }), "/")),
	}
	if m != nil {
		v.Add = r.addURL(ref)
	}
	v.Starting, v.Notes = startingOf(w), w.Notes
	for _, f := range w.Fields {
		v.Fields = append(v.Fields, newLadder(r, f))
	}
	for _, e := range w.OtherEntries() {
		v.Others = append(v.Others, newRung(r, report.OtherField, e))
	}
	if w.Mode != "" {
		v.Mode = &modeView{w.Mode, meant[w.Mode], place(w.ModeFrom.File, w.ModeFrom.Line), r.editURL(w.ModeFrom.Path)}
	}
	for _, s := range seen.Findings.Subjects {
		if s.APIVersion == ref.APIVersion && s.Kind == ref.Kind && s.Namespace == ref.Namespace && s.Name == ref.Name {
			for _, f := range s.Findings {
				v.Findings = append(v.Findings, newProblem(s, f, m))
			}
		}
	}
	if w.Change != nil {
		changed := newChangedWorkload(r, w)
		v.Change, v.Changes = w.Change.Says(w.Explanation), changed.Fields
	}
	return v
}

func newLadder(r *request, f fn.ExplainedField) ladderView {
	v := ladderView{Field: f.Field, Word: called(f.Field), Gap: f.Gap, Effective: some(f.Effective, mostOfField)}
	if f.Annotation != nil {
		v.Key, v.Value = f.Annotation.Key, some(strings.Split(f.Annotation.Value, ","), mostOfField)
	}
	for _, e := range report.Merged(f) {
		v.Rungs = append(v.Rungs, newRung(r, f.Field, e))
	}
	return v
}

// mostOfField is how many entries of a field are shown.
const mostOfField = 200

// some gives entries, and counts those that are too many to show.
func some(entries []string, most int) string {
	if len(entries) <= most {
		return strings.Join(entries, " ")
	}
	return strings.Join(entries[:most], " ") + " … and " + report.Counted(len(entries)-most, "more entry", "more entries")
}

func newRung(r *request, field string, e fn.ExplainedEntry) rungView {
	v := rungView{
		Scope: scopeOf(e.From), Path: e.From.Path, Place: place(e.From.File, e.From.Line), Edit: r.editURL(e.From.Path),
		Entries: some(strings.Fields(e.Entry), mostOfField), Carried: strings.Join(e.CarriedBy, " and "),
		Reason: e.Reason, Owner: e.Owner, End: string(e.Expires), Expired: e.Expired,
	}
	if v.Path == "" || !strings.HasPrefix(e.From.Scope, "spec.") {
		v.Path = e.From.Scope
	}
	v.Lost = lossesOf(e, mostEntries)
	switch {
	case !e.InForce:
		v.Mark, v.Won = "", "lost"
	case field == report.OtherField:
		v.Mark, v.Won = "good", "in force: "+strings.Join(e.Holds, ", ")
	case len(v.Lost) > 0:
		v.Mark, v.Won = "good", "in force in part: "+some(e.Holds, mostOfField)
	case len(e.Holds) == 0 && field == string(traffic.IncludeOutboundPorts):
		v.Mark, v.Won = "good", "in force: none"
	case len(e.Holds) == 0:
		v.Mark, v.Won = "good", "in force: the empty list"
	default:
		v.Mark, v.Won = "good", "in force"
	}
	return v
}
