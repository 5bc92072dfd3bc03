package page

import (
	"cmp"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/report"
	"github.com/krm-bypass/krm-bypass/fn"
)

// matrixView is what bypasses, a row for each workload.
type matrixView struct {
	Problems []string
	Headline string
	// Since names the state with which it was compared, "" for none.
	Since    string
	Counts   []countView
	Bypasses []bypassesView
	Nobody   []reachView
	Said     []string
	Filter   filterView
	Columns  []columnView
	Groups   []groupView
	// Why are the notes at the entries of the groups.
	Why   []noteView
	Pager pagerView
}

// noteView says why a rule is there, whose entries have the number of the note.
type noteView struct {
	Number     int
	Scope      scope
	Path, URL  string
	Place, Why string
}

// countView is a number, and where those stand that it counts.
type countView struct {
	N             int
	Of, URL, Mark string
	// Chosen says that they are what the view lists.
	Chosen bool
}

// bypassesView is what bypasses most in a direction.
type bypassesView struct {
	Direction string
	Whats     []countView
	// More counts those that are not shown, and URL shows them.
	More int
	URL  string
}

// reachView is a part of the specification that reaches nobody.
type reachView struct {
	Path, Name, Place, Meant, Edit string
	// New says that a change brought it.
	New bool
}

// filterView is the form of the filter, with what was chosen.
type filterView struct {
	Text, Draft string
	// Past is what bypasses, in that direction, of the workloads that are asked for, ""
	// where nothing certain is asked for.
	Past, Direction string
	Namespaces      []choiceView
	Scopes          []choiceView
	Shows           []choiceView
	// Namespace is the one that was typed, where there are too many to choose from.
	Namespace string
	Typed     bool
	// Clear is the view without a filter, "" where there is none.
	Clear string
}

type choiceView struct {
	Value, Word string
	Chosen      bool
}

type columnView struct {
	Field, Word string
	// First says that it is the first of its direction.
	First bool
}

// groupView are rows of one namespace. Workloads counts all that the filter leaves, on
// this page or another.
type groupView struct {
	Namespace string
	Workloads int
	// Span is how many columns there are.
	Span int
	Rows []rowView
}

type rowView struct {
	Kind, Name, URL string
	Tags            []tagView
	// Alone says that the workload is left as it is, Why the reason, and why there is
	// nothing to write.
	Alone bool
	Why   string
	Cells [][]chipView
}

// tagView is a word on a workload. Mark is that of the style sheet.
type tagView struct{ Mark, Word, URL string }

// chipView are the entries that one rule, or whatever else it was, put into force.
type chipView struct {
	Scope   scope
	Text    string
	Carried string
	Title   string
	Expired bool
	// Note is the number of the note that says why, 0 for none.
	Note int
	// Void says that nothing of it is in force.
	Void bool
}

type pagerView struct {
	From, To, Of   int
	Previous, Next string
}

// How many are shown: rows in a page, entries in a chip, namespaces to choose from, of
// what bypasses in a direction.
const (
	mostRows       = 60
	mostEntries    = 6
	mostNamespaces = 300
	mostBypasses   = 8
)

// matrix shows all workloads, and what bypasses each.
func (s *Site) matrix(r *request) error {
	seen, err := s.seeUnder(r, "Workloads")
	if err != nil {
		return err
	}
	return s.show(r, "matrix", "Workloads", newMatrix(r, seen))
}

// shows are the kinds of workloads that can be asked for.
var shows = []struct {
	value, word string
	fits        func(*report.Workload, tally) bool
}{
	{"bypassing", "with a bypass of their own", func(w *report.Workload, _ tally) bool { own, _ := w.Bypasses(); return own }},
	{"findings", "with findings", func(_ *report.Workload, t tally) bool { return t != tally{} }},
	{"alone", "left alone", func(w *report.Workload, _ tally) bool { return w.Outcome == fn.LeftAlone }},
	{"refused", "refused", func(w *report.Workload, _ tally) bool { return w.Outcome == fn.RefusedOutcome }},
	{changed, "changed", func(w *report.Workload, _ tally) bool { return w.Change != nil && w.Change.Kind != report.Unchanged }},
}

// changed asks for the workloads that changed, where something was compared.
const changed = "changed"

