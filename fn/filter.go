package fn

import (
	"fmt"

	"sigs.k8s.io/kustomize/kyaml/kio"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// Filter applies a ClusterBypass to nodes, for Go programs that hold them
// already. It makes of them what Process makes of their text.
type Filter struct {
	// Spec is what is applied.
	Spec ClusterBypass
	// Options are as for Process.
	Options Options
	// Results is what there was to say, set by each call of Filter.
	Results Results
}

var _ kio.Filter = &Filter{}

// Filter changes the nodes in place. The error is Problems where the spec is
// wrong, and ErrFailed where a result is an error; no node has changed then.
func (f *Filter) Filter(nodes []*yaml.RNode) ([]*yaml.RNode, error) {
	spec := f.Spec
	spec.Default()
	policy, err := spec.compile()
	if err != nil {
		return nil, err
	}
	if f.Options.Namespace != "" {
		policy.Namespace = f.Options.Namespace
	}
	f.Results = nil
	unmeshed := map[string]string{}
	for _, node := range nodes {
		if (head{node.GetApiVersion(), node.GetKind()}).isNamespace() {
			noteUnmeshed(unmeshed, policy, node.YNode())
		}
	}
	edits := make([][]edit.Edit, len(nodes))
	for i, node := range nodes {
		if !policy.IsCandidate(node.GetApiVersion(), node.GetKind()) {
			continue
		}
		document := node.YNode()
		source := func(path edit.Path) (string, error) {
			return edit.NodeSource(transform.Lookup(document, path)), nil
		}
		planned, results := examine(policy, unmeshed, document, source)
		edits[i] = planned
		// On a copy first: what cannot be edited is to be known before
		// anything has changed.
		if err := edit.Nodes(node.Copy().YNode(), planned); err != nil && !results.Failed() {
			results = append(results, malformed(document, err))
		}
		f.Results = append(f.Results, results...)
	}
	f.Results = f.Results.inOrder()
	if f.Results.Failed() {
		return nil, ErrFailed
	}
	for i, node := range nodes {
		if err := edit.Nodes(node.YNode(), edits[i]); err != nil {
			return nil, fmt.Errorf("editing %s %s: %w", node.GetKind(), node.GetName(), err)
		}
	}
	return nodes, nil
}
