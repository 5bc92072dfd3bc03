package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/cmd/internal/function"
	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/report"
	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/bounded"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/revision"
	"github.com/krm-bypass/krm-bypass/internal/spec"
)

// explainedBefore explains the earlier state that before names. What is wrong with that
// state does not keep anybody from seeing the one that mends it.
func explainedBefore(cmd *cobra.Command, in inputs, paths []string, before string, today v1alpha1.Date) (found report.Explanation, err error) {
	err = earlierState(cmd, in, paths, before, func(in inputs, paths []string, tree *revision.Tree) error {
		now, results, wrong := explained(cmd, in, paths, today)
		said := results.Report()
		found = now
		if tree != nil {
			found.Relocate(func(file string, line int) (string, int) { return tree.Name(file), line })
			said, wrong = tree.Named(said), tree.NamedIn(wrong)
		}
		if wrong != nil {
			found = report.Explanation{Unbuilt: now.Unbuilt, Uncompared: strings.Join(append([]string{uncompared(before, said, wrong)}, in.lacks.taken...), "; ")}
			return nil
		}
		found.State = "--before " + before
		if tree == nil && len(found.Workloads) == 0 {
			found.Lacks = append(slices.Clone(in.lacks.taken), found.State+": there is no workload in it, so all workloads count as new, and which pods restart is not known: name a file or a folder with the earlier manifests, or a git revision")
			return nil
		}
		found.Lacks = in.lacks.says(before, len(found.Specified) == 0)
		return nil
	})
	return found, err
}

// uncompared says why nothing is compared with an earlier state.
func uncompared(before, said string, wrong error) string {
	why := wrong.Error()
	if errors.Is(wrong, function.ErrReported) {
		why = strings.Join(lines(said), "; ")
	}
	return fmt.Sprintf("--before %s: the earlier state cannot be read, so nothing is compared with it: %s", before, strings.TrimPrefix(why, "error: "))
}

// explainedSince explains manifests, and says what changed since the earlier state that
// before names. What a change takes away, manifests or a specification, is not there now
// and was there before. now and rest are what there is to read.
func explainedSince(cmd *cobra.Command, in inputs, paths []string, before string, today v1alpha1.Date) (found report.Explanation, now inputs, rest []string, said fn.Results, err error) {
	in.standing = true
	now, rest = in, there(paths)
	now.specs, now.reading.mayBeEmpty, now.otherwise = there(in.specs), true, nothing(in.mesh)
	found, said, err = explained(cmd, now, rest, today)
	if err != nil {
		return found, now, rest, said, cmp.Or(in.misread(found.Unbuilt, paths, before), err)
	}
	in.otherwise = nothing(found.Mesh)
	earlier, err := explainedBefore(cmd, in, paths, before, today)
	if err != nil {
		return found, now, rest, said, err
	}
	if misread := in.misread(found.Unbuilt.With(earlier.Unbuilt), paths, before); misread != nil {
		return found, now, rest, nil, misread
	}
	for _, one := range found.Unspecified {
		isNew := !slices.ContainsFunc(one, func(path string) bool { return slices.Contains(earlier.Specified, path) })
		switch {
		case isNew && in.allowNone:
			earlier.Lacks = append(earlier.Lacks, fmt.Sprintf("no ClusterBypass applies to %s, nor did one in the earlier state", strings.Join(one, ", ")))
			continue
		case isNew:
			now.otherwise = nil // there was none either, which is an error
			found, said, err = explained(cmd, now, rest, today)
			found.Uncompared = earlier.Uncompared
			for _, spec := range in.besideThen(cmd, one, before) {
				said = append(said, fn.Result{Severity: fn.Error, Message: fmt.Sprintf("--before %s: %s holds a ClusterBypass there: to compare with it, give --spec %s, even if it is gone now", before, spec, shellWord(spec))})
			}
			return found, now, rest, said, err
		case len(now.specs) < len(in.specs):
			continue // which is told
		}
		earlier.Lacks = append(earlier.Lacks, fmt.Sprintf("no ClusterBypass applies to %s any more, so no rule counts there now", strings.Join(one, ", ")))
	}
	if len(found.Unspecified) > 0 && earlier.Mesh != found.Mesh {
		now.otherwise = nothing(earlier.Mesh)
		if found, said, err = explained(cmd, now, rest, today); err != nil {
			return found, now, rest, said, err
		}
	}
	found.Mesh = cmp.Or(found.Mesh, earlier.Mesh)
	found.Compare(earlier)
	return found, now, rest, said, nil
}

