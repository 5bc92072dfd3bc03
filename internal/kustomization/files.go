package kustomization

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// files is the file system of a build: what is on the disk below a root, for
// reading alone, with some texts in the place of others.
type files struct {
	filesys.FileSystem
	// root is the folder, without symbolic links, that is not left; "" for none.
	root  string
	texts map[string][]byte
	// read are the kustomization files that kustomize has read.
	read []string
}

func filesOnDisk(root string) *files {
	return &files{FileSystem: filesys.MakeFsOnDisk(), root: root, texts: map[string][]byte{}}
}

// fence refuses a path that leads out of the root, by symbolic links too.
func (f *files) fence(path string) error {
	if f.root == "" {
		return nil
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	if real, err = filepath.Abs(real); err != nil {
		return err
	}
	if real != f.root && !strings.HasPrefix(real, strings.TrimSuffix(f.root, "/")+"/") {
		return fmt.Errorf("%s is outside of %s, the repository that is built", path, f.root)
	}
	return nil
}

func (f *files) ReadFile(path string) ([]byte, error) {
	if real, err := filepath.Abs(path); err == nil {
		if text, replaced := f.texts[real]; replaced {
			return text, nil
		}
	}
	if err := f.fence(path); err != nil {
		return nil, err
	}
	if info, err := os.Stat(path); err == nil && !info.IsDir() && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", path)
	}
	return f.FileSystem.ReadFile(path)
}

// asItStands gives a path by which kustomize reads a file that an entry names:
// that of a copy if the file is a kustomization, for which kustomize is given
// another text.
func (f *files) asItStands(path string) (string, error) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil || !slices.Contains(konfig.RecognizedKustomizationFileNames(), filepath.Base(real)) {
		return path, err
	}
	text, err := f.FileSystem.ReadFile(real)
	if err != nil {
		return "", err
	}
	real += ", as it stands"
	f.texts[real] = text
	return real, nil
}

func (f *files) Open(path string) (filesys.File, error) {
	if err := f.fence(path); err != nil {
		return nil, err
	}
	return f.FileSystem.Open(path)
}

func (f *files) CleanedAbs(path string) (filesys.ConfirmedDir, string, error) {
	if _, held := f.texts[path]; held && !f.FileSystem.Exists(path) {
		return filesys.ConfirmedDir(filepath.Dir(path)), filepath.Base(path), nil
	}
	if err := f.fence(path); err != nil {
		return "", "", err
	}
	dir, file, err := f.FileSystem.CleanedAbs(path)
	if err == nil && slices.Contains(konfig.RecognizedKustomizationFileNames(), filepath.Base(path)) {
		f.read = append(f.read, dir.Join(file))
	}
	return dir, file, err
}

func (f *files) ReadDir(path string) ([]string, error) {
	if err := f.fence(path); err != nil {
		return nil, err
	}
	return f.FileSystem.ReadDir(path)
}

func (f *files) IsDir(path string) bool {
	return f.fence(path) == nil && f.FileSystem.IsDir(path)
}

func (f *files) Exists(path string) bool {
	return f.fence(path) == nil && f.FileSystem.Exists(path)
}

func (f *files) Glob(pattern string) ([]string, error) {
	found, err := f.FileSystem.Glob(pattern)
	var within []string
	for _, path := range found {
		if f.fence(path) == nil {
			within = append(within, path)
		}
	}
	return within, err
}

func (f *files) Walk(path string, walk filepath.WalkFunc) error {
	if err := f.fence(path); err != nil {
		return err
	}
	return f.FileSystem.Walk(path, walk)
}

// A build writes nothing.
func (f *files) Create(path string) (filesys.File, error) { return nil, readOnly(path) }
func (f *files) Mkdir(path string) error                  { return readOnly(path) }
func (f *files) MkdirAll(path string) error               { return readOnly(path) }
func (f *files) RemoveAll(path string) error              { return readOnly(path) }
func (f *files) WriteFile(path string, _ []byte) error    { return readOnly(path) }

func readOnly(path string) error {
	return &os.PathError{Op: "write", Path: path, Err: os.ErrPermission}
}

// repository gives the folder that holds the repository of a folder, "" if it
// is in none.
func repository(dir string) string {
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			return ""
		}
	}
}
