package report

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/terminal"
)

// writeText writes for people at a terminal and in the log of a pipeline.
func writeText(w io.Writer, r Check) error {
	var b bytes.Buffer
	for _, s := range r.Subjects {
		for _, f := range s.Findings {
			for _, part := range []string{s.Place(f.Line), s.Title(), f.label(), f.Path} {
				if part != "" {
					b.WriteString(part + ": ")
				}
			}
			b.WriteString(terminal.Line(f.Message) + "\n")
			b.WriteString(indented(f.Proposed))
		}
	}
	r.writeRemedies(&b)
	fmt.Fprintln(&b, r.summary())
	return writeLines(w, &b)
}

// label names the kind of a finding: its severity, its rule, or both if they tell
// a reader different things.
func (f Finding) label() string {
	switch {
	case f.Rule == Refused || f.Rule == Warned:
		return string(f.Severity)
	case f.Severity == fn.Warning:
		return string(f.Severity) + ": " + f.Rule
	}
	return f.Rule
}

// writeRemedies writes each remedy once, with the subjects that it is for.
func (r Check) writeRemedies(b *bytes.Buffer) {
	titles := map[string][]string{}
	var order []string
	for _, s := range r.Subjects {
		if s.Remedy == "" {
			continue
		}
		if titles[s.Remedy] == nil {
			order = append(order, s.Remedy)
		}
		titles[s.Remedy] = append(titles[s.Remedy], s.Title())
	}
	for _, remedy := range order {
		fmt.Fprintf(b, "remedy for %s: %s\n", few(titles[remedy], 3), remedy)
	}
}

// summary gives the outcome of the check in one line.
func (r Check) summary() string {
	line := counted(r.Checked, "object matches", "objects match") + " what krm-bypass writes"
	switch {
	case r.linted && r.Errors+r.Warnings == 0:
		return "no findings"
	case r.linted:
		return strings.Join(r.counts(), ", ")
	case r.Checked == 0:
		line = "no workloads found"
	case r.Differing > 0:
		line = fmt.Sprintf("%d of %s %s from what krm-bypass writes", r.Differing, counted(r.Checked, "object", "objects"), verb(r.Differing, "differs", "differ"))
	}
	return strings.Join(append([]string{line}, r.counts()...), ", ")
}

// counts says how many results there are of each severity that there is.
func (r Check) counts() []string {
	var counts []string
	if r.Errors > 0 {
		counts = append(counts, counted(r.Errors, "error", "errors"))
	}
	if r.Warnings > 0 {
		counts = append(counts, counted(r.Warnings, "warning", "warnings"))
	}
	return counts
}
