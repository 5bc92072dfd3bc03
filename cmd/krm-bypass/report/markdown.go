package report

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// mostComment is how long a comment is at the most, in bytes. GitHub takes 65,536
// characters.
const mostComment = 60_000

// comment is a report for a pull request, in the Markdown of GitHub.
type comment struct {
	bytes.Buffer
	// omitted says that something had no place.
	omitted bool
}

// writeMarkdown writes a comment: what counts in its first line, what to look at next,
// and the rest folded.
func writeMarkdown(w io.Writer, r Explanation) error {
	c := &comment{}
	fmt.Fprintf(c, "**%s**\n", r.headline(code))
	for _, warning := range r.Doubtful() {
		fmt.Fprintf(c, "\nWarning: %s\n", prose(warning))
	}
	switch {
	case r.asked():
		c.writeAnswers(&r)
	case r.Comparison != nil:
		c.writeChanges(&r)
	}
	if !r.asked() && !r.only {
		c.writeUnreached(&r)
		c.writeFindings(r.Findings())
	}
	if !r.asked() {
		c.writeNamespaces(&r)
	}
	if said := PassedOver(r.PassedOver); said != "" {
		fmt.Fprintf(c, "\n%s\n", prose(strings.TrimSpace(said)))
	}
	if c.omitted {
		c.WriteString("\nThis comment has no room for the rest: `krm-bypass explain -o wide` leaves nothing out.\n")
	}
	_, err := w.Write(c.Bytes())
	return err
}

// Headline says in a sentence what counts.
func (r *Explanation) Headline() string {
	return r.headline(func(value string) string { return value })
}

func (r *Explanation) headline(quoted func(string) string) string {
	switch {
	case r.asked():
		return quoted(r.Workloads[0].Decision.Connection) + ": " + r.tally() + "."
	case len(r.Workloads) == 0 && r.Comparison == nil:
		return "The manifests hold no workload."
	}
	says := strings.Replace(r.Summary.says(), " bypass ", " workloads bypass ", 1)
	if c := r.Comparison; c != nil {
		says += fmt.Sprintf("; %d changed, and the pods of %d restart", c.Changed, c.Restarted)
		if len(c.Gone) > 0 {
			says += fmt.Sprintf("; %d gone", len(c.Gone))
		}
	}
	return says + "."
}

// section writes parts of a kind, as far as there is room up to most, between what opens
// and closes them.
func (c *comment) section(most int, opens string, parts []string, closes, many string) {
	if len(parts) == 0 {
		return
	}
	if c.Len()+len(opens)+len(parts[0])+len(closes) > most { // nothing would stand between them
		c.omitted = true
		return
	}
	c.WriteString(opens)
	for i, part := range parts {
		if c.Len()+len(part)+len(closes) > most {
			c.omitted = true
			closes += fmt.Sprintf("\nand %d more %s\n", len(parts)-i, many)
			break
		}
		c.WriteString(part)
	}
	c.WriteString(closes)
}

// table writes rows of cells, of which none may end its row.
func (c *comment) table(most int, head []string, rows [][]string, closes string) {
	parts := make([]string, len(rows))
	for i, row := range rows {
		parts[i] = "| " + strings.Join(row, " | ") + " |\n"
	}
	c.section(most, "\n| "+strings.Join(head, " | ")+" |\n"+strings.Repeat("|---", len(head))+"|\n", parts, closes, "rows")
}

// How far the sections go, so that each has room, whatever comes before.
const (
	mostChanges    = mostComment * 5 / 10
	mostUnreached  = mostComment * 6 / 10
	mostFindings   = mostComment * 8 / 10
	mostNamespaces = mostComment * 9 / 10
)

// cell names workloads of which there is the same to say.
func (c *comment) cell(group []*Workload) string {
	if w := group[0]; len(group) == 1 {
		return strings.TrimSpace(code(w.Title()) + " " + at(w.File, w.Line))
	}
	names := make([]string, min(len(group), mostListed))
	for i := range names {
		names[i] = code(group[i].Title())
	}
	more := ""
	if len(names) < len(group) {
		c.omitted, more = true, fmt.Sprintf(" and %d more", len(group)-len(names))
	}
	return fmt.Sprintf("%d workloads: %s%s", len(group), strings.Join(names, ", "), more)
}

func at(file string, line int) string { return in(place(file, line)) }

func in(place string) string {
	if place == "" {
		return ""
	}
	return "in " + code(place)
}

// by names what says something.
func by(from fn.Source) string {
	switch {
	case from.Scope == fn.FromMesh:
		return origin(from)
	case strings.HasPrefix(from.Scope, "spec."):
		return code(from.Scope)
	case slices.Contains(ofPods, from.Scope):
		return from.Scope
	}
	return code(cmp.Or(from.Path, from.Scope))
}

