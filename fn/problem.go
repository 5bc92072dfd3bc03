package fn

import (
	"fmt"
	"strings"
)

// Problem is one thing wrong with a spec.
type Problem struct {
	// File is where the spec came from, as far as that is known.
	File string
	// Line is the line in that file, counted from 1; 0 where it is not known.
	Line int
	// Path is the field, such as spec.namespaces[0].excludeInboundPorts[2].
	Path string
	// Value is what stands there, "" if that says nothing.
	Value string
	// Message says what is wrong with it and what would be right.
	Message string
}

// Error names file, line, field and value, then what is wrong.
func (p Problem) Error() string {
	var b strings.Builder
	if p.File != "" {
		b.WriteString(p.File)
		if p.Line > 0 {
			fmt.Fprintf(&b, ":%d", p.Line)
		}
		b.WriteString(": ")
	}
	if p.Path != "" {
		b.WriteString(p.Path + ": ")
	}
	b.WriteString(p.Message)
	return b.String()
}

// Problems is every Problem of a spec, in the order of the spec.
type Problems []Problem

// Error gives a line for each problem.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.Error()
	}
	return strings.Join(lines, "\n")
}

// nearest gives the candidate that is most like the word, "" if none is like
// it: a slip of the pen changes a letter or three.
func nearest(word string, candidates []string) string {
	best, least := "", min(3, len(word)/2)+1
	for _, c := range candidates {
		if d := distance(strings.ToLower(word), strings.ToLower(c)); d < least {
			best, least = c, d
		}
	}
	return best
}

// distance counts the single-letter changes from a to b (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// quotedList writes alternatives for a message.
func quotedList(words []string) string { return strings.Join(words, ", ") }
