package fn

import (
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/pass"
	"github.com/krm-bypass/krm-bypass/internal/spec"
)

// Nodes applies a ClusterBypass to objects that a Go program holds as nodes,
// and changes them in place. It makes of them what Process makes of their text,
// and validates the ClusterBypass as it does a text. The ClusterBypass stays as it
// is.
//
// The error is ErrFailed where a result is an error; no node has changed then.
func Nodes(by v1alpha1.ClusterBypass, objects []*yaml.Node, options Options) (Results, error) {
	r := &run{items: make([]pass.Item, len(objects)), options: options}
	for i, o := range objects {
		r.items[i] = pass.Item{Nodes: o}
	}
	r.config = func() (*spec.Source, Results) {
		found, err := spec.Of(by)
		if err != nil {
			return nil, problemResults(Error, err, nil)
		}
		return &found, nil
	}
	edits := make([][]edit.Edit, len(r.items))
	results := r.process(nil, func(d *pass.Document) { edits[d.At] = d.Edits })
	if results.Failed() {
		return results, &FailedError{results}
	}
	for i, o := range objects {
		if err := edit.Nodes(o, edits[i]); err != nil {
			return results, fmt.Errorf("editing %s: %w", object.HeadOf(o), err)
		}
	}
	return results, nil
}
