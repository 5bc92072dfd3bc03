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

// File is a file and its new text.
type File struct {
	Path    string
	Was, Is []byte
}

// rewriting is new text for files, written beside them.
type rewriting struct {
	// warnings say what the user may not expect of the new files.
	warnings []string

	mu    sync.Mutex
	files []staged
}

type staged struct {
	// path is where the file really is; the File has the name that the user gave.
	path, temporary string
	File
}

// Rewrite writes the new text of files beside them and then puts it in their place.
// In between, before is told what the user may not expect of the new files. If
// anything fails or a signal ends the program, nothing is changed and nothing left
// behind; of a failure half way, the error says what could not be put back.
func Rewrite(files []File, before func(warnings []string) error) error {
	s := &rewriting{}
	defer s.guard()()
	defer s.discard()
	swept := map[string]bool{}
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

func (s *rewriting) stage(f File, swept map[string]bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	path, err := filepath.EvalSymlinks(f.Path)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return errors.New("it is not a regular file")
	}
	folder := filepath.Dir(path)
	if !swept[folder] {
		swept[folder] = true
		sweep(folder)
	}
	temporary, err := beside(folder, f.Is, info)
	if err != nil {
		return err
	}
	s.files = append(s.files, staged{path, temporary, f})
	if n := links(info); n > 1 {
		s.warnings = append(s.warnings, fmt.Sprintf("%s: the file has %d hard links, and the others keep the old text", f.Path, n))
	}
	return nil
}

// beside writes a temporary file into a folder, with the mode and the owner of
// another file.
func beside(folder string, text []byte, like fs.FileInfo) (temporary string, err error) {
	file, err := os.CreateTemp(folder, pattern())
	if err != nil {
		return "", err
	}
	_, err = file.Write(text)
	// The owner first: changing it takes set-uid away.
	err = errors.Join(err, own(file, like), file.Chmod(like.Mode()), file.Sync(), file.Close())
	if err != nil {
		return "", errors.Join(err, os.Remove(file.Name()))
	}
	return file.Name(), nil
}

// commit puts the new texts in the place of the files. If that fails half way, the
// files before get their old texts back, as far as possible.
func (s *rewriting) commit() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.files {
		if err := f.holds(f.Was); err != nil {
			return fmt.Errorf("rewriting %s: %w; nothing is changed", f.Path, err)
		}
	}
	for i, f := range s.files {
		err := f.holds(f.Was)
		if err == nil {
			err = os.Rename(f.temporary, f.path)
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
	info, err := os.Stat(f.path)
	if err != nil {
		return err
	}
	kept, err := beside(filepath.Dir(f.path), f.Was, info)
	if err != nil {
		return err
	}
	if err := os.Rename(kept, f.path); err != nil {
		return errors.Join(err, os.Remove(kept))
	}
	return nil
}

// holds gives an error if the file holds another text.
func (f staged) holds(expected []byte) error {
	text, err := os.ReadFile(f.path)
	if err == nil && !bytes.Equal(text, expected) {
		return errors.New("another program has changed it meanwhile: run again")
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
		_ = os.Remove(f.temporary) // a later run tries again
	}
}
