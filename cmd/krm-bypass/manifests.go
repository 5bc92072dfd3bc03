package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/bounded"
	"github.com/krm-bypass/krm-bypass/internal/inventory"
	"github.com/krm-bypass/krm-bypass/internal/kustomization"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/transform"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// manifestExtensions are those of the files that are read in a folder.
var manifestExtensions = []string{".yaml", ".yml", ".json"}

// reading is what a command wants of folders.
type reading struct {
	// rewriting has a document that is no whole object stay as it is, with a warning. For
	// whoever prints manifests it is an error, since kubectl refuses it.
	rewriting bool
	// mayBeEmpty is for folders that may hold no manifest.
	mayBeEmpty bool
	// allowNone says so of them.
	allowNone bool
	// judging tells of kustomizations that apply a spec when they are built.
	judging bool
	// specs are files that the user named as specifications.
	specs []string
	// foreign reads files of folders that hold no Kubernetes object, too.
	foreign bool
	// instead are texts in the place of those in files, by the paths of the files
	// without links.
	instead map[string][]byte
	// saw is told each file and folder that is looked at; it may be nil.
	saw func(path string)
	// kept are the texts of files that are looked at again and again; nil where each is read
	// once. Of a pipe nothing would come the second time.
	kept *texts
}

// looksAt tells of a file or a folder before it is read.
func (r reading) looksAt(path string) {
	if r.saw != nil {
		r.saw(path)
	}
}

// text gives the text of a file that read reads, or what stands in its place.
func (r reading) text(real string, read func() ([]byte, error)) ([]byte, error) {
	if text, is := r.instead[real]; is {
		return text, nil
	}
	if r.kept == nil || real == "" {
		return read()
	}
	if err := readableAgain(real); err != nil {
		return nil, err
	}
	return r.kept.text(real, read)
}

// texts gives text for a build, nil where that reads each file.
func (r reading) texts() func(real string, read func() ([]byte, error)) ([]byte, error) {
	if r.kept == nil && len(r.instead) == 0 {
		return nil
	}
	return r.text
}

// readableAgain refuses what can be read only once, or never ends. What is not there,
// whoever reads it says.
func readableAgain(path string) error {
	if isIrregular(path) {
		return fmt.Errorf("%s is not a regular file, and the page reads files more than once: write what it gives into a file, and name that", path)
	}
	return nil
}

// manifests are files that are read.
type manifests struct {
	files []inventory.File
	// uses are what the kustomizations beside them make of them, by their paths.
	uses map[string]fn.Use
	// bases are the folders that kustomizations name, without links.
	bases map[string]bool
	// isApplied says that kustomize applies a specification when it builds one of the
	// kustomizations, so that what is deployed is not what is read here.
	isApplied bool
	reading   reading
	// foreign are files of folders that are for other tools; they were passed over.
	foreign []string
	// skipped says what else was passed over, problems what could not be read.
	skipped  []string
	problems []error
	// seen are the files without links, by whose names they are read: one with two
	// is read, and written, once.
	seen map[string]string
	// kustomizations are those in the folders, and beside the files that the user
	// named.
	kustomizations []fn.Manifest
	// unread are files of folders. If the user names one itself, too, it is read.
	unread []unread
	// hidden are manifests in hidden folders.
	hidden []string
}

type unread struct{ path, real, why string }

