package page

import (
	"strings"

	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/report"
	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
)

// starting are the init containers of a workload's pods, in the order in which they run,
// for the template of that name.
type starting struct {
	All []startingContainer
	// Note is what else there is to know of their order.
	Note string
}

type startingContainer struct {
	fn.InitContainer
	Whose string
	// Theirs says that it is not in the manifest: the mesh adds it.
	Theirs bool
}

// startingOf lists them.
func startingOf(w *report.Workload) (s starting) {
	whose := map[string]string{fn.OfMesh: w.Mesh, fn.OfKrmBypass: fn.OfKrmBypass, fn.OfManifest: "yours"}
	for _, c := range w.InitContainers {
		s.All = append(s.All, startingContainer{c, whose[c.Of], c.Of == fn.OfMesh})
	}
	if m, _ := mesh.ByName(w.Mesh); w.DataPlane == string(mesh.Ambient) && m != nil {
		s.Note = capital(m.On(mesh.Ambient).Early.Always) + "."
	}
	return s
}

// capital begins a sentence.
func capital(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