func newMatrix(r *request, seen *Seen) *matrixView {
	v := &matrixView{Problems: seen.Problems, Said: slices.DeleteFunc(slices.Clone(seen.Said), func(line string) bool { return line == "" })}
	if seen.Problems != nil {
		return v
	}
	x, index := &seen.Explanation, seen.index()
	v.Headline, v.Since = x.Headline(), seen.Since
	v.Counts = counts(r, seen)
	v.Bypasses = bypasses(r, x.Summary.Bypasses)
	v.Nobody = nobody(r, x)
	fields := index.fields
	v.Columns = columns(fields)
	v.Filter = newFilter(r, seen)
	kept := filtered(r, seen)
	v.Pager = newPager(r, len(kept))
	for _, i := range kept[max(0, v.Pager.From-1):v.Pager.To] {
		w := &x.Workloads[i]
		if last := len(v.Groups) - 1; last < 0 || v.Groups[last].Namespace != w.Namespace {
			v.Groups = append(v.Groups, groupView{Namespace: w.Namespace, Workloads: countIn(x, kept, w.Namespace), Span: len(fields) + 1})
		}
		g := &v.Groups[len(v.Groups)-1]
		g.Rows = append(g.Rows, newRow(r, w, fields, index.found[i], &v.Why))
	}
	return v
}

// countIn says how many of the workloads at some places, which are sorted by namespace, are
// in one.
func countIn(x *report.Explanation, places []int, namespace string) int {
	first := sort.Search(len(places), func(i int) bool { return x.Workloads[places[i]].Namespace >= namespace })
	return sort.Search(len(places)-first, func(i int) bool { return x.Workloads[places[first+i]].Namespace > namespace })
}

// columns name fields.
func columns(fields []string) (all []columnView) {
	direction := ""
	for _, f := range fields {
		is := sideOf(f)
		all = append(all, columnView{f, called(f), is != direction})
		direction = is
	}
	return all
}

// sideOf says of which connections a field is.
func sideOf(field string) string {
	if field == report.OtherField {
		return field
	}
	if strings.Contains(field, "Inbound") {
		return "inbound"
	}
	return "outbound"
}

// nobody lists the parts of a specification that reach nobody, and why that is.
func nobody(r *request, x *report.Explanation) (all []reachView) {
	for _, one := range x.Summary.Rules {
		newly := x.Comparison.IsNewlyUnreached(one)
		switch {
		case one.Suspended:
			one.Meant = "suspended"
		case !one.Unreached:
			continue
		}
		all = append(all, reachView{one.Path, one.Name, place(one.File, one.Line), one.Meant, r.editURL(one.Path), newly})
	}
	return all
}

func counts(r *request, seen *Seen) []countView {
	s := &seen.Explanation.Summary
	all := []countView{{N: s.Workloads, Of: report.Verb(s.Workloads, "workload", "workloads"), URL: r.link("/")}, {N: s.Bypassing, Of: "with a bypass", URL: r.link("/", "show", "bypassing")}}
	if c := seen.Explanation.Comparison; c != nil {
		all = append(all, countView{N: c.Changed, Of: "changed", URL: r.link("/", "show", changed)}, countView{N: c.Restarted, Of: report.Verb(c.Restarted, "restarts", "restart")})
	}
	for _, o := range []struct {
		outcome fn.Outcome
		show    string
	}{{fn.LeftAlone, "alone"}, {fn.RefusedOutcome, "refused"}} {
		if n := s.Outcomes[o.outcome]; n > 0 {
			all = append(all, countView{N: n, Of: string(o.outcome), URL: r.link("/", "show", o.show)})
		}
	}
	errors, warnings := seen.Findings.Errors, seen.Findings.Warnings
	return append(all, countView{N: errors, Of: report.Verb(errors, "error", "errors"), URL: r.link("/findings", "severity", string(fn.Error)), Mark: "error"}, countView{N: warnings, Of: report.Verb(warnings, "warning", "warnings"), URL: r.link("/findings", "severity", string(fn.Warning)), Mark: "warning"})
}

