package transform

import (
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/mesh"
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

// Rendered gives what the workload's template is in a document in which the edits
// of its plan are made.
func (p *Policy) Rendered(plan *Plan, after *yaml.Node) Rendered {
	template := resolved(Lookup(after, plan.Workload.templatePath()))
	r := Rendered{Template: nodeDigest(template)}
	metadata, spec := resolved(child(template, "metadata")), resolved(child(template, "spec"))
	containers := items(child(spec, "initContainers"))
	if i := slices.IndexFunc(containers, isInit); i >= 0 {
		r.Container = nodeDigest(without(resolved(containers[i]), func(key string) bool { return key == "args" }))
	}
	metadata = with(metadata, "annotations", without(resolved(child(metadata, "annotations")), p.writes))
	spec = with(spec, "initContainers", &yaml.Node{Kind: yaml.SequenceNode, Content: slices.DeleteFunc(slices.Clone(containers), isInit)})
	r.Own = nodeDigest(with(with(template, "metadata", metadata), "spec", spec))
	return r
}

// writes says whether an annotation of a template is krm-bypass's, or one of the
// mesh that says a setting.
func (p *Policy) writes(annotation string) bool {
	return annotation == PolicyAnnotation || annotation == RecordAnnotation /* a pod's own */ ||
		slices.ContainsFunc(p.Mesh.Keys, func(k mesh.Key) bool { return k.Annotation == annotation })
}

func isInit(c *yaml.Node) bool { return text(child(c, "name")) == InitName }

// without gives a mapping without some of its explicit entries.
func without(mapping *yaml.Node, drop func(key string) bool) *yaml.Node {
	if mapping == nil {
		return nil
	}
	rest := *mapping
	rest.Content = nil
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if !drop(mapping.Content[i].Value) {
			rest.Content = append(rest.Content, mapping.Content[i], mapping.Content[i+1])
		}
	}
	return &rest
}

// with gives a mapping with another value in the place of an explicit entry's; it
// has no such entry where the value is a collection of nothing.
func with(mapping *yaml.Node, key string, value *yaml.Node) *yaml.Node {
	rest := without(mapping, func(k string) bool { return k == key })
	if rest != nil && value != nil && len(value.Content) > 0 && len(rest.Content) < len(mapping.Content) {
		rest.Content = append(rest.Content, str(key), value)
	}
	return rest
}
