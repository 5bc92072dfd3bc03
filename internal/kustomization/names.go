package kustomization

import (
	"fmt"
	"reflect"
	"strings"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/types"

	"github.com/krm-bypass/krm-bypass/internal/object"
)

// A Name is a file or a folder that a kustomization names as a resource, as a
// component, as a patch or as the configuration of plugins, which may name patches.
type Name struct {
	// Field names it, Path is relative to the kustomization's folder.
	Field, Path       string
	IsPatch, IsPlugin bool
}

// Is reports whether a file of this name is a kustomization to kustomize.
func Is(path string) bool { return isKustomization(path) }

// FileNames are those that a kustomization can have.
func FileNames() []string { return konfig.RecognizedKustomizationFileNames() }

// Names gives the files that the text of a kustomization names. A patch that stands in
// it is not a file. Of a plugin that stands in it, the files of its patches are.
func Names(text []byte) (names []Name, err error) {
	k, err := read(text)
	if err != nil {
		return nil, err
	}
	for _, e := range entries(k) {
		isPatch := e.kind == patch || e.kind == file && strings.HasPrefix(e.list, "patches")
		switch {
		case isPatch || e.kind == fileOrFolder || e.list == componentsField:
			names = append(names, Name{Field: e.String(), Path: e.value, IsPatch: isPatch})
		case e.list == transformersField && strings.Contains(e.value, "\n"):
			for _, path := range object.PluginPatches([]byte(e.value)) {
				names = append(names, Name{Field: e.String(), Path: path, IsPatch: true})
			}
		case e.list == transformersField:
			names = append(names, Name{Field: e.String(), Path: e.value, IsPlugin: true})
		}
	}
	return names, nil
}

// Changes reports whether the text of a kustomization changes what it names: its names,
// namespaces, labels or templates, beyond images and numbers of replicas.
func Changes(text []byte) (bool, error) {
	k, err := read(text)
	if err != nil {
		return false, err
	}
	k.TypeMeta, k.MetaData, k.Resources, k.Bases = types.TypeMeta{}, nil, nil, nil //nolint:staticcheck // the old name is read, too
	k.Images, k.Replicas, k.ConfigMapGenerator, k.SecretGenerator, k.GeneratorOptions = nil, nil, nil, nil, nil
	k.Crds, k.Configurations, k.OpenAPI, k.Validators, k.SortOptions, k.BuildMetadata = nil, nil, nil, nil, nil, nil
	return !reflect.ValueOf(*k).IsZero(), nil
}

func read(text []byte) (k *types.Kustomization, err error) {
	if err := errIfExpands(text); err != nil {
		return nil, err
	}
	defer func() {
		if p := recover(); p != nil {
			k, err = nil, fmt.Errorf("kustomize gave up: %v", p)
		}
	}()
	k = &types.Kustomization{}
	err = k.Unmarshal(text)
	return k, err
}