// manifests reads files, and in folders the manifests at any depth, each once
// and in the order of their names. Files are hidden from kubectl by no name, so
// that only hidden folders are left out (kubernetes/kubernetes
// staging/src/k8s.io/cli-runtime/pkg/resource/visitor.go,
// ExpandPathsToFileVisitors). One error names everything that cannot be read.
func (r reading) manifests(paths []string) (*manifests, error) {
	m := &manifests{reading: r, seen: map[string]string{}}
	for _, path := range paths {
		r.looksAt(path)
		info, err := os.Stat(path)
		switch {
		case err != nil:
			m.problem(pathError(err))
		case !info.IsDir():
			m.named(filepath.Clean(path))
		default:
			switch err := m.folder(filepath.Clean(path)); {
			case err == nil || r.mayBeEmpty:
			case r.allowNone:
				m.skipped = append(m.skipped, fmt.Sprintf("%s: %v, and it is passed over, as --%s says", path, err, allowNoneFlag))
			default:
				m.problem(fmt.Errorf("%s: %w: correct the path", path, err))
			}
		}
	}
	for _, u := range m.unread {
		if r.isNamed(u.real) {
			m.named(u.path)
		}
		if !m.isSeen(u.real) {
			m.problem(fmt.Errorf("%s: not read, because it is %s", u.path, u.why))
		}
	}
	m.hidden = slices.DeleteFunc(m.hidden, func(path string) bool {
		real, err := realPath(path)
		return err == nil && m.isSeen(real)
	})
	if len(m.hidden) > 0 {
		more := ""
		if n := len(m.hidden) - 1; n > 0 {
			more = fmt.Sprintf(" (and %d more like it)", n)
		}
		m.skipped = append(m.skipped, fmt.Sprintf("%s: not read, because its folder is hidden%s; kubectl apply -R reads it: name the folder itself too, or remove it", m.hidden[0], more))
	}
	m.findUses()
	return m, errors.Join(m.problems...)
}

// isNamed reports whether a path without links is that of a file that the user named as a
// specification. A pipe has been read.
func (r reading) isNamed(real string) bool {
	return real != "" && !isIrregular(real) && slices.ContainsFunc(r.specs, func(spec string) bool {
		is, err := realPath(spec)
		return err == nil && is == real
	})
}

func (m *manifests) isSeen(real string) bool { return m.seen[real] != "" }

func (m *manifests) problem(err error) {
	m.problems = append(m.problems, fmt.Errorf("reading manifests: %w", err))
}

// named reads a file that the user named, which may be a pipe.
func (m *manifests) named(path string) {
	real, err := realPath(path)
	if err == nil {
		if m.isSeen(real) {
			return
		}
		m.seen[real] = path
		m.beside(path)
	}
	text, err := m.reading.text(real, func() ([]byte, error) { return bounded.File(path) })
	m.add(path, text, err)
}

func (m *manifests) add(path string, text []byte, err error) {
	if err != nil {
		m.problem(err)
		return
	}
	m.files = append(m.files, inventory.File{Path: path, Text: text})
}

// folder reads the manifests in a folder. It is an error if there are none. Links must
// stay within it: what it holds may come from somebody who must not read, or have
// rewritten, other files.
func (m *manifests) folder(path string) error {
	count, foreign := 0, len(m.foreign)
	var root *os.Root
	real, err := realPath(path)
	if err == nil {
		root, err = os.OpenRoot(real)
	}
	if err != nil {
		m.problem(err)
		return nil
	}
	defer root.Close() //nolint:errcheck // it is only read
	// With a slash, so that a link to a folder is followed where it is named.
	err = filepath.WalkDir(path+string(filepath.Separator), func(at string, entry fs.DirEntry, err error) error {
		at = filepath.Clean(at)
		switch {
		case err != nil:
			m.problem(err)
		case entry.IsDir() && at != path && strings.HasPrefix(entry.Name(), "."):
			m.hide(root, at, path)
			return fs.SkipDir
		case entry.IsDir():
			m.reading.looksAt(at)
			m.kustomization(root, at, path)
		case entry.Type()&fs.ModeSymlink != 0 && isDir(at):
			// kubectl does not follow it either.
			m.skipped = append(m.skipped, at+": skipped, because it is a link to a folder: name the folder itself")
		case slices.Contains(manifestExtensions, strings.ToLower(filepath.Ext(at))):
			count++
			m.reading.looksAt(at)
			m.within(root, at, path)
		}
		return nil
	})
	if err != nil {
		m.problem(err)
	}
	switch foreign = len(m.foreign) - foreign; {
	case count == 0:
		return errors.New("the folder holds no .yaml, .yml or .json file")
	case count == foreign:
		return errors.New("none of the folder's .yaml, .yml and .json files holds a Kubernetes object")
	}
	return nil
}

