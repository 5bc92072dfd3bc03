package page

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/spec"
	"github.com/krm-bypass/krm-bypass/internal/stream"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// A diffLine is a line of a unified diff. Class is that of the style sheet.
type diffLine struct{ Class, Text string }

// mostLines is how many lines of a diff a page shows.
const mostLines = 2000

// diffLines gives the lines of a unified diff.
func diffLines(unified string) []diffLine {
	var lines []diffLine
	for text := range strings.Lines(unified) {
		if len(lines) == mostLines {
			more := strings.Count(unified, "\n") - mostLines
			return append(lines, diffLine{"hunk", fmt.Sprintf("%d more lines: krm-bypass render --diff shows them all", more)})
		}
		lines = append(lines, diffLine{classOf(text), strings.TrimRight(text, "\r\n")})
	}
	return lines
}

func classOf(line string) string {
	switch {
	case strings.HasPrefix(line, "+++ "), strings.HasPrefix(line, "--- "), strings.HasPrefix(line, "diff "):
		return "file"
	case strings.HasPrefix(line, "@@"):
		return "hunk"
	case strings.HasPrefix(line, "+"):
		return "add"
	case strings.HasPrefix(line, "-"):
		return "del"
	}
	return ""
}

// specDiff compares two texts of the specification's file. Of what else stands in that
// file nothing is shown.
func specDiff(path string, was, is []byte) []diffLine {
	from, first := specIn(was)
	to, _ := specIn(is)
	lines := diffLines(string(diff.Diff("", from, "", to)))
	if len(lines) < 3 {
		return nil
	}
	lines = lines[3:] // the names of two files, of which there is one
	for i, l := range lines {
		var a, na, b, nb int
		if _, err := fmt.Sscanf(l.Text, "@@ -%d,%d +%d,%d @@", &a, &na, &b, &nb); err == nil && l.Class == "hunk" {
			lines[i].Text = fmt.Sprintf("%s:%d", path, b+first-1)
		}
	}
	return lines
}

// specIn gives the document of a file that holds the specification, and the line in which
// it begins.
func specIn(file []byte) (text []byte, line int) {
	documents := stream.Of(yamltext.File{Text: file}).Documents
	if len(documents) == 1 {
		return file, 1
	}
	for _, d := range documents {
		document, err := object.Decode(d.Fragment())
		if err == nil && spec.Is(object.HeadOf(document).Type) || err != nil && bytes.Contains(d.Text, []byte("ClusterBypass")) {
			return d.Text, d.Line
		}
	}
	return nil, 1
}