func bypasses(r *request, all []report.Bypass) (views []bypassesView) {
	most := mostBypasses
	if r.query.Has("bypasses") {
		most = len(all)
	}
	for direction, says := range map[string]string{"outbound": "Outbound, most often", "inbound": "Inbound, most often"} {
		v := bypassesView{Direction: says, URL: r.again("bypasses", "all")}
		for _, b := range all {
			switch {
			case b.Direction != direction:
			case len(v.Whats) == most:
				v.More++
			default:
				url := ""
				if len(b.What) <= longestReason { // servers and proxies refuse URLs that are too long
					url = r.link("/", "past", b.What, "direction", direction)
				}
				v.Whats = append(v.Whats, countView{N: b.Workloads, Of: b.What, URL: url})
			}
		}
		if v.Whats != nil {
			views = append(views, v)
		}
	}
	slices.SortFunc(views, func(a, b bypassesView) int { return strings.Compare(b.Direction, a.Direction) })
	return views
}

// value names a scope in a URL.
func (s scope) value() string { return strings.TrimPrefix(s.Class, "of-") }

func newFilter(r *request, seen *Seen) filterView {
	v := filterView{Text: r.query.Get("text"), Namespace: r.query.Get("namespace"), Past: r.query.Get("past"), Direction: r.query.Get("direction")}
	if r.draft != nil {
		v.Draft = r.draft.id
	}
	for _, param := range []string{"text", "namespace", "scope", "show", "past"} {
		if r.query.Get(param) != "" {
			v.Clear = r.link("/")
		}
	}
	known := seen.index().namespaces
	if v.Typed = len(known) > mostNamespaces; !v.Typed {
		for _, name := range known {
			v.Namespaces = append(v.Namespaces, choiceView{cmp.Or(name, noNamespace), cmp.Or(name, "without a namespace"), cmp.Or(name, noNamespace) == v.Namespace})
		}
		slices.SortFunc(v.Namespaces, func(a, b choiceView) int { return strings.Compare(a.Value, b.Value) })
	}
	for _, one := range breadths {
		v.Scopes = append(v.Scopes, choiceView{one.value(), one.Word, one.value() == r.query.Get("scope")})
	}
	for _, one := range shows {
		if one.value != changed || seen.Explanation.Comparison != nil {
			v.Shows = append(v.Shows, choiceView{one.value, one.word, one.value == r.query.Get("show")})
		}
	}
	return v
}

// noNamespace asks for workloads that name no namespace: no namespace is called so.
const noNamespace = "-"

// filtered gives the places of the workloads that the request asks for, by namespace.
func filtered(r *request, seen *Seen) (kept []int) {
	text, namespace, from := newSought(r.query.Get("text")), r.query.Get("namespace"), r.query.Get("scope")
	past, direction := r.query.Get("past"), r.query.Get("direction")
	fits := func(*report.Workload, tally) bool { return true }
	for _, one := range shows {
		if one.value == r.query.Get("show") {
			fits = one.fits
		}
	}
	index := seen.index()
	for _, i := range index.order {
		w := &seen.Explanation.Workloads[i]
		if namespace != "" && cmp.Or(w.Namespace, noNamespace) != namespace || !fits(w, index.found[i]) {
			continue
		}
		if (past == "" || w.LetsPast(direction, past)) && text.isIn(w, index.texts[i]) && (from == "" || isSaidBy(w, from)) {
			kept = append(kept, i)
		}
	}
	return kept
}

// isSaidBy reports whether a scope put something into force for a workload.
func isSaidBy(w *report.Workload, value string) bool {
	for _, f := range w.Fields {
		for _, e := range f.Entries {
			if e.InForce && scopeOf(e.From).value() == value {
				return true
			}
		}
	}
	return slices.ContainsFunc(w.Others, func(o fn.ExplainedOther) bool { return scopeOf(o.From).value() == value })
}

// newPager chooses the page that the request asks for.
func newPager(r *request, rows int) pagerView {
	pages := max(1, (rows+mostRows-1)/mostRows)
	n, _ := strconv.Atoi(r.query.Get("page")) // what is no number is the first
	n = min(max(n, 1), pages)
	link := func(n int) string {
		if n < 1 || n > pages {
			return ""
		}
		return r.again("page", strconv.Itoa(n))
	}
	return pagerView{From: min((n-1)*mostRows+1, rows), To: min(n*mostRows, rows), Of: rows, Previous: link(n - 1), Next: link(n + 1)}
}

