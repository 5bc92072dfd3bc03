package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/krm-bypass/krm-bypass/cmd/internal/function"
	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/report"
	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/argocd"
	"github.com/krm-bypass/krm-bypass/internal/bounded"
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
	// specs are the files of the specifications, if they are given.
	specs                  []string
	namespace, mesh, image string
	// from is the folder that kustomize built.
	from string
	// app is the application that Argo CD has rendered, if it is Argo CD that
	// runs the command.
	app argocd.Application
	// asFiles reads a kustomization as the files in its folder, and does not
	// build it.
	asFiles bool
	// inPlace is for files that are to be rewritten, and comparing for what was
	// there without any spec, too.
	inPlace, comparing bool
	// judging is for manifests that are looked at and not made: what a kustomization
	// lists is applied, whatever they are compared with.
	judging bool
	reading reading
	// earlier is for a state of which only those errors count that prevent a
	// comparison with it.
	earlier bool
	// standing also reads what stands in files that nobody renders later.
	standing bool
	// renames gives workloads the names that they have in the end, where kustomizations
	// change them after a specification was applied.
	renames bool
	// retold says that what specs say while a kustomization is built is told later.
	retold bool
	// otherwise is the specification that applies where there is none; nil makes that an
	// error.
	otherwise *fn.Spec
	// allowNone passes over paths and specifications that are gone.
	allowNone bool
	// lacks is what the earlier state does not hold, today the names of its paths today.
	lacks lacks
	today map[string]string
	// doubts gets the warnings of what was not read, or is read otherwise than it is
	// deployed; it may be nil.
	doubts *[]string
	// working shows what is being done; it may be nil.
	working *progress
}

// addFlags adds the flags that say how to read manifests. Under Argo CD, the
// application's parameters set them.
func (in *inputs) addFlags(cmd *cobra.Command) {
	cmd.PreRunE = in.adopt
	cmd.Flags().StringArrayVar(&in.specs, "spec", nil,
		"file with the ClusterBypass, or the folder of a kustomization that makes it (default the one among the manifests, or those that the kustomization lists); once for each, where there are several")
	cmd.Flags().StringVar(&in.mesh, "mesh", "", "mesh, instead of spec.mesh")
	completes(cmd, "mesh", mesh.Names())
	cmd.Flags().StringVar(&in.image, "image", "", "image of the init container, instead of spec.enforcement.image")
	addNamespaceFlag(cmd, &in.namespace)
}

// addPipedFlags adds those of commands that read standard input too.
func (in *inputs) addPipedFlags(cmd *cobra.Command) {
	in.addFlags(cmd)
	cmd.Flags().StringVar(&in.from, "built-from", ".", "folder that kustomize built, to which the origins that it notes in standard input are relative")
}

// given is what the flags say beside a specification.
func (in *inputs) given() spec.Given {
	return spec.Given{Namespace: in.namespace, Mesh: in.mesh, Image: in.image}
}

func (in *inputs) options() fn.Options {
	return fn.Options{Namespace: in.namespace, Mesh: in.mesh, Image: in.image}
}

// allowOne refuses two flags of which only one may be given, before cobra does so in
// its own words.
func allowOne(cmd *cobra.Command, names ...string) {
	cmd.MarkFlagsMutuallyExclusive(names...)
	before := cmd.PreRunE
	cmd.PreRunE = func(cmd *cobra.Command, args []string) error {
		given := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !cmd.Flags().Changed(name) })
		if len(given) > 1 {
			return fmt.Errorf("--%s cannot be used together", strings.Join(given, " and --"))
		}
		if before == nil {
			return nil
		}
		return before(cmd, args)
	}
}

var needManifests = need("needs files, folders or - for standard input", "manifests/ --spec bypass.yaml")

// need refuses a command line without arguments, and gives an example of some.
func need(why, example string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return fmt.Errorf("%[1]s %[2]s, as in krm-bypass %[1]s %[3]s", cmd.Name(), why, example)
		}
		return nil
	}
}

