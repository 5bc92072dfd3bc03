package fn

import (
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/pass"
)

// Nodes applies a spec to objects that a Go program holds as nodes, and changes
// them in place. The outcome is the same as if Process had changed their text.
//
// The error is a FailedError if a result is an error; then no node has changed.
func Nodes(spec *Spec, objects []*yaml.Node, options Options) (Results, error) {
	r := &run{items: make([]pass.Item, len(objects)), given: spec, remedy: "give a Spec", options: options}
	for i, o := range objects {
		r.items[i] = pass.Item{Nodes: o}
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
