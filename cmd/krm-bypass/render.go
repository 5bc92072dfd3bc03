package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/cmd/internal/function"
	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/inventory"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

const renderHelp = `render applies a ClusterBypass to manifests and prints them, in one process and
with nothing that could be skipped: for kubectl apply -f -, as Helm's
post-renderer, as an Argo CD plugin, in a pipeline.

PATH is a file, a folder, or - for standard input. A folder with a
kustomization is built, as kustomize build does it, but in this process:
kustomize's builtin plugins and no others, nothing fetched, nothing executed.
Of any other folder all .yaml, .yml and .json files below it that are not
hidden are read.

The specification is --spec. Without it, it is the one ClusterBypass among the
manifests, or those that the kustomization lists under transformers, applied
where they stand.

Where Argo CD runs it, the application's parameters spec, mesh and image stand for
the flags of these names, and an application that renders to nothing is an error.

Objects that are local configuration, the ClusterBypass among them, are not
printed. Where anything is wrong, nothing is printed and nothing is written. An
empty input gives an empty output.

With --in-place the files are rewritten instead, those alone that change, and in
them nothing but what the specification asks for; with --diff the difference is
printed. Both read a kustomization's folder as files.`

func renderCommand() *cobra.Command {
	var in inputs
	var inPlace, showDiff bool
	cmd := &cobra.Command{
		Use:   "render PATH...|-",
		Short: "Apply a ClusterBypass to manifests and print them",
		Long:  renderHelp,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("render reads files, folders or standard input: name some, as in krm-bypass render manifests/ --spec bypass.yaml, or - for standard input")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			in.asFiles = inPlace || showDiff
			if in.asFiles {
				return rewriteFiles(cmd, in, args, showDiff)
			}
			return printRendered(cmd, in, args)
		},
	}
	in.addFlags(cmd)
	cmd.Flags().BoolVar(&inPlace, "in-place", false, "rewrite the files instead of printing them")
	cmd.Flags().BoolVar(&showDiff, "diff", false, "print the difference that --in-place would make")
	cmd.MarkFlagsMutuallyExclusive("in-place", "diff")
	return cmd
}

// rendered applies the specs to all that is read. What there is to say has been
// said when it returns.
func rendered(cmd *cobra.Command, in inputs, paths []string) (was, is []fn.Manifest, err error) {
	was, is, said, err := renderGroups(cmd, in, paths)
	tell(cmd, "warning", said.skipped)
	fmt.Fprint(cmd.ErrOrStderr(), said.results.Report())
	switch {
	case err != nil:
		return nil, nil, err
	case said.results.Failed():
		return nil, nil, function.ErrReported
	}
	return was, is, nil
}

// sayings are what there is to say of a rendering.
type sayings struct {
	skipped []string
	results fn.Results
}

func renderGroups(cmd *cobra.Command, in inputs, paths []string) (was, is []fn.Manifest, said sayings, err error) {
	in.working = newProgress(cmd.ErrOrStderr())
	defer in.working.end()
	groups, skipped, err := in.read(cmd, paths)
	if err != nil {
		return nil, nil, said, err
	}
	said.skipped = skipped
	options := in.options()
	options.Progress = func(done, total int) { in.working.say("rendering: %d of %d objects", done, total) }
	for _, g := range groups {
		files, results, err := g.apply(options)
		if err != nil && !errors.Is(err, fn.ErrFailed) {
			return nil, nil, said, err
		}
		said.results = append(said.results, results...)
		was, is = append(was, g.files[:len(files)]...), append(is, files...)
	}
	return was, is, said, nil
}

func printRendered(cmd *cobra.Command, in inputs, paths []string) error {
	_, files, err := rendered(cmd, in, paths)
	if err != nil {
		return err
	}
	var texts [][]byte
	var problems fn.Results
	for _, f := range files {
		text, wrong := fn.Applicable(f)
		texts = append(texts, text)
		problems = append(problems, wrong...)
	}
	if problems.Failed() {
		fmt.Fprint(cmd.ErrOrStderr(), problems.Report())
		return function.ErrReported
	}
	output := joined(texts)
	if in.app.Name != "" && !holdsObject(output) {
		return fmt.Errorf("application %s renders to nothing, and Argo CD would delete all that it has applied of it: delete the Application if that is meant", in.app.Name)
	}
	if len(output) == 0 && os.Getenv("HELM_PLUGIN_NAME") != "" {
		// Helm 4 takes an empty output of its post-renderer for a failure, also
		// where the chart renders to nothing (helm/helm pkg/postrenderer/postrenderer.go).
		output = []byte("# nothing is rendered\n")
	}
	if _, err := cmd.OutOrStdout().Write(output); err != nil {
		return fmt.Errorf("writing standard output: %w", err)
	}
	return nil
}

// holdsObject says whether a stream of documents holds more than comments.
func holdsObject(stream []byte) bool {
	for _, d := range yamltext.Documents(stream) {
		var value any
		if err := yaml.Unmarshal(d.Text, &value); err != nil || value != nil {
			return true
		}
	}
	return false
}

func rewriteFiles(cmd *cobra.Command, in inputs, paths []string, showDiff bool) error {
	for _, path := range paths {
		if path == standardInput {
			return errors.New("standard input cannot be rewritten: name files or folders")
		}
	}
	was, is, err := rendered(cmd, in, paths)
	if err != nil {
		return err
	}
	var changed []inventory.File
	var differences bytes.Buffer
	for i, f := range is {
		if bytes.Equal(was[i].Text, f.Text) {
			continue
		}
		changed = append(changed, f)
		differences.Write(diff.Diff("a/"+f.Path, was[i].Text, "b/"+f.Path, f.Text))
	}
	if showDiff {
		if _, err := cmd.OutOrStdout().Write(differences.Bytes()); err != nil {
			return fmt.Errorf("writing standard output: %w", err)
		}
		return nil
	}
	rewritten, err := stage(changed)
	if err != nil {
		return err
	}
	return rewritten.commit()
}
