package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/inventory"
)

// manifestExtensions are those of the files that are read in a folder.
var manifestExtensions = []string{".yaml", ".yml", ".json"}

// manifests are files that are read.
type manifests struct {
	files []inventory.File
	// skipped says what was passed over, problems what could not be read.
	skipped  []string
	problems []error
	// seen are the files without links: one with two names is read, and written,
	// once.
	seen map[string]bool
}

// readManifests reads files, and in folders the manifests at any depth, each once
// and in the order of their names. One error names everything that cannot be
// read; skipped says what was passed over.
func readManifests(paths []string) (files []inventory.File, skipped []string, err error) {
	m := manifests{seen: map[string]bool{}}
	for _, path := range paths {
		info, err := os.Stat(path)
		switch {
		case err != nil:
			m.problem(err)
		case info.IsDir():
			m.folder(filepath.Clean(path))
		default:
			m.named(filepath.Clean(path))
		}
	}
	return m.files, m.skipped, errors.Join(m.problems...)
}

func (m *manifests) problem(err error) {
	m.problems = append(m.problems, fmt.Errorf("reading manifests: %w", err))
}

func (m *manifests) skip(path, why string) {
	m.skipped = append(m.skipped, path+": skipped, because it is "+why)
}

// named reads a file that the user named, which may be a pipe.
func (m *manifests) named(path string) {
	if real, err := realPath(path); err == nil {
		if m.seen[real] {
			return
		}
		m.seen[real] = true
	}
	text, err := os.ReadFile(path)
	if err != nil {
		m.problem(err)
		return
	}
	m.files = append(m.files, inventory.File{Path: path, Text: text})
}

// folder reads the manifests in a folder. Links must stay within it: what it
// holds may come from somebody who must not read, or have rewritten, other files.
func (m *manifests) folder(path string) {
	real, err := realPath(path)
	if err != nil {
		m.problem(err)
		return
	}
	root, err := os.OpenRoot(real)
	if err != nil {
		m.problem(err)
		return
	}
	defer root.Close() //nolint:errcheck // it is only read
	// With a slash, so that a link to a folder is followed where it is named.
	err = filepath.WalkDir(path+string(filepath.Separator), func(at string, entry fs.DirEntry, err error) error {
		at = filepath.Clean(at)
		hidden := strings.HasPrefix(entry.Name(), ".") && at != path
		switch {
		case err != nil:
			m.problem(err)
		case hidden && entry.IsDir():
			return fs.SkipDir
		case hidden || entry.IsDir():
		case entry.Type()&fs.ModeSymlink != 0 && isDir(at):
			m.skip(at, "a link to a folder: name the folder itself")
		case slices.Contains(manifestExtensions, strings.ToLower(filepath.Ext(at))):
			m.within(root, at)
		}
		return nil
	})
	if err != nil {
		m.problem(err)
	}
}

// within reads a file of a folder.
func (m *manifests) within(root *os.Root, path string) {
	real, err := realPath(path)
	if err != nil {
		m.problem(err)
		return
	}
	inside, err := filepath.Rel(root.Name(), real)
	if err != nil || !filepath.IsLocal(inside) {
		m.skip(path, "a link that leads out of the folder: name the file itself")
		return
	}
	if m.seen[real] {
		return
	}
	m.seen[real] = true
	if info, err := root.Stat(inside); err == nil && !info.Mode().IsRegular() {
		m.skip(path, "not a regular file")
		return
	}
	text, err := root.ReadFile(inside)
	if err != nil {
		m.problem(err)
		return
	}
	m.files = append(m.files, inventory.File{Path: path, Text: text})
}

// realPath gives the absolute path of a file, without links.
func realPath(path string) (string, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(absolute)
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
