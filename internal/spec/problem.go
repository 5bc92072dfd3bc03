package spec

import (
	"fmt"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/each"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
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
	return strings.Join(each.As(p, Problem.Error), "\n")
}

// alike writes a word of other tools as the fields here have it.
var alike = strings.NewReplacer("skip", "exclude", "CIDRs", "IPRanges", "CIDR", "IPRanges", "IPs", "IPRanges", "IPBlocks", "IPRanges")

// meant gives the names that are likely meant by a word that is none of them.
func meant(word string, names []string) []string {
	if f, read := mesh.FieldOf(word); read && slices.Contains(names, string(f)) {
		return []string{string(f)}
	}
	return spelling.Meant(alike.Replace(word), names)
}

// unknown says that there is no field or key of that name, and which is meant or which
// there are.
func unknown(what, name string, near, names []string) string {
	remedy := fmt.Sprintf("the %ss here are %s", what, listed(names))
	switch {
	case len(near) > 0:
		remedy = spelling.Asking(name, near)
	case len(names) == 1:
		remedy = fmt.Sprintf("the only %s here is %s", what, names[0])
	}
	return fmt.Sprintf("unknown %s %q: %s", what, name, remedy)
}

// listed writes alternatives for a message.
func listed(words []string) string { return strings.Join(words, ", ") }