// besideThen gives the files beside paths that hold a specification in the earlier state, by
// their names today.
func (in inputs) besideThen(cmd *cobra.Command, paths []string, before string) (specs []string) {
	_ = earlierState(cmd, in, paths, before, func(in inputs, then []string, _ *revision.Tree) error { // it was read before
		for _, at := range then {
			files, _ := filepath.Glob(filepath.Join(filepath.Dir(filepath.Clean(at)), "*.y*ml")) // a pattern that is right
			for _, file := range files {
				if text, err := bounded.File(file); err == nil && namesSpec(text) {
					specs = append(specs, filepath.Join(filepath.Dir(filepath.Clean(cmp.Or(in.today[at], at))), filepath.Base(file)))
				}
			}
		}
		return nil
	})
	return slices.Compact(slices.Sorted(slices.Values(specs)))
}

// misread refuses to compare files of kustomizations, of which one applies a specification:
// what changes in what is deployed would not be among the differences.
func (in inputs) misread(unbuilt report.Unbuilt, paths []string, before string) error {
	call := calling("explain", in.specs)
	if isDir(before) { // of which each folder takes the place of one that is there
		unbuilt.Tops, unbuilt.Rest = there(unbuilt.Tops), there(unbuilt.Rest)
	}
	says := unbuilt.Says(func(dir, spec string) string {
		then := before
		if inside, err := filepath.Rel(paths[0], dir); err == nil && isDir(before) {
			then = filepath.Join(before, inside)
		}
		return call(dir, spec) + " --before " + shellWord(then)
	})
	if says == "" || !unbuilt.IsMisread() {
		return nil
	}
	return errors.New("--before " + before + ": nothing is compared: " + says)
}

// there gives those of some paths at which something is.
func there(paths []string) (all []string) {
	for _, path := range paths {
		if path == standardInput || isThere(path) {
			all = append(all, path)
		}
	}
	return all
}

// renderedBefore gives the manifests at the earlier state that before names, as they stand
// there and as they were made.
func renderedBefore(cmd *cobra.Command, in inputs, paths []string, before string) (stood, files []fn.Manifest, err error) {
	err = earlierState(cmd, in, paths, before, func(in inputs, paths []string, tree *revision.Tree) (err error) {
		var said bytes.Buffer
		stood, files, err = rendered(aside(cmd.Context(), &said), in, paths)
		text := said.String()
		if tree != nil {
			text = tree.Named(text)
		}
		fmt.Fprint(cmd.ErrOrStderr(), text)
		return err
	})
	return stood, files, err
}

// earlierState reads the earlier state that before names. tree is that of a git revision,
// nil for others. What is there neither now nor then is an error.
func earlierState(cmd *cobra.Command, in inputs, paths []string, before string, read func(in inputs, paths []string, tree *revision.Tree) error) error {
	in.earlier, in.reading.mayBeEmpty = true, true // there may have been nothing yet
	info, err := os.Stat(before)
	if err != nil {
		return stateAt(cmd, in, paths, before, read)
	}
	taken := takenFor(cmd.Context(), paths, before, info.IsDir())
	err = stateHere(cmd, in, paths, before, info.IsDir(), func(in inputs, paths []string, tree *revision.Tree) error {
		in.lacks.taken = taken
		return read(in, paths, tree)
	})
	if err != nil && len(taken) > 0 {
		return fmt.Errorf("%w; %s", err, taken[0])
	}
	return err
}

