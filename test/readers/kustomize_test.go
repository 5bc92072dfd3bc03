package readers

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"sigs.k8s.io/kustomize/api/provider"
	"sigs.k8s.io/kustomize/api/resource"
	"sigs.k8s.io/kustomize/kyaml/kio"
	"sigs.k8s.io/kustomize/kyaml/yaml"
)

// kustomize reads as it does a file under resources, and gives what it would
// print.
type kustomize struct{ factory *resource.Factory }

func newKustomize() kustomize {
	return kustomize{provider.NewDefaultDepProvider().GetResourceFactory()}
}

func (kustomize) Name() string { return "kustomize" }

func (k kustomize) Read(text []byte) (reading Reading) {
	defer func() {
		if cause := recover(); cause != nil {
			reading = Reading{Err: fmt.Errorf("kustomize panics: %v", cause)}
		}
	}()
	if endless(text) {
		return Reading{Err: errors.New("kustomize runs out of memory on an alias to what it stands in")}
	}
	resources, err := k.factory.SliceFromBytes(text)
	if err != nil {
		return Reading{Err: err}
	}
	for _, one := range resources {
		printed, err := one.MarshalJSON()
		if err != nil {
			return Reading{Err: err}
		}
		var object map[string]any
		if err := json.Unmarshal(printed, &object); err != nil {
			return Reading{Err: err}
		}
		if t, ok := templateOf(object); ok {
			reading.Templates = append(reading.Templates, t)
		}
	}
	return reading
}

// endless says that an alias names what it stands in: replacing it, kustomize
// overflows its stack, of which a program cannot recover.
func endless(text []byte) bool {
	if !bytes.Contains(text, []byte("*")) {
		return false
	}
	nodes, err := (&kio.ByteReader{Reader: bytes.NewReader(text), OmitReaderAnnotations: true}).Read()
	if err != nil {
		return false
	}
	var within []*yaml.Node
	var holds func(node *yaml.Node) bool
	holds = func(node *yaml.Node) bool {
		if node.Kind == yaml.AliasNode {
			node = node.Alias
		}
		if slices.Contains(within, node) {
			return true
		}
		within = append(within, node)
		defer func() { within = within[:len(within)-1] }()
		return slices.ContainsFunc(node.Content, holds)
	}
	return slices.ContainsFunc(nodes, func(n *yaml.RNode) bool { return holds(n.YNode()) })
}
