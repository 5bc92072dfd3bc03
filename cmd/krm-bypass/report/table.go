package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/pattern"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// writeTable writes for people at a terminal: what there is to say of many workloads
// once, and its places in footnotes.
func writeTable(w io.Writer, r Explanation) error {
	p := &page{}
	switch {
	case r.asked():
		p.writeAnswers(&r)
	case r.Comparison != nil:
		p.writeChanges(&r)
	case len(r.Workloads) == 0:
		p.line(0, "the manifests hold no workload")
		p.passOver(r.PassedOver)
	default:
		p.passOver(r.PassedOver)
		if !r.only {
			p.writeSummary(&r)
		}
		p.writeGroups(slices.DeleteFunc(slices.Clone(r.Workloads), r.summed), !r.only, func(p *page, w *Workload, exact bool) (string, [][]string) {
			return w.outcomeIn(p) + w.marks(p, r.only), w.table(p, exact)
		})
	}
	return p.finish(w)
}

// summed reports whether the summary says all there is to say of a workload.
func (r *Explanation) summed(w Workload) bool {
	return !r.only && w.Outcome == fn.LeftAlone && len(w.Fields)+len(w.Others) == 0
}

// body gives the heading of a workload behind its name, and the rows below. Where
// exact is false it speaks of many, and says nothing of their places.
type body func(p *page, w *Workload, exact bool) (heading string, rows [][]string)

// writeGroups writes the workloads of which there is the same to say together.
func (p *page) writeGroups(workloads []Workload, apart bool, say body) {
	scratch := &page{}
	groups := alike(workloads, func(w *Workload) string {
		heading, rows := say(scratch, w, false)
		return heading + fmt.Sprint(rows)
	})
	for i, group := range groups {
		heading, rows := say(p, group[0], len(group) == 1)
		if apart && (i > 0 || p.Len() > 0) {
			p.WriteString("\n")
		}
		p.line(0, "%s: %s", p.names(group), heading)
		p.columns(rows)
	}
}

// alike puts workloads together of which there is the same to say.
func alike(workloads []Workload, says func(*Workload) string) [][]*Workload {
	var groups counts[string, []*Workload]
	for i := range workloads {
		group := groups.of(says(&workloads[i]), nil)
		*group = append(*group, &workloads[i])
	}
	return groups.all
}

// names gives the workloads of a group.
func (p *page) names(group []*Workload) string {
	if len(group) == 1 {
		return group[0].heading()
	}
	p.elided = true // at least their places
	names := make([]string, len(group))
	for i, w := range group {
		names[i] = w.Title()
	}
	return fmt.Sprintf("%d workloads (%s)", len(group), p.few(names, mostNames))
}

// mostNames are listed of the workloads of which there is the same to say.
const mostNames = 12

func (w *Workload) outcomeIn(p *page) string {
	text := w.enforced()
	switch {
	case w.Outcome == fn.RefusedOutcome && w.Reason != "" && len(w.Fields)+len(w.Others) > 0:
		text = fmt.Sprintf("%s %s", w.Outcome, p.note("\x00"+w.Reason, w.Reason, ""))
	case w.Reason == "" && w.Mode != "" && w.ModeFrom.Scope != fn.FromDefault:
		text = fmt.Sprintf("%s, mode %s %s", w.Outcome, w.Mode, p.source(w.ModeFrom, "", true))
	}
	if w.DataPlaneFrom.Path == "" || w.DataPlaneSign != "" {
		return text + w.placed("")
	}
	return text + w.placed(p.source(w.DataPlaneFrom, "", true))
}

// marks are those of the notes on a workload.
func (w *Workload) marks(p *page, alone bool) string {
	var marks strings.Builder
	for _, note := range w.notes(alone) {
		marks.WriteString(" " + p.note(note, note, ""))
	}
	return marks.String()
}

// notes are those on a workload, and where it stands alone what may be so of all.
func (w *Workload) notes(alone bool) []string {
	if !alone || w.Order == "" {
		return w.Notes
	}
	return append(slices.Clone(w.Notes), w.Order)
}

// table gives a row for what one scope says in one field.
func (w *Workload) table(p *page, exact bool) [][]string {
	var rows [][]string
	for _, f := range w.Fields {
		name := f.Field
		for _, e := range merged(f) {
			rows = append(rows, []string{name, e.Entry, e.inForce(p, exact), strings.Join(e.CarriedBy, ", "), p.source(e.From, e.because(), exact)})
			name = ""
		}
		if f.Gap != "" {
			rows[len(rows)-1][3] += " " + p.note(f.Field+"\x00"+f.Gap, "no annotation says all of "+f.Field, f.Gap)
		}
	}
	for _, o := range w.Others {
		rows = append(rows, []string{"other", other(o).says(), other(o).both(), "", p.source(o.From, "", exact)})
	}
	if rows == nil {
		return nil
	}
	return append([][]string{{"FIELD", "ENTRIES", "IN FORCE", "CARRIED BY", "FROM"}}, rows...)
}

