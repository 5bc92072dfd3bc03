package kiofilter

import (
	"sigs.k8s.io/kustomize/kyaml/kio"
	"sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/each"
)

// Filter applies a spec to nodes. The outcome is the same as if fn.Process had
// changed their text.
type Filter struct {
	// Spec is what to apply; nil means the one ClusterBypass among the nodes.
	Spec *fn.Spec
	// Options are as for fn.Process.
	Options fn.Options
	// Results are those of the last call of Filter.
	Results fn.Results
}

var _ kio.Filter = &Filter{}

// Filter changes the nodes in place. Its errors are those of fn.Nodes; after one,
// no node has changed.
func (f *Filter) Filter(nodes []*yaml.RNode) ([]*yaml.RNode, error) {
	objects := each.As(nodes, (*yaml.RNode).YNode)
	var err error
	f.Results, err = fn.Nodes(f.Spec, objects, f.Options)
	if err != nil {
		return nil, err
	}
	return nodes, nil
}
