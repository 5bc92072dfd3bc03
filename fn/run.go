package fn

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/pass"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// run is one application of a spec to the items of an input.
type run struct {
	items []pass.Item
	// config gives the object that was said to count, nil if none was; remedy
	// says how to say one.
	config  func() (*configObject, Results)
	remedy  string
	options Options
	// policy is what is applied, nil where there is none to apply, and read has
	// read the spec that it is made of.
	policy *transform.Policy
	read   *decoder
}

// process finds the spec and applies it. planned and written are as for
// pass.Pass.
func (r *run) process(planned, written func(*pass.Document)) Results {
	heads, broken := pass.Heads(r.items)
	if len(broken) > 0 {
		return resultsOf(broken...)
	}
	policy, results := r.findPolicy(heads)
	if results.Failed() {
		return results
	}
	r.policy = policy
	p := pass.Pass{Policy: policy, Items: r.items, Heads: heads, Planned: planned, Written: written, Progress: r.options.Progress}
	results = append(results, resultsOf(p.Run()...)...)
	return append(results, problemResults(Error, r.read.placedAll(needImage(p.Imageless)), refOf(r.read.node))...).inOrder()
}

// enforcementPath is the field that says how to enforce.
const enforcementPath = "spec.enforcement"

// needImage is the one problem of a spec that names no image although workloads
// need it; there is none where none does.
func needImage(workloads []pass.Ref) Problems {
	if len(workloads) == 0 {
		return nil
	}
	names := make([]string, len(workloads))
	for i, w := range workloads {
		names[i] = ResourceRef{Kind: w.Kind, Namespace: w.Namespace, Name: w.Name}.text()
	}
	who := slices.Min(names) + " needs"
	if others := len(names) - 1; others > 0 {
		who = fmt.Sprintf("%s and %d more need", slices.Min(names), others)
	}
	return Problems{{Path: enforcementPath, Message: who + " the init container, and there is no default for its image: make images builds it, and make push REGISTRY=" +
		path.Dir(exampleImage) + " prints the lines to put here; or set mode: AnnotationsOnly"}}
}

// findPolicy reads the functionConfig, or else the one ClusterBypass among the
// items.
func (r *run) findPolicy(heads []object.Type) (*transform.Policy, Results) {
	found, failed := r.config()
	if failed != nil {
		return nil, failed
	}
	options := r.options
	if found != nil {
		if namespace, only := onlyNamespace(found.node); only {
			found, options.Namespace = nil, cmp.Or(options.Namespace, namespace)
		}
	}
	if found == nil {
		spec, failed := r.specAmongItems(heads)
		if failed != nil {
			return nil, failed
		}
		found = spec
	}
	policy, results := found.policy(options)
	r.read = found.decoder
	return policy, results
}

// specAmongItems finds the one ClusterBypass among the items.
func (r *run) specAmongItems(heads []object.Type) (*configObject, Results) {
	var specs []*configObject
	var places []string
	for i, h := range heads {
		if !isSpec(h) {
			continue
		}
		item := &r.items[i]
		node, err := item.Decoded()
		if err != nil {
			return nil, resultsOf(item.Broken(err))
		}
		specs = append(specs, &configObject{node: node, file: item.File, line: item.Line})
		places = append(places, cmp.Or(item.File, object.HeadOf(node).Origin().File, item.Name()))
	}
	switch len(specs) {
	case 0:
		return nil, Results{{Severity: Error, Message: fmt.Sprintf("there is no %s: %s, or put one (apiVersion %s) among the resources", Kind, r.remedy, APIVersion)}}
	case 1:
		return specs[0], nil
	}
	return nil, Results{{Severity: Error, Message: fmt.Sprintf("there are %d objects of kind %s (%s), and it is not said which counts: keep one, or %s", len(specs), Kind, strings.Join(places, ", "), r.remedy)}}
}
