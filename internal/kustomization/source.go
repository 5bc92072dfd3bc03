package kustomization

import (
	"cmp"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/types"

	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// Source gives the file that a document of a build was made from, by its place among
// the documents. It has no text where the object stands in none, such as one that is
// generated, and no path where kustomize cannot tell.
type Source func(document int) yamltext.File

// source says where the resources of a build are from. Nobody may ask, so that it is
// found out when somebody does, by a second build: kustomize notes it in annotations,
// and those change what patches and replacements do that speak of annotations.
func (b *builder) source(dir string, resources resmap.ResMap) Source {
	held, same := maps.Clone(b.files.held), resources.AllIds()
	files := sync.OnceValue(func() []yamltext.File {
		if !b.building {
			defer b.alone()()
			defer b.watch()()
		}
		before := b.files.held
		b.files.held = held
		defer func() { b.files.held = before }()
		built, err := b.annotated(dir)
		if err != nil || !slices.Equal(built.AllIds(), same) {
			return nil
		}
		found := make([]yamltext.File, built.Size())
		for i, r := range built.Resources() {
			// What has lost its origin is taken for one of a transformer's making.
			if origin, err := r.GetOrigin(); err == nil && origin != nil && origin.Repo == "" && !strings.HasSuffix(origin.ConfiguredBy.Kind, "Transformer") {
				found[i] = b.origin(filepath.Join(dir, cmp.Or(origin.Path, origin.ConfiguredIn)))
			}
		}
		return found
	})
	return func(document int) yamltext.File {
		if all := files(); document < len(all) {
			return all[document]
		}
		return yamltext.File{}
	}
}

// annotated builds a folder and has kustomize note the origins of resources. What
// specs come to is left out: it replaces annotations, and no names.
func (b *builder) annotated(dir string) (resmap.ResMap, error) {
	for _, l := range b.layers {
		var fields types.Kustomization
		if err := fields.Unmarshal(b.files.held[l.file]); err != nil {
			return nil, err
		}
		fields.Transformers = slices.DeleteFunc(fields.Transformers, isSubstitute)
		if l.dir == dir {
			fields.BuildMetadata = append(fields.BuildMetadata, types.OriginAnnotations)
		}
		if err := b.hold(l, fields); err != nil {
			return nil, err
		}
	}
	return b.run(dir)
}

// origin gives a file of the build. A resource may be annotated with any other.
func (b *builder) origin(path string) yamltext.File {
	real, err := filepath.EvalSymlinks(path)
	text, read := b.files.held[real]
	switch {
	case err != nil || !read:
		return yamltext.File{}
	case isKustomization(path):
		return yamltext.File{Path: b.name(path)}
	}
	return yamltext.File{Path: b.name(path), Text: text}
}
