package setup

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/each"
	"github.com/krm-bypass/krm-bypass/internal/kustomization"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/spec"
	"github.com/krm-bypass/krm-bypass/internal/stream"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// SpecFile is the name of the spec's file.
const SpecFile = "bypass.yaml"

// Folder is what stands in a folder.
type Folder struct {
	// Path is how the user calls the folder. Shown quotes a path for a shell.
	Path  string
	Shown func(path string) string
	// Below is the folder's place in its repository, by slashes; "." for the top.
	Below string
	// Files are those in the folder, at any depth, in the order of their paths, which
	// are relative to it, with slashes.
	Files []yamltext.File
	// Outside are specs that stand outside of the folder and are for what is in it.
	Outside []Outside
}

// Outside is a spec that stands outside of a folder, or in one of its kustomizations.
type Outside struct {
	// File is the path of its file, as the user calls it.
	File string
	// By is where a kustomization of the folder leads to it, "" where none does.
	By string
}

// errIfSpecified refuses a second spec for what a spec outside of the folder is for.
func (f *Folder) errIfSpecified(w way) error {
	if len(f.Outside) == 0 {
		return nil
	}
	o := f.Outside[0]
	leads, then := o.File, ""
	switch {
	case strings.HasPrefix(o.By, o.File+": "): // it stands in the kustomization
		leads = o.By
	case o.By != "":
		leads = fmt.Sprintf("%s leads to %s, which", o.By, o.File)
	}
	switch above := path.Dir(path.Dir(o.File)); {
	case strings.HasSuffix("/"+o.File, "/"+SharedSpec):
		then = fmt.Sprintf("; krm-bypass init %s lists it in the kustomizations that do not list it yet", f.Shown(above))
	case o.By == "":
		then = ", and name it, as in " + w.reading(f, "render", f.Shown(o.File))
	}
	return fmt.Errorf("%s has a ClusterBypass already, and one is enough: add rules to it%s", leads, then)
}

// file gives a file of the folder by its name.
func (f *Folder) file(names ...string) (yamltext.File, bool) {
	return each.First(f.Files, func(file yamltext.File) bool { return slices.Contains(names, file.Path) })
}

// at is how a file of the folder is called in a command.
func (f *Folder) at(file string) string { return f.Shown(path.Join(f.Path, file)) }

// named is how a file is called to the user.
func (f *Folder) named(file yamltext.File) string { return path.Join(f.Path, file.Path) }

// specs are the files that hold a spec.
func (f *Folder) specs() []string {
	var found []string
	for _, file := range f.Files {
		for range f.documents(file, spec.Is) {
			found = append(found, file.Path)
		}
	}
	return slices.Compact(found)
}

// documents are those of a file whose object is of a type.
func (f *Folder) documents(file yamltext.File, is func(object.Type) bool) []stream.Document {
	var found []stream.Document
	for _, d := range stream.Of(file).Documents {
		if document, err := object.Decode(d.Fragment()); err == nil && is(object.HeadOf(document).Type) {
			found = append(found, d)
		}
	}
	return found
}

// kustomizations are the folders of kustomizations that no other one includes.
func (f *Folder) kustomizations() []string {
	var all []string
	included := map[string]bool{}
	for _, file := range f.Files {
		if !kustomization.Is(file.Path) {
			continue
		}
		dir := path.Dir(file.Path)
		all = append(all, dir)
		names, err := kustomization.Names(file.Text)
		if err != nil {
			continue
		}
		for _, name := range names {
			included[path.Join(dir, name.Path)] = true
		}
		// A component is for others to take in.
		if document, err := node.Parse(file.Text); err == nil && node.Of(document).Entry("kind").Text() == "Component" {
			included[dir] = true
		}
	}
	if _, is := f.file(SharedSpec); is {
		included[path.Dir(SharedSpec)] = true // it is for others to list
	}
	return slices.DeleteFunc(all, func(dir string) bool { return included[dir] })
}

// Sign is where the files speak of a mesh.
type Sign struct {
	Mesh *mesh.Mesh
	File string
	Line int
}

// ambient says where the files first have pods in Ambient of a mesh, "" where they do
// not.
func (f *Folder) ambient(name string) string {
	m, known := mesh.ByName(name)
	if !known {
		return ""
	}
	for _, file := range f.Files {
		if at := m.AmbientIn(file.Text); at >= 0 {
			return fmt.Sprintf("%s:%d", file.Path, yamltext.Line(file.Text, at))
		}
	}
	return ""
}

// signs gives the first place for each mesh of which the files speak.
func signs(files []yamltext.File) []Sign {
	var found []Sign
	for _, m := range mesh.All() {
		for _, file := range files {
			if at := m.SignIn(file.Text); at >= 0 && !strings.HasSuffix(file.Path, ".md") {
				found = append(found, Sign{m, file.Path, yamltext.Line(file.Text, at)})
				break
			}
		}
	}
	return found
}