// said gives where something is said, and why. Where exact is false it is so of many.
func said(from fn.Source, because string, exact bool) string {
	said := by(from)
	if (exact || !slices.Contains(ofPods, from.Scope)) && from.Scope != fn.FromMesh {
		said = strings.TrimSpace(said + " " + at(from.File, from.Line))
	}
	if because != "" {
		said += ": " + prose(because)
	}
	return said
}

// inWords says what of the entries holds, and who took the rest.
func (e merging) inWords() string {
	var parts []string
	switch {
	case len(e.Holds) > 0 && e.InForce:
		parts = append(parts, code(strings.Join(e.Holds, ", ")))
	case e.InForce:
		parts = append(parts, emptied)
	case len(e.Lost)+len(e.NoPlace) == 0:
		parts = append(parts, "nothing of "+code(e.Entry))
	}
	for _, l := range e.Lost {
		parts = append(parts, cmp.Or(code(strings.Join(l.Entries, ", ")), emptied)+" lost to "+by(l.To))
	}
	if len(e.NoPlace) > 0 {
		parts = append(parts, code(strings.Join(e.NoPlace, ", "))+" without a place in these pods")
	}
	return strings.Join(parts, "; ")
}

func (c *comment) writeAnswers(r *Explanation) {
	workloads := slices.Clone(r.Workloads)
	slices.SortStableFunc(workloads, ByVerdict)
	answer := func(w *Workload, exact bool) (says, by string) {
		var all []string
		d := w.Decision
		for _, e := range merged(fn.ExplainedField{Field: d.Field, Entries: d.all()}) {
			all = append(all, e.inWords()+" by "+said(e.From, e.because(), exact))
		}
		return prose(strings.TrimPrefix(d.Says(), d.Connection+" ")), strings.Join(all, "<br>")
	}
	var rows [][]string
	for _, group := range alike(workloads, func(w *Workload) string { says, by := answer(w, false); return says + by }) {
		says, by := answer(group[0], len(group) == 1)
		rows = append(rows, []string{c.cell(group), says, by})
	}
	c.table(mostComment, []string{"workload", "", "by"}, rows, "")
}

func (c *comment) writeChanges(r *Explanation) {
	changed := slices.DeleteFunc(slices.Clone(r.Workloads), func(w Workload) bool { return w.Change.Kind == Unchanged })
	diff := func(w *Workload, exact bool) string {
		var b strings.Builder
		for _, f := range w.Change.Fields {
			add := func(sign string, entries []fn.ExplainedEntry) {
				for _, e := range merged(fn.ExplainedField{Field: f.Field, Entries: entries}) {
					fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", sign, f.Field, code(moved(f.Field, e.ExplainedEntry, ", ")), said(e.From, e.because(), exact))
				}
			}
			add("+", f.Added)
			add("−", f.Removed)
		}
		if b.Len() == 0 {
			return ""
		}
		return "\n| | field | entries | said by |\n|---|---|---|---|\n" + b.String()
	}
	var parts []string
	for _, group := range alike(changed, func(w *Workload) string { return w.Change.Says(w.Explanation) + diff(w, false) }) {
		w := group[0]
		parts = append(parts, fmt.Sprintf("\n%s: **%s**\n%s", c.cell(group), prose(w.Change.Says(w.Explanation)), diff(w, len(group) == 1)))
	}
	c.section(mostChanges, "\n### What changed\n", parts, "", "groups of workloads")
	parts = nil
	for _, gone := range r.Comparison.GoneTitles() {
		parts = append(parts, "- "+code(gone)+"\n")
	}
	c.section(mostChanges, "\nGone:\n\n", parts, "", "workloads")
}

func (c *comment) writeUnreached(r *Explanation) {
	var parts []string
	for _, one := range r.Summary.Rules {
		if one.Unreached || one.Suspended {
			newly := map[bool]string{true: "**since this change** "}[r.Comparison.IsNewlyUnreached(one)]
			parts = append(parts, fmt.Sprintf("- %s%s %s reaches %s\n", newly, code(strings.TrimSpace(one.Path+" "+one.Name)), at(one.File, one.Line), prose(Reaches(one))))
		}
	}
	c.section(mostUnreached, "\n### Rules that reach nobody\n\n", parts, "", "rules")
}

