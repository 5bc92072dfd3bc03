package kustomization

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/resid"

	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// layer is a kustomization of the tree, the root, a base or a component.
type layer struct {
	// dir is its folder, file its kustomization file; both absolute.
	dir, file string
	fields    *yaml.Node
	// transformers are its entries as they are to be read from now on, "" for
	// one that is taken out.
	transformers []string
	// specs are those of them that say what bypasses, by place, and patches
	// what they come to, by the resource that is patched.
	specs   map[int][]yamltext.File
	patches map[int]map[string]string
	visited bool
}

// list gives the entries of one of the kustomization's lists of strings.
func (l *layer) list(field string) []string {
	var entries []string
	if node := value(l.fields, field); node != nil && node.Kind == yaml.SequenceNode {
		for _, item := range node.Content {
			entries = append(entries, item.Value)
		}
	}
	return entries
}

func value(mapping *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			return mapping.Content[i+1]
		}
	}
	return nil
}

// The fields of a kustomization that matter here, most of them lists that name
// what else belongs to the build.
const (
	metadataField     = "metadata"
	resourcesField    = "resources"
	basesField        = "bases" // the old name for folders among the resources
	componentsField   = "components"
	transformersField = "transformers"
	generatorsField   = "generators"
	validatorsField   = "validators"
)

// accumulating are the fields by which a kustomization has resources before it
// changes any. kustomize reads them, then takes the components in, and only
// then runs what the other fields say (kubernetes-sigs/kustomize
// api/internal/target/kusttarget.go, accumulateTarget).
var accumulating = []string{
	"apiVersion", "kind", metadataField, resourcesField, basesField, generatorsField,
	"configMapGenerator", "secretGenerator", "generatorOptions", "crds", "configurations", "openapi",
}

// text gives the kustomization as a build shall read it.
func (l *layer) text(transformers []string) ([]byte, error) {
	fields := &yaml.Node{Kind: yaml.MappingNode}
	for i := 0; i+1 < len(l.fields.Content); i += 2 {
		if l.fields.Content[i].Value != transformersField {
			fields.Content = append(fields.Content, l.fields.Content[i], l.fields.Content[i+1])
		}
	}
	setList(fields, transformersField, slices.DeleteFunc(slices.Clone(transformers), func(entry string) bool { return entry == "" }))
	if value(fields, metadataField) == nil {
		// kustomize refuses one in which nothing is said
		// (api/types/kustomization.go, CheckEmpty).
		fields.Content = append(fields.Content, scalar(metadataField),
			&yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{scalar("name"), scalar("without-the-specs")}})
	}
	return yaml.Marshal(fields)
}

// upTo gives the kustomization as far as its component at a place, which is the
// last thing that happens in it.
func (l *layer) upTo(component int) ([]byte, error) {
	fields := &yaml.Node{Kind: yaml.MappingNode}
	for i := 0; i+1 < len(l.fields.Content); i += 2 {
		if slices.Contains(accumulating, l.fields.Content[i].Value) {
			fields.Content = append(fields.Content, l.fields.Content[i], l.fields.Content[i+1])
		}
	}
	setList(fields, componentsField, l.list(componentsField)[:component+1])
	return yaml.Marshal(fields)
}

func setList(mapping *yaml.Node, key string, entries []string) {
	if len(entries) == 0 {
		return
	}
	list := &yaml.Node{Kind: yaml.SequenceNode}
	for _, entry := range entries {
		list.Content = append(list.Content, scalar(entry))
	}
	mapping.Content = append(mapping.Content, scalar(key), list)
}

func scalar(value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value}
}

// step is a kustomization on the way from a base, or the root, to one of its
// components, and the place of the next one among its components.
type step struct {
	*layer
	component int
}

