package report

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/terminal"
)

// writeWide writes a row for every entry, with all that there is to say of it.
func writeWide(w io.Writer, r Explanation) error {
	var b bytes.Buffer
	switch {
	case r.asked():
		r.writeAnswers(&b)
	case r.Comparison != nil:
		r.writeChanges(&b)
	default:
		if !r.only && len(r.Workloads) > 0 {
			p := &page{whole: true}
			p.writeSummary(&r)
			b.Write(p.Bytes())
			b.WriteString("\n")
		}
		r.writeWorkloads(&b)
		b.WriteString(PassedOver(r.PassedOver))
	}
	return writeLines(w, &b)
}

// columns aligns rows of cells that are separated by tabs.
func columns(b *bytes.Buffer, rows []string) {
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	for _, one := range rows {
		fmt.Fprintln(t, "  "+one)
	}
	_ = t.Flush() // a buffer takes everything
}

func (w *Workload) heading() string {
	if w.File == "" {
		return w.Title()
	}
	return fmt.Sprintf("%s (%s)", w.Title(), place(w.File, w.Line))
}

func (r *Explanation) writeWorkloads(b *bytes.Buffer) {
	if len(r.Workloads) == 0 {
		b.WriteString("the manifests hold no workload\n")
	}
	for i := range r.Workloads {
		w := &r.Workloads[i]
		if i > 0 {
			b.WriteString("\n")
		}
		fmt.Fprintf(b, "%s: %s\n", w.heading(), w.Says())
		rows := []string{strings.Join([]string{"FIELD", "ENTRY", "IN FORCE", "FROM", "CARRIED BY", "NOTE"}, "\t")}
		for _, f := range w.Fields {
			name := f.Field
			for _, e := range f.Entries {
				rows = append(rows, strings.Join([]string{name, spelt(e), inForce(e), origin(e.From), strings.Join(e.CarriedBy, ", "), note(e)}, "\t"))
				name = ""
			}
		}
		if len(w.Fields) > 0 {
			columns(b, rows)
		}
		for _, o := range w.Others {
			fmt.Fprintf(b, "  %s lets bypass: %s (%s)\n", other(o).says(), other(o).both(), origin(o.From))
		}
		for _, note := range w.notes(r.only) {
			fmt.Fprintf(b, "  %s\n", note)
		}
		for _, f := range w.Fields {
			if f.Gap != "" {
				fmt.Fprintf(b, "  the annotation cannot say all of %s: %s\n", f.Field, f.Gap)
			}
		}
	}
}

// Says says what becomes of a workload, and in which way.
func (w *Workload) Says() string { return w.enforced() + w.placed(origin(w.DataPlaneFrom)) }

// plane gives the data plane in which the pods are, "" where they may be in no mesh. What
// nobody says is Sidecar.
func (w *Workload) plane() string {
	if w.DataPlane == "" && w.Reason == "" {
		return string(mesh.Sidecar)
	}
	return w.DataPlane
}

// placed says in which data plane the pods are, if anybody does, and by what.
func (w *Workload) placed(by string) string {
	switch {
	case w.DataPlane == "":
		return ""
	case w.DataPlaneFrom.Scope == fn.FromDefault:
		return fmt.Sprintf("; in %s by default", w.DataPlane)
	case w.DataPlaneSign != "":
		return fmt.Sprintf("; in %s by its template's %s", w.DataPlane, w.DataPlaneSign)
	}
	return fmt.Sprintf("; in %s by %s", w.DataPlane, by)
}

func (w *Workload) enforced() string {
	text := string(w.Outcome)
	switch {
	case w.Reason != "":
		return text + ": " + w.Reason
	case w.ModeFrom.Scope == fn.FromDefault:
		return fmt.Sprintf("%s, mode %s by default", text, w.Mode)
	case w.Mode != "":
		return fmt.Sprintf("%s, mode %s by %s", text, w.Mode, origin(w.ModeFrom))
	}
	return text
}

// emptied is in force where a list without entries is.
const emptied = "the empty list"

// spelt gives an entry as it is written, and of a name what it means.
func spelt(e fn.ExplainedEntry) string {
	switch {
	case e.Means == nil:
		return e.Entry
	case len(e.Means) == 0:
		return e.Entry + " (no such port)"
	}
	return e.Entry + " (" + strings.Join(e.Means, " ") + ")"
}