// each reads manifests and visits every group of them. It shows what is being
// done, and says in the end what it passed over.
func (in inputs) each(cmd *cobra.Command, paths []string, doing string, visit func(group, fn.Options) error) (err error) {
	collectSeldom()
	in.working = newProgress(cmd.ErrOrStderr())
	var gone []string
	if in.allowNone && !in.earlier {
		if paths, gone, err = in.present(paths); err != nil {
			in.working.end()
			return err
		}
		in.reading.allowNone = true
	}
	groups, skipped, err := in.read(cmd, paths)
	skipped = append(gone, skipped...)
	defer func() {
		in.working.end()
		if in.doubts != nil {
			*in.doubts = skipped
		}
		if !in.earlier {
			tell(cmd, "warning", skipped...)
		}
	}()
	if err != nil && !in.allowNone && !in.earlier {
		return in.orAllowNone(cmd, err)
	}
	if err != nil {
		return err
	}
	options := in.options()
	options.Progress = func(done, total int) { in.working.say("%s: %d of %d objects", doing, done, total) }
	for _, g := range groups {
		g, unruled := in.unruled(g)
		skipped = append(skipped, unruled...)
		if err := visit(g, g.with(options)); err != nil {
			return err
		}
	}
	return nil
}

// read reads files, folders, kustomizations and standard input. One error names
// everything that cannot be read; skipped says what read passed over.
func (in *inputs) read(cmd *cobra.Command, paths []string) (groups []group, skipped []string, err error) {
	given, err := in.readSpecs()
	if err != nil {
		return nil, nil, err
	}
	var together company
	plain := group{}
	if plain.specs, err = together.all(given); err == nil {
		err = together.keepsMeshes(in.mesh)
	}
	if err != nil {
		return nil, nil, err
	}
	plain.together = together
	var files []string
	for _, path := range eachOnce(paths) {
		switch {
		case in.inPlace && isIrregular(path):
			return nil, nil, fmt.Errorf("--in-place: %s is not a regular file, and nothing can be written back into it: name a file, or pipe it into krm-bypass render -", path)
		case path == standardInput:
			in.working.say("reading standard input")
			text, err := bounded.Read(report.StandardInput, cmd.InOrStdin())
			if err != nil {
				return nil, nil, fmt.Errorf("reading standard input: %w", err)
			}
			plain.files = append(plain.files, fn.Manifest{Path: report.StandardInput, Text: object.Unmarked(text)})
			plain.paths = append(plain.paths, path)
			plain.originals = map[string]func(int) *fn.Original{report.StandardInput: in.noted(plain.files[len(plain.files)-1].Text)}
		case in.asFiles:
			files = append(files, path)
		case kustomization.File(path) != "" && in.inPlace:
			return nil, nil, fmt.Errorf("--in-place: %[1]s is a kustomization, and what it builds stands in none of its files: render it where it is applied, by krm-bypass render %[1]s, or name the files of the workloads (of an overlay, those of its bases), as in krm-bypass render --in-place %[2]s", path, filepath.Join(path, "*.yaml"))
		case kustomization.File(path) != "":
			built, notes, err := in.build(cmd, path, given)
			if err != nil {
				return nil, nil, err
			}
			built.paths = []string{path}
			groups = append(groups, built)
			skipped = append(skipped, notes...)
		default:
			files = append(files, path)
		}
	}
	if len(plain.files) == 0 && len(files) > 0 && !slices.ContainsFunc(files, func(path string) bool { return kustomizationOf(path) == "" || isDir(path) }) {
		return nil, nil, fmt.Errorf("%s is the file of a kustomization: name its folder to have it built, as in krm-bypass %s %s", files[0], cmd.Name(), kustomizationOf(files[0]))
	}
	in.working.say("reading files")
	in.reading.specs = in.specs
	read, err := in.reading.manifests(files)
	if err != nil {
		return nil, nil, err
	}
	plain.files, plain.uses, plain.foreign = append(plain.files, read.files...), read.uses, read.foreign
	plain.paths = append(plain.paths, files...)
	if len(plain.files) > 0 {
		groups = append([]group{plain}, groups...)
	}
	skipped = append(skipped, read.skipped...)
	if cmd.Name() != "render" || in.reading.rewriting { // printing refuses them
		skipped = append(skipped, read.templated()...)
	}
	unbuilt := read.unbuiltIn(files, in.today)
	unbuilt.Piped = len(in.specs) > 0 && read.areChanged()
	if len(plain.files) > 0 {
		groups[0].unbuilt = unbuilt
	}
	if isAsking := cmd.Name() == "suggest"; isAsking || unbuilt.IsMisread() && cmd.Name() != "render" && !in.standing { // what compares refuses it
		if says := unbuilt.Says(calling(cmd.Name(), in.specs)); says != "" {
			skipped = append(skipped, says)
		}
	}
	return groups, skipped, nil
}

