package main

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/cmd/internal/function"
	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/report"
	"github.com/krm-bypass/krm-bypass/fn"
)

const checkHelp = `check compares manifests with what the function would make of them. It passes
if the function ran over every workload with this specification, and nobody has
changed its values since. Put it at the end of a pipeline to catch a function
that was skipped silently:

  kustomize build . | krm-bypass check - --spec bypass.yaml

PATH is a file, a folder, or - for standard input. In a folder, check reads all
.yaml, .yml and .json files, at any depth, except in hidden folders. How they are
formatted does not matter. For each workload, check says what is missing, stale
or foreign, in which file and line, and what to do about it.

An expired rule of the specification is an error; a rule that will expire soon is
a warning. What the function would refuse is an error, what it would warn about
is a warning.

Exit code: 0 if there are no errors, 1 if there are, 2 if check could not tell,
because it could not read something.`

// couldNotTell is the exit code of a check without a result.
const couldNotTell = 2

func checkCommand() *cobra.Command {
	in := inputs{asFiles: true}
	var format, now string
	var notice int
	cmd := &cobra.Command{
		Use:   "check PATH...|-",
		Short: "Compare manifests with what the function would make of them",
		Long:  checkHelp,
		Args:  needManifests,
		RunE: func(cmd *cobra.Command, args []string) error {
			today, err := day(now)
			if err != nil {
				return err
			}
			return checkManifests(cmd, in, args, format, fn.Expiry{Today: today, Notice: notice}, report.NewCheck)
		},
	}
	in.addFlags(cmd)
	failsWith(cmd, couldNotTell)
	cmd.Flags().StringVarP(&format, "output", "o", report.CheckFormats[0].Name, "format of the report: "+report.CheckFormats.Names())
	cmd.Flags().IntVar(&notice, "notice", 14, "warn so many days before a rule expires")
	addNowFlag(cmd, &now)
	return cmd
}

// addNowFlag adds the flag that makes a run independent of the clock.
func addNowFlag(cmd *cobra.Command, now *string) {
	cmd.Flags().StringVar(now, "now", "", "current day, by which rules expire, such as 2026-12-31 (default today, in UTC)")
}

// day reads the flag --now.
func day(now string) (v1alpha1.Date, error) {
	if now == "" {
		return v1alpha1.Date(time.Now().UTC().Format(time.DateOnly)), nil
	}
	if _, err := time.Parse(time.DateOnly, now); err != nil {
		return "", fmt.Errorf("--now: %q is not a day: write it as 2026-12-31", now)
	}
	return v1alpha1.Date(now), nil
}

func checkManifests(cmd *cobra.Command, in inputs, paths []string, name string, expiry fn.Expiry, reportOf func(version string, all ...*fn.Checked) report.Check) error {
	format, err := report.CheckFormats.ByName(name)
	if err != nil {
		return fmt.Errorf("--output: %w", err)
	}
	var all []*fn.Checked
	var failed error
	something := false
	err = in.each(cmd, paths, "checking", func(g group, options fn.Options) error {
		something = something || !g.isEmpty()
		for _, spec := range g.specs {
			checked, wrong := fn.Check(spec, g.files, options, expiry)
			all = append(all, checked)
			failed = cmp.Or(failed, wrong)
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case !something:
		return errors.New("there is nothing to check: no manifests were found")
	case failed != nil && !errors.Is(failed, fn.ErrFailed):
		return failed
	}
	found := reportOf(function.Version, all...)
	if err := format.Write(cmd.OutOrStdout(), found); err != nil {
		return fmt.Errorf("writing standard output: %w", err)
	}
	switch {
	case failed != nil:
		return function.WithCode(function.ErrReported, couldNotTell) // in the report
	case !found.Passed:
		return function.ErrReported
	}
	return nil
}
