package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/krm-bypass/krm-bypass/cmd/internal/function"
	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/inplace"
	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/report"
	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/kustomization"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/object"
)

const renderHelp = `render applies a ClusterBypass to manifests and prints them. It does so in one
process, so it cannot be skipped by accident, as kustomize skips an exec
function: use it before kubectl apply -f -, as Helm's post-renderer, as an Argo
CD plugin, or in a pipeline.

PATH is a file, a folder, or - for standard input. A folder with a kustomization
is built as kustomize build does it, but within this process: with kustomize's
builtin plugins only, fetching nothing and executing nothing. In any other
folder, render reads all .yaml, .yml and .json files, at any depth, except in
hidden folders.

--spec names the specification; with several meshes, give it once for each of their
specifications. Without it, render uses the one ClusterBypass
among the manifests, or those that the kustomization lists under transformers,
and applies them where they are listed.

A file of a folder that cannot be read, such as a link that leads out of it, is an
error. --in-place says on standard error how many files it wrote.

Under Argo CD, the application's parameters spec, mesh and image set the flags of
the same names, and an application that renders to nothing is an error.

With --allow-none a PATH or --spec that is gone is passed over with a warning, and
manifests to which no ClusterBypass applies are printed as they are.

render does not print objects that are local configuration, such as the
ClusterBypass. If anything is wrong, it prints nothing and writes nothing. An
empty input gives an empty output.

With --in-place, render rewrites the files instead. It touches only files that
change, and changes nothing in them but what the specification asks for. What a
kustomization builds stands in no file: name the files to rewrite. With --diff, render
prints the difference instead: for files what --in-place would change, for a
kustomization what it builds with the specification and without.

With --remove NAME, render takes away what the ClusterBypass of that name
wrote, whatever its mesh was, and gives back what stood there before. It reads a
kustomization as the files in its folder. It needs no specification; one that is named
with --spec only tells of more kinds of workloads, by its podTemplates.

If writing fails half way, the files written before get their old texts back;
the error names any that could not.`

const removeFlag = "remove"

func renderCommand() *cobra.Command {
	var in inputs
	var inPlace, showDiff bool
	var gone string
	cmd := &cobra.Command{
		Use:   "render PATH...|-",
		Short: "Apply a ClusterBypass to manifests and print them",
		Long:  renderHelp,
		Args:  needManifests,
		RunE: func(cmd *cobra.Command, args []string) error {
			in.inPlace, in.comparing, in.reading.rewriting = inPlace, showDiff, inPlace || showDiff
			apply := rendered
			if cmd.Flags().Changed(removeFlag) {
				in.asFiles = true
				apply = removing(gone)
			}
			if inPlace || showDiff {
				return rewriteFiles(cmd, in, args, apply, showDiff)
			}
			return printRendered(cmd, in, args, apply)
		},
	}
	in.addPipedFlags(cmd)
	in.addAllowNone(cmd)
	cmd.Flags().BoolVar(&inPlace, "in-place", false, "rewrite the files instead of printing them")
	cmd.Flags().BoolVar(&showDiff, "diff", false, "print what the specification changes, in files or in what a kustomization builds")
	cmd.Flags().StringVar(&gone, removeFlag, "", `name of a ClusterBypass that is gone ("" if it had none): take away what it wrote`)
	allowOne(cmd, "in-place", "diff", allowNoneFlag)
	for _, flag := range []string{"mesh", "image", function.NamespaceFlag, allowNoneFlag} {
		allowOne(cmd, removeFlag, flag)
	}
	return cmd
}

