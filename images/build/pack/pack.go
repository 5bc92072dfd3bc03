package pack

import (
	"archive/tar"
	"archive/zip"
	"cmp"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// File is a file or a folder, owned by root.
type File struct {
	// Path is absolute.
	Path string
	// Mode holds the permission bits and, as in tar, the sticky bit.
	Mode int64
	// Content is nil for a folder.
	Content []byte
}

// Folder is a folder with a mode of its own.
func Folder(path string, mode int64) File { return File{Path: path, Mode: mode} }

const (
	ordinaryFolder = 0o755
	// sticky is tar's bit for what chmod calls +t (archive/tar, c_ISVTX).
	sticky = 0o1000
	// EveryonesFolder is the mode of /tmp.
	EveryonesFolder = sticky | 0o777
)

// Tar writes the files, and the folders above them, as a tar archive. All of them are
// of one time.
func Tar(to io.Writer, files []File, created time.Time) error {
	w := tar.NewWriter(to)
	for _, f := range withFolders(files) {
		// Everything that a file system would put there is fixed, so that
		// neither the builder's umask nor its clock is in the archive.
		header := &tar.Header{
			Name:     f.name(),
			Mode:     f.Mode,
			Size:     int64(len(f.Content)),
			ModTime:  created,
			Typeflag: tar.TypeReg,
			Format:   tar.FormatUSTAR,
		}
		if f.Content == nil {
			header.Typeflag = tar.TypeDir
		}
		if err := w.WriteHeader(header); err != nil {
			return err
		}
		if _, err := w.Write(f.Content); err != nil {
			return err
		}
	}
	return w.Close()
}

// dos is the first time that a zip archive can name (APPNOTE.TXT, 4.4.6: years count
// from 1980).
var dos = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// Zip writes them as a zip archive.
func Zip(to io.Writer, files []File, created time.Time) error {
	if created.Before(dos) {
		created = dos
	}
	w := zip.NewWriter(to)
	for _, f := range withFolders(files) {
		header := &zip.FileHeader{Name: f.name(), Method: zip.Deflate, Modified: created.UTC()}
		header.SetMode(fs.FileMode(f.Mode).Perm())
		if f.Content == nil {
			header.SetMode(fs.ModeDir | fs.FileMode(f.Mode).Perm())
		}
		member, err := w.CreateHeader(header)
		if err != nil {
			return err
		}
		if _, err := member.Write(f.Content); err != nil {
			return err
		}
	}
	return w.Close()
}

// name is what an archive calls the file: a folder's name ends in a slash.
func (f File) name() string {
	name := strings.TrimPrefix(f.Path, "/")
	if f.Content == nil {
		name += "/"
	}
	return name
}

// withFolders gives the files in the order of their paths, each folder before
// what is in it.
func withFolders(files []File) []File {
	all := slices.Clone(files)
	given := map[string]bool{"/": true}
	for _, f := range files {
		given[f.Path] = true
	}
	for _, f := range files {
		for folder := path.Dir(f.Path); !given[folder]; folder = path.Dir(folder) {
			given[folder] = true
			all = append(all, Folder(folder, ordinaryFolder))
		}
	}
	slices.SortFunc(all, func(a, b File) int { return cmp.Compare(a.Path, b.Path) })
	return all
}

// Replace has write fill a folder, and deletes the folder's former content only when the
// new one is complete. A folder that has content and no file of the name mark is
// somebody else's, and stays.
func Replace(folder, mark string, write func(temporary string) error) (err error) {
	if err := own(folder, mark); err != nil {
		return err
	}
	temporary, err := os.MkdirTemp(filepath.Dir(folder), "."+filepath.Base(folder)+".*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temporary)) }()
	// As any other folder: a temporary one is its maker's alone.
	if err := os.Chmod(temporary, ordinaryFolder); err != nil { //nolint:gosec // it is for everybody to read
		return err
	}
	if err := write(temporary); err != nil {
		return err
	}
	if err := os.RemoveAll(folder); err != nil {
		return err
	}
	return os.Rename(temporary, folder)
}

// own gives an error unless a folder is absent, empty or marked.
func own(folder, mark string) error {
	entries, err := os.ReadDir(folder)
	switch {
	case errors.Is(err, os.ErrNotExist), err == nil && len(entries) == 0:
		return nil
	case err != nil:
		return err
	}
	if _, err := os.Stat(filepath.Join(folder, mark)); err != nil {
		return errors.New("something else is there: remove it, or give another folder")
	}
	return nil
}
