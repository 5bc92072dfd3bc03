package inventory

import (
	"slices"

	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// isRunning reports whether a workload was read from a cluster and is not what somebody
// wrote: a controller made it, or it is a pod into which a sidecar was injected.
func isRunning(d *document, w *transform.Workload) bool {
	metadata := node.Of(d.text.Nodes).At(w.Path("metadata")...)
	if metadata.Entry("resourceVersion").Text() == "" {
		return false
	}
	return slices.ContainsFunc(metadata.Entry("ownerReferences").Items(), func(owner node.Value) bool { return owner.Entry("controller").Truth() }) ||
		w.Kind == "Pod" && isInjected(node.Of(d.text.Nodes).At(w.Path()...))
}

// isInjected reports whether a pod has what a mesh's injector leaves there.
func isInjected(pod node.Value) bool {
	var names []string
	for _, list := range []string{"initContainers", "containers"} {
		for _, c := range pod.Below("spec", list).Items() {
			names = append(names, c.Entry("name").Text())
		}
	}
	return slices.ContainsFunc(mesh.All(), func(m *mesh.Mesh) bool {
		return m.Mark != "" && pod.Below("metadata", "annotations", m.Mark).Exists() ||
			slices.ContainsFunc(names, func(name string) bool {
				return name != "" && (name == m.Sidecar || slices.Contains(m.Containers, name))
			})
	})
}
