package kustomization

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/provider"
	"sigs.k8s.io/kustomize/api/resource"
	"sigs.k8s.io/kustomize/api/types"
)

// kind says what an entry may name.
type kind int

const (
	fileOrFolder kind = iota
	folder
	file
	data   // a file that is copied as it stands, named as "path" or "key=path"
	plugin // the configuration of plugins itself, or a file or folder that holds it
	patch  // a strategic merge patch itself, or a file that holds it
)

// entry is one thing that a kustomization has kustomize load.
type entry struct {
	field string // such as "resources[0]"
	value string
	kind  kind
	set   func(value string)
}

// entries gives everything that kustomize loads for a kustomization, through
// kustomize's own type, so that both read the same.
func entries(k *types.Kustomization) []entry {
	var all []entry
	one := func(field string, value *string, kind kind) {
		all = append(all, entry{field, *value, kind, func(normal string) { *value = normal }})
	}
	optional := func(field string, value *string, kind kind) {
		if *value != "" {
			one(field, value, kind)
		}
	}
	list := func(field string, values []string, kind kind) {
		for i := range values {
			one(fmt.Sprintf("%s[%d]", field, i), &values[i], kind)
		}
	}
	pairs := func(field string, sources *types.KvPairSources) {
		list(field+".files", sources.FileSources, data)
		list(field+".envs", sources.EnvSources, file)
		optional(field+".env", &sources.EnvSource, file)
	}
	list(resourcesField, k.Resources, fileOrFolder)
	list(basesField, k.Bases, fileOrFolder)
	list(componentsField, k.Components, folder)
	list(generatorsField, k.Generators, plugin)
	list(transformersField, k.Transformers, plugin)
	list(validatorsField, k.Validators, plugin)
	list("crds", k.Crds, file)
	list("configurations", k.Configurations, file)
	if schema, given := k.OpenAPI["path"]; given {
		all = append(all, entry{"openapi.path", schema, file, func(normal string) { k.OpenAPI["path"] = normal }})
	}
	for i := range k.PatchesStrategicMerge {
		one(fmt.Sprintf("patchesStrategicMerge[%d]", i), (*string)(&k.PatchesStrategicMerge[i]), patch)
	}
	for i := range k.PatchesJson6902 {
		optional(fmt.Sprintf("patchesJson6902[%d].path", i), &k.PatchesJson6902[i].Path, file)
	}
	for i := range k.Patches {
		optional(fmt.Sprintf("patches[%d].path", i), &k.Patches[i].Path, file)
	}
	for i := range k.Replacements {
		optional(fmt.Sprintf("replacements[%d].path", i), &k.Replacements[i].Path, file)
	}
	for i := range k.ConfigMapGenerator {
		pairs(fmt.Sprintf("configMapGenerator[%d]", i), &k.ConfigMapGenerator[i].KvPairSources)
	}
	for i := range k.SecretGenerator {
		pairs(fmt.Sprintf("secretGenerator[%d]", i), &k.SecretGenerator[i].KvPairSources)
	}
	return all
}

// normalize has every entry of a kustomization name a regular file or a folder
// by "./" and its clean path, which kustomize takes for no URL, whatever it
// looks like. What cannot be named so is an error.
func (b *builder) normalize(l *layer) error {
	if len(l.fields.HelmCharts) > 0 || len(l.fields.HelmChartInflationGenerator) > 0 {
		return fmt.Errorf("%s: helmCharts: rendering a chart runs helm, and a build here runs nothing: pipe kustomize build --enable-helm %s into krm-bypass render -", b.name(l.file), b.name(l.dir))
	}
	for _, e := range entries(&l.fields) {
		normal, err := b.normal(l, e)
		if err != nil {
			return fmt.Errorf("%s: %s: %w", b.name(l.file), e.field, err)
		}
		e.set(normal)
	}
	return nil
}