// rendered applies the specs to everything it reads.
func rendered(cmd *cobra.Command, in inputs, paths []string) (was, is []fn.Manifest, err error) {
	var results fn.Results
	foreign := 0
	var blank []string
	err = in.each(cmd, paths, "rendering", func(g group, options fn.Options) error {
		foreign += len(g.foreign)
		blank = append(blank, g.blank()...)
		files, said, err := g.or(in.otherwise).apply(options)
		if err != nil && !errors.Is(err, fn.ErrFailed) {
			return err
		}
		results = append(results, said...)
		before := slices.Clone(g.files[:len(files)])
		if g.without != nil {
			before[0].Text = g.without
		}
		was, is = append(was, before...), append(is, files...)
		return nil
	})
	if !in.reading.rewriting {
		// Printing refuses them.
		results = slices.DeleteFunc(results, func(r fn.Result) bool { return r.Tags[fn.CheckTag] == finding.IncompleteObject.ID })
	}
	fmt.Fprint(cmd.ErrOrStderr(), results.Report())
	if err == nil && results.Failed() {
		err = function.ErrReported
	}
	if err == nil {
		in.tellBlank(cmd, blank, paths)
	}
	if err == nil && function.IsTerminal(cmd.ErrOrStderr()) {
		tell(cmd, "info", report.LeftAlone(results.LeftAlone(), foreign)...)
	}
	return was, is, err
}

// making gives manifests as they were and as they are to be. When it returns, it has
// told the user what there is to say.
type making func(cmd *cobra.Command, in inputs, paths []string) (was, is []fn.Manifest, err error)

func printRendered(cmd *cobra.Command, in inputs, paths []string, apply making) error {
	_, files, err := apply(cmd, in, paths)
	if err != nil {
		return err
	}
	var texts [][]byte
	var problems, unbuilt fn.Results
	for _, f := range files {
		kept, wrong := applicable(f)
		texts = append(texts, kept...)
		if kustomization.Is(f.Path) && !slices.Contains(paths, f.Path) {
			unbuilt = append(unbuilt, wrong...)
		} else {
			problems = append(problems, wrong...)
		}
	}
	if unbuilt.Failed() {
		if says := in.deployed(paths); says != "" {
			unbuilt = fn.Results{{Severity: fn.Error, Message: says}}
		}
		problems = append(problems, unbuilt...)
	}
	if problems.Failed() {
		fmt.Fprint(cmd.ErrOrStderr(), problems.Report())
		return function.ErrReported
	}
	stream := object.Join(texts...)
	if in.app.Name != "" && !holdsObject(stream) {
		return fmt.Errorf("application %s renders to nothing, so Argo CD would delete everything that it applied for it: if you mean that, delete the Application", in.app.Name)
	}
	if len(stream) == 0 && os.Getenv("HELM_PLUGIN_NAME") != "" {
		// Helm 4 takes an empty output of its post-renderer for a failure, also
		// where the chart renders to nothing (helm/helm pkg/postrenderer/postrenderer.go).
		stream = []byte("# nothing is rendered\n")
	}
	return output(cmd, stream)
}

// deployed names what to render of folders that hold kustomizations, "" where none is known.
func (in inputs) deployed(paths []string) string {
	files := slices.DeleteFunc(slices.Clone(paths), func(path string) bool { return path == standardInput || kustomization.File(path) != "" })
	read, err := in.reading.manifests(files)
	if err != nil {
		return ""
	}
	return read.unbuiltIn(files, nil).Says(calling("render", in.specs))
}

// holdsObject reports whether a stream of documents holds more than comments.
func holdsObject(stream []byte) bool {
	return slices.ContainsFunc(object.Documents(stream), func(d object.Document) bool {
		document, err := object.Decode(d.Fragment())
		return err != nil || !node.Of(document).IsNull()
	})
}

func rewriteFiles(cmd *cobra.Command, in inputs, paths []string, apply making, showDiff bool) error {
	if slices.Contains(paths, standardInput) {
		return errors.New("standard input cannot be rewritten: name files or folders instead")
	}
	was, is, err := apply(cmd, in, paths)
	if err != nil {
		return err
	}
	changed := rewritings(was, is)
	if !showDiff {
		if err := rewrite(cmd, changed, nil); err != nil {
			return err
		}
		tell(cmd, "info", rewritten(changed, len(is)))
		return nil
	}
	var differences bytes.Buffer
	for _, f := range changed {
		differences.Write(difference(f.Path, f.Was, f.Is))
	}
	return output(cmd, differences.Bytes())
}

// rewritings are the files that change.
func rewritings(was, is []fn.Manifest) (changed []inplace.File) {
	for i, f := range is {
		if !bytes.Equal(was[i].Text, f.Text) {
			changed = append(changed, inplace.File{Path: f.Path, Was: was[i].Text, Is: f.Text})
		}
	}
	return changed
}
