package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/krm-bypass/krm-bypass/cmd/internal/function"
	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/each"
	"github.com/krm-bypass/krm-bypass/internal/kustomization"
)

// removing takes away what the spec of a name wrote to everything it reads.
func removing(name string) making {
	return func(cmd *cobra.Command, in inputs, paths []string) (was, is []fn.Manifest, err error) {
		built := slices.IndexFunc(paths, func(path string) bool { return kustomization.File(path) != "" })
		if built >= 0 && !in.reading.rewriting {
			return nil, nil, fmt.Errorf("%s is a kustomization: to have it build without what a ClusterBypass writes, take that out of its transformers. To clean files of it that were rendered, add --in-place or --diff; to clean what was built, pipe that into krm-bypass render --remove %s -", paths[built], strconv.Quote(name))
		}
		found, stay := map[string]int{}, 0
		var results fn.Results
		err = in.each(cmd, paths, "removing", func(g group, _ fn.Options) error {
			files, removed, err := fn.Remove(name, g.specs[0], g.files)
			if err != nil && !errors.Is(err, fn.ErrFailed) {
				return err
			}
			for by, n := range removed.Objects {
				found[by] += n
			}
			results, stay = append(results, removed.Results...), stay+removed.Stay
			was, is = append(was, g.files...), append(is, files...)
			return nil
		})
		fmt.Fprint(cmd.ErrOrStderr(), results.Report())
		switch {
		case err != nil:
			return nil, nil, err
		case results.Failed():
			return nil, nil, function.ErrReported
		case found[name] == 0 && stay > 0:
			return nil, nil, fmt.Errorf("nothing that %s wrote here can be taken away without a ClusterBypass that says where the pod templates are (--spec): it stays in %s", named(name), objects(stay))
		case found[name] == 0 && built >= 0:
			return nil, nil, fmt.Errorf("%w. %s is a kustomization, and what a ClusterBypass writes when it is built stands in none of its files: take that out of its transformers, and build again", wroteNothing(name, found), paths[built])
		case found[name] == 0:
			return nil, nil, wroteNothing(name, found)
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "takes away what %s wrote: %s\n", named(name), objects(found[name]))
		return was, is, nil
	}
}

// wroteNothing is the error for a name under which nothing was written, found what
// was.
func wroteNothing(name string, found map[string]int) error {
	if len(found) == 0 {
		return fmt.Errorf("%s wrote nothing here, and no other did", named(name))
	}
	others := each.As(slices.Sorted(maps.Keys(found)), func(other string) string { return fmt.Sprintf("%s (%s)", named(other), objects(found[other])) })
	return fmt.Errorf("%s wrote nothing here: there is something of %s", named(name), strings.Join(others, ", "))
}

func named(spec string) string {
	if spec == "" {
		return `a spec without a name (--remove "")`
	}
	return "ClusterBypass " + spec
}

func objects(n int) string {
	if n == 1 {
		return "1 object"
	}
	return fmt.Sprintf("%d objects", n)
}
