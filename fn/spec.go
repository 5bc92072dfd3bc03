package fn

import (
	"slices"

	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/internal/spec"
)

// Spec says which traffic bypasses the sidecar. SpecIn and SpecOf make one. To
// every call that takes a Spec, nil means the one ClusterBypass among the objects.
//
// Making a Spec finds no fault with it. The call that applies it validates it,
// since Options go before what it says, and tells all that is wrong with it in
// the results.
type Spec struct {
	// find is nil for the one among the objects.
	find      func() (spec.Source, error)
	misplaced []Misplacement
}

// IsAmong reports whether the spec is the one among the objects.
func (s *Spec) IsAmong() bool { return s == nil || s.find == nil }

// Misplacement is an entry of a kustomization at which kustomize would not apply a
// spec.
type Misplacement struct {
	// File, Line and Field say where it is; Line is 0 if it is not known.
	File  string
	Line  int
	Field string
	// Refused says that kustomize refuses the whole build. What it only passes over
	// is told where the spec would change something.
	Refused bool
	// Message says what kustomize does instead, and what to do about it.
	Message string
}

// Misplaced has the results of calls tell of misplacements.
func (s *Spec) Misplaced(at ...Misplacement) {
	for _, one := range at {
		if !slices.Contains(s.misplaced, one) {
			s.misplaced = append(s.misplaced, one)
		}
	}
}

// SpecBuilt is the one ClusterBypass among the objects, as nil is, where a
// kustomization builds them, with misplacements of it.
func SpecBuilt(at ...Misplacement) *Spec { return &Spec{misplaced: at} }

// SpecIn gives the spec in a file: its one ClusterBypass, or else its one ConfigMap
// in the flat form that a KRM function takes. Results name the file and the line.
func SpecIn(file Manifest) *Spec {
	return &Spec{find: func() (spec.Source, error) { return spec.In(file) }}
}

// SpecOf gives the spec that a Go program has made. Defaults are filled in later,
// and never into the value that is given. APIVersion and Kind may be left out.
func SpecOf(bypass v1alpha1.ClusterBypass) *Spec {
	source, err := spec.Of(bypass)
	return &Spec{find: func() (spec.Source, error) { return source, err }}
}
