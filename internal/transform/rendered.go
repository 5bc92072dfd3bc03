package transform

import (
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/node"
)

// Rendered is what a pod template will be, by digests that are equal where it
// means the same.
type Rendered struct {
	// Template is the whole of it: pods restart exactly when it changes.
	Template string
	// Own is what of it is neither krm-bypass's nor an annotation of the mesh that
	// says a setting.
	Own string
	// Container are the init containers but for their arguments, which are the
	// settings; "" where there is none.
	Container string
	// InitContainers are all of the template's, in their order.
	InitContainers []RenderedInit
}

// RenderedInit is an init container of a template.
type RenderedInit struct {
	Name string
	// Stays says that it runs as long as the pod does, Ours that it has the name of one of
	// krm-bypass's.
	Stays, Ours bool
}

// Rendered gives what the workload's template is in a document in which the edits
// of its plan are made.
func (p *Policy) Rendered(plan *Plan, after *yaml.Node) Rendered {
	template := plan.Workload.Template(node.Of(after))
	r := Rendered{Template: template.Digest()}
	metadata, spec := template.Entry("metadata"), template.Entry("spec")
	containers := spec.Entry("initContainers").Items()
	others := make([]*yaml.Node, 0, len(containers))
	for _, c := range containers {
		one := container{name: c.Entry("name").Text(), value: c}
		r.InitContainers = append(r.InitContainers, RenderedInit{one.name, one.stays(), isContainer(one.name)})
		switch {
		case !isContainer(one.name):
			others = append(others, c.Node())
		default:
			r.Container += without(c, func(key string) bool { return key == "args" }).Digest()
		}
	}
	metadata = with(metadata, "annotations", without(metadata.Entry("annotations"), p.writes))
	spec = with(spec, "initContainers", node.Of(node.Seq(others...)))
	r.Own = with(with(template, "metadata", metadata), "spec", spec).Digest()
	return r
}

// writes reports whether an annotation of a template is krm-bypass's, or one of the
// mesh that says a setting.
func (p *Policy) writes(annotation string) bool {
	return annotation == PolicyAnnotation || annotation == RecordAnnotation /* a pod's own */ ||
		slices.ContainsFunc(p.Mesh.Keys, func(k mesh.Key) bool { return k.Annotation == annotation })
}

// without gives a mapping without some of its explicit entries.
func without(mapping node.Value, drop func(key string) bool) node.Value {
	if !mapping.IsMapping() {
		return mapping
	}
	rest := *mapping.Node()
	rest.Content = nil
	for i, key := range mapping.Node().Content {
		if i%2 == 0 && !drop(key.Value) {
			rest.Content = append(rest.Content, key, mapping.Node().Content[i+1])
		}
	}
	return node.Of(&rest)
}

// with gives a mapping with another value in the place of an explicit entry's; it
// has no such entry where the value is a collection of nothing.
func with(mapping node.Value, key string, value node.Value) node.Value {
	rest := without(mapping, func(k string) bool { return k == key })
	if value.Len() > 0 && rest.Len() < mapping.Len() {
		rest.Node().Content = append(rest.Node().Content, node.Str(key), value.Node())
	}
	return rest
}
