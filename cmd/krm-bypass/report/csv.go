package report

import (
	"cmp"
	"encoding/csv"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/terminal"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// writeCSV writes the audit table: one row for every entry that lets something
// bypass the sidecar of a workload, and who answers for it. After a comparison the
// rows say what was added and removed. After a question about a connection, each
// row is the answer for one workload.
func writeCSV(w io.Writer, r Explanation) error {
	var rows [][]string
	switch {
	case r.asked():
		rows = r.answers()
	case r.Comparison != nil:
		rows = r.changes()
	default:
		rows = r.audit()
	}
	out := csv.NewWriter(w)
	for _, row := range rows {
		for i, cell := range row {
			row[i] = inert(terminal.Lines(cell))
		}
		if err := out.Write(row); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// inert keeps a spreadsheet from reading a cell as a formula
// (owasp.org/www-community/attacks/CSV_Injection): reasons are free text.
func inert(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}

// tail ends a row with what not every report has. Of no workload it names the columns.
func (r *Explanation) tail(w *Workload) []string {
	return append(r.templates(w), r.planes(w)...)
}

// templates says which template of its object it is, where one has several.
func (r *Explanation) templates(w *Workload) []string {
	switch {
	case !slices.ContainsFunc(r.Workloads, func(w Workload) bool { return w.Template != "" }):
		return nil
	case w == nil:
		return []string{"template"}
	}
	return []string{w.Template}
}

// planes says for the end of a row in which data plane the pods of a workload are, where
// anybody says it of some. Of those in the mesh of whom nobody does, it is Sidecar.
func (r *Explanation) planes(w *Workload) []string {
	switch {
	case !slices.ContainsFunc(r.Workloads, func(w Workload) bool { return w.DataPlane != "" }):
		return nil
	case w == nil:
		return []string{"dataPlane", "dataPlaneFrom"}
	}
	return []string{w.plane(), cmp.Or(w.DataPlaneSign, w.DataPlaneFrom.Path, w.DataPlaneFrom.Scope)}
}

func (r *Explanation) asked() bool { return len(r.Workloads) > 0 && r.Workloads[0].Decision != nil }

var (
	workloadColumns = []string{"apiVersion", "kind", "namespace", "name"}
	entryColumns    = []string{"field", "entry", "inForce", "from", "file", "line", "carriedBy", "reason", "owner", "expires", "expired"}
)

func workloadCells(ref fn.ResourceRef) []string {
	return []string{ref.APIVersion, ref.Kind, ref.Namespace, ref.Name}
}

func entryCells(field string, e fn.ExplainedEntry) []string {
	line, expired := "", ""
	if e.From.Line > 0 {
		line = strconv.Itoa(e.From.Line)
	}
	if e.Expires != "" {
		expired = strconv.FormatBool(e.Expired)
	}
	return []string{
		field, e.Entry, strings.Join(e.Holds, " "), cmp.Or(e.From.Path, e.From.Scope), e.From.File, line,
		strings.Join(e.CarriedBy, ", "), e.Reason, e.Owner, string(e.Expires), expired,
	}
}

// audit gives one row for every entry that lets something bypass, and one for a workload
// of which nothing is known since it cannot be read.
func (r *Explanation) audit() [][]string {
	rows := [][]string{slices.Concat(workloadColumns, entryColumns, r.tail(nil))}
	for i := range r.Workloads {
		w := &r.Workloads[i]
		if w.Outcome == fn.RefusedOutcome && len(w.Fields)+len(w.Others) == 0 {
			refused := fn.ExplainedEntry{From: fn.Source{File: w.File, Line: w.Line}, Reason: w.Reason}
			rows = append(rows, slices.Concat(workloadCells(w.ResourceRef), entryCells(string(w.Outcome), refused), r.tail(w)))
		}
		for _, f := range w.Fields {
			for _, e := range f.Entries {
				if bypasses(f, e) {
					rows = append(rows, slices.Concat(workloadCells(w.ResourceRef), entryCells(f.Field, e), r.tail(w)))
				}
			}
		}
		for _, o := range w.Others {
			rows = append(rows, slices.Concat(workloadCells(w.ResourceRef), entryCells(OtherField, other(o).entry()), r.tail(w)))
		}
	}
	return rows
}

// bypasses reports whether an entry lets something bypass.
func bypasses(f fn.ExplainedField, e fn.ExplainedEntry) bool {
	switch traffic.Field(f.Field) {
	case traffic.IncludeOutboundPorts:
		return false // it is intercepted in any case
	case traffic.IncludeInboundPorts, traffic.IncludeOutboundIPRanges:
		// By what is not listed, and by listing nothing.
		everything := len(f.Effective) == 1 && f.Effective[0] == traffic.Everything
		return e.InForce && !everything
	}
	return len(e.Holds) > 0
}

// changes gives one row for every entry that came into force or went out of it.
func (r *Explanation) changes() [][]string {
	rows := [][]string{slices.Concat([]string{"change"}, workloadColumns, []string{"restarts"}, entryColumns, r.tail(nil))}
	for i := range r.Workloads {
		w := &r.Workloads[i]
		head := slices.Concat(workloadCells(w.ResourceRef), []string{strconv.FormatBool(w.Change.Restarts)})
		for _, c := range w.Change.Fields {
			for _, e := range c.Added {
				rows = append(rows, slices.Concat([]string{"added"}, head, entryCells(c.Field, e), r.tail(w)))
			}
			for _, e := range c.Removed {
				rows = append(rows, slices.Concat([]string{"removed"}, head, entryCells(c.Field, e), r.tail(w)))
			}
		}
		if len(w.Change.Fields) == 0 && w.Change.Kind != Unchanged {
			rows = append(rows, slices.Concat([]string{string(w.Change.Kind)}, head, make([]string, len(entryColumns)), r.tail(w)))
		}
	}
	for _, ref := range r.Comparison.Gone {
		rows = append(rows, slices.Concat([]string{"gone"}, workloadCells(ref.ResourceRef), []string{""}, make([]string, len(entryColumns)), r.templates(&Workload{Explanation: fn.Explanation{TemplateRef: ref}}), make([]string, len(r.planes(nil)))))
	}
	return rows
}

// answers gives one row for each workload, or for each entry that decides there.
func (r *Explanation) answers() [][]string {
	rows := [][]string{slices.Concat(workloadColumns, []string{"connection", "verdict", "why"}, entryColumns, r.tail(nil))}
	for i := range r.Workloads {
		w := &r.Workloads[i]
		d := w.Decision
		add := func(d *Decision, why string) {
			head := slices.Concat(workloadCells(w.ResourceRef), []string{d.Connection, d.Verdict, why})
			for _, e := range d.By {
				rows = append(rows, slices.Concat(head, entryCells(d.Field, e), r.tail(w)))
			}
			if len(d.By) == 0 {
				rows = append(rows, slices.Concat(head, make([]string, len(entryColumns)), r.tail(w)))
			}
		}
		if add(d, d.Why); d.Initially != nil {
			add(d.Initially, "while init containers run")
		}
	}
	return rows
}
