package kustomization

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/resid"
	sigsyaml "sigs.k8s.io/yaml"

	"github.com/krm-bypass/krm-bypass/internal/object"
)

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
	again := l.prepared
	if again && len(way) == 0 {
		return nil
	}
	l.prepared = true
	last := b.lastOf(l)
	for i := range l.entries {
		e := &l.entries[i]
		var err error
		switch {
		case e.list == componentsField:
			err = b.prepare(e.base, append(slices.Clone(way), step{l, e.index}))
		case e.list == transformersField && e.isSpec():
			err = b.place(l, e, way, e.turn >= last, again)
		case e.base != nil:
			err = b.prepare(e.base, nil)
		case !again:
			b.built.Among = append(b.built.Among, b.wired(l, e)...)
		}
		if err != nil {
			return err
		}
	}
	return b.keep(l, len(l.transformers))
}

// lastOf gives the place of the first of the specs that the root ends with.
func (b *builder) lastOf(l *layer) int {
	last := len(l.transformers)
	for _, e := range slices.Backward(l.entries) {
		if e.list == transformersField {
			if l != b.root || !e.isSpec() {
				break
			}
			last = e.turn
		}
	}
	return last
}

// place puts what a spec among the transformers comes to in its place.
func (b *builder) place(l *layer, e *entry, way []step, isLast, again bool) error {
	switch {
	case b.options.Ignore && !again:
		b.built.Ignored = append(b.built.Ignored, b.wired(l, e)...)
	case isLast && !b.options.Ignore:
		b.built.Specs = append(b.built.Specs, b.wired(l, e)...)
	case !b.options.Ignore:
		return b.substitute(l, e, way)
	}
	l.transformers[e.turn] = ""
	return nil
}

// keep has kustomize read the kustomization with the first of its transformers,
// as they are now.
func (b *builder) keep(l *layer, first int) error {
	fields := l.fields
	fields.Transformers = l.transformers[:first]
	return b.hold(l, fields)
}

// substitute puts patches in the place of a spec.
func (b *builder) substitute(l *layer, e *entry, way []step) error {
	seen, source, err := b.seen(l, e.turn, way)
	if err != nil {
		return err
	}
	if err := b.errIfNobody(l, e, seen.Size()); err != nil {
		return err
	}
	before, err := seen.AsYaml()
	if err != nil {
		return err
	}
	after := before
	for _, spec := range b.wired(l, e) {
		if after, err = b.options.Apply(spec, after, source); err != nil {
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
			return fmt.Errorf("%s: %s: %d resources go by the name of %s here, so that a bypass for one of them cannot be told from the others: list the spec in the kustomization that is built, or give it with --spec",
				b.name(l.file), e, len(found), r.CurId())
		}
		if err := l.patch(e.turn, target, operations); err != nil {
			return fmt.Errorf("%s: %s: %s %w: list the spec in the kustomizations that use this one, or give it with --spec", b.name(l.file), e, r.CurId(), err)
		}
	}
	l.transformers[e.turn] = b.inPlaceOf(l, e)
	return nil
}

// inPlaceOf gives what stands in the place of a spec among the transformers: patches,
// inline where it was, and else in a file, since kustomize runs the one before the
// other. It is "" if there are none.
func (b *builder) inPlaceOf(l *layer, e *entry) string {
	text := l.patchText(e.turn)
	if text == "" || e.path == "" {
		return text
	}
	name := fmt.Sprintf(substituteFile+"%d", e.turn)
	b.files.held[filepath.Join(l.dir, name)] = []byte(text)
	return "./" + name
}

// seen gives the resources that the function would be given at a place among the
// transformers of a kustomization: those of a build that ends there.
func (b *builder) seen(l *layer, at int, way []step) (resmap.ResMap, Source, error) {
	held := b.files.held
	b.files.held = maps.Clone(held)
	defer func() { b.files.held = held }()
	from := l
	for _, s := range way {
		if err := b.hold(s.layer, s.upTo(s.component)); err != nil {
			return nil, nil, err
		}
	}
	if len(way) > 0 {
		from = way[0].layer
	}
	if err := b.keep(l, at); err != nil {
		return nil, nil, err
	}
	if err := b.errIfTooOften(l, from.visits); err != nil {
		return nil, nil, err
	}
	resources, err := b.run(from.dir)
	if err != nil {
		return nil, nil, err
	}
	return resources, b.source(from.dir, resources), nil
}

// errIfTooOften refuses a build of a part of the tree, of so many kustomizations, where
// there have been too many already.
func (b *builder) errIfTooOften(l *layer, visits int) error {
	if b.partial += visits; b.partial > len(b.layers)+maxRepeats {
		return fmt.Errorf("%s: kustomize would read %d kustomizations to see what the specs below the root are applied to, and more than %d repetitions are refused: list the specs in the kustomization that is built, or give one with --spec", b.name(l.file), b.partial, maxRepeats)
	}
	return nil
}

// upTo gives the kustomization as far as its component at a place, which is the
// last thing that happens in it: the fields by which it has resources before it
// changes any. kustomize reads them, then takes the components in, and only then
// runs what the other fields say (kubernetes-sigs/kustomize
// api/internal/target/kusttarget.go, accumulateTarget).
//
//nolint:staticcheck // kustomize still reads what it has under old names
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

// objects gives the documents of a stream as they would be in JSON.
func objects(stream []byte) ([]any, error) {
	var all []any
	for _, d := range object.Documents(stream) {
		var one any
		if err := sigsyaml.Unmarshal(d.Text, &one); err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

func selector(id resid.ResId) types.Selector {
	return types.Selector{ResId: resid.NewResIdWithNamespace(id.Gvk, regexp.QuoteMeta(id.Name), regexp.QuoteMeta(id.EffectiveNamespace()))}
}

// patch notes what one resource gets. Several kustomizations may use a
// component: what one of them needs must not hit the resources of another.
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
		return errors.New("is a resource of two kustomizations that use this component, and each needs another bypass")
	}
	l.patches[at][string(name)] = string(text)
	return nil
}

// What stands in the place of a spec begins so, and its file has a name that begins so.
const (
	substitutePrefix = "apiVersion: builtin\nkind: PatchTransformer\nmetadata: {name: krm-bypass-"
	substituteFile   = "krm-bypass, in the place of transformer "
)

// isSubstitute reports whether an entry of transformers stands in the place of a spec.
func isSubstitute(entry string) bool {
	return strings.HasPrefix(entry, substitutePrefix) || strings.HasPrefix(entry, "./"+substituteFile)
}

// patchText gives the patches as configuration of transformers, "" if there are none.
func (l *layer) patchText(at int) string {
	var documents []string
	for i, target := range slices.Sorted(maps.Keys(l.patches[at])) {
		if text := l.patches[at][target]; text != "null" {
			patch, _ := json.Marshal(text) // a string always encodes
			documents = append(documents, fmt.Sprintf(substitutePrefix+"%d-%d}\ntarget: %s\npatch: %s\n", at, i, target, patch))
		}
	}
	return strings.Join(documents, "---\n")
}