func (c *comment) writeFindings(check Check) {
	var parts []string
	for _, f := range check.Alike() {
		kind := f.Rule
		if _, known := finding.ByID(f.Rule); known {
			kind = fmt.Sprintf("[%s](%s/blob/main/docs/lint.md#%s)", f.Rule, homepage, f.Rule)
		}
		about := make([]string, min(len(f.About), mostListed))
		for i := range about {
			about[i] = strings.TrimSpace(code(f.About[i]) + " " + in(f.Places[i]))
		}
		if more := len(f.About) - len(about); more > 0 {
			c.omitted = true
			about = append(about, fmt.Sprintf("%d more", more))
		}
		part := fmt.Sprintf("- **%s** %s, %s: %s\n", string(f.Severity)+map[bool]string{true: ", new"}[f.New], kind, strings.Join(about, ", "), prose(f.Message))
		switch {
		case len(f.Proposed) > mostProposed:
			c.omitted = true
			part += "  `krm-bypass lint` prints the objects that mend it\n"
		case f.Proposed != "":
			part += "  <details><summary>what mends it</summary>\n\n" + indented("  ", fenced("yaml", f.Proposed)) + "\n  </details>\n"
		}
		parts = append(parts, part)
	}
	heading := []string{}
	for _, count := range []struct {
		n    int
		what string
	}{{check.Errors, "error"}, {check.Warnings, "warning"}, {check.Accepted, "accepted finding"}} {
		if count.n > 0 {
			heading = append(heading, Counted(count.n, count.what, count.what+"s"))
		}
	}
	if c.section(mostFindings, "\n### Findings: "+strings.Join(heading, ", ")+"\n\n", parts, "", "findings"); parts == nil && check.Accepted > 0 {
		fmt.Fprintf(c, "\nFindings: %s\n", heading[0])
	}
}

// mostProposed is the longest object that a finding shows.
const mostProposed = 4000

// writeNamespaces has a row for each namespace, and folded below what holds in its
// workloads.
func (c *comment) writeNamespaces(r *Explanation) {
	var namespaces counts[string, Explanation]
	for _, w := range r.Workloads {
		of := namespaces.of(w.Namespace, Explanation{})
		of.Workloads = append(of.Workloads, w)
	}
	slices.SortFunc(namespaces.all, func(a, b Explanation) int { return strings.Compare(a.Workloads[0].Namespace, b.Workloads[0].Namespace) })
	var rows [][]string
	for i := range namespaces.all {
		of := &namespaces.all[i]
		of.summarise()
		row := []string{cmp.Or(code(of.Workloads[0].Namespace), "none"), fmt.Sprint(of.Summary.Workloads), fmt.Sprint(of.Summary.Bypassing)}
		for _, direction := range []traffic.Direction{traffic.Inbound, traffic.Outbound} {
			row = append(row, c.bypasses(of.Summary.Bypasses, direction))
		}
		rows = append(rows, row)
	}
	if !r.only && rows != nil {
		c.WriteString("\n### What bypasses\n")
		c.table(mostNamespaces, []string{"namespace", "workloads", "bypass something", "inbound", "outbound"}, rows, "")
	}
	for i := range namespaces.all {
		c.writeNamespace(&namespaces.all[i], r.only)
	}
}

// bypasses says what bypasses in a direction, and for how many workloads.
func (c *comment) bypasses(all []Bypass, direction traffic.Direction) string {
	var whats []string
	for _, b := range all {
		if b.Direction == direction.String() {
			whats = append(whats, fmt.Sprintf("%s (%d)", code(b.What), b.Workloads))
		}
	}
	c.omitted = c.omitted || len(whats) > mostWhats
	return few(whats, mostWhats)
}

// mostListed are listed of the workloads of which there is the same to say.
const mostListed = 40

// mostWhats are listed of what bypasses in a namespace in one direction.
const mostWhats = 8

func (c *comment) writeNamespace(r *Explanation, open bool) {
	var parts []string
	for _, group := range alike(r.Workloads, func(w *Workload) string { return w.Says() + w.held(false) }) {
		w := group[0]
		parts = append(parts, fmt.Sprintf("\n%s: %s\n%s", c.cell(group), prose(w.Says()), w.held(len(group) == 1)))
	}
	attribute := map[bool]string{true: " open"}[open]
	heading := fmt.Sprintf("\n<details%s><summary>%s: %s</summary>\n", attribute, prose(cmp.Or(r.Workloads[0].Namespace, "no namespace")), prose(r.Summary.outcomes()))
	c.section(mostComment, heading, parts, "\n</details>\n", "groups of workloads")
}

// held has a row for what one scope says in one field, and below what else there is to
// know.
func (w *Workload) held(exact bool) string {
	var rows, notes []string
	add := func(cells ...string) { rows = append(rows, "| "+strings.Join(cells, " | ")+" |\n") }
	for _, f := range w.Fields {
		name := f.Field
		for _, e := range merged(f) {
			add(name, e.inWords(), strings.Join(e.CarriedBy, ", "), said(e.From, e.because(), exact))
			name = ""
		}
		if f.Gap != "" {
			notes = append(notes, "the annotation cannot say all of "+f.Field+": "+f.Gap)
		}
	}
	for _, o := range w.Others {
		add(OtherField, prose(other(o).both())+" by "+code(other(o).says()), "", said(o.From, "", exact))
	}
	var b strings.Builder
	if rows != nil {
		b.WriteString("\n| field | in force | carried by | said by |\n|---|---|---|---|\n" + strings.Join(rows, ""))
	}
	if notes = append(notes, w.Notes...); notes != nil {
		b.WriteString("\n")
	}
	for _, note := range notes {
		b.WriteString("- " + prose(note) + "\n")
	}
	return b.String()
}
