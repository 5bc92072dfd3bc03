package kustomization

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/openapi"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// Options say how a kustomization is built.
type Options struct {
	// Root is the folder that is not left, without links; "" for that of the git
	// repository that holds the kustomization, if there is one.
	Root string
	// IsSpec says whether an object says what bypasses, so that it is not left
	// to kustomize where it is listed as a transformer.
	IsSpec func(object *yaml.Node) bool
	// Apply applies a file that IsSpec has accepted to resources, a stream of
	// documents. It is called for the specs below the root; those that the
	// root ends with are for the caller to apply.
	Apply func(spec yamltext.File, resources []byte) ([]byte, error)
	// Ignore has specs that are listed as transformers left out.
	Ignore bool

	// Tests switch off one of the two lines that keep a build from leaving the
	// machine's files, to see that the other holds by itself.
	unjudged, unconfined bool
}

// Built is what a kustomization builds.
type Built struct {
	// Text is what the kustomize CLI would print.
	Text []byte
	// Specs are those that are still to be applied to all of it, one after the
	// other: the last transformers of the kustomization itself.
	Specs []yamltext.File
	// Listed says that specs were listed, here or below.
	Listed bool
	// Ignored are specs that were listed and left out.
	Ignored []yamltext.File
	// Among are the specs among the resources.
	Among []yamltext.File
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
// builds at a time would mix it up (kubernetes-sigs/kustomize#3659).
var one sync.Mutex

// Build builds the kustomization in a folder.
func Build(dir string, options Options) (*Built, error) {
	one.Lock()
	defer one.Unlock()
	if !options.unconfined {
		defer confine()()
	}
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	// As kustomize resolves it.
	if absolute, err = filepath.EvalSymlinks(absolute); err != nil {
		return nil, err
	}
	b := &builder{options: options, files: filesOnDisk(cmp.Or(options.Root, repository(absolute))), layers: map[string]*layer{}, named: dir, built: &Built{}}
	if !options.unjudged {
		if b.root, err = b.layer(absolute); err != nil {
			return nil, err
		}
		if err := b.prepare(b.root, nil); err != nil {
			return nil, err
		}
	}
	resources, err := b.run(absolute)
	if err != nil {
		return nil, err
	}
	if b.built.Text, err = resources.AsYaml(); err != nil {
		return nil, fmt.Errorf("building %s: %w", dir, err)
	}
	// One that is not marked as local configuration is among the resources.
	if specs, _, err := b.specsIn(yamltext.File{Text: b.built.Text}); err == nil && len(specs) > 0 {
		b.built.Among = nil
	}
	return b.built, nil
}

// builder is one build.
type builder struct {
	options Options
	files   *files
	root    *layer
	// layers are the kustomizations of the tree by their folders.
	layers map[string]*layer
	// named is the root's folder as the user has it.
	named string
	built *Built
}

// layer reads the kustomization of a folder, once.
func (b *builder) layer(dir string) (*layer, error) {
	// As kustomize resolves it, which reads what the kustomization names from there.
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return nil, err
	}
	if known := b.layers[dir]; known != nil {
		return known, nil
	}
	l := &layer{dir: dir, specs: map[int][]yamltext.File{}, patches: map[int]map[string]string{}}
	if l.file, err = b.fileIn(dir); err != nil {
		return nil, err
	}
	text, err := b.files.ReadFile(l.file)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", b.name(l.file), err)
	}
	if err := l.fields.Unmarshal(text); err != nil {
		return nil, fmt.Errorf("reading %s: %w", b.name(l.file), err)
	}
	fixed := l.fields
	fixed.FixKustomization()
	if err := fixed.CheckEmpty(); err != nil {
		return nil, fmt.Errorf("reading %s: it says nothing: list something under resources", b.name(l.file))
	}
	b.layers[dir] = l
	if err := b.normalize(l); err != nil {
		return nil, err
	}
	l.transformers = slices.Clone(l.fields.Transformers)
	for i, entry := range l.transformers {
		specs, err := b.specs(l, transformersField, i, entry)
		if err != nil {
			return nil, err
		}
		if specs != nil {
			l.specs[i] = specs
			b.built.Listed = true
		}
	}
	return l, b.keep(l, l.transformers)
}

// fileIn gives the kustomization file of a folder, without links: the one that
// kustomize reads, which passes over one that leads out of the folder.
func (b *builder) fileIn(dir string) (string, error) {
	var found []string
	for _, name := range konfig.RecognizedKustomizationFileNames() {
		if path := filepath.Join(dir, name); b.files.Exists(path) {
			found = append(found, path)
		}
	}
	switch len(found) {
	case 0:
		return "", fmt.Errorf("%s holds no kustomization: it needs a file %s", b.name(dir), konfig.DefaultKustomizationFileName())
	case 1:
		file, err := filepath.EvalSymlinks(found[0])
		if err != nil {
			return "", err
		}
		if !strings.HasPrefix(file, strings.TrimSuffix(dir, "/")+"/") {
			return "", fmt.Errorf("%s is a link to %s, and kustomize reads none that leads out of the folder: put a copy in its place", b.name(found[0]), b.name(file))
		}
		return file, nil
	}
	return "", fmt.Errorf("%s holds several kustomizations, of which kustomize reads none: keep one of %s and %s", b.name(dir), filepath.Base(found[0]), filepath.Base(found[1]))
}

