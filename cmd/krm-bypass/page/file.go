package page

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/report"
	"github.com/krm-bypass/krm-bypass/fn"
)

// fileView is the page as one file: the views without their forms, of which each links to
// others by anchors.
type fileView struct {
	Title, Headline string
	// Policy allows the one sheet of styles, and nothing else: no script, no request.
	Policy string
	Style  template.HTML
	Counts []fileCount
	// Answers say what becomes of the connection that was asked about.
	Answers  []fileSaid
	Compared bool
	Changed  []fileSaid
	// Undiffed says why no lines of manifests are shown.
	Undiffed string
	Gone     []string
	// Uncompared warns of what was not read or not compared.
	Uncompared []string
	Unreached  []reachView
	Findings   []report.Same
	Accepted   int
	// Columns are the fields that any workload sets; the cells of a row follow them.
	Columns    []columnView
	Namespaces []fileNamespace
	Sources    []fileSource
	Orders     []fileOrder
	PassedOver []string
}

type fileCount struct {
	N  int
	Of string
}

// fileSaid is what there is to say of one workload, or the same of several.
type fileSaid struct {
	Of   []fileLink
	Says string
	By   []fileRung
	// Lines are what changes in the manifest of the first of them.
	Lines []diffLine
	// Drawn is the way of the connection that was asked about, for the first of them.
	Drawn *answer
	first *report.Workload
}

type fileLink struct{ Title, URL string }

type fileNamespace struct {
	Name      string
	Workloads []fileWorkload
	Ladders   []fileLadder
}

type fileWorkload struct {
	ID, Kind, Name, Place string
	// Alone says that the function does not touch it.
	Alone bool
	Cells [][]fileRung
}

// fileLadder is all that is said of a workload, or the same of several, from what is
// broad to what is narrow.
type fileLadder struct {
	Of    []fileWorkload
	Says  string
	Rungs []fileRung
	Notes []string
	// Order is where the init containers are listed.
	Order string
	key   string
}

// fileOrder are the init containers of pods, which many have alike.
type fileOrder struct {
	ID string
	starting
}

// fileRung is what one scope says in one field.
type fileRung struct {
	chipView
	// Sign says whether a change adds it, Again that the rung above is of the same field.
	Sign, Field, By string
	Again           bool
	Lost            []lossView
	// Source names what says it, URL is where that stands if it is a rule, Line where it is
	// in its file.
	Source, URL string
	Line        int
}

// Word is the field for a person.
func (r fileRung) Word() string {
	word := called(r.Field)
	if strings.HasPrefix(r.Field, fn.InitialPrefix) {
		word += ", while init containers run"
	}
	return word
}

// fileSource is a rule that rungs name.
type fileSource struct {
	ID, Path, File        string
	Reason, Owner, Expiry string
}

// scope is how broad something is that is said: a class for its colour, a letter and a
// word for who sees none.
type scope struct{ Class, Letter, Word string }

// breadths are the scopes from broad to narrow, by how the scope of a source begins.
var breadths = []struct {
	begins string
	scope
}{
	{fn.FromMesh, scope{"of-mesh", "M", "the mesh itself"}},
	{"spec.meshDefaults", scope{"of-defaults", "D", "mesh defaults"}},
	{"spec.global", scope{"of-global", "G", "global"}},
	{"spec.namespaces", scope{"of-namespace", "N", "namespace"}},
	{"spec.workloads", scope{"of-workload", "W", "workload"}},
	{"", scope{"of-annotation", "A", "the pod itself, such as by an annotation"}},
}

func scopeOf(from fn.Source) scope {
	i := slices.IndexFunc(breadths, func(s struct {
		begins string
		scope
	}) bool {
		return strings.HasPrefix(from.Scope, s.begins)
	})
	return breadths[i].scope
}

// WriteFile writes what an explanation says as a page in one file, which opens from a
// disk and asks nobody for anything.
func WriteFile(w io.Writer, r report.Explanation) error {
	return WriteComparison(w, r, Differences{})
}