// merging are the entries that a scope has in a field and that are carried alike.
type merging struct {
	fn.ExplainedEntry
	field traffic.Field
	// whole says that all of them are in force.
	whole bool
	// entries are those of Entry, until they are put together, and names those by name.
	entries, names []string
}

// index is the last step of the path of an entry.
var index = pattern.Of(`\[\d+\]$`)

// Merged puts the entries together that a scope has in a field and that are carried alike.
func Merged(f fn.ExplainedField) []fn.ExplainedEntry {
	var all []fn.ExplainedEntry
	for _, m := range merged(f) {
		all = append(all, m.ExplainedEntry)
	}
	return all
}

func merged(f fn.ExplainedField) []merging {
	var all counts[string, merging]
	field, _ := initialField(f.Field)
	if f.Field == OtherField { // each is of its own kind
		for _, e := range f.Entries {
			all.all = append(all.all, merging{ExplainedEntry: e, field: field})
		}
		return all.all
	}
	for _, e := range f.Entries {
		e.From.Path = index.Regexp().ReplaceAllString(e.From.Path, "")
		key := fmt.Sprint(e.From.Scope, e.From.Path, e.From.File, e.CarriedBy, e.InForce)
		m := all.of(key, merging{ExplainedEntry: fn.ExplainedEntry{From: e.From, InForce: e.InForce, CarriedBy: e.CarriedBy, Reason: e.Reason, Owner: e.Owner, Expires: e.Expires, Expired: e.Expired}, field: field, whole: true})
		if e.Means != nil {
			m.names = append(m.names, spelt(e))
		} else {
			m.entries = append(m.entries, strings.Fields(e.Entry)...)
		}
		m.Holds = append(m.Holds, e.Holds...)
		m.NoPlace = append(m.NoPlace, e.NoPlace...)
		m.whole = m.whole && e.InForce && len(e.Lost) == 0 && len(e.NoPlace) == 0
		for _, l := range e.Lost {
			i := slices.IndexFunc(m.Lost, func(have fn.Loss) bool { return have.To == l.To })
			if i < 0 {
				i = len(m.Lost)
				m.Lost = append(m.Lost, fn.Loss{To: l.To})
			}
			m.Lost[i].Entries = append(m.Lost[i].Entries, l.Entries...)
		}
	}
	for i := range all.all { // at the end, since there may be very many entries
		m := &all.all[i]
		m.Entry, m.Holds = strings.Join(append(together(field, m.entries...), m.names...), ", "), together(field, m.Holds...)
		m.NoPlace = together(field, m.NoPlace...)
		for l := range m.Lost {
			m.Lost[l].Entries = together(field, m.Lost[l].Entries...)
		}
	}
	return all.all
}

// together gives entries in canonical form if they are ports, which then merge.
func together(f traffic.Field, entries ...string) []string {
	var l traffic.Layer
	if strings.HasSuffix(string(f), "Ports") && l.Set(f, entries) == nil {
		entries, _ = l.Entries(f)
	}
	return entries
}

// inForce says what of the entries holds and who took the rest.
func (e merging) inForce(p *page, exact bool) string {
	var lost []string
	for _, l := range e.Lost {
		what := strings.Join(l.Entries, ", ") + " "
		if len(e.Lost) == 1 && len(e.Holds) == 0 {
			what = ""
		}
		lost = append(lost, what+"lost to "+p.source(l.To, "", exact))
	}
	if len(e.NoPlace) > 0 {
		what := strings.Join(e.NoPlace, ", ") + " "
		if len(e.Lost) == 0 && len(e.Holds) == 0 {
			what = ""
		}
		lost = append(lost, what+"without a place")
	}
	switch {
	case e.whole && len(e.Holds) == 0:
		return emptied
	case e.whole:
		return "all"
	case e.InForce && len(e.Holds) > 0:
		return strings.Join(append([]string{strings.Join(e.Holds, ", ")}, lost...), "; ")
	}
	return strings.Join(append([]string{"none"}, lost...), ", ")
}

// because says why a rule says something, and who answers for it.
func (e merging) because() string {
	return note(fn.ExplainedEntry{Reason: e.Reason, Owner: e.Owner, Expires: e.Expires, Expired: e.Expired})
}

