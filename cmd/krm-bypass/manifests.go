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

// manifestExtensions are those of the files that are read where a folder is
// named.
var manifestExtensions = []string{".yaml", ".yml", ".json"}

// readManifests reads files, and of folders the manifests below them, each once
// and in the order of their names. What cannot be read is an error, all of them
// at once; what is not looked at is told in skipped.
func readManifests(paths []string) (files []inventory.File, skipped []string, err error) {
	var problems []error
	seen := map[string]bool{}
	read := func(path string) {
		// A file that two names lead to is read, and written, once.
		if real, err := filepath.EvalSymlinks(path); err == nil {
			if seen[real] {
				return
			}
			seen[real] = true
		}
		text, err := os.ReadFile(path)
		if err != nil {
			problems = append(problems, fmt.Errorf("reading manifests: %w", err))
			return
		}
		files = append(files, inventory.File{Path: path, Text: text})
	}
	for _, root := range paths {
		info, err := os.Stat(root)
		if err != nil {
			problems = append(problems, fmt.Errorf("reading manifests: %w", err))
			continue
		}
		if !info.IsDir() {
			read(filepath.Clean(root))
			continue
		}
		// With a slash, so that a link to a folder is followed where it is named.
		err = filepath.WalkDir(filepath.Clean(root)+string(filepath.Separator), func(path string, entry fs.DirEntry, err error) error {
			path = filepath.Clean(path)
			hidden := strings.HasPrefix(entry.Name(), ".") && path != filepath.Clean(root)
			switch {
			case err != nil:
				problems = append(problems, fmt.Errorf("reading manifests: %w", err))
			case hidden && entry.IsDir():
				return fs.SkipDir
			case hidden || entry.IsDir():
			case entry.Type()&fs.ModeSymlink != 0 && isDir(path):
				skipped = append(skipped, path+": skipped, because it is a link to a folder: name the folder itself")
			case slices.Contains(manifestExtensions, strings.ToLower(filepath.Ext(path))):
				read(path)
			}
			return nil
		})
		if err != nil {
			problems = append(problems, fmt.Errorf("reading manifests: %w", err))
		}
	}
	return files, skipped, errors.Join(problems...)
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// staged is new text for files, written beside them.
type staged []struct{ temporary, path string }

// stage writes the new text of files beside them, with their mode; it leaves
// nothing behind where that fails.
func stage(files []inventory.File) (staged, error) {
	var all staged
	for _, f := range files {
		path, err := filepath.EvalSymlinks(f.Path)
		if err == nil {
			var temporary string
			if temporary, err = beside(path, f.Text); err == nil {
				all = append(all, struct{ temporary, path string }{temporary, path})
				continue
			}
		}
		all.discard()
		return nil, fmt.Errorf("rewriting %s: %w; nothing is changed", f.Path, err)
	}
	return all, nil
}

// beside writes a temporary file in the folder of another, with its mode.
func beside(path string, text []byte) (temporary string, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return "", err
	}
	_, err = file.Write(text)
	err = errors.Join(err, file.Chmod(info.Mode().Perm()), file.Sync(), file.Close())
	if err != nil {
		return "", errors.Join(err, os.Remove(file.Name()))
	}
	return file.Name(), nil
}

func (s staged) discard() {
	for _, one := range s {
		_ = os.Remove(one.temporary) // a temporary file that stays does no harm
	}
}

// commit puts the new texts in the place of the files.
func (s staged) commit() error {
	for i, one := range s {
		if err := os.Rename(one.temporary, one.path); err != nil {
			s[i:].discard()
			return fmt.Errorf("rewriting %s: %w; %d of %d files are rewritten, this one and those after it are not", one.path, err, i, len(s))
		}
	}
	return nil
}
