package kustomization

import (
	"fmt"
	"slices"

	"sigs.k8s.io/kustomize/api/types"
)

// kind says what an entry may name.
type kind int

const (
	fileOrFolder kind = iota // of objects
	folder
	file   // of documents
	data   // a file that is copied as it stands
	keyed  // the same, named as "path" or "key=path"
	text   // a document itself
	patch  // a strategic merge patch itself, or a file of them
	plugin // the configuration of plugins itself, or a file or folder of it
)

// entry is one thing that a kustomization has kustomize load.
type entry struct {
	// list is the field, such as "resources", and index the place in it, -1 if
	// it is no list. turn is the place of a transformer in the order in which they
	// run.
	list  string
	index int
	turn  int
	kind  kind
	value string
	set   func(value string)

	// path is what it names, "" where the entry is a text of its own; base is
	// the kustomization of a folder.
	path     string
	isFolder bool
	base     *layer
	// specs are the documents in it that say what bypasses, others counts the
	// rest.
	specs  []Spec
	others int
	// local says that one of the rest may be local configuration.
	local bool
}

func (e entry) String() string {
	if e.index < 0 {
		return e.list
	}
	return fmt.Sprintf("%s[%d]", e.list, e.index)
}

// The lists of a kustomization that need a name here.
const (
	componentsField   = "components"
	transformersField = "transformers"
)

// entries gives everything that kustomize loads for a kustomization, through
// kustomize's own type, so that both read the same; transformers come last, as
// they do in a build.
//
//nolint:staticcheck // kustomize still reads what it has under old names
func entries(k *types.Kustomization) []entry {
	var all []entry
	one := func(list string, index int, kind kind, value *string) {
		all = append(all, entry{list: list, index: index, kind: kind, value: *value, set: func(normal string) { *value = normal }})
	}
	list := func(list string, kind kind, values []string) {
		for i := range values {
			one(list, i, kind, &values[i])
		}
	}
	optional := func(list string, kind kind, value *string) {
		if *value != "" {
			one(list, -1, kind, value)
		}
	}
	pairs := func(generator string, sources *types.KvPairSources) {
		list(generator+".files", keyed, sources.FileSources)
		list(generator+".envs", data, sources.EnvSources)
		optional(generator+".env", data, &sources.EnvSource)
	}
	list("resources", fileOrFolder, k.Resources)
	list("bases", fileOrFolder, k.Bases) // the old name for folders among the resources
	list("crds", file, k.Crds)
	list("configurations", file, k.Configurations)
	if schema, given := k.OpenAPI["path"]; given {
		all = append(all, entry{list: "openapi.path", index: -1, kind: file, value: schema, set: func(normal string) { k.OpenAPI["path"] = normal }})
	}
	for i := range k.ConfigMapGenerator {
		pairs(fmt.Sprintf("configMapGenerator[%d]", i), &k.ConfigMapGenerator[i].KvPairSources)
	}
	for i := range k.SecretGenerator {
		pairs(fmt.Sprintf("secretGenerator[%d]", i), &k.SecretGenerator[i].KvPairSources)
	}
	list("generators", plugin, k.Generators)
	list("validators", plugin, k.Validators)
	list(componentsField, folder, k.Components)
	for i := range k.PatchesStrategicMerge {
		one("patchesStrategicMerge", i, patch, (*string)(&k.PatchesStrategicMerge[i]))
	}
	for i := range k.PatchesJson6902 {
		optional(fmt.Sprintf("patchesJson6902[%d].patch", i), text, &k.PatchesJson6902[i].Patch)
		optional(fmt.Sprintf("patchesJson6902[%d].path", i), file, &k.PatchesJson6902[i].Path)
	}
	for i := range k.Patches {
		optional(fmt.Sprintf("patches[%d].patch", i), text, &k.Patches[i].Patch)
		optional(fmt.Sprintf("patches[%d].path", i), file, &k.Patches[i].Path)
	}
	for i := range k.Replacements {
		optional(fmt.Sprintf("replacements[%d].path", i), file, &k.Replacements[i].Path)
	}
	list(transformersField, plugin, k.Transformers)
	return all
}

// inTurn brings transformers into the order in which kustomize runs them: those that
// stand in the kustomization itself come before those that it names
// (kubernetes-sigs/kustomize api/internal/target/kusttarget.go,
// configureExternalTransformers). It gives the place that each had.
func inTurn(transformers []string) (was []int) {
	var named []int
	for i, value := range transformers {
		if _, isInline, _ := inlined(plugin, value); isInline { // what cannot be read, normal tells
			was = append(was, i)
		} else {
			named = append(named, i)
		}
	}
	was = append(was, named...)
	values := slices.Clone(transformers)
	for i, at := range was {
		transformers[i] = values[at]
	}
	return was
}