// eachOnce leaves out a kustomization that is named again, in other words too: it would be
// rendered twice. Files are read once anyway.
func eachOnce(paths []string) (all []string) {
	known := map[string]bool{}
	for _, path := range paths {
		if path != standardInput && kustomization.File(path) != "" {
			real, err := realPath(path)
			if err == nil && known[real] {
				continue
			}
			known[real] = true
		}
		all = append(all, path)
	}
	return all
}

// build builds a kustomization.
func (in *inputs) build(cmd *cobra.Command, path string, given []fn.Manifest) (g group, notes []string, err error) {
	in.working.say("building %s", path)
	var root string
	if in.app.Name != "" {
		folder, err := workingFolder()
		if err != nil {
			return group{}, nil, fmt.Errorf("building %s: %w", path, err)
		}
		root = argocd.Repository(folder)
	}
	// What kustomize has made a resource of, is one.
	uses := map[string]fn.Use{path: {Resource: path}}
	var files originals
	originals := func(source kustomization.Source) map[string]func(int) *fn.Original {
		return map[string]func(int) *fn.Original{path: func(document int) *fn.Original {
			file := source(document)
			// Where kustomize cannot tell, it is what changes the object. Of what is built nobody has seen the lines.
			file.Path = cmp.Or(file.Path, kustomization.File(path))
			return files.of(file.Path, func() *fn.Original { return fn.OriginalOf(file) })
		}}
	}
	var within []group
	var together company
	into := ""
	if name := cmd.Name(); name != "" && name != "ui" {
		into = name + " - --spec FILE"
	}
	how := kustomization.Options{
		Root: root, Into: into,
		Text: in.reading.texts(), Saw: in.reading.saw,
		Ignore: len(given) > 0,
		IsSpec: spec.Configures,
		GiveUp: func(reason error) { os.Exit(function.Exit(reason, cmd.ErrOrStderr())) },
		Apply: func(listed kustomization.Spec, resources []byte, source kustomization.Source) ([]byte, error) {
			seen := group{files: []fn.Manifest{{Path: path, Text: resources}}, built: true, uses: uses, originals: originals(source)}
			spec, err := together.listed(listed)
			if err == nil {
				err = together.keepsMeshes(in.mesh)
			}
			if err != nil {
				return nil, err
			}
			seen.together = together
			files, results, err := fn.Manifests(spec, seen.files, seen.with(in.options()))
			switch {
			case err != nil && in.earlier:
				return nil, errors.New(strings.TrimPrefix(strings.Join(lines(results.Report()), "; "), "error: "))
			case err != nil || !in.retold && !in.earlier:
				fmt.Fprint(cmd.ErrOrStderr(), results.Report())
			}
			if err != nil {
				return nil, function.ErrReported
			}
			g.pipelines = append(g.pipelines, pipelineOf(path, listed, spec))
			seen.specs, seen.wrote = []*fn.Spec{spec}, files
			within = append(within, seen)
			return files[0].Text, nil
		},
	}
	built, err := kustomization.Build(path, how)
	if err != nil {
		return group{}, nil, err
	}
	if in.comparing && len(within) > 0 {
		how.Ignore = true
		without, err := kustomization.Build(path, how)
		if err != nil {
			return group{}, nil, err
		}
		g.without = without.Text
	}
	g.files, g.built, g.uses, g.within, g.originals = []fn.Manifest{{Path: path, Text: built.Text}}, true, uses, within, originals(built.Source)
	isGiven := func(one kustomization.Spec) bool {
		return slices.ContainsFunc(given, func(g fn.Manifest) bool { return bytes.Equal(one.Text, g.Text) })
	}
	isListed := func(one fn.Manifest) bool {
		return slices.ContainsFunc(built.Ignored, func(i kustomization.Spec) bool { return bytes.Equal(i.Text, one.Text) })
	}
	if in.judging && len(built.Ignored) > 0 && !slices.ContainsFunc(given, isListed) {
		return in.buildAsListed(cmd, path, given)
	}
	g.listed = len(given) == 0 || len(built.Ignored) > 0
	for _, one := range slices.Concat(built.Among, built.Ignored) {
		g.pipelines = append(g.pipelines, pipelineOf(path, one, nil))
	}
	for _, one := range built.Among {
		if !built.Printed {
			g.files = append(g.files, one.File)
		}
	}
	for _, one := range built.Ignored {
		if !isGiven(one) {
			notes = append(notes, fmt.Sprintf("%s: not applied although the kustomization %s lists it, because --spec gives %s", one.Path, path, strings.Join(in.specs, " and ")))
		}
	}
	switch {
	case len(given) > 0:
		g.specs, err = together.all(given)
		listed := built.Ignored
		if in.judging { // others apply it themselves, wherever it stands
			listed = slices.Concat(listed, built.Among)
		}
		for _, one := range listed {
			if err == nil && isGiven(one) {
				_, err = together.listed(one)
			}
		}
	case built.Listed:
		for _, one := range built.Specs {
			spec, wrong := together.listed(one)
			if err = cmp.Or(err, wrong); !slices.Contains(g.specs, spec) {
				g.specs = append(g.specs, spec)
			}
			g.pipelines = append(g.pipelines, pipelineOf(path, one, spec))
		}
	case in.otherwise == nil && !built.Printed && len(built.Among) == 0 && len(built.Elsewhere) > 0:
		err = fmt.Errorf("building %s: there is no ClusterBypass: %s holds one, and is no object there: list it under transformers, or give it with --spec", path, strings.Join(built.Elsewhere, ", "))
	default:
		g.specs = []*fn.Spec{fn.SpecBuilt(misplacements(built.Among...)...)}
	}
	g.together = together
	for i := range g.within {
		g.within[i].together = together
	}
	return g, notes, cmp.Or(err, together.keepsMeshes(in.mesh))
}

