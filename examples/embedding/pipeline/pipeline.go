// Package pipeline builds a kustomization in process, with a spec as its last
// transformer.
package pipeline

import (
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/fn/kiofilter"
)

// Build gives what the kustomization in the folder builds, with the spec applied. The
// kustomization need not know of the spec. Its own functions do not run: kustomize's
// default options allow builtin plugins alone.
func Build(files filesys.FileSystem, folder string, spec fn.Manifest) ([]byte, error) {
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(files, folder)
	if err != nil {
		return nil, err
	}
	if err := built.ApplyFilter(&kiofilter.Filter{Spec: fn.SpecIn(spec)}); err != nil {
		return nil, err
	}
	return built.AsYaml()
}
