package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/inplace"
	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/page"
)

// Save writes a text into the specification's file, unless that was changed meanwhile.
func (t *tree) Save(was, is []byte) error {
	if len(t.in.specs) == 0 {
		return errors.New("no file is named with --spec")
	}
	path := t.in.specs[0]
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("saving: %w", err)
	}
	if !bytes.Equal(text, was) {
		return page.ErrChanged
	}
	return inplace.Rewrite([]inplace.File{{Path: path, Was: was, Is: is}}, func([]string) error { return nil })
}

// locked says why the specification's file cannot be written, "" if it can.
func locked(string) string { return "" }