// specs gives the files that an entry of transformers stands for, if all that
// it names says what bypasses; nil if not.
func (b *builder) specs(l *layer, field string, i int, entry string) ([]yamltext.File, error) {
	file := yamltext.File{Path: fmt.Sprintf("%s: %s[%d]", b.name(l.file), field, i), Text: []byte(entry)}
	if !isInline(entry) {
		path := filepath.Join(l.dir, entry)
		if b.files.IsDir(path) {
			return b.specsOf(path)
		}
		text, err := b.files.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", b.name(path), err)
		}
		file = yamltext.File{Path: b.name(path), Text: text}
	}
	specs, others, err := b.specsIn(file)
	if err != nil || others > 0 || len(specs) == 0 {
		return nil, nil //nolint:nilerr // what is no YAML is for kustomize to refuse
	}
	return specs, nil
}

// specsOf gives the files of a kustomization that lists resources alone, all of
// which say what bypasses; nil for any other.
func (b *builder) specsOf(dir string) ([]yamltext.File, error) {
	l, err := b.layer(dir)
	if err != nil {
		return nil, err
	}
	alone := types.Kustomization{TypeMeta: l.fields.TypeMeta, MetaData: l.fields.MetaData, Resources: l.fields.Resources}
	if !reflect.DeepEqual(l.fields, alone) {
		return nil, nil
	}
	var all []yamltext.File
	for i, entry := range l.fields.Resources {
		specs, err := b.specs(l, resourcesField, i, entry)
		if err != nil || specs == nil {
			return nil, err
		}
		all = append(all, specs...)
	}
	return all, nil
}

// specsIn gives the documents of a file that say what bypasses, each as a file
// that has empty lines in the place of the others, so that lines stay the same;
// and how many others there are.
func (b *builder) specsIn(file yamltext.File) (specs []yamltext.File, others int, err error) {
	for _, d := range yamltext.Documents(file.Text) {
		var node yaml.Node
		if err := yaml.Unmarshal(d.Text, &node); err != nil {
			return nil, 0, err
		}
		switch {
		case len(node.Content) == 0:
		case b.options.IsSpec(&node):
			text := slices.Concat([]byte(strings.Repeat("\n", d.Line-1)), d.Text)
			specs = append(specs, yamltext.File{Path: file.Path, Text: text})
		default:
			others++
		}
	}
	return specs, others, nil
}

// noteSpecs notes the specs of a file that is among the resources.
func (b *builder) noteSpecs(path string) error {
	text, err := b.files.ReadFile(path)
	if err != nil {
		return fmt.Errorf("reading %s: %w", b.name(path), err)
	}
	specs, _, err := b.specsIn(yamltext.File{Path: b.name(path), Text: text})
	if err == nil { // if not, kustomize says so
		b.built.Among = append(b.built.Among, specs...)
	}
	return nil
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

// keep has kustomize read the kustomization with these transformers from now on.
func (b *builder) keep(l *layer, transformers []string) error {
	fields := l.fields
	fields.Transformers = slices.DeleteFunc(slices.Clone(transformers), func(entry string) bool { return entry == "" })
	return b.hold(l, fields)
}

// hold has kustomize read this in the place of a kustomization file.
func (b *builder) hold(l *layer, fields types.Kustomization) error {
	if fields.MetaData == nil {
		// kustomize refuses one in which nothing is said
		// (api/types/kustomization.go, CheckEmpty).
		fields.MetaData = &types.ObjectMeta{Name: "without-the-specs"}
	}
	text, err := sigsyaml.Marshal(fields)
	if err != nil {
		return fmt.Errorf("rewriting %s: %w", b.name(l.file), err)
	}
	b.files.texts[l.file] = text
	return nil
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
		return nil, fmt.Errorf("building %s: %w%s", b.name(dir), err, b.remedy(err))
	}
	return resources, nil
}

// Formatted writes those documents of a stream that are not as they were in the
// way of the kustomize CLI: block style, keys sorted, no comments.
func Formatted(was, stream []byte) ([]byte, error) {
	before := yamltext.Documents(was)
	var formatted []byte
	for i, d := range yamltext.Documents(stream) {
		if i < len(before) && bytes.Equal(before[i].Text, d.Text) {
			formatted = append(formatted, d.Text...)
			continue
		}
		asJSON, err := sigsyaml.YAMLToJSON(d.Text)
		if err != nil {
			return nil, err
		}
		text, err := sigsyaml.JSONToYAML(asJSON)
		if err != nil {
			return nil, err
		}
		if len(formatted) > 0 {
			formatted = append(formatted, "---\n"...)
		}
		formatted = append(formatted, text...)
	}
	return formatted, nil
}

// objects gives the documents of a stream as they would be in JSON.
func objects(stream []byte) ([]any, error) {
	var all []any
	for _, d := range yamltext.Documents(stream) {
		var object any
		if err := sigsyaml.Unmarshal(d.Text, &object); err != nil {
			return nil, err
		}
		if object != nil {
			all = append(all, object)
		}
	}
	return all, nil
}

func equal(a, b any) bool { return reflect.DeepEqual(a, b) }
