package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/kustomization"
	"github.com/krm-bypass/krm-bypass/internal/object"
)

// originals are files that documents were made from, each once.
type originals struct {
	mu    sync.Mutex
	files map[string]*fn.Original
}

// of gives a file, with what it is made by when it is first asked for.
func (o *originals) of(path string, make func() *fn.Original) *fn.Original {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, known := o.files[path]; !known {
		if o.files == nil {
			o.files = map[string]*fn.Original{}
		}
		o.files[path] = make()
	}
	return o.files[path]
}

// mostOriginal is how much of a file is read to find lines in.
const mostOriginal = 16 << 20

// noted gives the files that kustomize noted as the origins of documents of a stream,
// by buildMetadata: [originAnnotations]. Anybody may have written such a note: it names
// files in the repository around the working folder, or below that where there is none,
// and of what they hold nothing but the line of an object is told.
func (in *inputs) noted(stream []byte) func(document int) *fn.Original {
	if !bytes.Contains(stream, []byte(object.OriginAnnotation)) {
		return nil
	}
	here, err := workingFolder()
	if err != nil {
		return nil
	}
	top := kustomization.Repository(here)
	documents := sync.OnceValue(func() []object.Document { return object.Documents(stream) })
	var files originals
	return func(document int) *fn.Original {
		nodes, err := object.Decode(documents()[document].Fragment())
		if err != nil {
			return nil
		}
		path := object.HeadOf(nodes).Made()
		if path == "" || filepath.IsAbs(path) {
			return nil
		}
		path = filepath.Join(in.from, path)
		inside, err := filepath.Rel(top, filepath.Join(here, path))
		if err != nil || filepath.IsAbs(in.from) || !filepath.IsLocal(inside) {
			return nil
		}
		return files.of(path, func() *fn.Original {
			text := within(top, inside)
			if text == nil {
				return nil // it is not relative to here
			}
			return fn.OriginalOf(fn.Manifest{Path: path, Text: text})
		})
	}
}

// within reads a regular file in a folder, which links do not leave; nil if it cannot
// be read.
func within(folder, path string) []byte {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil
	}
	defer root.Close() //nolint:errcheck // it is only read
	if info, err := root.Stat(path); err != nil || !info.Mode().IsRegular() {
		return nil
	}
	file, err := root.Open(path)
	if err != nil {
		return nil
	}
	defer file.Close() //nolint:errcheck // it is only read
	text, err := io.ReadAll(io.LimitReader(file, mostOriginal))
	if err != nil || len(text) == mostOriginal {
		return nil
	}
	return text
}
