package spec

import (
	"fmt"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/spelling"
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

// meant says which of the candidates a word is likely to stand for, "" if it
// resembles none: a typing error changes three letters at most.
func meant(word string, candidates []string) string {
	lower := make([]string, len(candidates))
	for i, c := range candidates {
		lower[i] = strings.ToLower(c)
	}
	best := spelling.Nearest(strings.ToLower(word), lower, min(3, len(word)/2))
	if best < 0 {
		return ""
	}
	return candidates[best]
}

// asking is the question that a message ends with where something else was meant.
func asking(word, meant string) string {
	return fmt.Sprintf("did you mean %s?%s", meant, spelling.LookAlike(word))
}

// listed writes alternatives for a message.
func listed(words []string) string { return strings.Join(words, ", ") }
