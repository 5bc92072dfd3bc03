package kustomization

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/konfig"
	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/krm-bypass/krm-bypass/internal/bounded"
)

// files is the file system that kustomize builds from: the texts that were
// judged, and what is on the disk below a root. Whatever else kustomize would do
// with files, it does in an empty file system in memory.
type files struct {
	filesys.FileSystem
	// root is the folder, without symbolic links, that is not left; "" for none.
	root string
	// above is a folder that may be named all the same, and nothing else outside; ""
	// for none.
	above string
	// held are texts by their paths.
	held map[string][]byte
	// read are the kustomization files that kustomize has read.
	read []string
	// textOf and saw are Text and Saw of the Options.
	textOf func(real string, read func() ([]byte, error)) ([]byte, error)
	saw    func(path string)
}

func filesOnDisk(root string) *files {
	return &files{FileSystem: filesys.MakeFsInMemory(), root: root, held: map[string][]byte{}}
}

// fence refuses a path that leads out of the root, by symbolic links too, as if
// nothing were there: what is outside is not told.
func (f *files) fence(path string) error {
	if f.saw != nil {
		f.saw(path)
	}
	real, err := filepath.EvalSymlinks(path)
	if err == nil {
		real, err = filepath.Abs(real)
	}
	if f.root != "" && (err != nil || !within(f.root, real) && real != f.above) {
		return fmt.Errorf("%s: no such file or folder in %s, the repository that is built", path, f.root)
	}
	return err
}

// within reports whether a path is that of a folder or below it.
func within(dir, path string) bool {
	return path == dir || strings.HasPrefix(path, strings.TrimSuffix(dir, "/")+"/")
}

// ReadFile reads a document for kustomize.
func (f *files) ReadFile(path string) ([]byte, error) {
	if text, held := f.held[path]; held {
		return text, nil
	}
	return f.load(path, true)
}

// load reads a regular file of at most the size that a build reads.
func (f *files) load(path string, isDocument bool) ([]byte, error) {
	if err := f.fence(path); err != nil {
		return nil, err
	}
	switch info, err := os.Stat(path); {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is no regular file", path)
	default:
		if err := bounded.Refuse(path, info.Size(), maxBytes); err != nil {
			return nil, err //nolint:wrapcheck // it names the file
		}
	}
	text, err := f.text(path)
	if err == nil && isDocument {
		err = errIfExpands(text)
	}
	return text, err
}

// text gives the text of a file.
func (f *files) text(path string) ([]byte, error) {
	if f.textOf == nil {
		return os.ReadFile(path)
	}
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, err
	}
	return f.textOf(real, func() ([]byte, error) { return os.ReadFile(path) })
}

// hold reads a file and gives the path by which kustomize reads that text: that
// of the file itself, or of a copy if it is a kustomization, for which kustomize
// is given another text.
func (f *files) hold(path string, isDocument bool) (text []byte, as string, err error) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, "", err
	}
	if isKustomization(real) {
		path, as = real, real+", as it stands"
		real = as
	} else {
		as = path
	}
	if text, err = f.load(path, isDocument); err == nil {
		f.held[real] = text
	}
	return text, as, err
}

func isKustomization(path string) bool {
	return slices.Contains(konfig.RecognizedKustomizationFileNames(), filepath.Base(path))
}

// CleanedAbs tells folders from files, and resolves links.
func (f *files) CleanedAbs(path string) (filesys.ConfirmedDir, string, error) {
	if _, held := f.held[path]; held {
		return filesys.ConfirmedDir(filepath.Dir(path)), filepath.Base(path), nil
	}
	if err := f.fence(path); err != nil {
		return "", "", err
	}
	dir, file, err := filesys.MakeFsOnDisk().CleanedAbs(path)
	if err == nil && isKustomization(path) {
		f.read = append(f.read, dir.Join(file))
	}
	return dir, file, err
}

// Repository gives the folder of the repository that holds a folder, or the folder
// itself if it is in none.
func Repository(dir string) string { return cmp.Or(repository(dir), dir) }

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
