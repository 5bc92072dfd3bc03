package kustomization

import (
	"fmt"
	"strings"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/api/types"
)

// A Name is a file that a kustomization names as a resource or as a patch.
type Name struct {
	// Field names it, Path is relative to the kustomization's folder.
	Field, Path string
	IsPatch     bool
}

// Is reports whether a file of this name is a kustomization to kustomize.
func Is(path string) bool { return isKustomization(path) }

// FileNames are those that a kustomization can have.
func FileNames() []string { return konfig.RecognizedKustomizationFileNames() }

// Names gives the resources and patches that the text of a kustomization names. A
// patch that stands in it is not a file.
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
		if isPatch || e.kind == fileOrFolder {
			names = append(names, Name{e.String(), e.value, isPatch})
		}
	}
	return names, nil
}
