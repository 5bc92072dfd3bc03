package main

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/cmd/internal/function"
	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/report"
	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/bounded"
	"github.com/krm-bypass/krm-bypass/internal/kustomization"
	"github.com/krm-bypass/krm-bypass/internal/pass"
	"github.com/krm-bypass/krm-bypass/internal/setup"
	"github.com/krm-bypass/krm-bypass/internal/spec"
	"github.com/krm-bypass/krm-bypass/internal/stream"
	"github.com/krm-bypass/krm-bypass/internal/suggest"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

const suggestHelp = `suggest proposes rules by what is among the manifests, and prints a ClusterBypass.
It looks at ServiceMonitors, PodMonitors and prometheus.io annotations, webhooks and
APIServices, the peers of StatefulSets, init containers that call somebody, and cloud
metadata. It contacts nobody, and writes no file.

Where there is a specification, among the manifests or by --spec, it prints what to add
to that file, as a diff for patch -p1. What the specification says already is not
proposed again.

A rule is proposed where the manifests prove that something breaks without it: mTLS
is STRICT for a port, and its caller is outside the mesh. What may be needed is a
comment. Each has a reason that names the object and the line that it comes from, and
beside it stands what lint and spec.limits say against it. What needs no rule is said
on standard error.

PATH is a file, a folder, a kustomization, or - for standard input. Name all that is in
the cluster: what is not among the manifests is not seen. Without --mesh and without a
specification the mesh is the one of which they speak.`

func suggestCommand() *cobra.Command {
	var in inputs
	cmd := &cobra.Command{
		Use:   "suggest PATH...|-",
		Short: "Propose rules by what is among the manifests",
		Long:  suggestHelp,
		Args:  need("needs files, folders or - for standard input", "manifests/"),
		RunE:  func(cmd *cobra.Command, args []string) error { return suggestRules(cmd, in, args) },
	}
	in.addPipedFlags(cmd)
	return cmd
}

func suggestRules(cmd *cobra.Command, in inputs, paths []string) error {
	if len(in.specs) > 1 {
		return errors.New("--spec: suggest adds to one file: give it once")
	}
	if len(in.specs) == 0 {
		in.specs = specAmong(in, paths)
		for _, path := range in.specs {
			tell(cmd, "info", path+" is the specification here: what it lacks is shown as a difference from it")
		}
	}
	var all group
	all.originals, all.uses = map[string]func(int) *fn.Original{}, map[string]fn.Use{}
	err := in.each(cmd, paths, "looking at", func(g group, _ fn.Options) error {
		if path := g.speaks(); path != "" && len(in.specs) == 0 {
			return fmt.Errorf("%s has a ClusterBypass already, and which file to add to is not clear: name it, as in krm-bypass suggest %s --spec FILE", path, shellWords(paths))
		}
		if len(paths) == 1 && paths[0] == standardInput && g.isEmpty() {
			return errEmpty("suggest")
		}
		all.files = append(all.files, g.files...)
		maps.Copy(all.originals, g.originals)
		maps.Copy(all.uses, g.uses)
		return nil
	})
	if err != nil {
		return err
	}
	asked, why := in.mesh, ""
	if len(in.specs) == 0 {
		if in.mesh, why, err = setup.Mesh(all.called(), asked); err != nil {
			return err
		}
	}
	found, err := all.suggestions(cmd, in)
	if err != nil {
		return err
	}
	defer func() {
		for _, note := range found.Notes {
			tell(cmd, "info", string(note))
		}
	}()
	if found.Workloads == 0 {
		return errors.New("there is nothing to suggest: the manifests hold no workload: name those that do")
	}
	if len(in.specs) > 0 {
		return printAdded(cmd, in, found)
	}
	if asked == "" && why == "" {
		tell(cmd, "info", "no file here names a mesh, so "+in.mesh+" is taken: name another with --mesh")
	}
	text := found.New(suggest.Head{Mesh: in.mesh, Why: why, Image: in.image})
	if _, err := compiled("suggested specification", text); err != nil {
		return fmt.Errorf("reading the suggested specification back: %w", err)
	}
	return output(cmd, text)
}

// specAmong names the one file among manifests that holds a specification, or that their
// kustomizations list.
func specAmong(in inputs, paths []string) []string {
	paths = slices.DeleteFunc(slices.Clone(paths), func(path string) bool { return path == standardInput })
	if len(paths) == 0 {
		return nil
	}
	file, _ := soughtSpec(in, paths) // why there is none, reading says
	if file == "" {
		return nil
	}
	return []string{file}
}

