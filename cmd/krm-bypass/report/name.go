package report

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/terminal"
)

// title names an object for a person; "" if there is none.
func title(ref fn.ResourceRef) string {
	if ref.Kind == "" {
		return ""
	}
	return terminal.Line(object.Named(ref.Kind, ref.Namespace, ref.Name))
}

// place writes FILE:LINE, or as much of it as is known.
func place(file string, line int) string {
	if file != "" && line > 0 {
		file += ":" + strconv.Itoa(line)
	}
	return terminal.Line(file)
}

// few lists the first names of many.
func few(names []string, most int) string {
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

// counted gives a number and its noun.
func counted(n int, one, many string) string { return fmt.Sprintf("%d %s", n, verb(n, one, many)) }

// verb gives the form of a word for a number.
func verb(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
