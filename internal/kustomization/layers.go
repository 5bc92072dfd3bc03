package kustomization

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/resid"

	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// layer is a kustomization of the tree, the root, a base or a component.
type layer struct {
	// dir is its folder, file its kustomization file; both absolute.
	dir, file string
	// fields is what the kustomization says, in its normal form.
	fields types.Kustomization
	// transformers are its entries as they are to be read from now on, "" for
	// one that is taken out.
	transformers []string
	// specs are those of them that say what bypasses, by place, and patches
	// what they come to, by the resource that is patched.
	specs   map[int][]yamltext.File
	patches map[int]map[string]string
	visited bool
}

// The fields of a kustomization that matter here, most of them lists that name
// what else belongs to the build.
const (
	resourcesField    = "resources"
	basesField        = "bases" // the old name for folders among the resources
	componentsField   = "components"
	transformersField = "transformers"
	generatorsField   = "generators"
	validatorsField   = "validators"
)

// upTo gives the kustomization as far as its component at a place, which is the
// last thing that happens in it: the fields by which it has resources before it
// changes any. kustomize reads them, then takes the components in, and only then
// runs what the other fields say (kubernetes-sigs/kustomize
// api/internal/target/kusttarget.go, accumulateTarget).
func (l *layer) upTo(component int) types.Kustomization {
	k := l.fields
	return types.Kustomization{
		TypeMeta: k.TypeMeta, MetaData: k.MetaData,
		Resources: k.Resources, Bases: k.Bases, Generators: k.Generators,
		ConfigMapGenerator: k.ConfigMapGenerator, SecretGenerator: k.SecretGenerator, GeneratorOptions: k.GeneratorOptions,
		Crds: k.Crds, Configurations: k.Configurations, OpenAPI: k.OpenAPI,
		Components: k.Components[:component+1],
	}
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
	for _, entry := range slices.Concat(l.fields.Resources, l.fields.Bases, l.fields.Generators, l.fields.Validators) {
		if err := b.prepareEntry(l, entry); err != nil {
			return err
		}
	}
	for i, entry := range l.fields.Components {
		c, err := b.layer(filepath.Join(l.dir, entry))
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
			if err := b.prepareEntry(l, l.transformers[i]); err != nil {
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
func (b *builder) prepareEntry(l *layer, entry string) error {
	if isInline(entry) {
		return nil
	}
	path := filepath.Join(l.dir, entry)
	if !b.files.IsDir(path) {
		return b.noteSpecs(path)
	}
	base, err := b.layer(path)
	if err != nil {
		return err
	}
	return b.prepare(base, nil)
}

// isInline says whether an entry in normal form is a text of its own, which
// never parses as an object if it is a path.
func isInline(entry string) bool { return !strings.HasPrefix(entry, "./") }

// substitute puts patches in the place of a spec.
func (b *builder) substitute(l *layer, at int, way []step) error {
	// What the function would be given: a build that ends there.
	start := b.files.texts
	b.files.texts = maps.Clone(start)
	for _, s := range way {
		if err := b.hold(s.layer, s.upTo(s.component)); err != nil {
			return err
		}
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