// takenFor says that a file or a folder is taken where a git revision has the same name.
func takenFor(ctx context.Context, paths []string, before string, isDir bool) []string {
	if slices.Contains(paths, standardInput) {
		return nil // of which there is no revision
	}
	full := revision.FullName(ctx, paths[0], before)
	if full == "" {
		return nil
	}
	what := "file"
	if isDir {
		what = "folder"
	}
	return []string{fmt.Sprintf("--before %[1]s is a %[2]s here and a git revision too, and the %[2]s is taken: give --before %[3]s for the revision, or --before ./%[1]s for the %[2]s", before, what, full)}
}

// stateHere reads a file or a folder as the earlier state.
func stateHere(cmd *cobra.Command, in inputs, paths []string, before string, isDir bool, read func(in inputs, paths []string, tree *revision.Tree) error) (err error) {
	for _, path := range paths {
		if err := lost(path, false); err != nil {
			return err
		}
	}
	if isDir {
		if in, paths, err = in.inFolder(cmd, paths, before); err != nil {
			return err
		}
		return read(in, paths, nil)
	}
	for _, spec := range in.specs {
		if err := lost(spec, true); err != nil {
			return err
		}
	}
	text, err := bounded.File(before)
	switch {
	case err != nil:
		return fmt.Errorf("--before: %w", err)
	case !holdsSpec(text) && len(paths) == 1:
		in.today, in.lacks = map[string]string{before: paths[0]}, lacks{manifests: "all that a ClusterBypass lets bypass counts as added"}
		if len(in.specs) > 0 {
			in.lacks.manifests = "what --spec says today counts for both states"
		}
		return read(in, []string{before}, nil)
	case len(in.specs) > 1:
		return errors.New("--before: there are several --spec, and nothing says which one this file takes the place of: name a git revision or a folder")
	case slices.Contains(paths, standardInput):
		return errors.New("--before: standard input can be read only once: name files or folders instead")
	}
	in.specs, in.standing = []string{before}, false // the manifests are the same
	return read(in, paths, nil)
}

// lost is what to tell of a path at which nothing is, nil if something is.
func lost(path string, isSpec bool) error {
	if path == standardInput || isThere(path) {
		return nil
	}
	if isSpec {
		_, err := specFile(path)
		return err
	}
	_, err := os.Stat(path)
	return fmt.Errorf("reading manifests: %w", pathError(err))
}

// inFolder gives what to read if an earlier folder takes the place of the one that
// is read now.
func (in inputs) inFolder(cmd *cobra.Command, paths []string, folder string) (inputs, []string, error) {
	if len(paths) != 1 || !isDir(paths[0]) {
		return in, nil, fmt.Errorf("--before: the folder %s can take the place of one folder only: name one folder as PATH", folder)
	}
	in.today = map[string]string{folder: paths[0]}
	in.lacks = lacks{state: "folder", onePath: true, oneSpec: len(in.specs) == 1}
	var then []string
	for _, spec := range in.specs {
		at := spec
		if inside, err := filepath.Rel(paths[0], spec); err == nil && filepath.IsLocal(inside) {
			at = filepath.Join(folder, inside)
		}
		if at == spec || !isThere(at) {
			if err := lost(spec, true); err != nil {
				return in, nil, err
			}
		}
		if at == spec {
			in.lacks.both = append(in.lacks.both, spec)
		}
		if !isThere(at) {
			in.lacks.specs = append(in.lacks.specs, spec)
			continue
		}
		if !isThere(spec) {
			in.lacks.goneSpecs = append(in.lacks.goneSpecs, spec)
		}
		then = append(then, at)
	}
	if n := len(in.lacks.both); n > 0 && n == len(in.specs) && in.hasItsOwn(cmd, folder) {
		in.lacks.both, then = nil, nil
	}
	in.specs = then
	return in, []string{folder}, nil
}

