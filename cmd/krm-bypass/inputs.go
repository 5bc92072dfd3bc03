package main

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/krm-bypass/krm-bypass/cmd/internal/function"
	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/argocd"
	"github.com/krm-bypass/krm-bypass/internal/kustomization"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/spec"
	"github.com/krm-bypass/krm-bypass/internal/terminal"
)

// standardInput is the path that stands for standard input.
const standardInput = "-"

// inputs are the manifests that a command gets, and how to read them.
type inputs struct {
	spec, namespace, mesh, image string
	// app is the application that Argo CD has rendered, if it is Argo CD that
	// runs the command.
	app argocd.Application
	// asFiles reads a kustomization as the files in its folder, and does not
	// build it.
	asFiles bool
	// working shows what is being done; it may be nil.
	working *progress
}

// addFlags adds the flags that say how to read manifests. Under Argo CD, the
// application's parameters set them.
func (in *inputs) addFlags(cmd *cobra.Command) {
	cmd.PreRunE = in.adopt
	cmd.Flags().StringVar(&in.spec, "spec", "",
		"file with the ClusterBypass (default the one among the manifests, or those that the kustomization lists)")
	cmd.Flags().StringVar(&in.mesh, "mesh", "", "mesh, instead of spec.mesh")
	cmd.Flags().StringVar(&in.image, "image", "", "image of the init container, instead of spec.enforcement.image")
	addNamespaceFlag(cmd, &in.namespace)
}

func (in *inputs) options() fn.Options {
	return fn.Options{Namespace: in.namespace, Mesh: in.mesh, Image: in.image}
}

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
	for _, name := range slices.Sorted(maps.Keys(app.Parameters)) {
		if flag := cmd.Flags().Lookup(name); flag.Changed {
			return fmt.Errorf("parameter %s of application %s: whoever installed the plugin set --%s=%s: remove the parameter from the Application", name, app.Name, name, flag.Value)
		}
		if err := cmd.Flags().Set(name, app.Parameters[name]); err != nil {
			return fmt.Errorf("parameter %s of application %s: %w", name, app.Name, err)
		}
	}
	if _, known := mesh.ByName(in.mesh); in.mesh != "" && !known {
		return fmt.Errorf("%s: %q is not known: write one of %s", in.origin(argocd.Mesh), in.mesh, strings.Join(mesh.Names(), ", "))
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

// readSpec reads the file that --spec names, nil if it names none. The author of
// an Application may name files of its repository only, because error messages
// would show the content of any other.
func (in *inputs) readSpec() (*fn.Manifest, error) {
	switch {
	case in.spec == "":
		return nil, nil
	case in.app.Parameters[argocd.Spec] == "":
		text, err := os.ReadFile(in.spec)
		if err != nil {
			return nil, fmt.Errorf("reading the spec: %w", err)
		}
		return &fn.Manifest{Path: in.spec, Text: text}, nil
	}
	folder, err := workingFolder()
	if err != nil {
		return nil, fmt.Errorf("reading the spec: %w", err)
	}
	repository, err := os.OpenRoot(argocd.Repository(folder))
	if err != nil {
		return nil, fmt.Errorf("reading the spec: %w", err)
	}
	defer repository.Close() //nolint:errcheck // it is only read
	path, err := filepath.Rel(repository.Name(), filepath.Join(folder, in.spec))
	if err != nil || filepath.IsAbs(in.spec) {
		path = in.spec
	}
	text, err := repository.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%s: cannot read %q in the repository: name a file by its path from the application's folder (%w)", in.origin(argocd.Spec), in.spec, err)
	}
	return &fn.Manifest{Path: in.spec, Text: text}, nil
}

// workingFolder gives the working directory, without links.
func workingFolder() (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(folder)
}

// group is a set of manifests to which the same specs apply.
type group struct {
	files []fn.Manifest
	// specs apply one after the other; nil means the one among the files.
	specs []*fn.Spec
	// built says that the first file is the output of a kustomization; the others
	// are not part of that.
	built bool
	// within are the specs that applied during the build, such as those of
	// components, each with the resources at that point.
	within []group
}