// Differences are what changes in the manifests since the state with which an explanation
// was compared.
type Differences struct {
	// Of gives the lines of a unified diff, by object.
	Of map[fn.ResourceRef]string
	// Problem says why there are none, "" where there are.
	Problem string
}

// WriteComparison writes the same, with what changes in the manifests.
func WriteComparison(w io.Writer, r report.Explanation, d Differences) error {
	return template.Must(templates().Clone()).ExecuteTemplate(visibleWriter{w}, "file", newFile(r, d))
}

// style gives the sheet of styles as an element, and the policy that allows it alone.
func style() (element template.HTML, policy string) {
	var sheet strings.Builder
	for _, name := range []string{"assets/page.css", "assets/way.css", "assets/file.css"} {
		text, err := embedded.ReadFile(name)
		if err != nil {
			panic(err) // it is embedded
		}
		sheet.Write(text)
	}
	hash := sha256.Sum256([]byte(sheet.String()))
	return template.HTML("<style>" + sheet.String() + "</style>"), //nolint:gosec // it is ours
		"default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(hash[:]) + "'"
}

// filed puts an explanation into a file.
type filed struct {
	*request
	sources []fileSource
	orders  []fileOrder
	known   map[string]string
}

func newFile(r report.Explanation, d Differences) fileView {
	b := filed{request: &request{anchors: map[string]string{}}, known: map[string]string{}}
	for i := range r.Workloads {
		b.anchors[r.Workloads[i].Key()] = fmt.Sprintf("#w%d", i+1)
	}
	v := fileView{Title: "What bypasses " + cmp.Or(r.Mesh, strings.Join(r.Meshes, " and "), "the mesh"), Headline: r.Headline(), PassedOver: r.PassedOver}
	v.Style, v.Policy = style()
	v.Counts = []fileCount{counting(r.Summary.Workloads, "workload", "workloads"), {r.Summary.Bypassing, "bypass something"}}
	if c := r.Comparison; c != nil {
		v.Compared = true
		v.Counts = append(v.Counts, fileCount{c.Changed, "changed"}, counting(c.Restarted, "restarts", "restart"))
		v.Gone = c.GoneTitles()
	}
	v.Uncompared = r.Doubtful()
	check := r.Findings()
	v.Findings, v.Accepted = check.Alike(), check.Accepted
	v.Counts = append(v.Counts, counting(check.Errors, "error", "errors"), counting(check.Warnings, "warning", "warnings"))
	fields := fieldsIn(r.Workloads)
	v.Columns = columns(fields)
	var names []string
	at := map[string]int{}
	for i := range r.Workloads {
		w := &r.Workloads[i]
		if _, known := at[w.Namespace]; !known {
			at[w.Namespace] = len(names)
			names = append(names, w.Namespace)
			v.Namespaces = append(v.Namespaces, fileNamespace{Name: w.Namespace})
		}
		in := &v.Namespaces[at[w.Namespace]]
		in.add(b.workload(w, fields), b.ladder(w))
	}
	slices.SortFunc(v.Namespaces, func(a, b fileNamespace) int { return strings.Compare(a.Name, b.Name) })
	v.Changed, v.Undiffed = b.alike(r.Workloads, b.change), d.Problem
	for i := range v.Changed[:min(len(v.Changed), mostDiffed)] {
		said := &v.Changed[i]
		said.Lines = diffLines(d.Of[said.first.ResourceRef])
		if more := len(said.Lines) - mostOfDiff; more > 0 {
			said.Lines = append(said.Lines[:mostOfDiff], diffLine{"hunk", report.Counted(more, "more line", "more lines")})
		}
	}
	v.Answers = b.answers(&r)
	v.Unreached, v.Sources, v.Orders = nobody(b.request, &r), b.sources, b.orders
	return v
}