func newRow(r *request, w *report.Workload, fields []string, found tally, notes *[]noteView) rowView {
	v := rowView{Kind: w.Kind, Name: strings.TrimSpace(w.Name + " " + w.Template), URL: r.link("/workload", "of", w.Key()), Alone: w.Outcome == fn.LeftAlone, Why: w.Reason}
	v.Tags = tagsOf(r, w, found)
	v.Cells = make([][]chipView, len(fields))
	some := false
	for _, f := range all(w) {
		at := slices.Index(fields, f.Field)
		for _, e := range report.Merged(f) {
			if e.InForce {
				chip := newChip(e)
				chip.Note = noteOf(r, e, notes)
				v.Cells[at], some = append(v.Cells[at], chip), true
			}
		}
	}
	if !some {
		v.Cells = nil
	}
	return v
}

// noteOf gives the number of the note that says why an entry is there, 0 where nobody does.
// A rule has one, at whichever workload its entries are.
func noteOf(r *request, e fn.ExplainedEntry, notes *[]noteView) int {
	why, rule := because(e), ruleOf(e.From.Path)
	if len(why) == 0 || rule == "" {
		return 0
	}
	n := noteView{Scope: scopeOf(e.From), Path: rule, Place: e.From.File, Why: begins(strings.Join(why, "; "), longestReason)}
	for _, known := range *notes {
		if n.Number, n.URL = known.Number, known.URL; n == known {
			return known.Number
		}
	}
	n.Number, n.URL = len(*notes)+1, r.rulesURL(rule)
	*notes = append(*notes, n)
	return n.Number
}

func tagsOf(r *request, w *report.Workload, found tally) (tags []tagView) {
	add := func(mark, word, url string) { tags = append(tags, tagView{mark, word, url}) }
	url := r.link("/findings", "text", w.Name)
	if found.errors > 0 {
		add("error", report.Counted(found.errors, "error", "errors"), url)
	}
	if found.warnings > 0 {
		add("warning", report.Counted(found.warnings, "warning", "warnings"), url)
	}
	if !slices.Contains([]fn.Outcome{fn.Written, fn.Unspoken, fn.LeftAlone, fn.Adopted}, w.Outcome) {
		add("warn", string(w.Outcome), "")
	}
	if w.Voided != "" {
		add("warn", "without effect", "")
	}
	if w.Change != nil && w.Change.Kind != report.Unchanged {
		add("draft", string(w.Change.Kind), "")
		if w.Change.Restarts {
			add("", "restarts", "")
		}
	}
	soonest := ""
	for _, f := range w.Fields {
		for _, e := range f.Entries {
			if date := string(e.Expires); e.InForce && date != "" && (soonest == "" || date < soonest) {
				soonest = date
				if e.Expired {
					soonest = "expired"
				}
			}
		}
	}
	switch soonest {
	case "":
	case "expired":
		add("bad", soonest, "")
	default:
		add("date", "until "+soonest, "")
	}
	return tags
}

// carriers are the letters of what enforces an entry.
var carriers = map[string]string{fn.ByAnnotation: "a", fn.ByInitContainer: "i", fn.ByMesh: "m"}

// marks are the letters of what enforces an entry.
func marks(e fn.ExplainedEntry) (letters string) {
	for _, by := range e.CarriedBy {
		letters += carriers[by]
	}
	return letters
}

func newChip(e fn.ExplainedEntry) chipView {
	v := chipView{Scope: scopeOf(e.From), Text: shortened(e.Holds), Expired: e.Expired}
	if v.Text == "" {
		v.Text = "none"
	}
	v.Carried = marks(e)
	v.Title = strings.TrimSpace(e.From.Scope + " " + place(e.From.File, e.From.Line))
	for _, part := range because(e) {
		v.Title += "\n" + begins(part, longestReason)
	}
	return v
}

// shortened gives the first of some entries, each at a length that a table has room for.
func shortened(entries []string) string {
	var some []string
	for _, e := range entries[:min(len(entries), mostEntries)] {
		some = append(some, begins(e, longestEntry))
	}
	if more := len(entries) - len(some); more > 0 {
		some = append(some, "+"+strconv.Itoa(more))
	}
	return strings.Join(some, " ")
}

// begins gives the beginning of a long text.
func begins(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}

// longestEntry is how much of an entry a table has room for, longestReason of a reason that
// stands at each of a rule's entries.
const longestEntry, longestReason = 100, 300