// hasItsOwn reports whether an earlier folder holds a specification, or lists one.
func (in inputs) hasItsOwn(cmd *cobra.Command, folder string) bool {
	in.specs, in.mesh, in.otherwise = nil, "", nothing(in.mesh)
	groups, _, err := in.read(aside(cmd.Context(), io.Discard), []string{folder})
	return err == nil && slices.ContainsFunc(groups, func(g group) bool { return len(g.within) > 0 || !g.hasNoSpec() })
}

// stateAt reads the same paths at a git revision.
func stateAt(cmd *cobra.Command, in inputs, paths []string, name string, read func(in inputs, paths []string, tree *revision.Tree) error) (err error) {
	if slices.Contains(paths, standardInput) {
		return fmt.Errorf("--before: standard input has no revision %s: name files or folders", name)
	}
	tree, err := revision.Checkout(cmd.Context(), paths[0], name)
	if err != nil {
		return fmt.Errorf("--before: %w", err)
	}
	defer func() { err = errors.Join(err, tree.Close()) }()
	in.lacks = lacks{state: "revision", onePath: len(paths) == 1, oneSpec: len(in.specs) == 1}
	in.today = map[string]string{}
	var then [2][]string
	for i, now := range [][]string{paths, in.specs} {
		missing := []*[]string{&in.lacks.paths, &in.lacks.specs}[i]
		gone := []*[]string{&in.lacks.gonePaths, &in.lacks.goneSpecs}[i]
		for _, path := range now {
			isSpec := i == 1
			at, err := tree.Path(path)
			outside := errors.Is(err, revision.ErrOutside)
			switch {
			case outside && isSpec && isThere(path):
				in.lacks.outside = append(in.lacks.outside, path)
				at = path
			case outside:
				return fmt.Errorf("--before: %w: name it in a command of its own, or name a folder with the earlier state", err)
			case err != nil:
				return fmt.Errorf("--before: %w", err)
			case at == "" && in.allowNone && !isThere(path):
				if err := misspelt(path, isSpec, slices.Concat(paths, in.specs)); err != nil {
					return err
				}
				in.lacks.nowhere = append(in.lacks.nowhere, path)
				continue
			case at == "":
				if err := lost(path, isSpec); err != nil {
					return err
				}
				*missing = append(*missing, path) // it is new, or it had another name
				continue
			case !isThere(path):
				*gone = append(*gone, path)
			}
			in.today[at] = path
			then[i] = append(then[i], at)
		}
	}
	in.specs = then[1]
	return tree.NamedIn(read(in, then[0], tree))
}

// lacks is what one of two states does not hold, by the names of today.
type lacks struct {
	// taken says what was taken of two that have the name.
	taken []string
	// state says what the earlier one is.
	state string
	// paths and specs are not in the earlier one, gonePaths and goneSpecs not in today's.
	paths, specs, gonePaths, goneSpecs []string
	// nowhere are in neither.
	nowhere []string
	// outside are specifications that a revision cannot hold.
	outside []string
	// manifests says what comes of it that the earlier state is a file of manifests without
	// a specification; "" where it is not.
	manifests string
	// both are specifications that are outside of the folder, and counted for both states.
	both             []string
	onePath, oneSpec bool
}

