package main

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/report"
	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/bounded"
	"github.com/krm-bypass/krm-bypass/internal/each"
	"github.com/krm-bypass/krm-bypass/internal/inventory"
	"github.com/krm-bypass/krm-bypass/internal/kustomization"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/transform"
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

// unbuiltIn gives the kustomizations below folders. today are the names of the folders today.
func (m *manifests) unbuiltIn(paths []string, today map[string]string) (u report.Unbuilt) {
	u.Applied = m.isApplied
	known := map[string]bool{}
	for _, path := range paths {
		path, name := filepath.Clean(path), filepath.Clean(cmp.Or(today[path], path))
		before := len(u.Tops)
		for _, k := range m.kustomizations {
			dir := filepath.Dir(k.Path)
			if inside, err := filepath.Rel(path, dir); err == nil && filepath.IsLocal(inside) && !m.isBase(dir) && !isComponent(k.Text) {
				u.Tops = append(u.Tops, filepath.Join(name, inside))
				u.Applied = u.Applied || m.applies(dir, false, known)
			}
		}
		if len(u.Tops) > before {
			u.Folders = append(u.Folders, name)
			u.Rest = append(u.Rest, m.beyond(path, name)...)
		}
	}
	u.Rest = slices.Compact(slices.Sorted(slices.Values(u.Rest)))
	u.InPlace = slices.ContainsFunc(m.files, func(f inventory.File) bool { return bytes.Contains(f.Text, []byte(transform.RecordAnnotation)) })
	if specs := each.As(m.specs(), func(path string) string { return namedToday(paths, today, path) }); len(specs) == 1 {
		u.Spec = specs[0]
	}
	return u
}

// specs gives the files that hold a specification.
func (m *manifests) specs() (paths []string) {
	for _, f := range m.files {
		if namesSpec(f.Text) {
			paths = append(paths, f.Path)
		}
	}
	return paths
}

// namedToday gives the name that a file in a folder, or that is named itself, has today.
func namedToday(paths []string, today map[string]string, file string) string {
	for _, path := range paths {
		if inside, err := filepath.Rel(path, file); err == nil && filepath.IsLocal(inside) {
			return filepath.Join(cmp.Or(today[path], path), inside)
		}
	}
	return file
}

// beyond gives the files and folders in a folder from which no kustomization makes anything.
// name is the folder's today.
func (m *manifests) beyond(folder, name string) (rest []string) {
	builds := func(dir string) bool {
		return slices.ContainsFunc(m.kustomizations, func(k fn.Manifest) bool { return isWithin(dir, filepath.Dir(k.Path)) })
	}
	for _, f := range m.files {
		_, isUsed := m.uses[f.Path]
		inside, err := filepath.Rel(folder, f.Path)
		if isUsed || err != nil || !filepath.IsLocal(inside) || kustomization.Is(f.Path) || namesSpec(f.Text) || object.IsForeign(f.Text) || kustomization.File(filepath.Dir(f.Path)) != "" {
			continue
		}
		for dir := filepath.Dir(inside); dir != "." && !builds(filepath.Join(folder, dir)); dir = filepath.Dir(dir) {
			inside = dir
		}
		rest = append(rest, filepath.Join(name, inside))
	}
	return rest
}

// isComponent reports whether a kustomization is one that others include, and nobody builds.
func isComponent(text []byte) bool {
	return slices.ContainsFunc(object.Documents(text), func(d object.Document) bool {
		document, err := object.Decode(d.Fragment())
		return err == nil && object.HeadOf(document).Kind == "Component"
	})
}

// areChanged reports whether a kustomization that was read changes what it names, and not
// only puts it together.
func (m *manifests) areChanged() bool {
	return slices.ContainsFunc(m.kustomizations, func(k fn.Manifest) bool {
		changes, err := kustomization.Changes(k.Text)
		return err == nil && changes
	})
}

// calling gives the command line for one kustomization, with the specifications that the
// user named.
func calling(command string, specs []string) func(path, spec string) string {
	given := ""
	for _, spec := range specs {
		given += " --spec " + shellWord(spec)
	}
	return func(path, spec string) string {
		called := "krm-bypass " + command + " " + shellWord(path) + given
		if given == "" && spec != "" {
			called += " --spec " + shellWord(spec)
		}
		return called
	}
}

// applies reports whether kustomize applies a specification that was not read here when it
// builds a folder; asPlugin says that all that the folder makes is applied.
func (m *manifests) applies(folder string, asPlugin bool, known map[string]bool) bool {
	key := fmt.Sprint(asPlugin, folder)
	if is, done := known[key]; done {
		return is
	}
	known[key] = false // until it is known: it may name itself
	text, err := bounded.File(kustomization.File(folder))
	if err != nil {
		return false
	}
	names, _ := kustomization.Names(text)
	known[key] = slices.ContainsFunc(names, func(name kustomization.Name) bool {
		target, err := realPath(filepath.Join(folder, name.Path))
		isPlugin := asPlugin || name.IsPlugin
		switch {
		case err != nil:
			return false
		case isDir(target):
			return m.applies(target, isPlugin, known)
		case !isPlugin || m.isSeen(target) || isIrregular(target):
			return false
		}
		text, err := bounded.File(target)
		return err == nil && namesSpec(text)
	})
	return known[key]
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
