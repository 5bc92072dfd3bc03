package main

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/kustomization"
)

// group is a set of manifests to which the same specs apply.
type group struct {
	files []fn.Manifest
	// specs apply one after the other; nil means the one among the files.
	specs []*fn.Spec
	// built says that the first file is the output of a kustomization; the others
	// are not part of that.
	built bool
	// within are the specs that applied during the build, such as those of
	// components, each with the resources at that point.
	within []group
}

// apply applies the specs of a group to its files.
func (g group) apply(options fn.Options) (files []fn.Manifest, results fn.Results, err error) {
	files = g.files
	for _, spec := range g.specs {
		if spec == nil && g.isEmpty() {
			continue
		}
		var said fn.Results
		files, said, err = fn.Manifests(spec, files, options)
		results = append(results, said...)
		if err != nil {
			return g.files, results, err
		}
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

// isEmpty reports whether there is nothing to apply a spec to. Helm sends nothing
// to its post-renderer if a chart renders to nothing.
func (g group) isEmpty() bool {
	return !slices.ContainsFunc(g.files, func(f fn.Manifest) bool { return len(bytes.TrimSpace(f.Text)) > 0 })
}