// buildAsListed builds a kustomization with the specs that it lists, to compare it with
// others.
func (in *inputs) buildAsListed(cmd *cobra.Command, path string, given []fn.Manifest) (group, []string, error) {
	as := *in
	as.mesh, as.image = "", "" // which are for the others
	g, notes, err := as.build(cmd, path, nil)
	if err != nil {
		return g, notes, err
	}
	files, results, err := g.apply(g.with(as.options()))
	fmt.Fprint(cmd.ErrOrStderr(), results.Report())
	if errors.Is(err, fn.ErrFailed) {
		err = function.ErrReported
	}
	if err != nil {
		return g, notes, err
	}
	var together company
	specs, err := together.all(given)
	return group{files: files, built: true, uses: g.uses, originals: g.originals, specs: specs, together: together}, notes, cmp.Or(err, together.keepsMeshes(in.mesh))
}

// misplacements says why the kustomize CLI would not apply specs.
func misplacements(specs ...kustomization.Spec) (all []fn.Misplacement) {
	for _, one := range specs {
		if at := one.Astray; at != nil {
			all = append(all, fn.Misplacement{File: at.File, Line: at.Line, Field: at.Field, Refused: at.Refuses, Message: fmt.Sprintf("the kustomize CLI %s: %s", at.Does, at.Mend)})
		}
	}
	return all
}

// tell writes messages about the inputs to standard error.
func tell(cmd *cobra.Command, severity string, messages ...string) {
	for _, message := range messages {
		fmt.Fprintf(cmd.ErrOrStderr(), "%s: %s\n", severity, terminal.Line(message))
	}
}
