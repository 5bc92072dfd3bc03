package inplace

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
)

// ErrChanged says that a file holds another text than expected.
var ErrChanged = errors.New("another program has changed it meanwhile")

// Writable says why Replace could not write a file below a folder.
func Writable(folder *os.Root, path string) error {
	info, err := folder.Lstat(path)
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return errors.New("it is not a regular file")
	case info.Mode().Perm()&0o222 == 0: // whatever root may do
		return errors.New("nobody may write it: chmod u+w")
	}
	file, err := folder.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	parent, err := folder.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer parent.Close() //nolint:errcheck // it is only looked at
	return mayCreateIn(parent)
}

// Replace gives a regular file below a folder a new text, whole or not at all, with its
// mode and owner. It does so only if the file holds what it did: otherwise the error is
// ErrChanged. No link leads it out of the folder, whenever that is made.
func Replace(folder *os.Root, path string, was, is []byte) error {
	info, err := folder.Lstat(path)
	if err != nil {
		return fmt.Errorf("saving: %w", err)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("saving %s: it is not a regular file", path)
	}
	if err := holds(folder, path, was); err != nil {
		return err
	}
	temporary := filepath.Join(filepath.Dir(path), fmt.Sprintf(".krm-bypass-%d-%d.tmp", os.Getpid(), rand.Uint32()))
	file, err := folder.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("saving: %w", err)
	}
	_, err = file.Write(is)
	// The owner first: changing it takes set-uid away.
	err = errors.Join(err, own(file, info), file.Chmod(info.Mode()), file.Sync(), file.Close())
	if err == nil {
		err = holds(folder, path, was)
	}
	if err == nil {
		err = folder.Rename(temporary, path)
	}
	if err != nil {
		return errors.Join(err, folder.Remove(temporary))
	}
	return nil
}

func holds(folder *os.Root, path string, expected []byte) error {
	text, err := folder.ReadFile(path)
	if err == nil && !bytes.Equal(text, expected) {
		return ErrChanged
	}
	return err
}
