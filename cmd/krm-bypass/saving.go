package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/inplace"
	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/page"
)

// specTarget is the one file that the page writes.
type specTarget struct {
	// name is what the user calls it, path where it is below the folder, without links.
	name, path string
	folder     *os.Root
	// never says why it is not written, whatever becomes of it.
	never error
}

// targetOf finds the file of a specification below the working folder. It is the same
// file for as long as the program runs, whatever becomes of links.
func targetOf(name string) specTarget {
	t := specTarget{name: name}
	here, err := workingFolder()
	if err == nil {
		t.folder, err = os.OpenRoot(here)
	}
	if err != nil {
		t.never = fmt.Errorf("the working folder cannot be read: %w", err)
		return t
	}
	t.path, t.never = belowHere(name)
	return t
}

// belowHere gives the path of a file from the working folder, without links. It is an
// error if the file is elsewhere.
func belowHere(name string) (path string, err error) {
	here, err := workingFolder()
	if err != nil {
		return "", fmt.Errorf("the working folder cannot be read: %w", err)
	}
	real, err := realPath(name)
	if err != nil {
		return "", err
	}
	if path, err = filepath.Rel(here, real); err != nil || !filepath.IsLocal(path) {
		return "", fmt.Errorf("%s is not below the working folder %s, and nothing else is written: start krm-bypass ui in the folder that holds it", real, here)
	}
	return path, nil
}

// locked says why the file cannot be written, "" if it can.
func (t *specTarget) locked() string {
	err := t.never
	if err == nil {
		err = inplace.Writable(t.folder, t.path)
	}
	if err == nil {
		return ""
	}
	return fmt.Sprintf("%s cannot be written here: %v", t.name, err)
}

// Save writes a text into the specification's file, unless that was changed meanwhile.
func (t *tree) Save(was, is []byte) error {
	if t.target.folder == nil {
		return errors.New(t.none)
	}
	if why := t.target.locked(); why != "" {
		return errors.New(why)
	}
	file := inplace.File{Path: t.target.path, Was: was, Is: is, Folder: t.target.folder}
	err := inplace.Rewrite([]inplace.File{file}, func([]string) error { return nil })
	if errors.Is(err, inplace.ErrChanged) {
		return page.ErrChanged
	}
	return err
}
