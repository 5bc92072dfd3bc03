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

// Uses say what kustomizations make of the files that objects are from.
type Uses struct {
	files map[string]transform.Use
	// noted says that the files are those of which an orchestrator's annotations
	// speak, and only else those that were read.
	noted bool
}

// UsesOf are those of files that were read, by their paths; nil if they are not known.
func UsesOf(files map[string]transform.Use) Uses { return Uses{files: files} }

// patch reports whether some file is a patch.
func (u Uses) patch() bool {
	for _, use := range u.files {
		if use.Patch != "" {
			return true
		}
	}
	return false
}

// Files are what they say of each file, by its path.
func (u Uses) Files() map[string]transform.Use { return u.files }

// of gives the use of an object's file.
func (u Uses) of(d *Document, w *transform.Workload) transform.Use {
	file := cmp.Or(w.File, d.File)
	switch {
	case u.files == nil:
		file = w.File
	case !u.noted:
		file = cmp.Or(d.File, w.File)
	}
	var use transform.Use
	if file != "" {
		use = u.files[path.Clean(file)]
		use.File = file
	}
	if object.IsKustomizes(w.Annotations) {
		use.Resource = "kustomize" // which runs the function, and gives it nothing else
	}
	return use
}

// add notes that a field of a kustomization names a file.
func (u Uses) add(kustomization, field, file string, asPatch bool) {
	file = path.Join(path.Dir(kustomization), file)
	u.files[file] = u.files[file].Named(kustomization+": "+field, asPatch)
}

// UsesAmong reads the kustomizations among items, as in a package of kpt. It reads
// nothing but the names of files there, so that no function has to load kustomize for
// it; a test holds it to package kustomization.
func UsesAmong(items []Item, heads []object.Type) Uses {
	uses := Uses{noted: true}
	for i, head := range heads {
		if !strings.HasPrefix(head.APIVersion, object.KustomizeGroup) {
			continue
		}
		document, err := items[i].Decoded()
		if err != nil {
			continue // which is told where it is planned
		}
		if uses.files == nil {
			uses.files = map[string]transform.Use{}
		}
		root := node.Of(document)
		uses.read(root, cmp.Or(object.OriginOf(root).File, items[i].File), func(file string) []string { return patchesOf(items, heads, file) })
	}
	return uses
}

// patchesOf gives the files of patches that the plugins of a file name.
func patchesOf(items []Item, heads []object.Type, file string) []string {
	var patches []string
	for i, head := range heads {
		if head.APIVersion != object.BuiltinPlugin {
			continue
		}
		if document, err := items[i].Decoded(); err == nil {
			if root := node.Of(document); path.Clean(cmp.Or(object.OriginOf(root).File, items[i].File)) == file {
				patches = append(patches, object.PatchFiles(root)...)
			}
		}
	}
	return patches
}

// read reads a kustomization. plugins gives the patches that a file of plugins names.
func (u Uses) read(root node.Value, file string, plugins func(file string) []string) {
	for _, field := range []string{"resources", "bases", "components"} {
		for i, entry := range root.Entry(field).Items() {
			u.add(file, fmt.Sprintf("%s[%d]", field, i), entry.Text(), false)
		}
	}
	for i, entry := range root.Entry("patchesStrategicMerge").Items() {
		u.add(file, fmt.Sprintf("patchesStrategicMerge[%d]", i), entry.Text(), true)
	}
	for _, field := range []string{"patches", "patchesJson6902"} {
		for i, entry := range root.Entry(field).Items() {
			if named := entry.Entry("path").Text(); named != "" {
				u.add(file, fmt.Sprintf("%s[%d].path", field, i), named, true)
			}
		}
	}
	for i, entry := range root.Entry("transformers").Items() {
		patches := plugins(path.Join(path.Dir(file), entry.Text()))
		if strings.Contains(entry.Text(), "\n") {
			patches = object.PluginPatches([]byte(entry.Text()))
		}
		for _, patch := range patches {
			u.add(file, fmt.Sprintf("transformers[%d]", i), patch, true)
		}
	}
}
