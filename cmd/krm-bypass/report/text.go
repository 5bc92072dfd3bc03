package report

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/terminal"
)

// writeText writes for people at a terminal and in the log of a pipeline.
func writeText(w io.Writer, r Check) error {
	var b bytes.Buffer
	shown := map[string]bool{}
	for _, s := range r.Subjects {
		for _, f := range s.Findings {
			for _, part := range []string{s.Place(f.Line), s.Title(), f.label(), f.Path} {
				if part != "" {
					b.WriteString(part + ": ")
				}
			}
			b.WriteString(terminal.Line(f.text()) + "\n")
			if r.linted && !shown[f.Proposed] { // who compares wants to know where to look
				b.WriteString(indented("    ", f.Proposed))
				shown[f.Proposed] = true
			}
		}
	}
	r.writeOnce(&b, "remedy for", func(s Subject) string { return s.Remedy })
	r.writeOnce(&b, "left alone:", func(s Subject) string {
		if s.other != "" {
			return "" // the summary counts those
		}
		return s.LeftAlone
	})
	r.writeSummary(&b)
	return writeLines(w, &b)
}

// label names the kind of a finding: its severity, its rule, or both if they tell
// a reader different things.
func (f Finding) label() string {
	switch {
	case f.Rule == Refused || f.Rule == Warned:
		return string(f.Severity)
	case f.Severity != fn.Error:
		return string(f.Severity) + ": " + f.Rule
	}
	return f.Rule
}

// writeOnce writes what there is to say of subjects, each once and with the subjects of
// which it is so.
func (r Check) writeOnce(b *bytes.Buffer, about string, of func(Subject) string) {
	titles := map[string][]string{}
	var order []string
	for _, s := range r.Subjects {
		text := of(s)
		if text == "" {
			continue
		}
		if titles[text] == nil {
			order = append(order, text)
		}
		titles[text] = append(titles[text], s.Title())
	}
	for _, text := range order {
		fmt.Fprintf(b, "%s %s: %s\n", about, few(titles[text], 3), text)
	}
}

// writeSummary writes the last lines: the outcome, and what would compare the rest.
func (r Check) writeSummary(b *bytes.Buffer) {
	b.WriteString(PassedOver(r.PassedOver))
	fmt.Fprintln(b, r.summary())
	for _, pipeline := range r.Pipelines {
		fmt.Fprintf(b, "to compare what a pipeline applies: %s\n", pipeline)
	}
}

// others says how many were left as which other ClusterBypass wrote them.
func (r Check) others() string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(r.Others)) {
		all = append(all, fmt.Sprintf("%d as ClusterBypass %s wrote %s", r.Others[name], name, Verb(r.Others[name], "it", "them")))
	}
	if len(all) == 0 {
		return ""
	}
	return " (" + strings.Join(all, ", ") + ")"
}

// summary gives the outcome of the check in one line.
func (r Check) summary() string {
	var parts []string
	switch {
	case r.linted && r.Errors+r.Warnings == 0:
		parts = append(parts, "no findings")
	case r.linted:
	case r.IsEmpty() && r.Errors > 0: // which may have kept it from looking
		parts = append(parts, "nothing was compared")
	case r.IsEmpty():
		parts = append(parts, "no workloads found")
	case r.Differing > r.Refused:
		differ := r.Differing - r.Refused
		parts = append(parts, fmt.Sprintf("%d of %s %s from what krm-bypass writes", differ, Counted(r.Checked, "object", "objects"), Verb(differ, "differs", "differ")))
	case r.Checked > r.Refused || r.Built+r.Unruled+r.Refused == 0:
		parts = append(parts, Counted(r.Checked-r.Refused, "object matches", "objects match")+" what krm-bypass writes")
	}
	if r.Refused > 0 && !r.linted {
		parts = append(parts, Counted(r.Refused, "object is", "objects are")+" refused")
	}
	if r.Unruled > 0 {
		parts = append(parts, "no ClusterBypass applies to "+Counted(r.Unruled, "object", "objects"))
	}
	if r.Built > 0 {
		parts = append(parts, Counted(r.Built, "object was", "objects were")+" built and not compared")
	}
	if !r.IsEmpty() && !r.linted {
		parts = append(parts, fmt.Sprintf("%d left alone", r.LeftAlone)+r.others())
	}
	if r.Errors > 0 {
		parts = append(parts, Counted(r.Errors, "error", "errors"))
	}
	if r.Warnings > 0 {
		parts = append(parts, Counted(r.Warnings, "warning", "warnings"))
	}
	if r.Accepted > 0 {
		parts = append(parts, Counted(r.Accepted, "accepted finding", "accepted findings"))
	}
	return strings.Join(parts, ", ")
}
