package kustomization

import (
	"fmt"
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
	if err := errIfExpands(text); err != nil {
		return nil, err
	}
	defer func() {
		if p := recover(); p != nil {
			names, err = nil, fmt.Errorf("kustomize gave up: %v", p)
		}
	}()
	var k types.Kustomization
	if err := k.Unmarshal(text); err != nil {
		return nil, err
	}
	for _, e := range entries(&k) {
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