// hide notes the manifests in a hidden folder, unless it is one of version control.
func (m *manifests) hide(root *os.Root, hidden, folder string) {
	if slices.Contains([]string{".git", ".hg", ".svn"}, filepath.Base(hidden)) {
		return
	}
	// What cannot be read here is not read anyway.
	_ = filepath.WalkDir(hidden, func(at string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !slices.Contains(manifestExtensions, strings.ToLower(filepath.Ext(at))) {
			return nil //nolint:nilerr // the walk goes on
		}
		inside, _ := filepath.Rel(folder, at)
		info, err := root.Stat(inside)
		if err != nil || !info.Mode().IsRegular() {
			return nil //nolint:nilerr // the walk goes on
		}
		text, err := bounded.In(root, inside, at)
		if err == nil && bytes.Contains(text, []byte("apiVersion")) && bytes.Contains(text, []byte("kind")) {
			m.hidden = append(m.hidden, at)
		}
		return nil
	})
}

// within reads a file of a folder.
func (m *manifests) within(root *os.Root, path, folder string) {
	target, _ := os.Readlink(path)
	real, err := realPath(path)
	inside, outside := filepath.Rel(root.Name(), real)
	switch {
	case err != nil && target != "":
		m.unread = append(m.unread, unread{path, "", fmt.Sprintf("a link to %s, which cannot be followed (%v): mend or remove it", target, err)})
		return
	case err != nil:
		m.problem(err)
		return
	case outside != nil || !filepath.IsLocal(inside):
		m.unread = append(m.unread, unread{path, real, fmt.Sprintf("a link to %s, outside the folder %s: name %s itself too, or remove it", real, folder, path)})
		return
	case m.isSeen(real):
		return
	}
	if info, err := root.Stat(inside); err == nil && !info.Mode().IsRegular() {
		m.unread = append(m.unread, unread{path, real, "not a regular file: name it itself too, or remove it"})
		return
	}
	text, err := m.reading.text(real, func() ([]byte, error) { return bounded.In(root, inside, path) })
	if err == nil && !m.reading.foreign && !kustomization.Is(path) && object.IsForeign(text) {
		m.foreign = append(m.foreign, path)
		return
	}
	m.seen[real] = path
	m.add(path, text, err)
}

// templated tells of documents without a workload that are templates of a chart, so that
// nobody knows what comes of them. One with a workload is an error.
func (m *manifests) templated() []string {
	var place, problem string
	files := 0
	for _, f := range m.files {
		if !bytes.Contains(f.Text, []byte(object.Templated)) {
			continue // reading takes long
		}
		for _, d := range object.Documents(f.Text) {
			is, err := object.Peek(d.Fragment(), transform.IsKnown)
			if err != nil || is.List || transform.IsKnown(is) {
				continue // it is read, which tells what is wrong
			}
			if _, err := object.Read(d.Fragment()); err != nil {
				if files++; files == 1 {
					var line int
					line, problem = yamltext.Located(err)
					place = fmt.Sprintf("%s:%d", f.Path, d.Line-1+max(line, 1))
				}
				break
			}
		}
	}
	switch files {
	case 0:
		return nil
	case 1:
		return []string{fmt.Sprintf("%s: not read: %s", place, problem)}
	}
	return []string{fmt.Sprintf("%s: not read (and %d more like it): %s", place, files-1, problem)}
}

// realPath gives the absolute path of a file, without links.
func realPath(path string) (string, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(absolute)
}

// isIrregular tells a pipe or a device from files and folders.
func isIrregular(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.Mode().IsRegular() && !info.IsDir()
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
