package fn_test

import (
	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/internal/spec"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// specIn reads a spec as a Go program would have it, with its defaults.
func specIn(text string) (v1alpha1.ClusterBypass, error) {
	source, err := spec.In(yamltext.File{Path: "bypass.yaml", Text: []byte(text)})
	if err != nil {
		return v1alpha1.ClusterBypass{}, err
	}
	read, err := source.Read(spec.Given{})
	if err != nil {
		return v1alpha1.ClusterBypass{}, err
	}
	return *read.ClusterBypass, nil
}
