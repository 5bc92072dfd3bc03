package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/krm-bypass/krm-bypass/cmd/internal/function"
	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/report"
	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/bounded"
	"github.com/krm-bypass/krm-bypass/internal/inventory"
	"github.com/krm-bypass/krm-bypass/internal/kustomization"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/spec"
)

// importable are the texts that import reads.
type importable struct {
	files []inventory.File
	uses  map[string]fn.Use
	// made gives the files that kustomize made documents from.
	made    map[string]func(document int) *fn.Original
	skipped []string
}

// readImportable reads files, folders, kustomizations and standard input. strip says that
// what is imported is taken out of the files, which then have to be there.
func readImportable(cmd *cobra.Command, paths []string, rewriting string) (*importable, error) {
	all := &importable{made: map[string]func(int) *fn.Original{}}
	var files, folders []string
	for _, path := range paths {
		isBuilt := path != standardInput && kustomization.File(path) != ""
		switch {
		case path == standardInput && rewriting != "":
			return nil, fmt.Errorf("%[1]s: standard input cannot be rewritten: name the files, or import without %[1]s", rewriting)
		case path == standardInput:
			text, err := bounded.Read(report.StandardInput, cmd.InOrStdin())
			if err != nil {
				return nil, fmt.Errorf("reading standard input: %w", err)
			}
			if len(bytes.TrimSpace(text)) == 0 {
				return nil, errEmpty("import")
			}
			all.add(report.StandardInput, object.Unmarked(text), (&inputs{from: "."}).noted(text))
		case isBuilt && rewriting != "":
			return nil, fmt.Errorf("%[3]s: %[1]s is a kustomization, and what it builds stands in none of its files: name the files of the workloads (of an overlay, those of its bases), as in krm-bypass import %[3]s %[2]s, or import it without %[3]s, which tells where each setting stands", path, filepath.Join(path, "*.yaml"), rewriting)
		case isBuilt:
			if err := all.build(cmd, path); err != nil {
				return nil, err
			}
		default:
			files = append(files, path)
			if isDir(path) {
				folders = append(folders, filepath.Clean(path))
			}
		}
	}
	read, err := reading{foreign: true}.manifests(files)
	if err != nil {
		return nil, err
	}
	all.files, all.skipped, all.uses = append(all.files, read.files...), append(all.skipped, read.skipped...), read.uses
	if says := read.unbuiltIn(folders, nil).Says(calling("import", nil)); says != "" {
		all.skipped = append(all.skipped, says)
	}
	for path := range all.made {
		all.uses[path] = fn.Use{Resource: path} // kustomize has made a resource of it
	}
	return all, nil
}

func (i *importable) add(path string, text []byte, made func(document int) *fn.Original) {
	i.files = append(i.files, inventory.File{Path: path, Text: text})
	if made != nil {
		i.made[path] = made
	}
}

// build builds a kustomization without the specs that it lists: they are made of what is
// imported, or will be.
func (i *importable) build(cmd *cobra.Command, path string) error {
	built, err := kustomization.Build(path, kustomization.Options{
		Ignore: true,
		Into:   "import -",
		IsSpec: spec.Configures,
		GiveUp: func(reason error) { os.Exit(function.Exit(reason, cmd.ErrOrStderr())) },
	})
	if err != nil {
		return err
	}
	// One among the resources that is printed is told as any other.
	for _, one := range built.Ignored {
		i.skipped = append(i.skipped, fmt.Sprintf("%s: %s lists this ClusterBypass, and import does not read it: merge the two by hand", one.Path, path))
	}
	if !built.Printed {
		for _, one := range built.Among {
			i.skipped = append(i.skipped, fmt.Sprintf("%s: this file holds a ClusterBypass already, which import does not read: merge the two by hand", one.Path))
		}
	}
	var files originals
	i.add(path, built.Text, func(document int) *fn.Original {
		file := built.Source(document)
		if file.Path == "" {
			return nil
		}
		return files.of(file.Path, func() *fn.Original { return fn.OriginalOf(file) })
	})
	return nil
}
