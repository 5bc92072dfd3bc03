package inplace

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
)

// ErrChanged says that a file holds another text than it did.
var ErrChanged = errors.New("another program has changed it meanwhile: run again")

// File is a file and its new text.
type File struct {
	Path    string
	Was, Is []byte
	// Folder is what Path is below. No link leads it out of there, whenever that is made,
	// and a link in the file's own place is none. nil is for a path that links may lead
	// anywhere.
	Folder *os.Root
}

// disk is where files are.
type disk interface {
	Lstat(name string) (fs.FileInfo, error)
	Open(name string) (*os.File, error)
	OpenFile(name string, flag int, perm fs.FileMode) (*os.File, error)
	ReadFile(name string) ([]byte, error)
	Rename(from, to string) error
	Remove(name string) error
}

// anywhere is the whole disk.
type anywhere struct{}

func (anywhere) Lstat(name string) (fs.FileInfo, error) { return os.Lstat(name) }
func (anywhere) Open(name string) (*os.File, error)     { return os.Open(name) }
func (anywhere) ReadFile(name string) ([]byte, error)   { return os.ReadFile(name) }
func (anywhere) Rename(from, to string) error           { return os.Rename(from, to) }
func (anywhere) Remove(name string) error               { return os.Remove(name) }
func (anywhere) OpenFile(name string, flag int, perm fs.FileMode) (*os.File, error) {
	return os.OpenFile(name, flag, perm)
}

// where gives the disk on which a file is, and its path there.
func (f File) where() (disk, string, error) {
	if f.Folder != nil {
		return f.Folder, f.Path, nil
	}
	path, err := filepath.EvalSymlinks(f.Path)
	return anywhere{}, path, err
}

// rewriting is new text for files, written beside them.
type rewriting struct {
	// warnings say what the user may not expect of the new files.
	warnings []string
	// holding are folders that the caller has locked.
	holding []os.FileInfo

	mu    sync.Mutex
	files []staged
}

type staged struct {
	disk
	// path is where the file really is; the File has the name that the user gave.
	path, temporary string
	File
}

// Rewrite writes the new text of files beside them and then puts it in their place.
// In between, before is told what the user may not expect of the new files. If
// anything fails or a signal ends the program, nothing is changed and nothing left
// behind; of a failure half way, the error says what could not be put back.
func Rewrite(files []File, before func(warnings []string) error) error {
	return new(Hold).Rewrite(files, before)
}

// Rewrite does it in the folder that is held, and in others.
func (h *Hold) Rewrite(files []File, before func(warnings []string) error) error {
	s := &rewriting{holding: h.locked}
	defer s.guard()()
	defer s.discard()
	swept := map[place]bool{}
	for _, f := range files {
		if err := s.stage(f, swept); err != nil {
			return fmt.Errorf("rewriting %s: %w; nothing is changed", f.Path, err)
		}
	}
	if err := before(s.warnings); err != nil {
		return err
	}
	return s.commit()
}

// guard removes what was staged when a signal ends the program, until release.
func (s *rewriting) guard() (release func()) {
	signals, done := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	go func() {
		select {
		case sig := <-signals:
			s.mu.Lock() // a commit that has begun goes on to its end
			s.remove()
			os.Exit(128 + int(sig.(syscall.Signal))) // as a shell has it
		case <-done:
		}
	}()
	return func() {
		signal.Stop(signals)
		close(done)
	}
}

// place is a folder on a disk.
type place struct {
	disk
	folder string
}

func (s *rewriting) stage(f File, swept map[place]bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	on, path, err := f.where()
	if err != nil {
		return err
	}
	info, err := on.Lstat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return errors.New("it is not a regular file")
	}
	in := place{on, filepath.Dir(path)}
	if !swept[in] {
		swept[in] = true
		in.sweep()
	}
	one := staged{disk: on, path: path, File: f}
	if one.temporary, err = one.beside(f.Is, info); err != nil {
		return err
	}
	s.files = append(s.files, one)
	if n := links(info); n > 1 {
		s.warnings = append(s.warnings, fmt.Sprintf("%s: the file has %d hard links, and the others keep the old text", f.Path, n))
	}
	return nil
}

// beside writes a temporary file into the folder of a file, with the mode and the owner
// that this has.
func (f staged) beside(text []byte, like fs.FileInfo) (temporary string, err error) {
	temporary = filepath.Join(filepath.Dir(f.path), temporaryName())
	file, err := f.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	_, err = file.Write(text)
	// The owner first: changing it takes set-uid away.
	err = errors.Join(err, own(file, like), file.Chmod(like.Mode()), file.Sync(), file.Close())
	if err != nil {
		return "", errors.Join(err, f.Remove(temporary))
	}
	return temporary, nil
}

// commit puts the new texts in the place of the files. If that fails half way, the
// files before get their old texts back, as far as possible.
func (s *rewriting) commit() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	committing.Lock()
	defer committing.Unlock()
	defer s.lock()()
	for _, f := range s.files {
		if err := f.holds(f.Was); err != nil {
			return fmt.Errorf("rewriting %s: %w; nothing is changed", f.Path, err)
		}
	}
	for i, f := range s.files {
		err := f.holds(f.Was)
		if err == nil {
			err = f.Rename(f.temporary, f.path)
		}
		if err != nil {
			before := s.files[:i]
			s.files = s.files[i:]
			return putBack(before, fmt.Errorf("rewriting %s: %w", f.Path, err))
		}
	}
	s.files = nil
	return nil
}

// putBack gives files their old texts again after something has failed, and says of
// that which it could not.
func putBack(files []staged, failed error) error {
	var stay []error
	for _, f := range files {
		if err := f.putBack(); err != nil {
			stay = append(stay, fmt.Errorf("%s stays rewritten, since putting it back failed: %w", f.Path, err))
		}
	}
	if stay == nil {
		return fmt.Errorf("%w; nothing is changed", failed)
	}
	return errors.Join(append([]error{failed}, stay...)...)
}

func (f staged) putBack() error {
	if err := f.holds(f.Is); err != nil {
		return err
	}
	info, err := f.Lstat(f.path)
	if err != nil {
		return err
	}
	kept, err := f.beside(f.Was, info)
	if err != nil {
		return err
	}
	if err := f.Rename(kept, f.path); err != nil {
		return errors.Join(err, f.Remove(kept))
	}
	return nil
}

// holds gives an error if the file holds another text.
func (f staged) holds(expected []byte) error {
	text, err := f.ReadFile(f.path)
	if err == nil && !bytes.Equal(text, expected) {
		return ErrChanged
	}
	return err
}

func (s *rewriting) discard() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.remove()
}

func (s *rewriting) remove() {
	for _, f := range s.files {
		_ = f.Remove(f.temporary) // a later run tries again
	}
}
