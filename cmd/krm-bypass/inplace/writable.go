package inplace

import (
	"errors"
	"os"
	"path/filepath"
)

// Writable says why Rewrite could not write a file below a folder.
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
