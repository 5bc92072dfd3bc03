package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/krm-bypass/krm-bypass/cmd/internal/function"
	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/kustomization"
)

// standardInput is the path that stands for standard input.
const standardInput = "-"

// inputs are what a command is given: manifests, and how they are to be read.
type inputs struct {
	spec, namespace string
	// asFiles has a kustomization read as the files in its folder, not built.
	asFiles bool
	// working is told what is being done; it may be nil.
	working *progress
}

// addFlags adds the flags by which manifests are read.
func (in *inputs) addFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&in.spec, "spec", "",
		"file with the ClusterBypass; without it, the one among the manifests, or listed by the kustomization, counts")
	function.AddNamespaceFlag(cmd, &in.namespace)
}

func (in *inputs) options() fn.Options { return fn.Options{Namespace: in.namespace} }

// group is manifests to which the same specs apply.
type group struct {
	files []fn.Manifest
	// specs are applied one after the other; nil stands for the one among the
	// files.
	specs []*fn.Manifest
	// built says that the first of the files is what a kustomization builds,
	// and that the others are no part of it.
	built bool
}

// read reads files, folders, kustomizations and standard input. What cannot be
// read is an error, all of it at once; what is not looked at is told in skipped.
func (in *inputs) read(cmd *cobra.Command, paths []string) (groups []group, skipped []string, err error) {
	var spec *fn.Manifest
	if in.spec != "" {
		text, err := os.ReadFile(in.spec)
		if err != nil {
			return nil, nil, fmt.Errorf("reading the spec: %w", err)
		}
		spec = &fn.Manifest{Path: in.spec, Text: text}
	}
	plain := group{specs: []*fn.Manifest{spec}}
	var files []string
	for _, path := range paths {
		switch {
		case path == standardInput:
			in.working.say("reading standard input")
			text, err := io.ReadAll(cmd.InOrStdin())
			if err != nil {
				return nil, nil, fmt.Errorf("reading standard input: %w", err)
			}
			plain.files = append(plain.files, fn.Manifest{Path: "standard input", Text: text})
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
func (in *inputs) build(cmd *cobra.Command, path string, spec *fn.Manifest) (g group, notes []string, err error) {
	in.working.say("building %s", path)
	built, err := kustomization.Build(path, kustomization.Options{
		Ignore: spec != nil,
		IsSpec: fn.Configures,
		Apply: func(spec fn.Manifest, resources []byte) ([]byte, error) {
			files, results, err := fn.Manifests(&spec, []fn.Manifest{{Path: path, Text: resources}}, in.options())
			fmt.Fprint(cmd.ErrOrStderr(), results.Report())
			if err != nil {
				return nil, function.ErrReported
			}
			return files[0].Text, nil
		},
	})
	if err != nil {
		return group{}, nil, err
	}
	g = group{files: append([]fn.Manifest{{Path: path, Text: built.Text}}, built.Among...), built: true}
	switch {
	case spec != nil:
		g.specs = []*fn.Manifest{spec}
		for _, one := range built.Ignored {
			if !bytes.Equal(one.Text, spec.Text) {
				notes = append(notes, fmt.Sprintf("%s: listed by the kustomization %s, and not applied, since --spec gives %s", one.Path, path, spec.Path))
			}
		}
	case built.Listed:
		for _, one := range built.Specs {
			g.specs = append(g.specs, &one)
		}
	default:
		g.specs = []*fn.Manifest{nil}
	}
	return g, notes, nil
}

// apply applies the specs of a group, and gives its files as they shall be.
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

// isEmpty says that there is nothing to apply a spec to: Helm sends nothing to
// its post-renderer where a chart renders to nothing.
func (g group) isEmpty() bool {
	return !slices.ContainsFunc(g.files, func(f fn.Manifest) bool { return len(bytes.TrimSpace(f.Text)) > 0 })
}

// tell writes what a command has to say of its inputs to standard error.
func tell(cmd *cobra.Command, severity string, messages []string) {
	for _, message := range messages {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s: %s\n", severity, message)
	}
}

// joined gives texts as one stream of documents.
func joined(texts [][]byte) []byte {
	var stream []byte
	for _, text := range texts {
		if len(bytes.TrimSpace(text)) == 0 {
			continue
		}
		if len(stream) > 0 {
			if !bytes.HasSuffix(stream, []byte("\n")) {
				stream = append(stream, '\n')
			}
			if !strings.HasPrefix(string(text), "---") {
				stream = append(stream, "---\n"...)
			}
		}
		stream = append(stream, text...)
	}
	return stream
}
