package report

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/krm-bypass/krm-bypass/fn"
)

// title gives an object as a person names it, "" where there is none.
func title(ref fn.ResourceRef) string {
	switch {
	case ref.Kind == "":
		return ""
	case ref.Namespace != "":
		return ref.Kind + " " + ref.Namespace + "/" + ref.Name
	}
	return ref.Kind + " " + ref.Name
}

// place writes FILE:LINE, as much of it as is known.
func place(file string, line int) string {
	if file != "" && line > 0 {
		return file + ":" + strconv.Itoa(line)
	}
	return file
}

// few names some of many, separated by commas.
func few(names []string, most int) string {
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

// counted gives a number and its noun.
func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