// prepare makes the tree below a kustomization one that kustomize's builtin
// plugins can build: where a ClusterBypass is listed, patches stand that do
// what the function would do. way leads to the kustomization from the base that
// it is a component of.
func (b *builder) prepare(l *layer, way []step) error {
	isRoot := l == b.root
	component := len(way) > 0
	if l.visited && !component {
		return nil
	}
	l.visited = true
	for _, field := range []string{resourcesField, basesField, generatorsField, validatorsField} {
		for i, entry := range l.list(field) {
			if err := b.prepareEntry(l, field, i, entry); err != nil {
				return err
			}
		}
	}
	for i, entry := range l.list(componentsField) {
		path, err := b.local(l, componentsField, i, entry)
		if err != nil {
			return err
		}
		c, err := b.layer(path)
		if err != nil {
			return err
		}
		if err := b.prepare(c, append(slices.Clone(way), step{l, i})); err != nil {
			return err
		}
	}
	last := len(l.transformers)
	for isRoot && last > 0 && l.specs[last-1] != nil {
		last-- // these are applied to all that is built, in the end
	}
	for i := range l.transformers {
		switch specs := l.specs[i]; {
		case specs == nil:
			if l.transformers[i] == "" || isInline(l.transformers[i]) {
				continue
			}
			if err := b.prepareEntry(l, transformersField, i, l.transformers[i]); err != nil {
				return err
			}
		case b.options.Ignore:
			b.built.Ignored = append(b.built.Ignored, specs...)
			l.transformers[i] = ""
		case i >= last:
			b.built.Specs = append(b.built.Specs, specs...)
			l.transformers[i] = ""
		default:
			if err := b.substitute(l, i, way); err != nil {
				return err
			}
		}
	}
	return b.keep(l, l.transformers)
}

// prepareEntry prepares what an entry of a list names, if it is a kustomization
// too.
func (b *builder) prepareEntry(l *layer, field string, i int, entry string) error {
	if isInline(entry) {
		return nil
	}
	path, err := b.local(l, field, i, entry)
	if err != nil {
		return err
	}
	if !b.files.IsDir(path) {
		return b.noteSpecs(path)
	}
	base, err := b.layer(path)
	if err != nil {
		return err
	}
	return b.prepare(base, nil)
}

// isInline says whether an entry is a text of its own instead of a path.
func isInline(entry string) bool {
	return strings.Contains(entry, "\n") || strings.Contains(entry, "{")
}

// local gives the path that an entry names.
func (b *builder) local(l *layer, field string, i int, entry string) (string, error) {
	path := filepath.Join(l.dir, entry)
	if filepath.IsAbs(entry) {
		path = filepath.Clean(entry)
	}
	if !b.files.Exists(path) {
		return "", fmt.Errorf("%s: %s[%d]: %q: no such file or folder; what is remote is not fetched: put a copy of it beside the kustomization", b.name(l.file), field, i, entry)
	}
	return path, nil
}

// substitute puts patches in the place of a spec.
func (b *builder) substitute(l *layer, at int, way []step) error {
	// What the function would be given: a build that ends there.
	start := b.files.texts
	b.files.texts = maps.Clone(start)
	for _, s := range way {
		text, err := s.upTo(s.component)
		if err != nil {
			return err
		}
		b.files.texts[s.file] = text
	}
	if err := b.keep(l, l.transformers[:at]); err != nil {
		return err
	}
	from := l
	if len(way) > 0 {
		from = way[0].layer
	}
	seen, err := b.run(from.dir)
	b.files.texts = start
	if err != nil {
		return err
	}
	before, err := seen.AsYaml()
	if err != nil {
		return err
	}
	after := before
	for _, spec := range l.specs[at] {
		if after, err = b.options.Apply(spec, after); err != nil {
			return err
		}
	}
	was, err := objects(before)
	if err != nil {
		return err
	}
	is, err := objects(after)
	if err != nil {
		return err
	}
	resources := seen.Resources()
	if len(was) != len(resources) || len(is) != len(resources) {
		return fmt.Errorf("%s: %d resources became %d", b.name(l.file), len(resources), len(is))
	}
	for i, r := range resources {
		operations := differences(was[i], is[i], "")
		target := selector(r.CurId())
		// The selector also finds resources by the names they once had.
		if found, err := seen.Select(target); len(operations) > 0 && (err != nil || len(found) != 1) {
			return fmt.Errorf("%s: %s[%d]: %d resources go by the name of %s here, so that a bypass for one of them cannot be told from the others: list the spec in the kustomization that is built, or give it with --spec",
				b.name(l.file), transformersField, at, len(found), r.CurId())
		}
		if err := l.patch(at, target, operations); err != nil {
			return fmt.Errorf("%s: %s[%d]: %s %w: list the spec in the kustomizations that use this one, or give it with --spec", b.name(l.file), transformersField, at, r.CurId(), err)
		}
	}
	l.transformers[at] = l.patchText(at)
	return nil
}

