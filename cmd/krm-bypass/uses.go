package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/bounded"
	"github.com/krm-bypass/krm-bypass/internal/kustomization"
	"github.com/krm-bypass/krm-bypass/internal/object"
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
		m.reading.looksAt(path)
		if text, err := bounded.In(root, inside, path); err == nil {
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
	m.uses, m.bases = map[string]fn.Use{}, map[string]bool{}
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
			if base, err := realPath(filepath.Join(filepath.Dir(real), name.Path)); err == nil && isDir(base) {
				m.bases[base] = true
				m.isApplied = m.isApplied || name.IsPlugin && m.holdsSpec(base)
			}
			file := m.seenFrom(filepath.Dir(real), name.Path)
			switch {
			case file == "":
			case name.IsPlugin && m.isSpec(file):
				m.isApplied = m.isApplied || !m.reading.judging
				if dir := filepath.Dir(k.Path); m.reading.judging {
					m.skipped = append(m.skipped, fmt.Sprintf("%s: %s: kustomize applies %s when it builds %s, whose files are read here as they stand: name the folder itself to have it built, as in krm-bypass check %s", k.Path, name.Field, file, dir, shellWord(dir)))
				}
			case name.IsPlugin:
				for _, patch := range m.patchesOf(file) {
					if patch = m.seenFrom(filepath.Dir(real), patch); patch != "" {
						m.uses[patch] = m.uses[patch].Named(k.Path+": "+name.Field, true)
					}
				}
			default:
				m.uses[file] = m.uses[file].Named(k.Path+": "+name.Field, name.IsPatch)
			}
		}
	}
}

// holdsSpec reports whether a file that was read in a folder, by its real path, holds a
// specification.
func (m *manifests) holdsSpec(folder string) bool {
	for real, path := range m.seen {
		if isWithin(folder, real) && m.isSpec(path) {
			return true
		}
	}
	return false
}

// isSpec reports whether a file that was read holds a specification.
func (m *manifests) isSpec(path string) bool {
	return slices.ContainsFunc(m.files, func(f fn.Manifest) bool { return f.Path == path && holdsSpec(f.Text) })
}

// seenFrom gives the file that was read and has a path from a folder; "" for none.
func (m *manifests) seenFrom(folder, path string) string {
	target, err := filepath.EvalSymlinks(filepath.Join(folder, path))
	if err != nil {
		return ""
	}
	return m.seen[target]
}

// patchesOf gives the files of patches that a file of plugins names.
func (m *manifests) patchesOf(plugins string) []string {
	for _, f := range m.files {
		if f.Path == plugins {
			return object.PluginPatches(f.Text)
		}
	}
	return nil
}

// mostFolders is how many kustomizations are named that are not built.
const mostFolders = 10

// unbuilt tells of kustomizations below a folder, whose files are read as they stand; of
// those that others build upon, by the others. The command is what to call for them, with
// the specifications that the user named.
func (m *manifests) unbuilt(command, folder string, specs []string) []string {
	var tops []string
	given := ""
	for _, spec := range specs {
		given += " --spec " + shellWord(spec)
	}
	for _, k := range m.kustomizations {
		if dir := filepath.Dir(k.Path); isWithin(folder, dir) && !m.isBase(dir) {
			tops = append(tops, "krm-bypass "+command+" "+shellWord(dir)+given)
		}
	}
	if len(tops) == 0 {
		return nil
	}
	more := ""
	if n := len(tops) - mostFolders; n > 0 {
		tops, more = tops[:mostFolders], fmt.Sprintf(", and %d more like it", n)
	}
	return []string{fmt.Sprintf("%s: it holds kustomizations, and their files are read as they stand, without what the kustomizations change: name what you deploy: %s%s", folder, strings.Join(tops, ", "), more)}
}

// isBase reports whether a kustomization that was read names a folder.
func (m *manifests) isBase(folder string) bool {
	real, err := realPath(folder)
	return err == nil && m.bases[real]
}

func isWithin(folder, path string) bool {
	inside, err := filepath.Rel(folder, path)
	return err == nil && filepath.IsLocal(inside)
}
