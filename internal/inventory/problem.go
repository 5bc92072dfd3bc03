package inventory

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/each"
	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/object"
)

// Problem is something to tell about one place of a file.
type Problem struct {
	File string
	// Line in the file, counted from 1; 0 where it is not known.
	Line int
	// Object names the workload or the like, such as "Deployment shop/web".
	Object string
	// Path is the field; "" where the problem is with the whole.
	Path    string
	Message string
}

// Error names the place, then what is wrong there and what to do.
func (p Problem) Error() string {
	place := p.File
	if p.File != "" && p.Line > 0 {
		place = fmt.Sprintf("%s:%d", p.File, p.Line)
	}
	parts := []string{place, p.Object, p.Path, p.Message}
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), ": ")
}

// Problems is everything that is in the way of an import, by file and line.
type Problems []Problem

// Error gives a line for each problem.
func (p Problems) Error() string {
	return strings.Join(each.As(p, Problem.Error), "\n")
}

func (p Problems) inOrder() Problems {
	slices.SortStableFunc(p, func(a, b Problem) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
	return slices.CompactFunc(p, func(a, b Problem) bool { return a == b })
}

// problem is one with what stands at a path of the document.
func (d *document) problem(resource string, path edit.Path, format string, args ...any) Problem {
	p := Problem{File: d.file, Line: d.line, Object: resource, Message: fmt.Sprintf(format, args...)}
	if path != nil {
		p.Path = path.String()
	}
	switch {
	case d.made != nil:
		head := object.HeadOf(d.text.Nodes)
		p.Line = d.made.LineOf(head.Type, head.Namespace, head.Name, path)
	case len(path) > 0:
		p.Line += node.LineAt(d.text.Nodes, path) - 1
	}
	return p
}