// read reads files, folders, kustomizations and standard input. One error names
// everything that cannot be read; skipped says what read passed over.
func (in *inputs) read(cmd *cobra.Command, paths []string) (groups []group, skipped []string, err error) {
	spec, err := in.readSpec()
	if err != nil {
		return nil, nil, err
	}
	plain := group{specs: []*fn.Spec{nil}}
	if spec != nil {
		plain.specs[0] = fn.SpecIn(*spec)
	}
	var files []string
	for _, path := range paths {
		switch {
		case path == standardInput:
			in.working.say("reading standard input")
			text, err := io.ReadAll(cmd.InOrStdin())
			if err != nil {
				return nil, nil, fmt.Errorf("reading standard input: %w", err)
			}
			plain.files = append(plain.files, fn.Manifest{Path: "standard input", Text: object.Unmarked(text)})
		case !in.asFiles && kustomization.File(path) != "":
			built, notes, err := in.build(cmd, path, spec)
			if err != nil {
				return nil, nil, err
			}
			groups = append(groups, built)
			skipped = append(skipped, notes...)
		default:
			files = append(files, path)
		}
	}
	in.working.say("reading files")
	read, notes, err := readManifests(files)
	if err != nil {
		return nil, nil, err
	}
	plain.files = append(plain.files, read...)
	if len(plain.files) > 0 {
		groups = append([]group{plain}, groups...)
	}
	return groups, append(skipped, notes...), nil
}

// build builds a kustomization.
func (in *inputs) build(cmd *cobra.Command, path string, given *fn.Manifest) (g group, notes []string, err error) {
	in.working.say("building %s", path)
	var root string
	if in.app.Name != "" {
		folder, err := workingFolder()
		if err != nil {
			return group{}, nil, fmt.Errorf("building %s: %w", path, err)
		}
		root = argocd.Repository(folder)
	}
	var within []group
	built, err := kustomization.Build(path, kustomization.Options{
		Root:   root,
		Ignore: given != nil,
		IsSpec: spec.Configures,
		GiveUp: func(reason error) { os.Exit(function.Exit(reason, cmd.ErrOrStderr())) },
		Apply: func(listed fn.Manifest, resources []byte) ([]byte, error) {
			files, results, err := fn.Manifests(fn.SpecIn(listed), []fn.Manifest{{Path: path, Text: resources}}, in.options())
			fmt.Fprint(cmd.ErrOrStderr(), results.Report())
			if err != nil {
				return nil, function.ErrReported
			}
			within = append(within, group{files: []fn.Manifest{{Path: path, Text: resources}}, specs: []*fn.Spec{fn.SpecIn(listed)}, built: true})
			return files[0].Text, nil
		},
	})
	if err != nil {
		return group{}, nil, err
	}
	g = group{files: append([]fn.Manifest{{Path: path, Text: built.Text}}, built.Among...), built: true, within: within}
	switch {
	case given != nil:
		g.specs = []*fn.Spec{fn.SpecIn(*given)}
		for _, one := range built.Ignored {
			if !bytes.Equal(one.Text, given.Text) {
				notes = append(notes, fmt.Sprintf("%s: not applied although the kustomization %s lists it, because --spec gives %s", one.Path, path, given.Path))
			}
		}
	case built.Listed:
		for _, one := range built.Specs {
			g.specs = append(g.specs, fn.SpecIn(one))
		}
	default:
		g.specs = []*fn.Spec{nil}
	}
	return g, notes, nil
}

// apply applies the specs of a group to its files.
func (g group) apply(options fn.Options) (files []fn.Manifest, results fn.Results, err error) {
	files = g.files
	for _, spec := range g.specs {
		if spec == nil && g.isEmpty() {
			continue
		}
		var said fn.Results
		files, said, err = fn.Manifests(spec, files, options)
		results = append(results, said...)
		if err != nil {
			return g.files, results, err
		}
	}
	if !g.built {
		return files, results, nil
	}
	files = slices.Clone(files[:1])
	if files[0].Text, err = kustomization.Formatted(g.files[0].Text, files[0].Text); err != nil {
		return g.files, results, fmt.Errorf("formatting what %s builds: %w", files[0].Path, err)
	}
	return files, results, nil
}

// isEmpty says whether there is nothing to apply a spec to. Helm sends nothing to
// its post-renderer if a chart renders to nothing.
func (g group) isEmpty() bool {
	return !slices.ContainsFunc(g.files, func(f fn.Manifest) bool { return len(bytes.TrimSpace(f.Text)) > 0 })
}

// tell writes messages about the inputs to standard error.
func tell(cmd *cobra.Command, severity string, messages ...string) {
	for _, message := range messages {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s: %s\n", severity, terminal.Line(message))
	}
}
