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

// settle has explanations of what specs within a build wrote say what becomes of it in the
// end: its template and, if that is asked for, its name.
func (g group) settle(explained []*fn.Explained, finished []fn.Manifest, options fn.Options, renames bool) {
	options.Progress, options.Mesh = nil, ""
	for _, x := range explained {
		in, err := fn.Explain(nothing(x.Mesh), finished, options, "")
		if err != nil {
			return // it has been told
		}
		type place struct {
			file, kind, template string
			line                 int
		}
		at := func(w fn.Explanation) place { return place{w.File, w.Kind, w.Template, w.Line} }
		by, from := map[fn.TemplateRef]*fn.Explanation{}, map[place][]*fn.Explanation{}
		for i := range in.Workloads {
			w := &in.Workloads[i]
			by[w.TemplateRef] = w
			from[at(*w)] = append(from[at(*w)], w)
		}
		for i := range x.Workloads {
			w := &x.Workloads[i]
			end := by[w.TemplateRef]
			if one := from[at(*w)]; w.Line > 0 && len(one) == 1 {
				end = one[0]
			}
			if end == nil || w.Rendered.Template == "" {
				continue
			}
			w.Rendered = end.Stands
			if renames {
				w.TemplateRef = end.TemplateRef
			}
		}
	}
}
