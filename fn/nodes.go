package fn

import (
	"errors"
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
	var broken Results
	for i, o := range objects {
		r.items[i] = pass.Item{Nodes: o}
		err := wellFormed(o, map[*yaml.Node]bool{})
		if err == nil {
			err = object.ErrIfExpands(o)
		}
		if err != nil {
			broken = append(broken, Result{Severity: Error, Message: fmt.Sprintf("reading objects[%d]: %v", i, err)})
		}
	}
	if len(broken) > 0 {
		return broken, &FailedError{broken}
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

// wellFormed refuses nodes that no YAML text gives: a nil node, a key without a
// value, a node within itself. done says of each node met whether all below it has
// been looked at.
func wellFormed(n *yaml.Node, done map[*yaml.Node]bool) error {
	if n == nil {
		return errors.New("a node is nil")
	}
	if finished, met := done[n]; met {
		if !finished {
			return errors.New("a node contains itself")
		}
		return nil
	}
	done[n] = false
	if n.Kind == yaml.MappingNode && len(n.Content)%2 != 0 {
		return errors.New("a mapping has a key without a value")
	}
	for _, inner := range n.Content {
		if err := wellFormed(inner, done); err != nil {
			return err
		}
	}
	if n.Alias != nil {
		if err := wellFormed(n.Alias, done); err != nil {
			return err
		}
	}
	done[n] = true
	return nil
}
