package main

import (
	"cmp"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/report"
	"github.com/krm-bypass/krm-bypass/fn"
)

// standing gives what stands in the files of a group: what is applied, unless somebody
// renders them later. A kustomization that lists its specs renders them itself. explained
// is what the specs make of them, today are the names of paths today.
func (g group) standing(options fn.Options, explained []*fn.Explained, today map[string]string) report.Standing {
	if g.isEmpty() || g.listed || len(g.within) > 0 {
		return report.Standing{}
	}
	mesh := ""
	for _, x := range explained {
		mesh = cmp.Or(mesh, x.Mesh)
	}
	options.Progress, options.Mesh = nil, ""
	x, err := fn.Explain(nothing(mesh), g.files, options, "")
	if err != nil {
		return report.Standing{} // it has been told, or the mesh is none
	}
	s := report.Standing{Workloads: x.Workloads, Mesh: x.Mesh}
	if names := g.named(today); g.built {
		s.In, s.Files = strings.Join(names, " "), "FILE..."
	} else {
		slices.Sort(names)
		s.Files = strings.Join(names, " ")
	}
	return s
}
