package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/kustomization"
)

// kustomization reads the kustomization of a folder within another, if it has one.
// One that is a link out of that is told with the other files.
func (m *manifests) kustomization(root *os.Root, dir, within string) {
	for _, name := range kustomization.FileNames() {
		path := filepath.Join(dir, name)
		inside, err := filepath.Rel(within, path)
		if err != nil {
			continue
		}
		if info, err := root.Stat(inside); err != nil || !info.Mode().IsRegular() {
			continue
		}
		if text, err := root.ReadFile(inside); err == nil {
			m.kustomizations = append(m.kustomizations, fn.Manifest{Path: path, Text: text})
		}
	}
}

// beside reads the kustomization beside a file that the user named.
func (m *manifests) beside(path string) {
	dir := filepath.Dir(path)
	root, err := os.OpenRoot(dir)
	if err != nil {
		return
	}
	defer root.Close() //nolint:errcheck // it is only read
	m.kustomization(root, dir, dir)
}

// findUses finds out what the kustomizations make of the files, as kustomize reads
// both: without links.
func (m *manifests) findUses() {
	m.uses = map[string]fn.Use{}
	done := map[string]bool{}
	for _, k := range m.kustomizations {
		real, err := realPath(k.Path)
		if err != nil || done[real] {
			continue
		}
		done[real] = true
		names, err := kustomization.Names(k.Text)
		if err != nil {
			m.skipped = append(m.skipped, fmt.Sprintf("%s: which files are patches is not known here, because kustomize cannot read it: %v", k.Path, err))
			continue
		}
		for _, name := range names {
			target, err := filepath.EvalSymlinks(filepath.Join(filepath.Dir(real), name.Path))
			if file := m.seen[target]; err == nil && file != "" {
				m.uses[file] = m.uses[file].Named(k.Path+": "+name.Field, name.IsPatch)
			}
		}
	}
}