// alike says something of the workloads, of which some may have nothing to say, and once
// what is the same of many.
func (b *filed) alike(workloads []report.Workload, say func(*report.Workload) fileSaid) (all []fileSaid) {
	at := map[string]int{}
	for i := range workloads {
		w := &workloads[i]
		said := say(w)
		if said.Says == "" {
			continue
		}
		key := fmt.Sprint(said)
		if _, known := at[key]; !known {
			at[key], said.first = len(all), w
			all = append(all, said)
		}
		of := &all[at[key]].Of
		*of = append(*of, fileLink{w.Title(), b.link("/workload", "of", w.Key())})
	}
	return all
}

func counting(n int, one, many string) fileCount { return fileCount{n, report.Verb(n, one, many)} }

// fieldsIn lists the fields that any of the workloads sets, in their order.
func fieldsIn(workloads []report.Workload) (fields []string) {
	for _, w := range workloads {
		for i, f := range w.Fields {
			if slices.Contains(fields, f.Field) {
				continue
			}
			after := 0
			if i > 0 {
				after = slices.Index(fields, w.Fields[i-1].Field) + 1
			}
			fields = slices.Insert(fields, after, f.Field)
		}
	}
	if slices.ContainsFunc(workloads, func(w report.Workload) bool { return len(w.Others) > 0 }) {
		fields = append(fields, report.OtherField)
	}
	return fields
}

func place(file string, line int) string {
	if file == "" || line == 0 {
		return file
	}
	return fmt.Sprintf("%s:%d", file, line)
}

// mostDrawn is how many ways a file shows, mostDiffed in how many workloads the lines that
// change, and mostOfDiff how many of them.
const mostDrawn, mostDiffed, mostOfDiff = 20, 100, 150

func (b *filed) answers(r *report.Explanation) []fileSaid {
	workloads := slices.Clone(r.Workloads)
	slices.SortStableFunc(workloads, report.ByVerdict)
	all := b.alike(workloads, b.answer)
	if c, name, asked := r.Asked(); asked {
		for i := range all[:min(len(all), mostDrawn)] {
			a := answerFor(b.request, all[i].first, c, name)
			for m := range a.Moments {
				for d := range a.Moments[m].Drawings {
					drawing := &a.Moments[m].Drawings[d]
					drawing.ID = fmt.Sprintf("%s%d", drawing.ID, i+1)
				}
			}
			all[i].Drawn = a
		}
	}
	return all
}

func (b *filed) answer(w *report.Workload) (said fileSaid) {
	for d := w.Decision; d != nil; d = d.Initially {
		said.Says = cmp.Or(said.Says, d.Says())
		said.By = append(said.By, b.rungs(fn.ExplainedField{Field: d.Field, Entries: d.By})...)
	}
	return said
}

func (b *filed) change(w *report.Workload) (said fileSaid) {
	if w.Change == nil || w.Change.Kind == report.Unchanged {
		return said
	}
	said.Says = w.Change.Says(w.Explanation)
	add := func(sign, field string, entries []fn.ExplainedEntry) {
		for _, rung := range b.rungs(fn.ExplainedField{Field: field, Entries: entries}) {
			rung.Sign = sign
			said.By = append(said.By, rung)
		}
	}
	for _, f := range w.Change.Fields {
		add("+", f.Field, f.Added)
		add("−", f.Field, f.Removed)
	}
	return said
}

// add adds a workload and its ladder, or to the ladder of others if that is the same but
// for the lines in their own templates.
func (n *fileNamespace) add(w fileWorkload, l fileLadder) {
	n.Workloads = append(n.Workloads, w)
	many := l
	many.Rungs = slices.Clone(l.Rungs)
	for i := range many.Rungs {
		rung := &many.Rungs[i]
		if rung.URL == "" {
			rung.Line = 0
		}
		rung.Lost = slices.Clone(rung.Lost)
		for j := range rung.Lost {
			if rung.Lost[j].Own {
				rung.Lost[j].Place = ""
			}
		}
	}
	many.key = fmt.Sprint(many)
	for i := range n.Ladders {
		if same := &n.Ladders[i]; same.key == many.key {
			same.Of, same.Rungs = append(same.Of, w), many.Rungs
			return
		}
	}
	l.key, l.Of = many.key, []fileWorkload{w}
	n.Ladders = append(n.Ladders, l)
}

