package main

import (
	"fmt"
	"slices"

	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/kustomization"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// pipeline compares what kustomize builds with a spec.
type pipeline struct {
	// build and check are its commands; dir is what is built.
	build, check, dir string
	// spec is nil for one that the build here does not apply.
	spec *fn.Spec
}

func pipelineOf(dir string, listed kustomization.Spec, spec *fn.Spec) pipeline {
	file := "FILE"
	if isThere(listed.Path) { // and does not stand in a kustomization
		file = listed.Path
	}
	return pipeline{
		build: fmt.Sprintf("kustomize build %s %s", listed.Flags, shellWord(dir)),
		check: "krm-bypass check - --spec " + shellWord(file),
		dir:   shellWord(dir), spec: spec,
	}
}

// comparing gives the commands that compare what kustomize builds, such as pass where
// it applies the specs. One from which another takes over is compared by that one. One
// behind which names change does not find its workloads any more.
func (g group) comparing(is *finished, options fn.Options) []string {
	var commands []string
	for _, p := range g.pipelines {
		switch {
		case g.together.succeeded(p.spec):
		case is != nil && is.renamed(p.spec, options):
			commands = append(commands, fmt.Sprintf("%s | diff - <(krm-bypass render %s)", p.build, p.dir))
		default:
			commands = append(commands, p.build+" | "+p.check)
		}
	}
	return commands
}

// renamed reports whether all in which finished manifests differ from what a spec makes
// of them are objects that it wrote to, and did not see by those names.
func (is *finished) renamed(spec *fn.Spec, options fn.Options) bool {
	if spec == nil || is.err != nil {
		return false
	}
	seen := map[fn.ResourceRef]bool{}
	for _, one := range is.done {
		if one.specs[0] != spec {
			continue
		}
		was, err := fn.Check(spec, one.wrote, options, fn.Expiry{})
		if err != nil {
			return false
		}
		for _, o := range was.Objects {
			seen[o.ResourceRef] = true
		}
	}
	end, err := fn.Check(spec, is.files, options, fn.Expiry{})
	if err != nil || end.Passed() {
		return false
	}
	for _, judged := range is.judged {
		if slices.ContainsFunc(judged.Results, func(r fn.Result) bool { return r.Tags[fn.CheckTag] == finding.AddedAfter.ID }) {
			return false // it differs for that
		}
	}
	return !end.Results.Failed() && !slices.ContainsFunc(end.Objects, func(o fn.CheckedObject) bool {
		wrote := slices.ContainsFunc(o.Differences, func(d fn.Difference) bool { return d.Kind != string(transform.Missing) })
		return len(o.Differences) > 0 && (seen[o.ResourceRef] || !wrote)
	})
}
