package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Unbuilt are kustomizations below folders that are read as files.
type Unbuilt struct {
	// Folders are those that the user named, and Tops the kustomizations in them upon which
	// no other builds, by the names that they have today. Rest are the files and folders
	// beside them of which none builds anything.
	Folders, Tops, Rest []string
	// Spec is the only specification among the files, "" where there is none or one is given.
	Spec string
	// Applied says that kustomize applies a specification when it builds one of them, so that
	// what is deployed is not what is read.
	Applied bool
	// Piped says that a specification is given for what is read, and one of them changes that;
	// InPlace that one has been applied to what is read itself.
	Piped, InPlace bool
}

// IsMisread reports whether a specification applies to something else than what is read.
func (u Unbuilt) IsMisread() bool { return u.Applied || u.Piped && !u.InPlace }

// With gives these and others.
func (u Unbuilt) With(others Unbuilt) Unbuilt {
	spec := cmp.Or(u.Spec, others.Spec)
	if others.Spec != "" && others.Spec != spec {
		spec = ""
	}
	return Unbuilt{
		both(u.Folders, others.Folders), both(u.Tops, others.Tops), both(u.Rest, others.Rest), spec,
		u.Applied || others.Applied, u.Piped || others.Piped, u.InPlace || others.InPlace,
	}
}

func both(a, b []string) []string {
	return slices.Compact(slices.Sorted(slices.Values(slices.Concat(a, b))))
}

// mostFolders is how many kustomizations are named that are not built.
const mostFolders = 10

// Says tells what to name in the place of the folders, "" where they hold no kustomization.
// call gives the command line for one, with a specification that it does not list itself.
func (u Unbuilt) Says(call func(path, spec string) string) string {
	if len(u.Tops) == 0 {
		return ""
	}
	all := slices.Concat(u.Tops, u.Rest)
	calls := make([]string, min(len(all), mostFolders))
	for i := range calls {
		spec := ""
		if i >= len(u.Tops) {
			spec = u.Spec
		}
		calls[i] = call(all[i], spec)
	}
	more := ""
	if n := len(all) - len(calls); n > 0 {
		more = fmt.Sprintf(", and %d more like it", n)
	}
	return fmt.Sprintf("%s: %s kustomizations, and their files are read as they stand, without what the kustomizations change: name what you deploy: %s%s",
		strings.Join(u.Folders, ", "), Verb(len(u.Folders), "it holds", "they hold"), strings.Join(calls, ", "), more)
}
