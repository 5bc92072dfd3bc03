package report

import (
	"fmt"
	"slices"
	"strings"
)

// Unbuilt are kustomizations below folders that are read as files.
type Unbuilt struct {
	// Folders are those that the user named, and Tops the kustomizations in them upon which
	// no other builds, by the names that they have today.
	Folders, Tops []string
	// Applied says that kustomize applies a specification when it builds one of them, so that
	// what is deployed is not what is read.
	Applied bool
}

// With gives these and others.
func (u Unbuilt) With(others Unbuilt) Unbuilt {
	return Unbuilt{both(u.Folders, others.Folders), both(u.Tops, others.Tops), u.Applied || others.Applied}
}

func both(a, b []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(slices.Concat(a, b))))
}

// mostFolders is how many kustomizations are named that are not built.
const mostFolders = 10

// Says tells what to name in the place of the folders, "" where they hold no kustomization.
// call gives the command line for one.
func (u Unbuilt) Says(call func(dir string) string) string {
	if len(u.Tops) == 0 {
		return ""
	}
	calls := make([]string, min(len(u.Tops), mostFolders))
	for i := range calls {
		calls[i] = call(u.Tops[i])
	}
	more := ""
	if n := len(u.Tops) - len(calls); n > 0 {
		more = fmt.Sprintf(", and %d more like it", n)
	}
	return fmt.Sprintf("%s: %s kustomizations, and their files are read as they stand, without what the kustomizations change: name what you deploy: %s%s",
		strings.Join(u.Folders, ", "), Verb(len(u.Folders), "it holds", "they hold"), strings.Join(calls, ", "), more)
}
