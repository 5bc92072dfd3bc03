package fn

import (
	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/internal/spec"
)

// Spec says which traffic bypasses the sidecar. SpecIn and SpecOf make one. To
// every call that takes a Spec, nil means the one ClusterBypass among the objects.
//
// Making a Spec finds no fault with it. The call that applies it validates it,
// since Options go before what it says, and tells all that is wrong with it in
// the results.
type Spec struct{ find func() (spec.Source, error) }

// SpecIn gives the spec in a file: its one ClusterBypass, or else its one ConfigMap
// in the flat form that a KRM function takes. Results name the file and the line.
func SpecIn(file Manifest) *Spec {
	return &Spec{func() (spec.Source, error) { return spec.In(file) }}
}

// SpecOf gives the spec that a Go program has made. Defaults are filled in later,
// and never into the value that is given. APIVersion and Kind may be left out.
func SpecOf(bypass v1alpha1.ClusterBypass) *Spec {
	source, err := spec.Of(bypass)
	return &Spec{func() (spec.Source, error) { return source, err }}
}
