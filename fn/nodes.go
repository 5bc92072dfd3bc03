package fn

import (
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/lint"
	"github.com/krm-bypass/krm-bypass/internal/transform"
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
	heads := make([]head, len(objects))
	linter := lint.New(policy)
	for i, object := range objects {
		named := headOf(object)
		heads[i] = head{named.apiVersion, named.kind}
	}
	var all examined
	edits := make([][]edit.Edit, len(objects))
	for i, object := range objects {
		if !policy.IsCandidate(heads[i].apiVersion, heads[i].kind) {
			continue
		}
		source := func(path edit.Path) (string, error) {
			return edit.NodeSource(transform.Lookup(object, path)), nil
		}
		found := examine(policy, object, source, place{})
		edits[i] = found.edits
		// On a copy first: what cannot be edited is to be known before
		// anything has changed.
		if !found.results.Failed() {
			copied := edit.Clone(object)
			if err := edit.Nodes(copied, found.edits); err != nil {
				found.results = append(found.results, malformed(object, err, place{}))
			} else {
				found.lookAt(linter, copied, i)
			}
		}
		all.add(found)
	}
	found := lintBeside(linter, &all, heads, func(i int, wanted lint.Wanted) *lint.Items { return wanted.Read(objects[i], i) })
	results := all.judged(policy)
	for _, r := range policy.BeyondLimits() {
		ref := &ResourceRef{APIVersion: spec.APIVersion, Kind: spec.Kind, Name: spec.Metadata.Name}
		results = append(results, problemResults(Warning, Problems{{Path: r.Path, Message: r.Message}}, ref)...)
	}
	for _, f := range found {
		results = append(results, object{}.linted(f))
	}
	results = results.inOrder()
	if results.Failed() {
		return results, ErrFailed
	}
	for i, object := range objects {
		if err := edit.Nodes(object, edits[i]); err != nil {
			return results, fmt.Errorf("editing %s %s: %w", heads[i].kind, headOf(object).name, err)
		}
	}
	return results, nil
}