func selector(id resid.ResId) types.Selector {
	return types.Selector{ResId: resid.NewResIdWithNamespace(id.Gvk, regexp.QuoteMeta(id.Name), regexp.QuoteMeta(id.EffectiveNamespace()))}
}

// patch notes what one resource gets. A component may be used by several
// kustomizations: what one of them needs must not hit the resources of another.
func (l *layer) patch(at int, target types.Selector, operations []operation) error {
	if l.patches[at] == nil {
		l.patches[at] = map[string]string{}
	}
	text, err := json.Marshal(operations)
	if err != nil {
		return err
	}
	name, err := json.Marshal(map[string]string{
		"group": target.Group, "version": target.Version, "kind": target.Kind, "name": target.Name, "namespace": target.Namespace,
	})
	if err != nil {
		return err
	}
	if other, known := l.patches[at][string(name)]; known && other != string(text) {
		return fmt.Errorf("is a resource of two kustomizations that use this component, and each needs another bypass")
	}
	l.patches[at][string(name)] = string(text)
	return nil
}

// patchText gives the patches as an inline entry of transformers, "" if there
// are none.
func (l *layer) patchText(at int) string {
	var documents []string
	for i, target := range slices.Sorted(maps.Keys(l.patches[at])) {
		if text := l.patches[at][target]; text != "null" {
			patch, _ := json.Marshal(text) // a string always encodes
			documents = append(documents, fmt.Sprintf("apiVersion: builtin\nkind: PatchTransformer\nmetadata: {name: krm-bypass-%d-%d}\ntarget: %s\npatch: %s\n", at, i, target, patch))
		}
	}
	return strings.Join(documents, "---\n")
}

// operation is one of a JSON patch (RFC 6902).
type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value"` // null for a removal
}

var pointerEscapes = strings.NewReplacer("~", "~0", "/", "~1")

// differences gives the operations that lead from one value to another, and
// leave alone whatever is the same in both.
func differences(from, to any, path string) []operation {
	switch from := from.(type) {
	case map[string]any:
		if to, ok := to.(map[string]any); ok {
			return mapDifferences(from, to, path)
		}
	case []any:
		if to, ok := to.([]any); ok {
			return listDifferences(from, to, path)
		}
	}
	if equal(from, to) {
		return nil
	}
	return []operation{{"replace", path, to}}
}

func mapDifferences(from, to map[string]any, path string) []operation {
	var all []operation
	for _, key := range slices.Sorted(maps.Keys(from)) {
		at := path + "/" + pointerEscapes.Replace(key)
		if value, stays := to[key]; stays {
			all = append(all, differences(from[key], value, at)...)
		} else {
			all = append(all, operation{Op: "remove", Path: at})
		}
	}
	for _, key := range slices.Sorted(maps.Keys(to)) {
		if _, stood := from[key]; !stood {
			all = append(all, operation{"add", path + "/" + pointerEscapes.Replace(key), to[key]})
		}
	}
	return all
}

// listDifferences replaces what stands between the items that two lists begin
// and end with.
func listDifferences(from, to []any, path string) []operation {
	head := 0
	for head < min(len(from), len(to)) && equal(from[head], to[head]) {
		head++
	}
	tail := 0
	for tail < min(len(from), len(to))-head && equal(from[len(from)-1-tail], to[len(to)-1-tail]) {
		tail++
	}
	var all []operation
	for range len(from) - tail - head {
		all = append(all, operation{Op: "remove", Path: fmt.Sprintf("%s/%d", path, head)})
	}
	for i := head; i < len(to)-tail; i++ {
		all = append(all, operation{"add", fmt.Sprintf("%s/%d", path, i), to[i]})
	}
	return all
}
