package kustomization

import (
	"cmp"
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/types"

	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// findMade gives the folders under transformers the specs that they come to.
func (b *builder) findMade() error {
	for _, dir := range slices.Sorted(maps.Keys(b.layers)) {
		l := b.layers[dir]
		for i := range l.entries {
			e := &l.entries[i]
			if e.list != transformersField || e.base == nil || !e.base.hasSpec() {
				continue
			}
			var err error
			if e.specs, err = b.specsOf(l, l.fields.Transformers[e.turn], e.base); err != nil {
				return fmt.Errorf("%s: %s: %w", b.name(l.file), e, err)
			}
		}
	}
	return nil
}

// specsOf gives the specs that a folder comes to, which a kustomization names by a path.
// Those that it lists are as they stand in their files, and those of a folder that does
// more, such as one that patches a spec, as kustomize builds them.
func (b *builder) specsOf(by *layer, path string, base *layer) ([]Spec, error) {
	if base.made != nil {
		return base.made, nil
	}
	k := base.fields
	lists := reflect.DeepEqual(k, types.Kustomization{TypeMeta: k.TypeMeta, MetaData: k.MetaData, Resources: k.Resources}) &&
		!slices.ContainsFunc(base.entries, func(e entry) bool { return !e.isSpec() && (e.base == nil || !e.base.hasSpec()) })
	if !lists {
		specs, err := b.made(by, path, base)
		base.made = specs
		return specs, err
	}
	var all []Spec
	for i, e := range base.entries {
		specs := e.specs
		if e.base != nil {
			var err error
			if specs, err = b.specsOf(base, k.Resources[i], e.base); err != nil {
				return nil, err
			}
		}
		all = append(all, specs...)
	}
	base.made = all
	return all, nil
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
	if !b.root.hasSpec() {
		return nil, fmt.Errorf("%s lists no ClusterBypass under resources: name the file that has it", b.name(b.root.file))
	}
	defer b.watch()()
	// What names the folder is nothing but a text in memory.
	above := &layer{dir: filepath.Dir(b.top)}
	above.file = cmp.Or(File(above.dir), filepath.Join(above.dir, konfig.DefaultKustomizationFileName()))
	b.files.above = above.dir
	return b.specsOf(above, "./"+filepath.Base(b.top), b.root)
}
