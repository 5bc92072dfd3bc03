package fn

import (
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/pass"
)

// Nodes applies a ClusterBypass to objects that a Go program holds as nodes,
// and changes them in place. It makes of them what Process makes of their text.
//
// The error is Problems where the spec is wrong, and ErrFailed where a result is
// an error; no node has changed then.
func Nodes(spec ClusterBypass, objects []*yaml.Node, options Options) (Results, error) {
	options.override(&spec)
	spec.Default()
	policy, err := spec.compile(options.Namespace)
	if err != nil {
		return nil, err
	}
	items := make([]pass.Item, len(objects))
	for i, nodes := range objects {
		items[i] = pass.Item{Nodes: nodes}
	}
	heads, _ := pass.Heads(items) // nodes have been read
	edits := make([][]edit.Edit, len(items))
	p := pass.Pass{Policy: policy, Items: items, Heads: heads, Written: func(d *pass.Document) { edits[d.At] = d.Edits }, Progress: options.Progress}
	results := resultsOf(p.Run()...)
	ref := &ResourceRef{APIVersion: spec.APIVersion, Kind: spec.Kind, Name: spec.Metadata.Name}
	for _, r := range policy.BeyondLimits() {
		results = append(results, problemResults(Warning, Problems{{Path: r.Path, Message: r.Message}}, ref)...)
	}
	results = append(results, problemResults(Error, needImage(p.Imageless), ref)...)
	results = results.inOrder()
	if results.Failed() {
		return results, ErrFailed
	}
	for i, nodes := range objects {
		if err := edit.Nodes(nodes, edits[i]); err != nil {
			return results, fmt.Errorf("editing %s: %w", object.HeadOf(nodes), err)
		}
	}
	return results, nil
}