// ofPods are scopes that each workload has of its own.
var ofPods = []string{fn.FromAnnotation, fn.FromContainer, fn.FromTemplate}

// source gives the footnote for where something is said.
func (p *page) source(from fn.Source, because string, exact bool) string {
	switch {
	case from.Scope == fn.FromMesh:
		return origin(from)
	case !slices.Contains(ofPods, from.Scope):
		return p.note(from.File+"\x00"+from.Path, place(from.File, from.Line)+" "+from.Path, because)
	case !exact || from.Line == 0:
		p.elided = p.elided || !exact
		return from.Scope
	}
	said := from.Scope
	if from.Scope == fn.FromTemplate {
		said = from.Path
	}
	return p.note(place(from.File, from.Line)+from.Path, place(from.File, from.Line)+" "+said, because)
}

// moved says what comes into force in a field, or goes out of it.
func moved(field string, e fn.ExplainedEntry, between string) string {
	holds := strings.Join(e.Holds, between)
	if field == OtherField {
		return holds + " by " + e.Entry
	}
	return cmp.Or(holds, emptied)
}

func (p *page) writeChanges(r *Explanation) {
	p.line(0, "%s", r.changed())
	changed := slices.DeleteFunc(slices.Clone(r.Workloads), func(w Workload) bool { return w.Change.Kind == Unchanged })
	p.writeGroups(changed, false, func(p *page, w *Workload, exact bool) (string, [][]string) {
		var rows [][]string
		for _, c := range w.Change.Fields {
			add := func(sign string, entries []fn.ExplainedEntry) {
				for _, e := range merged(fn.ExplainedField{Field: c.Field, Entries: entries}) {
					rows = append(rows, []string{sign + " " + c.Field, moved(c.Field, e.ExplainedEntry, ", "), p.source(e.From, e.because(), exact)})
				}
			}
			add("+", c.Added)
			add("-", c.Removed)
		}
		return w.Change.Says(w.Explanation), rows
	})
	if gone := r.Comparison.GoneTitles(); gone != nil {
		p.line(0, "gone: %s", p.few(gone, mostNames))
	}
	p.writeNewlyUnreached(r)
}

// writeNewlyUnreached lists the parts of a specification that reach nobody since a change.
func (p *page) writeNewlyUnreached(r *Explanation) {
	newly := r.Comparison.Unreached
	if newly == nil || r.only {
		return
	}
	p.line(0, "since this change these reach nobody:")
	var rows [][]string
	for _, one := range newly[:p.room(len(newly), mostRules)] {
		rows = append(rows, []string{strings.TrimSpace(one.Path + " " + one.Name), Reaches(one), place(one.File, one.Line)})
	}
	p.columns(rows)
	if more := len(newly) - len(rows); more > 0 {
		p.elided = true
		p.line(2, "and %d more", more)
	}
}

// Verdicts are in the order in which a reader wants them.
var Verdicts = []string{Bypassed, InDoubt, NotOurs, LeftToMesh, Intercepted}

// ByVerdict orders workloads by what becomes of the connection that they were asked about.
func ByVerdict(a, b Workload) int {
	of := func(w Workload) int {
		if w.Decision == nil {
			return 0
		}
		return slices.Index(Verdicts, w.Decision.Verdict)
	}
	return of(a) - of(b)
}

// tally counts the workloads by verdict.
func (r *Explanation) tally() string {
	n := map[string]int{}
	for _, w := range r.Workloads {
		n[w.Decision.Verdict]++
	}
	var all []string
	for _, verdict := range Verdicts {
		if n[verdict] > 0 {
			all = append(all, fmt.Sprintf("%s for %d", verdict, n[verdict]))
		}
	}
	return fmt.Sprintf("%s of %d workloads", strings.Join(all, ", "), len(r.Workloads))
}

func (p *page) writeAnswers(r *Explanation) {
	workloads := slices.Clone(r.Workloads)
	for i := range workloads {
		workloads[i].File = "" // the entries have theirs
	}
	slices.SortStableFunc(workloads, ByVerdict)
	if len(workloads) > 1 {
		p.line(0, "%s: %s", workloads[0].Decision.Connection, r.tally())
	}
	p.writeGroups(workloads, false, func(p *page, w *Workload, exact bool) (string, [][]string) {
		d := w.Decision
		var rows [][]string
		add := func(d *Decision) {
			for _, e := range merged(fn.ExplainedField{Field: d.Field, Entries: d.By}) {
				rows = append(rows, []string{strings.Join(e.Holds, ", "), p.source(e.From, e.because(), exact)})
			}
		}
		if add(d); d.Initially != nil {
			add(d.Initially)
		}
		return d.Says(), rows
	})
}
