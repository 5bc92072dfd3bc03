package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/bounded"
)

// allowNoneFlag is for a pipeline that names the same paths and specifications in every
// run: the change that takes one away has to pass.
const allowNoneFlag = "allow-none"

func (in *inputs) addAllowNone(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&in.allowNone, allowNoneFlag, false,
		"pass over a PATH or --spec that is gone, and pass where there is no workload or no ClusterBypass any more")
}

// present leaves out what is gone, and says so. What is misspelt is not gone.
func (in *inputs) present(paths []string) (left, skipped []string, err error) {
	over := func(path string) {
		skipped = append(skipped, fmt.Sprintf("%s: not there, and passed over, as --%s says", path, allowNoneFlag))
	}
	named := slices.Concat(paths, in.specs)
	left = there(paths)
	for _, path := range paths {
		if !slices.Contains(left, path) {
			over(path)
			err = errors.Join(err, misspelt(path, false, named))
		}
	}
	specs := there(in.specs)
	for _, spec := range in.specs {
		if spec != "" && !slices.Contains(specs, spec) {
			over("--spec " + spec)
			err = errors.Join(err, misspelt(spec, true, named))
		}
	}
	in.specs = specs
	return left, skipped, err
}

// misspelt refuses to pass over a path at which nothing is, if another one is there that was
// probably meant: nobody would see that it is not judged any more. One that the user named too is not meant.
func misspelt(path string, isSpec bool, named []string) error {
	meant := meantPath(path)
	if meant == "" || slices.ContainsFunc(named, func(other string) bool { return filepath.Clean(other) == meant }) {
		return nil
	}
	return fmt.Errorf("%w If it is gone, take it out of the command: --%s passes over no path that is so near to another", lost(path, isSpec), allowNoneFlag)
}

// orAllowNone names the flag to who takes away what is not there.
func (in *inputs) orAllowNone(cmd *cobra.Command, err error) error {
	missing, is := errors.AsType[gone](err)
	if !is || in.reading.rewriting || in.asFiles || cmd.Flags().Lookup(allowNoneFlag) == nil || strings.Contains(string(missing), "://") || meantPath(string(missing)) != "" {
		return err
	}
	return fmt.Errorf("%w, or give --%s if it was taken away", err, allowNoneFlag)
}

// unruled gives a group to which no specification applies one that says nothing. One that
// stands there and is not listed was not taken away: somebody forgot to list it.
func (in *inputs) unruled(g group) (group, []string) {
	if !in.allowNone || in.otherwise != nil || len(g.within) > 0 || !g.hasNoSpec() || g.isEmpty() || slices.ContainsFunc(g.paths, isBesideSpec) {
		return g, nil
	}
	g.isUnruled = true
	return g.or(nothing(in.mesh)), []string{fmt.Sprintf("%s: no ClusterBypass applies, which passes as --%s says", strings.Join(g.paths, ", "), allowNoneFlag)}
}

// isBesideSpec reports whether a folder itself holds a specification.
func isBesideSpec(folder string) bool {
	names, _ := filepath.Glob(filepath.Join(folder, "*.y*ml")) // of which the pattern is right
	return slices.ContainsFunc(names, func(name string) bool {
		text, err := bounded.File(name)
		return err == nil && namesSpec(text)
	})
}

// leftBehind are errors for what a specification wrote that does not apply any more: it
// goes on to bypass.
func leftBehind(objects []fn.CheckedObject) (found fn.Results) {
	for _, o := range objects {
		if o.Other == "" {
			continue
		}
		found = append(found, fn.Result{
			Severity: fn.Error, ResourceRef: &o.ResourceRef, File: &fn.File{Path: o.File}, Line: o.Line,
			Message: fmt.Sprintf("ClusterBypass %[1]s wrote to it, and no ClusterBypass applies here any more: give its file with --spec, or take away what it wrote, by krm-bypass render --remove %[1]s --in-place on the files of the workloads", o.Other),
		})
	}
	return found
}