func (b *builder) normal(l *layer, e entry) (string, error) {
	value, key := e.value, ""
	switch e.kind {
	case plugin, patch:
		if documents, inline := inlined(value); inline {
			return value, errIfRemote(documents)
		}
	case data:
		if before, after, keyed := strings.Cut(value, "="); keyed {
			key, value = before+"=", after
		} else {
			key = path.Base(value) + "="
		}
	}
	found, err := b.local(l, value)
	if err != nil {
		return "", err
	}
	isFolder := b.files.IsDir(found)
	switch e.kind {
	case folder:
		if !isFolder {
			return "", fmt.Errorf("%s is a file: name the folder of a component", quoted(value))
		}
	case file, data, patch:
		if isFolder {
			return "", fmt.Errorf("%s is a folder: name a file", quoted(value))
		}
	}
	if isFolder && filepath.IsAbs(value) {
		return "", fmt.Errorf("%s is absolute: write the path from the kustomization's folder to it", quoted(value))
	}
	if !isFolder {
		if found, err = b.files.asItStands(found); err != nil {
			return "", err
		}
	}
	if e.kind == plugin && !isFolder {
		text, err := b.files.ReadFile(found)
		if err != nil {
			return "", err
		}
		if documents, _ := inlined(string(text)); errIfRemote(documents) != nil {
			return "", fmt.Errorf("%s: %w", quoted(value), errIfRemote(documents))
		}
	}
	relative, err := filepath.Rel(l.dir, found)
	if err != nil {
		return "", err
	}
	return key + "./" + relative, nil
}

// local gives the regular file or folder that a value names.
func (b *builder) local(l *layer, value string) (string, error) {
	if value == "" {
		return "", errors.New(`"" names nothing: name a file or folder, or take the entry out`)
	}
	found := filepath.Join(l.dir, value)
	if filepath.IsAbs(value) {
		found = filepath.Clean(value)
	}
	info, err := os.Stat(found)
	if err != nil {
		return "", fmt.Errorf("%s: no such file or folder; what is remote is not fetched: put a copy of it beside the kustomization", quoted(value))
	}
	if err := b.files.fence(found); err != nil {
		return "", fmt.Errorf("%s: %w: put a copy of it beside the kustomization", quoted(value), err)
	}
	if !info.IsDir() && !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s is neither a regular file nor a folder: put a copy of what it holds beside the kustomization", quoted(value))
	}
	return found, nil
}

// inlined gives the documents that an entry holds itself. kustomize takes one
// for a path, and in the end for a repository to clone, if it does not parse as
// objects; a look at the text alone would not tell.
func inlined(value string) (documents []*resource.Resource, inline bool) {
	documents, err := provider.NewDefaultDepProvider().GetResourceFactory().SliceFromBytes([]byte(value))
	return documents, err == nil
}

// errIfRemote refuses the configuration of a builtin plugin that has kustomize
// fetch a file.
func errIfRemote(documents []*resource.Resource) error {
	for _, d := range documents {
		fields, err := d.Map()
		if err != nil {
			return err
		}
		for _, p := range pathsOf(fields, "path", "paths", "targetFilePath", "files", "env", "envs", "replacements") {
			if key, after, keyed := strings.Cut(p, "="); keyed && !isRemote(key) {
				p = after
			}
			if isRemote(p) {
				return fmt.Errorf("the %s %s names %s; what is remote is not fetched: put a copy of it beside the kustomization, and write ./ before its path", d.GetKind(), d.GetName(), quoted(p))
			}
		}
	}
	return nil
}

// isRemote says whether kustomize fetches a file of this path, as its loader
// says it (api/internal/loader/fileloader.go, IsRemoteFile).
func isRemote(path string) bool {
	u, err := url.Parse(path)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https")
}

// pathsOf gives the texts of fields, by their names in any case.
func pathsOf(fields map[string]any, names ...string) []string {
	var all []string
	for key, value := range fields {
		if !slices.ContainsFunc(names, func(name string) bool { return strings.EqualFold(key, name) }) {
			continue
		}
		items, several := value.([]any)
		if !several {
			items = []any{value}
		}
		for _, item := range items {
			switch item := item.(type) {
			case string:
				all = append(all, item)
			case map[string]any:
				all = append(all, pathsOf(item, "path")...)
			}
		}
	}
	return all
}

// quoted gives a value as a message has it.
func quoted(value string) string {
	const most = 200
	if len(value) > most {
		value = value[:most] + "…"
	}
	return fmt.Sprintf("%q", value)
}
