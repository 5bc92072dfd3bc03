package transform

import (
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/edit"
)

// Rendered is what a pod template will be, by digests that are equal where it
// means the same.
type Rendered struct {
	// Template is the whole of it: pods restart exactly when it changes.
	Template string
	// Own is what of it is neither krm-bypass's nor an annotation of the mesh that
	// says a setting.
	Own string
	// Container is the init container but for its arguments, which are the
	// settings; "" where there is none.
	Container string
}

// Rendered gives what the workload's template in the document is once the edits of
// its plan are made. The document stays as it is.
func (p *Policy) Rendered(plan *Plan, document *yaml.Node) (Rendered, error) {
	w := plan.Workload
	after := edit.Clone(document)
	if err := edit.Nodes(after, plan.Edits); err != nil {
		return Rendered{}, fmt.Errorf("rendering %s: %w", w.ID(), err)
	}
	template := w.templatePath()
	r := Rendered{Template: nodeDigest(Lookup(after, template))}

	path := w.templatePath("spec", "initContainers")
	if i := slices.IndexFunc(items(Lookup(after, path)), isInit); i >= 0 {
		ours := items(Lookup(after, path))[i]
		bare := *resolved(ours)
		bare.Content = slices.Clone(bare.Content)
		dropEntry(&bare, "args")
		r.Container = nodeDigest(&bare)
	}

	own := resolved(Lookup(after, template))
	spec := resolved(child(own, "spec"))
	if list := resolved(child(spec, "initContainers")); list != nil {
		list.Content = slices.DeleteFunc(list.Content, isInit)
		dropEmpty(spec, "initContainers")
	}
	metadata := resolved(child(own, "metadata"))
	if annotations := resolved(child(metadata, "annotations")); annotations != nil {
		dropEntry(annotations, PolicyAnnotation)
		dropEntry(annotations, RecordAnnotation) // a pod's own
		for _, k := range p.Mesh.Keys {
			dropEntry(annotations, k.Annotation)
		}
		dropEmpty(metadata, "annotations")
		dropEmpty(own, "metadata")
	}
	r.Own = nodeDigest(own)
	return r, nil
}

func isInit(c *yaml.Node) bool { return text(child(c, "name")) == InitName }

// dropEntry takes an explicit entry out of a mapping.
func dropEntry(mapping *yaml.Node, key string) {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if mapping.Content[i].Value == key {
			mapping.Content = slices.Delete(mapping.Content, i, i+2)
			return
		}
	}
}

// dropEmpty takes an entry out of a mapping that holds nothing.
func dropEmpty(mapping *yaml.Node, key string) {
	if value := resolved(child(mapping, key)); value != nil && value.Kind != yaml.ScalarNode && len(value.Content) == 0 {
		dropEntry(mapping, key)
	}
}
