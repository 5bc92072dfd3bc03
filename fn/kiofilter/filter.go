package kiofilter

import (
	"sigs.k8s.io/kustomize/kyaml/kio"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/krm-bypass/krm-bypass/fn"
)

// Filter applies a spec to nodes. It makes of them what fn.Process
// makes of their text.
type Filter struct {
	// Spec is what is applied; nil for the one ClusterBypass among the nodes.
	Spec *fn.Spec
	// Options are as for fn.Process.
	Options fn.Options
	// Results is what there was to say, set by each call of Filter.
	Results fn.Results
}

var _ kio.Filter = &Filter{}

// Filter changes the nodes in place. Its errors are those of fn.Nodes; no node
// has changed then.
func (f *Filter) Filter(nodes []*yaml.RNode) ([]*yaml.RNode, error) {
	objects := make([]*yaml.Node, len(nodes))
	for i, node := range nodes {
		objects[i] = node.YNode()
	}
	var err error
	f.Results, err = fn.Nodes(f.Spec, objects, f.Options)
	if err != nil {
		return nil, err
	}
	return nodes, nil
}