// called are the files, with names for what stands in no file.
func (g group) called() []fn.Manifest {
	files := slices.Clone(g.files)
	for i := range files {
		if path := files[i].Path; g.originals[path] != nil && path != report.StandardInput {
			files[i].Path = "the rendering of " + path
		}
	}
	return files
}

// speaks names the file or the kustomization that has a specification, "" for none.
func (g group) speaks() string {
	holds := slices.IndexFunc(g.files, func(f fn.Manifest) bool { return holdsSpec(f.Text) })
	switch {
	case holds >= 0:
		return g.files[holds].Path
	case len(g.within) > 0, slices.ContainsFunc(g.specs, func(s *fn.Spec) bool { return !s.IsAmong() }):
		return g.files[0].Path
	}
	return ""
}

// suggestions gives those for all files.
func (g group) suggestions(cmd *cobra.Command, in inputs) (*suggest.Suggestions, error) {
	items := pass.Split(pass.ItemsOf(stream.Of(g.files...), g.originals))
	heads, broken := pass.Heads(items)
	policy, err := in.policy()
	if problems, is := errors.AsType[spec.Problems](err); is {
		for _, p := range problems {
			tell(cmd, "error", p.Error())
		}
		return nil, function.ErrReported
	}
	if err != nil {
		return nil, err
	}
	again := func() *transform.Policy {
		policy, _ := in.policy() // as before
		return policy
	}
	input := suggest.Input{Items: items, Heads: heads, Uses: pass.UsesOf(g.uses), Policy: policy, Again: again}
	var found *suggest.Suggestions
	if len(broken) == 0 {
		found, broken = suggest.Of(input)
	}
	for _, f := range broken {
		tell(cmd, "error", suggest.Told(f))
	}
	if len(broken) > 0 {
		return nil, function.ErrReported
	}
	return found, nil
}

// policy gives that of the specification, or one that says nothing.
func (in inputs) policy() (*transform.Policy, error) {
	given := in.given()
	source, err := in.source()
	if err != nil {
		return nil, err
	}
	read, err := source.Read(given)
	if err != nil {
		return nil, err
	}
	return read.Policy, nil
}

func (in inputs) source() (spec.Source, error) {
	if len(in.specs) == 0 {
		mode := string(transform.AnnotationsOnly)
		if in.image != "" {
			mode = ""
		}
		return spec.Of(v1alpha1.ClusterBypass{Spec: v1alpha1.Spec{Merge: "Union", Enforcement: &v1alpha1.Enforcement{Mode: mode}}})
	}
	text, err := specFile(in.specs[0])
	if err != nil {
		return spec.Source{}, err
	}
	return spec.In(fn.Manifest{Path: in.specs[0], Text: text})
}

// printAdded prints what to add to the specification.
func printAdded(cmd *cobra.Command, in inputs, found *suggest.Suggestions) error {
	path := in.specs[0]
	was, err := bounded.File(path)
	if err != nil {
		return pathError(err)
	}
	policy, err := in.policy()
	if err != nil {
		return err
	}
	is, err := found.Added(fn.Manifest{Path: path, Text: was}, policy.Merge != traffic.Union)
	if err != nil {
		return err
	}
	if _, err := compiled(path, is); err != nil {
		return fmt.Errorf("reading the changed specification back: %w", err)
	}
	if bytes.Equal(was, is) {
		tell(cmd, "info", "there is nothing to add to "+path)
		return nil
	}
	name, top := nameInRepository(path)
	if top != "" {
		tell(cmd, "info", "the paths in the diff begin at "+top+": apply it there")
	}
	return output(cmd, difference(name, was, is))
}

// nameInRepository is what a diff calls a file: below this folder, else below the top of
// the repository that holds it, which is named then: git and patch take no other path.
func nameInRepository(path string) (name, top string) {
	real, err := realPath(path)
	here, errHere := realPath(".")
	if err != nil || errHere != nil {
		return path, ""
	}
	if name, err = filepath.Rel(here, real); err == nil && filepath.IsLocal(name) {
		return name, ""
	}
	top = kustomization.Repository(filepath.Dir(real))
	if name, err = filepath.Rel(top, real); err != nil {
		return path, ""
	}
	return name, top
}
