package fn

import (
	"fmt"

	"github.com/krm-bypass/krm-bypass/internal/pass"
	"github.com/krm-bypass/krm-bypass/internal/resourcelist"
	"github.com/krm-bypass/krm-bypass/internal/spec"
)

// Options are what a run is told beside its input.
type Options struct {
	// Namespace is that of workloads whose manifests name none, and goes
	// before spec.defaultNamespace; "" if it is not known.
	Namespace string
	// Mesh and Image, where given, go before spec.mesh and spec.enforcement.image:
	// clusters that differ in them can share a spec.
	Mesh, Image string
	// Progress, where given, is told each time that an object is done, how many
	// of how many are. It is called once at a time.
	Progress func(done, total int)
}

// Process applies the ClusterBypass of a ResourceList to its items. The output
// differs from the input only where the spec asks for it, and in the list of
// results.
//
// The error is ErrFailed where a result is an error; output then holds the
// items as they came. It is another error, and there is no output, where the
// input is not a ResourceList.
func Process(input []byte, options Options) (output []byte, results Results, err error) {
	list, err := resourcelist.Read(input)
	if err != nil {
		return nil, nil, err
	}
	r := runOnList(list, options)
	texts := make([][]byte, len(r.items))
	results = r.process(nil, func(d *pass.Document) { texts[d.At] = d.Written })
	if results.Failed() {
		err, texts = &FailedError{results}, nil
	}
	return list.Rewritten(texts, results.entries()), results, err
}

// runOnList is the application of the spec of a list to its items.
func runOnList(list *resourcelist.List, options Options) *run {
	r := &run{items: make([]pass.Item, list.Len()), remedy: "give one as the functionConfig", options: options}
	for i := range r.items {
		r.items[i] = pass.Item{Text: list.Item(i), Aliases: list.Aliases(), Place: pass.Place{Index: i}}
	}
	if text, given := list.Config(); given {
		r.given = &Spec{func() (spec.Source, error) {
			item := pass.Item{Text: text}
			node, err := item.Decoded()
			if err != nil {
				return spec.Source{}, fmt.Errorf("reading the functionConfig: %w", err)
			}
			return spec.Source{Node: node}, nil
		}}
	}
	return r
}
