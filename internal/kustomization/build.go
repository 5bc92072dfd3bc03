package kustomization

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/kyaml/openapi"

	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// Options say how a kustomization is built.
type Options struct {
	// Root is the folder, without links, that a build does not leave; "" for
	// that of the git repository that holds the kustomization, if there is one.
	Root string
	// IsSpec reports whether an object says what bypasses, so that kustomize does
	// not run it where it is listed as a transformer.
	IsSpec func(object *yaml.Node) bool
	// Apply applies a file that IsSpec has accepted to resources, a stream of
	// documents. It is called for the specs below the root; the caller applies
	// those that the root ends with.
	Apply func(spec Spec, resources []byte, source Source) ([]byte, error)
	// Ignore leaves out specs that are listed as transformers.
	Ignore bool
	// Text gives the text of a file, by its path without links, which read reads; nil reads
	// each file.
	Text func(real string, read func() ([]byte, error)) ([]byte, error)
	// Saw is told each file and folder that the build looks at; it may be nil.
	Saw func(path string)
	// Into is how krm-bypass takes what the kustomize CLI builds, for messages; "" for
	// render.
	Into string
	// GiveUp ends the process, with the reason, where kustomize takes more
	// memory than what it reads can need; nil to let it.
	GiveUp func(reason error)

	// Tests switch off one of the two lines that keep a build from leaving the
	// machine's files, to see that the other holds by itself.
	unjudged, unconfined bool
	// memory is what a build may take in a test, in the place of baseMemory.
	memory int
}

// Built is what a kustomization builds.
type Built struct {
	// Text is what the kustomize CLI would print.
	Text []byte
	// Source gives the files that the documents of the text were made from.
	Source Source
	// Specs are the last transformers of the kustomization itself. They still
	// have to be applied to all of it, one after the other.
	Specs []Spec
	// Listed says that specs were listed, here or below.
	Listed bool
	// Ignored are specs that were listed and left out.
	Ignored []Spec
	// Among are the specs among the resources. Printed says that the text has one
	// of them, which is not marked as local configuration.
	Among   []Spec
	Printed bool
	// Elsewhere are entries that hold specs which nobody takes for objects.
	Elsewhere []string
}

// File gives the kustomization file of a folder, "" if it has none.
func File(dir string) string {
	for _, name := range konfig.RecognizedKustomizationFileNames() {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			return path
		}
	}
	return ""
}

// kustomize keeps the OpenAPI schema in a variable of its package, so that two
// builds at a time would mix it up (kubernetes-sigs/kustomize#3659). What
// confine takes away is the whole process's too.
var one sync.Mutex

// Build builds the kustomization in a folder.
func Build(dir string, options Options) (*Built, error) {
	b, err := newBuilder(dir, options)
	if err != nil {
		return nil, err
	}
	defer b.alone()()
	b.building = true
	defer func() { b.building = false }()
	if !options.unjudged {
		if b.root, err = b.read(b.top, "", nil); err != nil {
			return nil, err
		}
		defer b.watch()()
		if err := b.findMade(); err != nil {
			return nil, err
		}
		if err := b.prepare(b.root, nil); err != nil {
			return nil, err
		}
	}
	resources, err := b.run(b.top)
	if err != nil {
		return nil, err
	}
	if len(b.built.Specs) > 0 {
		if err := b.errIfNobody(b.root, &b.root.entries[len(b.root.entries)-1], resources.Size()); err != nil {
			return nil, err
		}
	}
	if b.built.Text, err = resources.AsYaml(); err != nil {
		return nil, b.told(b.top, err)
	}
	b.built.Source = b.source(b.top, resources)
	// One that is not marked as local configuration is among the resources.
	if specs, _, err := b.specsIn(yamltext.File{Text: b.built.Text}); err == nil && len(specs) > 0 {
		b.built.Printed = true
	}
	return b.built, nil
}

// builder is one build.
type builder struct {
	options Options
	files   *files
	// top is the folder that is built, and root what is in it.
	top  string
	root *layer
	// layers are the kustomizations of the tree by their folders.
	layers map[string]*layer
	// partial counts the kustomizations that builds of parts of the tree read.
	partial int
	built   *Built
	// building says that Build has not returned.
	building bool
}

func newBuilder(dir string, options Options) (*builder, error) {
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	// As kustomize resolves it.
	if absolute, err = filepath.EvalSymlinks(absolute); err != nil {
		return nil, err
	}
	b := &builder{options: options, top: absolute, files: filesOnDisk(cmp.Or(options.Root, repository(absolute))), layers: map[string]*layer{}, built: &Built{}}
	b.files.textOf, b.files.saw = options.Text, options.Saw
	return b, nil
}

// alone has one builder after the other do its work, confined.
func (b *builder) alone() (release func()) {
	one.Lock()
	restore := []func(){boundCopies()}
	if !b.options.unconfined {
		restore = append(restore, confine())
	}
	return func() {
		for _, undo := range restore {
			undo()
		}
		one.Unlock()
	}
}

// run builds what a folder holds, as the kustomize CLI does.
func (b *builder) run(dir string) (resources resmap.ResMap, err error) {
	defer func() {
		// kustomize panics where it did not expect an input.
		if p := recover(); p != nil {
			resources, err = nil, fmt.Errorf("building %s: kustomize gave up: %v", b.name(dir), p)
		}
	}()
	openapi.ResetOpenAPI()
	defer openapi.ResetOpenAPI()
	options := krusty.MakeDefaultOptions()
	options.Reorder = krusty.ReorderOptionUnspecified // the CLI's own
	resources, err = krusty.MakeKustomizer(options).Run(b.files, dir)
	if err != nil {
		return nil, b.told(dir, err)
	}
	return resources, nil
}

// name gives a path as the user would write it.
func (b *builder) name(path string) string {
	here, err := os.Getwd()
	if err != nil {
		return path
	}
	if here, err = filepath.EvalSymlinks(here); err != nil {
		return path
	}
	if relative, err := filepath.Rel(here, path); err == nil && len(relative) < len(path) {
		return relative
	}
	return path
}