func (b *filed) workload(w *report.Workload, fields []string) fileWorkload {
	v := fileWorkload{
		ID: b.link("/workload", "of", w.Key())[1:], Kind: w.Kind, Name: strings.TrimSpace(w.Name + " " + w.Template),
		Place: place(w.File, w.Line), Alone: w.Outcome == fn.LeftAlone, Cells: make([][]fileRung, len(fields)),
	}
	for _, f := range all(w) {
		for _, rung := range b.rungs(f) {
			if i := slices.Index(fields, f.Field); !rung.Void {
				v.Cells[i] = append(v.Cells[i], rung)
			}
		}
	}
	return v
}

func (b *filed) ladder(w *report.Workload) fileLadder {
	v := fileLadder{Says: w.Says(), Order: b.order(w)}
	for _, f := range all(w) {
		for _, rung := range b.rungs(f) {
			rung.Carried = "" // a column says it
			v.Rungs = append(v.Rungs, rung)
		}
		if f.Gap != "" {
			v.Notes = append(v.Notes, "the annotation cannot say all of "+f.Field+": "+f.Gap)
		}
	}
	v.Notes = append(v.Notes, w.Notes...)
	return v
}

// order gives where the init containers are listed, "" if there are none.
func (b *filed) order(w *report.Workload) string {
	order := fileOrder{starting: startingOf(w)}
	if order.All == nil {
		return ""
	}
	key := fmt.Sprint(order)
	if b.known[key] == "" {
		order.ID = fmt.Sprintf("o%d", len(b.orders)+1)
		b.known[key], b.orders = "#"+order.ID, append(b.orders, order)
	}
	return b.known[key]
}

// all gives the fields of a workload, and what else lets traffic bypass as another.
func all(w *report.Workload) []fn.ExplainedField {
	others := w.OtherEntries()
	if others == nil {
		return w.Fields
	}
	return append(slices.Clip(w.Fields), fn.ExplainedField{Field: report.OtherField, Entries: others})
}

func (b *filed) rungs(f fn.ExplainedField) (all []fileRung) {
	for _, e := range report.Merged(f) {
		rung := fileRung{
			chipView: chipView{Scope: scopeOf(e.From), Text: e.Entry, Expired: e.Expired, Void: !e.InForce},
			Field:    f.Field, Again: all != nil, By: strings.Join(e.CarriedBy, ", "), Source: e.From.Scope, URL: b.rule(e), Line: e.From.Line,
		}
		if e.InForce {
			rung.Text = cmp.Or(strings.Join(e.Holds, ", "), "the empty list")
		}
		rung.Carried = marks(e)
		rung.Lost = lossesOf(e, math.MaxInt)
		all = append(all, rung)
	}
	return all
}

// rule gives where the rule stands that says an entry, "" if none does.
func (b *filed) rule(e fn.ExplainedEntry) string {
	if !strings.HasPrefix(e.From.Scope, "spec.") {
		return ""
	}
	s := fileSource{Path: e.From.Scope, File: e.From.File, Reason: e.Reason, Owner: e.Owner, Expiry: string(e.Expires)}
	if e.Expired {
		s.Expiry = "EXPIRED on " + s.Expiry
	}
	key := fmt.Sprint(s)
	if b.known[key] == "" {
		s.ID = fmt.Sprintf("s%d", len(b.sources)+1)
		b.known[key], b.sources = "#"+s.ID, append(b.sources, s)
		b.anchors[ruleOf(s.Path)] = "#" + s.ID
	}
	return b.known[key]
}
