package report

import (
	"bytes"
	"errors"

	"io"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/spelling"
	"github.com/krm-bypass/krm-bypass/internal/terminal"
)

// CheckFormats are the formats of a Check, ExplanationFormats those of an
// Explanation.
var (
	CheckFormats = Formats[Check]{
		{"text", writeText},
		{"json", writeJSON[Check]},
		{"yaml", writeYAML[Check]},
		{"sarif", writeSARIF},
		{"junit", writeJUnit},
		{"github", writeGitHub},
		{"gitlab", writeGitLab},
	}
	ExplanationFormats = Formats[Explanation]{
		{"table", writeTable},
		{"wide", writeWide},
		{"json", writeJSON[Explanation]},
		{"yaml", writeYAML[Explanation]},
		{"csv", writeCSV},
		{"markdown", writeMarkdown},
	}
)

// Formats are the formats of one kind of report; the first is the default.
type Formats[Report any] []Format[Report]

// Format is a way to write a report.
type Format[Report any] struct {
	// Name is what the command line calls it.
	Name string
	// Write writes the whole report.
	Write func(w io.Writer, r Report) error
}

// Names lists the formats for a person.
func (f Formats[Report]) Names() string { return strings.Join(f.List(), ", ") }

// List gives the names of the formats.
func (f Formats[Report]) List() []string {
	names := make([]string, len(f))
	for i, one := range f {
		names[i] = one.Name
	}
	return names
}

// ByName finds a format.
func (f Formats[Report]) ByName(name string) (Format[Report], error) {
	for _, one := range f {
		if one.Name == name {
			return one, nil
		}
	}
	return Format[Report]{}, errors.New(spelling.Refusal(name, f.List()))
}

// writeLines writes lines for a person, in which control characters are escaped.
func writeLines(w io.Writer, lines *bytes.Buffer) error {
	_, err := w.Write(terminal.Printable(lines.Bytes()))
	return err
}

// indented sets a text apart, below the line that it belongs to.
func indented(by, text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString(by + line)
	}
	return b.String()
}
