package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/krm-bypass/krm-bypass/cmd/internal/function"
	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/argocd"
	"github.com/krm-bypass/krm-bypass/internal/each"
	"github.com/krm-bypass/krm-bypass/internal/kustomization"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/spec"
)

// adopt takes over what Argo CD says about its application, whose parameters have
// the names of flags.
func (in *inputs) adopt(cmd *cobra.Command, paths []string) error {
	// What comes through a pipe is another program's, which may have parameters
	// too.
	app, err := argocd.Read(os.Getenv, slices.Contains(paths, standardInput))
	if err != nil {
		return err
	}
	in.app = app
	in.reading.mayBeEmpty = app.Name != "" // render says what that means to Argo CD
	for _, name := range slices.Sorted(maps.Keys(app.Parameters)) {
		if flag := cmd.Flags().Lookup(name); flag.Changed {
			return fmt.Errorf("parameter %s of application %s: whoever installed the plugin set --%s=%s: remove the parameter from the Application", name, app.Name, name, strings.Trim(flag.Value.String(), "[]"))
		}
		if err := cmd.Flags().Set(name, app.Parameters[name]); err != nil {
			return fmt.Errorf("parameter %s of application %s: %w", name, app.Name, err)
		}
	}
	if _, known := mesh.ByName(in.mesh); in.mesh != "" && !known {
		return fmt.Errorf("%s: %s", in.origin(argocd.Mesh), mesh.Refusal(in.mesh))
	}
	return nil
}

// origin says where the value of a flag comes from.
func (in *inputs) origin(flag string) string {
	if in.app.Parameters[flag] != "" {
		return fmt.Sprintf("parameter %s of application %s", flag, in.app.Name)
	}
	return "--" + flag
}

// readSpecs reads the files that --spec names.
func (in *inputs) readSpecs() ([]fn.Manifest, error) {
	read := specFile
	if in.app.Parameters[argocd.Spec] != "" {
		read = in.readInRepository
	}
	var specs []fn.Manifest
	for _, path := range in.specs {
		if path == "" {
			continue // an unset variable of a script
		}
		if dir := kustomizationOf(path); dir != "" && in.app.Parameters[argocd.Spec] == "" {
			made, err := in.specsOf(dir)
			if err != nil {
				return nil, err
			}
			specs = append(specs, made...)
			continue
		}
		in.reading.looksAt(path)
		real, _ := realPath(path) // reading says why
		text, err := in.reading.text(real, func() ([]byte, error) { return read(path) })
		if err != nil {
			return nil, err
		}
		specs = append(specs, fn.Manifest{Path: path, Text: text})
	}
	if in.earlier { // which is as it is
		return specs, nil
	}
	return specs, distinct(specs)
}

// kustomizationOf gives the folder of a kustomization, which may itself be named; "" for
// any other path.
func kustomizationOf(path string) string {
	switch {
	case kustomization.File(path) != "":
		return path
	case kustomization.Is(path) && kustomization.File(filepath.Dir(path)) != "":
		return filepath.Dir(path)
	}
	return ""
}

// specsOf gives the specifications that the kustomization of a folder comes to.
func (in *inputs) specsOf(dir string) ([]fn.Manifest, error) {
	specs, err := kustomization.Specs(dir, kustomization.Options{
		Text: in.reading.texts(), Saw: in.reading.saw, IsSpec: spec.Configures,
		GiveUp: func(reason error) { os.Exit(function.Exit(reason, os.Stderr)) },
	})
	if err != nil {
		return nil, fmt.Errorf("reading the spec: %w", err)
	}
	return each.As(specs, func(one kustomization.Spec) fn.Manifest { return one.File }), nil
}

// readInRepository reads a file that the author of an Application names: one of its
// repository, because error messages would show the content of any other.
func (in *inputs) readInRepository(name string) ([]byte, error) {
	folder, err := workingFolder()
	if err != nil {
		return nil, fmt.Errorf("reading the spec: %w", err)
	}
	repository, err := os.OpenRoot(argocd.Repository(folder))
	if err != nil {
		return nil, fmt.Errorf("reading the spec: %w", err)
	}
	defer repository.Close() //nolint:errcheck // it is only read
	path, err := filepath.Rel(repository.Name(), filepath.Join(folder, name))
	if err != nil || filepath.IsAbs(name) {
		path = name
	}
	text, err := repository.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%s: cannot read %q in the repository: name a file by its path from the application's folder (%w)", in.origin(argocd.Spec), name, err)
	}
	return text, nil
}

// workingFolder gives the working directory, without links.
func workingFolder() (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(folder)
}