// says warns of what cannot be compared. unspecified says that no other specification
// took the place of the one that was not there yet.
func (l lacks) says(before string, unspecified bool) (warnings []string) {
	const (
		newWorkloads = "its workloads count as new, and which pods restart is not known"
		newRules     = "all that it lets bypass counts as added"
		noSpec       = "there is no earlier specification to compare with, and " + newRules
		otherSpec    = "the ClusterBypass that was among the manifests counts as the earlier one"
	)
	separately := "rename it in a commit of its own, and compare with that commit"
	inWorktree := fmt.Sprintf("run git worktree add --detach ../earlier %s, and compare with --before ../earlier/OLD", before)
	if l.state == "folder" {
		separately = "give it the same name there"
		inWorktree = separately
	}
	warn := func(path, is, so, remedy string) {
		warnings = append(warnings, fmt.Sprintf("--before %s: %s %s, so %s: %s", before, path, is, so, remedy))
	}
	isNot := func(path, so, remedy string) {
		warn(path, "is not in that "+l.state, so, "if it had another name there, "+remedy)
	}
	warnings = append(warnings, l.taken...)
	for _, path := range l.paths {
		text, _ := bounded.File(path) // a folder has none
		switch {
		case holdsSpec(text) && unspecified:
			isNot(path, noSpec, separately)
		case l.onePath:
			isNot(path, newWorkloads, inWorktree)
		default:
			isNot(path, newWorkloads, separately)
		}
	}
	for _, path := range l.specs {
		switch {
		case !l.oneSpec:
			isNot(path, newRules, separately)
		case unspecified:
			isNot(path, noSpec, inWorktree)
		default:
			isNot(path, otherSpec, separately)
		}
	}
	isGone := "is in that " + l.state + ", and not here any more"
	for _, path := range l.gonePaths {
		warn(path, isGone, "its workloads count as gone", "if it has another name now, name that instead")
	}
	for _, path := range l.goneSpecs {
		warn(path, isGone, "none of its rules counts now", "if it has another name now, give that with --spec")
	}
	for _, path := range l.nowhere {
		warnings = append(warnings, fmt.Sprintf("--before %s: %s is neither in that %s nor here, and is passed over, as --%s says", before, path, l.state, allowNoneFlag))
	}
	for _, path := range l.outside {
		warn(path, "is outside the git repository", "what it says today counts for both states", "to compare with an earlier one, give that file with --before")
	}
	for _, path := range l.both {
		warn(path, "is outside of PATH, and the folder holds no ClusterBypass", "what it says today counts for both states", "to compare with an earlier one, copy that into the folder")
	}
	if l.manifests != "" {
		warnings = append(warnings, fmt.Sprintf("--before %s: it holds no ClusterBypass and counts as the earlier manifests, so %s: to compare with an earlier ClusterBypass, give its file, or a folder or a revision with both", before, l.manifests))
	}
	return warnings
}

// nothing is the specification that applies if there was none yet.
func nothing(mesh string) *fn.Spec {
	return fn.SpecOf(v1alpha1.ClusterBypass{Spec: v1alpha1.Spec{Mesh: mesh}})
}

// or gives the group with a specification where it has none; nil changes nothing.
func (g group) or(otherwise *fn.Spec) group {
	if otherwise != nil && g.hasNoSpec() {
		g.specs = []*fn.Spec{otherwise}
	}
	return g
}

// hasNoSpec reports whether the specification among the files should apply, and
// there is none.
func (g group) hasNoSpec() bool {
	return len(g.specs) == 1 && g.specs[0].IsAmong() && !slices.ContainsFunc(g.files, func(f fn.Manifest) bool { return holdsSpec(f.Text) })
}

// namesSpec is holdsSpec for many files, of which most hold none: to read all of them takes
// long, so that a document that names neither the kind nor a function is not read.
func namesSpec(text []byte) bool {
	return slices.ContainsFunc(object.Documents(text), func(d object.Document) bool {
		return (bytes.Contains(d.Text, []byte(v1alpha1.Kind)) || bytes.Contains(d.Text, []byte(spec.FunctionAnnotation))) && isSpec(d)
	})
}

// holdsSpec reports whether one of the documents of a text is a specification.
func holdsSpec(text []byte) bool {
	return slices.ContainsFunc(object.Documents(text), isSpec)
}

func isSpec(d object.Document) bool {
	document, err := object.Decode(d.Fragment())
	return err == nil && spec.Configures(document)
}