func inForce(e fn.ExplainedEntry) string {
	switch {
	case len(e.Holds) > 0:
		return strings.Join(e.Holds, " ")
	case e.InForce:
		return emptied
	}
	return "-"
}

// note says which entries were lost, and why the rule exists.
func note(e fn.ExplainedEntry) string {
	var parts []string
	for _, l := range e.Lost {
		what := strings.Join(l.Entries, " ")
		if what == "" {
			what = e.Entry
		}
		parts = append(parts, fmt.Sprintf("%s lost to %s", what, origin(l.To)))
	}
	if len(e.NoPlace) > 0 {
		parts = append(parts, strings.Join(e.NoPlace, " ")+" without a place in these pods")
	}
	if e.Reason != "" {
		parts = append(parts, strings.Join(strings.Fields(e.Reason), " "))
	}
	if e.Owner != "" {
		parts = append(parts, "owner "+terminal.Line(e.Owner))
	}
	switch {
	case e.Expired:
		parts = append(parts, "EXPIRED on "+string(e.Expires))
	case e.Expires != "":
		parts = append(parts, "expires on "+string(e.Expires))
	}
	return strings.Join(parts, "; ")
}

func (r *Explanation) writeChanges(b *bytes.Buffer) {
	for i := range r.Workloads {
		w := &r.Workloads[i]
		if w.Change.Kind == Unchanged {
			continue
		}
		fmt.Fprintf(b, "%s: %s\n", w.heading(), w.Change.Says(w.Explanation))
		var rows []string
		for _, c := range w.Change.Fields {
			for _, e := range c.Added {
				rows = append(rows, "+ "+strings.Join([]string{c.Field, moved(c.Field, e, " "), origin(e.From), note(fn.ExplainedEntry{Reason: e.Reason, Owner: e.Owner, Expires: e.Expires, Expired: e.Expired})}, "\t"))
			}
			for _, e := range c.Removed {
				rows = append(rows, "- "+strings.Join([]string{c.Field, moved(c.Field, e, " "), origin(e.From), ""}, "\t"))
			}
		}
		columns(b, rows)
	}
	for _, ref := range r.Comparison.Gone {
		gone := Workload{Explanation: fn.Explanation{TemplateRef: ref}}
		fmt.Fprintf(b, "%s: gone\n", gone.Title())
	}
	p := &page{whole: true}
	p.writeNewlyUnreached(r)
	b.Write(p.Bytes())
	b.WriteString(r.changed() + "\n")
}

func (r *Explanation) changed() string {
	return fmt.Sprintf("%d of %d workloads changed, and the pods of %d restart", r.Comparison.Changed, len(r.Workloads), r.Comparison.Restarted)
}

// Says says in one line how a workload changed.
func (c *Change) Says(x fn.Explanation) string {
	if c.Outcome != "" {
		alone := *c
		alone.Outcome = ""
		return alone.Says(x) + "; " + c.Outcome
	}
	switch {
	case c.Kind == New:
		return "new, " + string(x.Outcome)
	case c.Kind == Unknown:
		return "refused, now or before: " + x.Reason
	case c.Restarts:
		return fmt.Sprintf("pods restart (%s)", strings.Join(c.Because, ", "))
	case c.Template:
		return fmt.Sprintf("only new pods change (%s)", strings.Join(c.Because, ", "))
	}
	return "no pods restart"
}

func (r *Explanation) writeAnswers(b *bytes.Buffer) {
	for i := range r.Workloads {
		w := &r.Workloads[i]
		d := w.Decision
		fmt.Fprintf(b, "%s: %s\n", w.Title(), d.Says())
		var rows []string
		for _, e := range d.all() {
			rows = append(rows, strings.Join([]string{spelt(e), origin(e.From), note(e)}, "	"))
		}
		columns(b, rows)
	}
}

// all gives the entries that decide, then those that do while init containers run.
func (d *Decision) all() []fn.ExplainedEntry {
	if d.Initially == nil {
		return d.By
	}
	return slices.Concat(d.By, d.Initially.By)
}

// Says gives the answer in a line.
func (d *Decision) Says() string {
	if d.Initially != nil {
		afterwards := *d
		afterwards.Initially = nil
		return fmt.Sprintf("%s; while init containers run, %s by %s", afterwards.Says(), d.Initially.Verdict, d.Initially.Field)
	}
	text := d.Connection + " " + d.Verdict
	if d.Field != "" {
		text += " by " + d.Field
	}
	if d.Why != "" {
		text += ": " + d.Why
	}
	return text
}
