package fn

import (
	"slices"

	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// says is what each of krm-bypass's init containers does.
var says = map[string]string{
	transform.InitName:  "makes the rules by which traffic bypasses",
	transform.CloseName: "ends what bypasses for init containers alone",
}

// initContainers gives the init containers of a template, and around them those that the
// mesh adds. One that the template has already is not added.
func initContainers(m *mesh.Mesh, injected []mesh.Injected, template []transform.RenderedInit) []InitContainer {
	own := make([]InitContainer, 0, len(template)+len(injected))
	for _, c := range template {
		one := InitContainer{Name: c.Name, Of: OfManifest, Stays: c.Stays}
		at := slices.IndexFunc(injected, func(i mesh.Injected) bool { return i.Name == c.Name })
		switch {
		case c.Ours:
			one.Of, one.Says = OfKrmBypass, says[c.Name]
		case at >= 0:
			one.Of, one.Says = OfMesh, injected[at].Says
		case slices.Contains(m.Containers, c.Name):
			one.Of = OfMesh
		}
		own = append(own, one)
	}
	var before, behind []InitContainer
	for _, i := range injected {
		if slices.ContainsFunc(template, func(c transform.RenderedInit) bool { return c.Name == i.Name }) {
			continue
		}
		list := &before
		if i.Last {
			list = &behind
		}
		*list = append(*list, InitContainer{i.Name, OfMesh, i.Says, i.Stays, i.If})
	}
	return slices.Concat(before, own, behind)
}
