package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/report"
	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/revision"
	"github.com/krm-bypass/krm-bypass/internal/spec"
)

// explainedBefore explains the earlier state that before names.
func explainedBefore(cmd *cobra.Command, in inputs, paths []string, before string, today v1alpha1.Date) (found report.Explanation, said string, err error) {
	err = earlierState(cmd, in, paths, before, func(in inputs, paths []string, tree *revision.Tree) (err error) {
		found, said, err = explained(cmd, in, paths, today)
		if tree != nil {
			found.Relocate(func(file string, line int) (string, int) { return tree.Name(file), line })
			said = tree.Named(said)
		}
		found.Lacks = in.lacks.says(before, found.Unspecified)
		return err
	})
	return found, said, err
}

// renderedBefore gives what the manifests were made at the earlier state that before
// names.
func renderedBefore(cmd *cobra.Command, in inputs, paths []string, before string) (files []fn.Manifest, err error) {
	err = earlierState(cmd, in, paths, before, func(in inputs, paths []string, tree *revision.Tree) (err error) {
		var said bytes.Buffer
		_, files, err = rendered(aside(cmd.Context(), &said), in, paths)
		text := said.String()
		if tree != nil {
			text = tree.Named(text)
		}
		fmt.Fprint(cmd.ErrOrStderr(), text)
		return err
	})
	return files, err
}

// earlierState reads the earlier state that before names. tree is that of a git revision,
// nil for others.
func earlierState(cmd *cobra.Command, in inputs, paths []string, before string, read func(in inputs, paths []string, tree *revision.Tree) error) error {
	in.earlier, in.reading.mayBeEmpty = true, true // there may have been nothing yet
	info, err := os.Stat(before)
	switch {
	case err != nil:
		return stateAt(cmd, in, paths, before, read)
	case info.IsDir():
		in, paths, err = in.inFolder(paths, before)
		if err != nil {
			return err
		}
	default:
		text, err := os.ReadFile(before)
		if err != nil {
			return fmt.Errorf("--before: %w", err)
		}
		if !holdsSpec(text) && len(paths) == 1 {
			paths = []string{before}
			break
		}
		if len(in.specs) > 1 {
			return errors.New("--before: there are several --spec, and nothing says which one this file takes the place of: name a git revision or a folder")
		}
		in.specs = []string{before}
		if slices.Contains(paths, standardInput) {
			return errors.New("--before: standard input can be read only once: name files or folders instead")
		}
	}
	return read(in, paths, nil)
}

// inFolder gives what to read if an earlier folder takes the place of the one that
// is read now.
func (in inputs) inFolder(paths []string, folder string) (inputs, []string, error) {
	if len(paths) != 1 || !isDir(paths[0]) {
		return in, nil, fmt.Errorf("--before: the folder %s can take the place of one folder only: name one folder as PATH", folder)
	}
	var then []string
	for _, spec := range in.specs {
		if inside, err := filepath.Rel(paths[0], spec); err == nil && inside != ".." && !strings.HasPrefix(inside, "../") {
			spec = filepath.Join(folder, inside)
			if !isThere(spec) {
				continue // it is new
			}
		}
		then = append(then, spec)
	}
	in.specs = then
	return in, []string{folder}, nil
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
	var then [2][]string
	in.lacks = lacks{onePath: len(paths) == 1, oneSpec: len(in.specs) == 1}
	for i, now := range [][]string{paths, in.specs} {
		for _, path := range now {
			at, err := tree.Path(path)
			if err != nil {
				return fmt.Errorf("--before: %w", err)
			}
			if at != "" {
				then[i] = append(then[i], at)
				continue
			}
			// It is new, or it had another name.
			missing := []*[]string{&in.lacks.paths, &in.lacks.specs}[i]
			*missing = append(*missing, path)
		}
	}
	in.specs = then[1]
	return tree.NamedIn(read(in, then[0], tree))
}

// lacks is what was not yet at a git revision, by the names of today.
type lacks struct {
	paths, specs     []string
	onePath, oneSpec bool
}

// says warns of what cannot be compared. unspecified says that no other specification
// took the place of the one that was not there yet.
func (l lacks) says(revision string, unspecified bool) (warnings []string) {
	const (
		newWorkloads = "its workloads count as new, and which pods restart is not known"
		newRules     = "all that it lets bypass counts as added"
		noSpec       = "there is no earlier specification to compare with, and " + newRules
		otherSpec    = "the ClusterBypass that was among the manifests counts as the earlier one"
		separately   = "rename it in a commit of its own, and compare with that commit"
	)
	inWorktree := fmt.Sprintf("run git worktree add --detach ../earlier %s, and compare with --before ../earlier/OLD", revision)
	warn := func(path, so, remedy string) {
		warnings = append(warnings, fmt.Sprintf("--before %s: %s is not in that revision, so %s: if it had another name there, %s", revision, path, so, remedy))
	}
	for _, path := range l.paths {
		text, _ := os.ReadFile(path) // a folder has none
		switch {
		case holdsSpec(text) && unspecified:
			warn(path, noSpec, separately)
		case l.onePath:
			warn(path, newWorkloads, inWorktree)
		default:
			warn(path, newWorkloads, separately)
		}
	}
	for _, path := range l.specs {
		switch {
		case !l.oneSpec:
			warn(path, newRules, separately)
		case unspecified:
			warn(path, noSpec, inWorktree)
		default:
			warn(path, otherSpec, separately)
		}
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

// holdsSpec reports whether one of the documents of a text is a specification.
func holdsSpec(text []byte) bool {
	return slices.ContainsFunc(object.Documents(text), func(d object.Document) bool {
		document, err := object.Decode(d.Fragment())
		return err == nil && spec.Configures(document)
	})
}
