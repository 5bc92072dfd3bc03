package kustomization

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/types"

	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// makeSpecs has kustomize build the folders under transformers that do more with specs
// than list them, such as one that patches the spec of another folder.
func (b *builder) makeSpecs() error {
	made := map[*layer][]Spec{}
	for _, dir := range slices.Sorted(maps.Keys(b.layers)) {
		l := b.layers[dir]
		for i := range l.entries {
			e := &l.entries[i]
			if e.list != transformersField || len(e.specs) > 0 || e.base == nil || !e.base.hasSpec() {
				continue
			}
			if _, is := made[e.base]; !is {
				specs, err := b.made(l, l.fields.Transformers[e.turn], e.base)
				if err != nil {
					return fmt.Errorf("%s: %s: %w", b.name(l.file), e, err)
				}
				made[e.base] = specs
			}
			e.specs = made[e.base]
		}
	}
	return nil
}

// made gives the specs that a folder comes to, which a kustomization names by a path.
func (b *builder) made(by *layer, path string, base *layer) ([]Spec, error) {
	if err := b.errIfTooOften(by, base.visits); err != nil {
		return nil, err
	}
	held := b.files.held
	b.files.held = maps.Clone(held)
	defer func() { b.files.held = held }()
	// A build leaves out what is marked as local configuration. Transformers are not.
	err := b.hold(by, types.Kustomization{Resources: []string{path}, CommonAnnotations: map[string]string{konfig.IgnoredByKustomizeAnnotation: "false"}})
	if err != nil {
		return nil, err
	}
	resources, err := b.run(by.dir)
	if err != nil {
		return nil, err
	}
	var specs []Spec
	for _, r := range resources.Resources() {
		text, err := r.AsYAML()
		if err != nil {
			return nil, err
		}
		file := yamltext.File{Path: b.name(base.file), Text: text, Made: true}
		switch is, _, err := b.specsIn(file); {
		case err != nil:
			return nil, err
		case len(is) == 0:
			return nil, fmt.Errorf("%s makes %s %s beside a spec: put it into another folder, and list that under %s too", b.name(base.dir), r.GetKind(), r.GetName(), transformersField)
		}
		specs = append(specs, Spec{File: file})
	}
	return specs, nil
}

// Specs gives the specs that a folder comes to where it is listed under transformers.
// Of the options, Apply and what says how to apply specs have no meaning here.
func Specs(dir string, options Options) ([]Spec, error) {
	b, err := newBuilder(dir, options)
	if err != nil {
		return nil, err
	}
	defer b.alone()()
	if b.root, err = b.read(b.top, "", nil); err != nil {
		return nil, err
	}
	if specs := b.root.specs(); len(specs) > 0 {
		return specs, nil
	}
	if !b.root.hasSpec() {
		return nil, fmt.Errorf("%s lists no ClusterBypass under resources: name the file that has it", b.name(b.root.file))
	}
	defer b.watch()()
	// What names the folder is nothing but a text in memory.
	above := &layer{dir: filepath.Dir(b.top)}
	above.file = cmp.Or(File(above.dir), filepath.Join(above.dir, konfig.DefaultKustomizationFileName()))
	b.files.above = above.dir
	return b.made(above, "./"+filepath.Base(b.top), b.root)
}
