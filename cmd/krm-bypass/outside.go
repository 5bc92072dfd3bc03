package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/bounded"
	"github.com/krm-bypass/krm-bypass/internal/kustomization"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/setup"
)

// specsOutside finds the specifications outside of a folder that are for what is in it:
// those to which its kustomizations lead, and those that stand where init puts one for
// this folder and others.
func specsOutside(folder *setup.Folder) (found []setup.Outside) {
	real, err := realPath(folder.Path)
	if err != nil {
		return nil
	}
	trail := trail{within: real, seen: map[string]bool{}}
	for _, f := range folder.Files {
		if kustomization.Is(f.Path) {
			at := filepath.Join(folder.Path, filepath.FromSlash(f.Path))
			if field := inlineSpec(f.Text); field != "" {
				found = append(found, setup.Outside{File: filepath.ToSlash(at), By: fmt.Sprintf("%s: %s", filepath.ToSlash(at), field)})
			}
			if spec, field := trail.from(at, f.Text); spec != "" {
				found = append(found, setup.Outside{File: filepath.ToSlash(spec), By: fmt.Sprintf("%s: %s", at, field)})
			}
		}
	}
	top := kustomization.Repository(real)
	if !isThere(filepath.Join(top, ".git")) {
		top = filepath.Dir(real)
	}
	above, places := folder.Path, []string{setup.SharedSpec, setup.SpecFile}
	for real != top && real != filepath.Dir(real) {
		real, above = filepath.Dir(real), filepath.Join(above, "..")
		for _, place := range places {
			if path := filepath.Join(above, filepath.FromSlash(place)); isSpecFile(path) {
				return append(found, setup.Outside{File: filepath.ToSlash(path)})
			}
		}
		places = places[:1] // further up, one that is not shared is for something else
	}
	return found
}

// inlineSpec gives the field of a kustomization in which a specification itself stands.
func inlineSpec(text []byte) string {
	document, err := node.Parse(text)
	if err != nil {
		return "" // whoever reads the kustomization says so
	}
	for i, item := range node.Of(document).Entry("transformers").Items() {
		if said := item.Text(); strings.Contains(said, "\n") && holdsSpec([]byte(said)) {
			return fmt.Sprintf("transformers[%d]", i)
		}
	}
	return ""
}

// trail follows kustomizations to a specification outside of a folder.
type trail struct {
	within string
	// seen are the paths that were looked at, without links.
	seen map[string]bool
}

// from gives the specification to which the text of a kustomization leads, and the field
// at which the way begins.
func (t trail) from(file string, text []byte) (spec, field string) {
	names, err := kustomization.Names(text)
	if err != nil {
		return "", "" // whoever reads the kustomization says so
	}
	for _, name := range names {
		path := filepath.Join(filepath.Dir(file), filepath.FromSlash(name.Path))
		real, err := realPath(path)
		if err != nil || t.seen[real] || isWithin(t.within, real) { // of what is inside, init knows
			continue
		}
		t.seen[real] = true
		if isSpecFile(path) {
			return path, name.Field
		}
		if next := kustomization.File(path); next != "" && isDir(path) {
			text, err := bounded.File(next)
			if err != nil {
				continue
			}
			if spec, _ := t.from(next, text); spec != "" {
				return spec, name.Field
			}
		}
	}
	return "", ""
}

// isSpecFile reports whether a path is a file that holds a specification.
func isSpecFile(path string) bool {
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return false
	}
	text, err := bounded.File(path)
	return err == nil && namesSpec(text)
}
