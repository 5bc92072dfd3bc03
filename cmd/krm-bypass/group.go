package main

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/report"
	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/kustomization"
)

// group is a set of manifests to which the same specs apply.
type group struct {
	// paths are those that the user named.
	paths []string
	files []fn.Manifest
	// specs apply one after the other; nil means the one among the files.
	specs []*fn.Spec
	// uses are what kustomizations make of the files.
	uses map[string]fn.Use
	// originals are what the files were made from.
	originals map[string]func(document int) *fn.Original
	// unbuilt are kustomizations whose files are among them as they stand.
	unbuilt report.Unbuilt
	// foreign are files beside them that hold no Kubernetes object.
	foreign []string
	// built says that the first file is the output of a kustomization; the others
	// are not part of that.
	built bool
	// within are the specs that applied during the build, such as those of
	// components, each with the resources at that point.
	within []group
	// without is what the kustomization builds without those, where that was asked.
	without []byte
	// wrote is what a spec within made of the files.
	wrote []fn.Manifest
	// listed says that the kustomization itself applies the specs, so that comparing
	// what it builds with them would say nothing; pipelines compare what kustomize
	// builds.
	listed    bool
	pipelines []pipeline
	// isUnruled says that no specification applies, and none has to.
	isUnruled bool
	// together are all specs that apply to the files.
	together company
}

// with gives the options for the files of the group.
func (g group) with(options fn.Options) fn.Options {
	options.Uses, options.Originals, options.Beside = g.uses, g.originals, g.together.names()
	return options
}

// named gives the paths of the group, by the names that they have today.
func (g group) named(today map[string]string) (names []string) {
	for _, path := range g.paths {
		names = append(names, cmp.Or(today[path], path))
	}
	return names
}

// apply applies the specs of a group to its files.
func (g group) apply(options fn.Options) (files []fn.Manifest, results fn.Results, err error) {
	is := g.finish(options, "")
	if files, results, err = is.files, is.said, is.err; err != nil {
		return g.files, results, err
	}
	for _, judged := range is.judged {
		results = append(results, judged.Results...)
	}
	if results.Failed() {
		return g.files, results, fn.ErrFailed
	}
	if !g.built {
		return files, results, nil
	}
	files = slices.Clone(files[:1])
	if files[0].Text, err = kustomization.Formatted(g.files[0].Text, files[0].Text); err != nil {
		return g.files, results, fmt.Errorf("formatting what %s builds: %w", files[0].Path, err)
	}
	return files, results, nil
}

// finished is what the specs of a group make of its files, one after the other.
type finished struct {
	files []fn.Manifest
	// done are the specs and the ones within, each with what it wrote, said what they
	// say while they write.
	done []group
	said fn.Results
	// judged is what each says of the end, if others came after it.
	judged []*fn.Explained
	err    error
}

// finish applies the specs, and has them judge what becomes of what they wrote.
func (g group) finish(options fn.Options, today v1alpha1.Date) *finished {
	var is finished
	is.files, is.done, is.said, is.err = g.write(options)
	if is.err == nil {
		is.judged = g.judge(is.done, is.files, options, today)
	}
	return &is
}

// write applies the specs one after the other. done are those and the ones within,
// each with what it wrote.
func (g group) write(options fn.Options) (files []fn.Manifest, done []group, results fn.Results, err error) {
	files, done = g.files, slices.Clone(g.within)
	for _, spec := range g.specs {
		if spec.IsAmong() && g.isEmpty() {
			continue
		}
		var said fn.Results
		files, said, err = fn.Manifests(spec, files, options)
		results = append(results, said...)
		if err != nil {
			return nil, nil, results, err
		}
		done = append(done, group{specs: []*fn.Spec{spec}, wrote: files})
	}
	return files, done, results, nil
}

// changeable says that something comes after a spec that has written.
func (g group) changeable() bool { return len(g.within) > 0 || len(g.specs) > 1 }

// judge judges finished files by each of the specs that others came after, which
// are all but the last.
func (g group) judge(done []group, finished []fn.Manifest, options fn.Options, today v1alpha1.Date) (all []*fn.Explained) {
	var specs []*fn.Spec
	wrote := map[*fn.Spec][]fn.Manifest{}
	for i, one := range done {
		spec, last := one.specs[0], len(g.specs) > 0 && i+1 == len(done)
		if !last && wrote[spec] == nil {
			specs = append(specs, spec)
		}
		wrote[spec] = append(wrote[spec], one.wrote...)
	}
	for i, spec := range specs {
		judged, _ := fn.Judge(spec, wrote[spec], finished, options, len(g.specs) == 0 && i+1 == len(specs), today) // the results hold the error
		all = append(all, judged)
	}
	return all
}

// isEmpty reports whether there is nothing to apply a spec to. Helm sends nothing
// to its post-renderer if a chart renders to nothing.
func (g group) isEmpty() bool {
	return !slices.ContainsFunc(g.files, func(f fn.Manifest) bool { return len(bytes.TrimSpace(f.Text)) > 0 })
}
