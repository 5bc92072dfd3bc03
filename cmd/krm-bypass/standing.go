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
// end: its template and, if that is asked for, its name. One that is used more than once
// is explained as often, and one that is taken out is not. specs are those by which each
// was made, as far as that is known: they may know kinds.
func (g group) settle(explained []*fn.Explained, specs []*fn.Spec, finished []fn.Manifest, options fn.Options, renames bool) {
	options.Progress = nil
	known, settled := map[*fn.Spec]*ending{}, map[*fn.Explanation]bool{}
	for i, x := range explained {
		var spec *fn.Spec
		with := options
		if i < len(specs) {
			spec = specs[i]
		} else {
			spec, with.Mesh = nothing(x.Mesh), ""
		}
		if known[spec] == nil {
			in, err := fn.Explain(spec, finished, with, "")
			if err != nil {
				return // it has been told
			}
			known[spec] = endingOf(in)
		}
		in := known[spec]
		here := map[builtFrom]int{}
		for _, w := range x.Workloads {
			here[builtFromOf(w)]++
		}
		var all []fn.Explanation
		for _, w := range x.Workloads {
			ends := in.from[builtFromOf(w)]
			// In files that no kustomization builds, lines move with what specs write.
			tells := g.built && w.Line > 0 && here[builtFromOf(w)] == 1
			if !tells {
				ends = nil
				if end := in.by[w.TemplateRef]; end != nil {
					ends = []*fn.Explanation{end}
				}
			}
			switch {
			case !renames && len(ends) > 0:
				w.Rendered = ends[0].Stands
				for _, end := range ends[1:] {
					w.Rendered.Template, w.Rendered.Own = w.Rendered.Template+end.Stands.Template, w.Rendered.Own+end.Stands.Own
				}
				all = append(all, w)
			case len(ends) == 0 && (!renames || !tells):
				all = append(all, w)
			}
			if !renames {
				continue
			}
			for _, end := range ends {
				if !settled[end] || len(ends) == 1 {
					w.TemplateRef, w.Rendered, settled[end] = end.TemplateRef, end.Stands, true
					all = append(all, w)
				}
			}
		}
		x.Workloads = all
	}
}

// builtFrom is where what a kustomization made a workload from stands.
type builtFrom struct {
	file, kind, template string
	line                 int
}

func builtFromOf(w fn.Explanation) builtFrom { return builtFrom{w.File, w.Kind, w.Template, w.Line} }

// ending are the workloads of finished manifests.
type ending struct {
	by   map[fn.TemplateRef]*fn.Explanation
	from map[builtFrom][]*fn.Explanation
}

func endingOf(x *fn.Explained) *ending {
	e := &ending{map[fn.TemplateRef]*fn.Explanation{}, map[builtFrom][]*fn.Explanation{}}
	for i := range x.Workloads {
		w := &x.Workloads[i]
		e.by[w.TemplateRef], e.from[builtFromOf(*w)] = w, append(e.from[builtFromOf(*w)], w)
	}
	return e
}
