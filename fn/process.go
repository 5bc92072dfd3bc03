package fn

import (
	"errors"
	"fmt"
	"io"

	"github.com/krm-bypass/krm-bypass/internal/each"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/pass"
	"github.com/krm-bypass/krm-bypass/internal/resourcelist"
	"github.com/krm-bypass/krm-bypass/internal/spec"
	"github.com/krm-bypass/krm-bypass/internal/transform"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// Options are what a caller can say beside the spec.
type Options struct {
	// Namespace is that of workloads whose manifests name none. It wins over
	// spec.defaultNamespace; "" means that it is not known.
	Namespace string
	// Mesh and Image win over spec.mesh and spec.enforcement.image unless they are
	// "". Clusters that differ in them can share a spec.
	Mesh, Image string
	// Beside are the names of other specs that are given for the same objects.
	Beside []string
	// Complete says to Check and Explain that the objects are the whole cluster, so
	// that a part of the spec which reaches none of them is an error.
	Complete bool
	// Uses say what kustomizations make of files, by their paths: what a patch holds is
	// no workload. nil means what the kustomizations among the objects say.
	Uses map[string]Use
	// Originals give the files that other programs made documents from, such as
	// kustomize, by the paths of the files that hold those, and by the documents in
	// them, from 0. Places are those in the originals. nil names the file itself.
	Originals map[string]func(document int) *Original
	// Progress is called after each object with how many of how many are done,
	// unless it is nil. Calls never overlap.
	Progress func(done, total int)
}

// Use is what kustomizations make of the file of an object.
type Use = transform.Use

// Original is a file from which documents were made.
type Original = pass.Source

// OriginalOf gives a file from which documents were made. Without its text no lines
// are known.
func OriginalOf(file Manifest) *Original { return pass.SourceOf(file.Path, file.Text) }

// Process applies the spec in a ResourceList to its items: the functionConfig, or
// else the one ClusterBypass among the items. The output differs from the input
// only where the spec asks for it, and in the results.
//
// The error is a FailedError if a result is an error; then the output holds the
// items as they came. If the input is not a ResourceList, the error is another one
// and there is no output.
func Process(input []byte, options Options) (output []byte, results Results, err error) {
	processed, results, err := processed(input, options)
	if processed == nil {
		return nil, nil, err
	}
	return processed.Append(nil), results, err
}

// ProcessTo is Process with an output that is made while it is written, so that it is
// never held as a whole.
func ProcessTo(input []byte, options Options) (output io.WriterTo, results Results, err error) {
	processed, results, err := processed(input, options)
	if processed == nil {
		return nil, nil, err
	}
	return processed, results, err
}

func processed(input []byte, options Options) (*yamltext.Replaced, Results, error) {
	list, err := resourcelist.Read(input)
	if err != nil {
		return nil, nil, err
	}
	r := runOnList(list, options)
	changes, results := r.changes()
	if results.Failed() {
		err, changes = &FailedError{results}, nil
	}
	output := list.Rewritten(changes, each.As(results, func(r Result) any { return r }))
	return &output, results, err
}

// runOnList applies the spec of a list to its items.
func runOnList(list *resourcelist.List, options Options) *run {
	items := make([]pass.Item, list.Len())
	for i := range items {
		items[i] = pass.Item{Text: list.Item(i), Aliases: list.Aliases(), Place: pass.Place{Index: i}}
	}
	r := &run{whole: len(items), items: pass.Split(items), remedy: "give one as the functionConfig", options: options}
	if text, given := list.Config(); given {
		r.given = &Spec{find: func() (spec.Source, error) {
			node, err := object.Look(text)
			if err != nil {
				return spec.Source{}, fmt.Errorf("reading the functionConfig: %w", err)
			}
			if len(items) == 1 && isItself(&items[0], object.HeadOf(node)) {
				return spec.Source{}, errAlone
			}
			return spec.Source{Node: node}, nil
		}}
	}
	return r
}

var errAlone = errors.New("the function was given its own configuration in the place of resources, so that nothing would bypass: kustomize does that under generators, and where a kustomization has no resources: list the configuration under transformers, beside resources")

// isItself reports whether an item is the functionConfig. kustomize gives it to a
// function that would otherwise be given nothing (kubernetes-sigs/kustomize
// api/internal/plugins/fnplugin/fnplugin.go, invokePlugin). kpt has it among the
// files of a package, and says where.
func isItself(item *pass.Item, config object.Head) bool {
	// Nearly every item is of another type, which is seen without decoding it.
	is, err := object.Peek(item.Text, func(t object.Type) bool { return t.APIVersion != "" && t.Kind != "" })
	if err != nil || is.APIVersion != config.APIVersion || is.Kind != config.Kind {
		return false
	}
	node, err := item.Decoded()
	if err != nil {
		return false
	}
	head := object.HeadOf(node)
	return head.Type == config.Type && head.Name == config.Name && head.Namespace == config.Namespace && head.Origin().File == ""
}
