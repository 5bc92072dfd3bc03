package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/krm-bypass/krm-bypass/cmd/internal/function"
	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/inplace"
	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/registry"
	"github.com/krm-bypass/krm-bypass/internal/spec"
)

const pinHelp = `pin asks the registry which image stands behind the tag in a spec, and writes its
digest into the spec's file: name:tag becomes name:tag@sha256:..., and no other
byte changes. Running it again updates the digest to whatever the tag points to at
that time. If a spec names no image, a release of krm-bypass writes the image that
was published with it; any other build says what to write.

The registry is asked twice, and must answer the same, with the credentials of
docker login or podman login. FILE may be the folder of a kustomization that lists
the spec. The digest is that of the manifest which it sends,
whatever it says of it, and only of the manifest or index of an image. Where
anything is wrong, no file is changed. No other command of krm-bypass asks a
registry; with requireDigest: true under spec.enforcement, all of them refuse an
image without a digest.

With --check nothing is written, and the exit code is 1 where pin would change a
file.`

// publishedImage is the init container's image that was published with this
// build, with its digest. The linker sets it for a release (make PUBLISHED=);
// other builds know none.
var publishedImage string

func pinCommand() *cobra.Command {
	var check bool
	cmd := &cobra.Command{
		Use:   "pin FILE...",
		Short: "Write the digest of the init container's image into a spec",
		Long:  pinHelp,
		Args:  need("reads the files of specs: name some", "bypass.yaml"),
		RunE:  func(cmd *cobra.Command, args []string) error { return pin(cmd, args, check) },
	}
	cmd.Flags().BoolVar(&check, "check", false, "change nothing, and fail where something would be changed")
	return cmd
}

// registryPatience bounds how long registries are waited for, all in all.
const registryPatience = time.Minute

func pin(cmd *cobra.Command, paths []string, check bool) error {
	ctx, cancel := context.WithTimeout(cmd.Context(), registryPatience)
	defer cancel()
	resolve := once(func(image string) (string, error) { return registry.Pin(ctx, image) })

	paths, err := listedFiles(paths)
	if err != nil {
		return err
	}
	var changed []inplace.File
	var done []spec.Pinned
	failed := false
	for _, path := range paths {
		text, err := specFile(path)
		if err != nil {
			return err
		}
		file, found, err := spec.Pin(fn.Manifest{Path: path, Text: text}, publishedImage, resolve)
		var problems spec.Problems
		if errors.As(err, &problems) {
			for _, p := range problems {
				tell(cmd, "error", p.Error())
			}
			failed = true
			continue
		}
		done = append(done, found...)
		if !bytes.Equal(file.Text, text) {
			changed = append(changed, inplace.File{Path: path, Was: text, Is: file.Text})
		}
	}
	if failed {
		return function.ErrReported
	}
	if check {
		return checkPins(cmd, done)
	}
	var said bytes.Buffer
	for _, p := range done {
		fmt.Fprintf(&said, "%s:%d: %s\n", p.File, p.Line, p.Is)
	}
	if function.IsClosed(cmd.OutOrStdout()) {
		return output(cmd, said.Bytes())
	}
	if err := rewrite(cmd, changed, nil); err != nil {
		return err
	}
	return output(cmd, said.Bytes()) // once it is true
}

// listedFiles puts the files that the kustomization of a folder lists in the folder's place.
func listedFiles(paths []string) (files []string, err error) {
	var in inputs
	for _, path := range paths {
		dir := kustomizationOf(path)
		if dir == "" {
			files = append(files, path)
			continue
		}
		specs, err := in.specsOf(dir)
		if err != nil {
			return nil, err
		}
		for _, one := range specs {
			if one.Made {
				return nil, fmt.Errorf("reading the spec: %s changes it, so that its image may stand in several files: name the one to write it into", one.Path)
			}
			if !slices.Contains(files, one.Path) { // which may hold several
				files = append(files, one.Path)
			}
		}
	}
	return files, nil
}

// checkPins says what pin would change.
func checkPins(cmd *cobra.Command, pins []spec.Pinned) error {
	failed := false
	for _, p := range pins {
		if p.Was == p.Is {
			continue
		}
		failed = true
		if p.Was == "" {
			tell(cmd, "error", fmt.Sprintf("%s:%d: spec.enforcement.image: missing: krm-bypass pin %s writes %s", p.File, p.Line, p.File, p.Is))
			continue
		}
		_, digest, _ := strings.Cut(p.Is, "@")
		state := "has no digest"
		if _, was, digested := strings.Cut(p.Was, "@"); digested {
			state = "has the digest " + was
		}
		tell(cmd, "error", fmt.Sprintf("%s:%d: spec.enforcement.image: %q %s, and the registry has %s: krm-bypass pin %s writes it", p.File, p.Line, p.Was, state, digest, p.File))
	}
	if failed {
		return function.ErrReported
	}
	return nil
}

// once has each image resolved once, so that all files get the same.
func once(resolve func(string) (string, error)) func(string) (string, error) {
	known := map[string]func() (string, error){}
	return func(image string) (string, error) {
		if known[image] == nil {
			known[image] = sync.OnceValues(func() (string, error) { return resolve(image) })
		}
		return known[image]()
	}
}
