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

// Counted gives a number and its noun.
func Counted(n int, one, many string) string { return fmt.Sprintf("%d %s", n, Verb(n, one, many)) }

// Verb gives the form of a word for a number.
func Verb(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// LeftAlone says how much a run has left as it is, which nobody sees in what it
// writes; nothing if that is nothing.
func LeftAlone(workloads, files int) []string {
	var parts []string
	if workloads > 0 {
		parts = append(parts, Counted(workloads, "workload is left alone", "workloads are left alone"))
	}
	if files > 0 {
		parts = append(parts, Counted(files, "file holds no Kubernetes object", "files hold no Kubernetes object"))
	}
	if parts == nil {
		return nil
	}
	return []string{strings.Join(parts, ", ") + ": krm-bypass explain tells why"}
}

// PassedOver names files that were not read, because they are for other tools.
func PassedOver(files []string) string {
	if len(files) == 0 {
		return ""
	}
	return fmt.Sprintf("passed over, since %s no Kubernetes object: %s\n", Verb(len(files), "it holds", "they hold"), few(files, 5))
}
