package setup

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"

	"github.com/krm-bypass/krm-bypass/internal/each"
	"github.com/krm-bypass/krm-bypass/internal/kustomization"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// SharedSpec is the file of a spec that several kustomizations list by its folder:
// kustomize takes no file from outside of theirs.
const SharedSpec = "bypass/" + SpecFile

// listing is the kustomization that lists a shared spec, if it is still to be written.
func (f *Folder) listing() yamltext.File {
	if _, is := f.sharing(); is {
		return yamltext.File{}
	}
	return yamltext.File{
		Path: path.Join(path.Dir(SharedSpec), kustomization.FileNames()[0]),
		Text: []byte("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n- " + SpecFile + "\n"),
	}
}

// sharing is the kustomization beside a shared spec.
func (f *Folder) sharing() (yamltext.File, bool) {
	return f.kustomizationIn(path.Dir(SharedSpec))
}

// kustomizationIn is the file of the kustomization in a folder.
func (f *Folder) kustomizationIn(dir string) (yamltext.File, bool) {
	return f.file(each.As(kustomization.FileNames(), func(name string) string { return path.Join(dir, name) })...)
}

// isShared reports whether a kustomization lists a spec beside it as a resource, which is
// how one is shared: a transformer of the same file would be a second one.
func (f *Folder) isShared(file yamltext.File) bool {
	names, err := kustomization.Names(file.Text)
	return err == nil && slices.Contains(f.specs(), SpecFile) &&
		slices.ContainsFunc(names, func(n kustomization.Name) bool { return !n.IsPlugin && path.Clean(n.Path) == SpecFile })
}

// shared lists a shared spec's folder in all kustomizations that no other one includes,
// and the spec in the kustomization of that folder, if there is one.
func (f *Folder) shared() (changes []Change, left []string, err error) {
	add := func(file yamltext.File, list, item string) {
		if err != nil {
			return
		}
		var added []Change
		added, _, err = f.added(file, entry{list: []any{list}, item: item, what: "a list of files"})
		changes = append(changes, added...)
	}
	if file, is := f.sharing(); is {
		add(file, "resources", SpecFile)
	}
	for _, dir := range f.kustomizations() {
		file, _ := f.kustomizationIn(dir)
		if _, err := kustomization.Names(file.Text); err != nil {
			left = append(left, fmt.Sprintf("%s is left as it is: kustomize does not read it: %v", f.named(file), err))
			continue
		}
		item, _ := filepath.Rel(dir, path.Dir(SharedSpec)) // both are relative to the folder
		add(file, "transformers", filepath.ToSlash(item))
	}
	return changes, append(left, f.uncalled(SharedSpec)...), err
}
