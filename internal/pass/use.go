package pass

import (
	"cmp"
	"fmt"
	"path"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// Uses say what kustomizations make of files, by their paths; nil if that is not
// known, unless an orchestrator noted from which file an object is.
type Uses map[string]transform.Use

// of gives the use of an object's file.
func (u Uses) of(d *Document, w *transform.Workload) transform.Use {
	var use transform.Use
	file := w.File
	if u != nil {
		file = cmp.Or(d.File, file)
	}
	if file != "" {
		use = u[path.Clean(file)]
		use.File = file
	}
	if object.IsKustomizes(w.Annotations) {
		use.Resource = "kustomize" // which runs the function, and gives it nothing else
	}
	return use
}

// Add notes that a field of a kustomization names a file.
func (u Uses) Add(kustomization, field, file string, asPatch bool) {
	file = path.Join(path.Dir(kustomization), file)
	u[file] = u[file].Named(kustomization+": "+field, asPatch)
}

// UsesAmong reads the kustomizations among items, as in a package of kpt. It reads
// nothing but the names of files there, so that no function has to load kustomize for
// it; a test holds it to package kustomization.
func UsesAmong(items []Item, heads []object.Type) Uses {
	var uses Uses
	for i, head := range heads {
		if !strings.HasPrefix(head.APIVersion, object.KustomizeGroup) {
			continue
		}
		document, err := items[i].Decoded()
		if err != nil {
			continue // which is told where it is planned
		}
		if uses == nil {
			uses = Uses{}
		}
		root := node.Of(document)
		uses.read(root, cmp.Or(items[i].File, object.OriginOf(root).File))
	}
	return uses
}

// read reads a kustomization.
func (u Uses) read(root node.Value, file string) {
	for _, field := range []string{"resources", "bases"} {
		for i, entry := range root.Entry(field).Items() {
			u.Add(file, fmt.Sprintf("%s[%d]", field, i), entry.Text(), false)
		}
	}
	for i, entry := range root.Entry("patchesStrategicMerge").Items() {
		u.Add(file, fmt.Sprintf("patchesStrategicMerge[%d]", i), entry.Text(), true)
	}
	for _, field := range []string{"patches", "patchesJson6902"} {
		for i, entry := range root.Entry(field).Items() {
			if named := entry.Entry("path").Text(); named != "" {
				u.Add(file, fmt.Sprintf("%s[%d].path", field, i), named, true)
			}
		}
	}
}
