package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/cmd/internal/function"
	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/report"
	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/finding"
)

const checkHelp = `check compares manifests with what the function would make of them. It passes
if the function ran over every workload with this specification, and nobody has
changed its values since. Put it at the end of a pipeline to catch a function
that was skipped silently:

  kustomize build --enable-alpha-plugins --enable-exec . |
    krm-bypass check - --spec bypass.yaml

PATH is a file, a folder, a kustomization, or - for standard input. In a folder,
check reads all .yaml, .yml and .json files, at any depth, except in hidden
folders. How they are formatted does not matter. For each workload, check says
what is missing, stale or foreign, in which file and line, and what to do about it.

A kustomization is built within this process. What is built so is not compared with
itself: check says whether the kustomize CLI would apply the specification where it
stands, judges limits, findings and expiry, and prints the command that compares
what kustomize builds.

An expired rule of the specification is an error; a rule that will expire soon is
a warning. What the function would refuse is an error, what it would warn about
is a warning. Everything that differs in a workload for one cause is one finding.

A rule that reaches no workload is an error with --complete, which says that the
manifests are the whole cluster. Without it, check lists such rules, and warns if a
name that was probably meant is there.

-o github writes workflow commands of GitHub Actions, -o gitlab a Code Quality
report of GitLab.

Exit code: 0 if there are no errors, 1 if there are, 2 if check could not tell,
because it could not read something or found no workload. With --allow-none a PATH
or --spec that is gone is passed over with a warning, and having no workload or no
ClusterBypass is no error. What a ClusterBypass wrote that is gone still is one.`

const nothingToCheck = "there is nothing to check: the manifests hold no workload: name those that do, or give --allow-none if there may be none"

// couldNotTell is the exit code of a check without a result.
const couldNotTell = 2

func checkCommand() *cobra.Command {
	var in inputs
	var flags checkFlags
	cmd := &cobra.Command{
		Use:   "check PATH...|-",
		Short: "Compare manifests with what the function would make of them",
		Long:  checkHelp,
		Args:  needManifests,
		RunE: func(cmd *cobra.Command, args []string) error {
			return checkManifests(cmd, in, args, flags, report.NewCheck)
		},
	}
	in.addPipedFlags(cmd)
	in.addAllowNone(cmd)
	flags.add(cmd)
	return cmd
}

type checkFlags struct {
	format, now string
	notice      int
	complete    bool
}

// add adds the flags of every command that reports findings.
func (f *checkFlags) add(cmd *cobra.Command) {
	failsWith(cmd, couldNotTell)
	cmd.Flags().StringVarP(&f.format, "output", "o", report.CheckFormats[0].Name, "format of the report: "+report.CheckFormats.Names())
	completes(cmd, "output", report.CheckFormats.List())
	cmd.Flags().IntVar(&f.notice, "notice", fn.Notice, "warn so many days before a rule expires")
	cmd.Flags().BoolVar(&f.complete, "complete", false, "fail for rules that reach no workload, because the manifests are the whole cluster")
	addNowFlag(cmd, &f.now)
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

func checkManifests(cmd *cobra.Command, in inputs, paths []string, flags checkFlags, reportOf func(version string, all ...report.Checked) report.Check) error {
	format, err := report.CheckFormats.ByName(flags.format)
	if err != nil {
		return fmt.Errorf("--output: %w", err)
	}
	today, err := day(flags.now)
	if err != nil {
		return err
	}
	if flags.notice < 0 {
		return fmt.Errorf("--notice: %d is no number of days: write 0 or more", flags.notice)
	}
	var all []report.Checked
	in.judging, in.retold, in.reading.judging = true, true, true
	var failed error
	var foreign []string
	something := false
	var pipelines, doubts []string
	in.doubts = &doubts
	err = in.each(cmd, paths, "checking", func(g group, options fn.Options) error {
		options.Complete = flags.complete
		foreign = append(foreign, g.foreign...)
		something = something || !g.isEmpty()
		checked, is, wrong := g.checked(options, fn.Expiry{Today: today, Notice: flags.notice})
		if g.isUnruled {
			for i := range checked {
				checked[i].Results = append(checked[i].Results, leftBehind(checked[i].Objects)...)
				checked[i].Unruled = true
			}
		}
		all = append(all, checked...)
		failed = cmp.Or(failed, wrong)
		if g.listed {
			pipelines = append(pipelines, g.comparing(is, options)...)
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case failed != nil && !errors.Is(failed, fn.ErrFailed):
		return failed
	}
	found := reportOf(function.Version(), all...)
	if len(in.specs) > 0 {
		found.Spec = in.specs[0]
	}
	found.PassedOver, found.Doubts = foreign, doubts
	if found.Compares() {
		slices.Sort(pipelines)
		found.Pipelines = slices.Compact(pipelines)
	}
	if failed == nil && (found.IsEmpty() || !something) && !in.allowNone {
		found.Passed, found.Nothing = false, nothingToCheck
	}
	// Programs that want the exit code alone start this one with the null device open for
	// reading too, which is what a closed standard output becomes (python/cpython
	// Lib/subprocess.py, _get_devnull). Whoever chooses a format wants the report.
	switch err := format.Write(cmd.OutOrStdout(), found); {
	case errors.Is(err, function.ErrClosed) && !cmd.Flags().Changed("output"):
		tell(cmd, "warning", "standard output is closed, so that the report is lost: the exit code alone says what was found")
	case err != nil:
		return fmt.Errorf("writing standard output: %w", err)
	}
	switch {
	case failed != nil:
		return function.WithCode(function.ErrReported, couldNotTell) // in the report
	case found.Nothing != "":
		return errors.New(found.Nothing)
	case !found.Passed:
		return function.ErrReported
	}
	return nil
}

// checked checks the files of a group by its specs, one after the other.
// What they come to stands beside it, nil where nothing comes after one of them.
func (g group) checked(options fn.Options, expiry fn.Expiry) (all []report.Checked, is *finished, failed error) {
	for _, one := range g.within {
		some, _, wrong := one.checked(one.with(options), expiry)
		for i := range some {
			some[i].Objects = nil // they are counted where they are finished
		}
		all, failed = append(all, some...), cmp.Or(failed, wrong)
	}
	specs, files := g.specs, g.files
	if len(specs) == 0 && len(g.within) > 0 {
		last := g.within[len(g.within)-1]
		counted, err := fn.Check(last.specs[0], files, options, fn.Expiry{})
		all, failed = append(all, report.Checked{Checked: &fn.Checked{Objects: counted.Objects}, Built: true}), cmp.Or(failed, err)
	}
	for i, spec := range specs {
		if spec.IsAmong() && g.isEmpty() {
			continue
		}
		checked, wrong := fn.Check(spec, files, options, expiry)
		all, failed = append(all, report.Checked{Checked: checked, Built: g.listed}), cmp.Or(failed, wrong)
		if g.listed && wrong == nil && i+1 < len(specs) {
			files, _, wrong = fn.Manifests(spec, files, options) // the next spec sees what this one wrote
			failed = cmp.Or(failed, wrong)
		}
	}
	if failed != nil || !g.changeable() {
		return all, nil, failed
	}
	is = g.finish(options, expiry.Today) // whose error has been told
	if !g.listed {
		all = apart(all, is.said)
	}
	for _, judged := range is.judged {
		if !g.listed {
			all = apart(all, judged.Results)
			continue
		}
		all = append(all, report.Checked{Checked: &fn.Checked{Results: judged.Results}, Built: true})
	}
	return all, is, nil
}

// apart adds what only applying specs one after the other shows of manifests to which
// none was applied yet: where they get into each other's way. What is missing there is
// no use to know, since they cannot both write it.
func apart(all []report.Checked, said fn.Results) []report.Checked {
	about := func(r fn.Result, ref *fn.ResourceRef) bool { return r.ResourceRef != nil && *r.ResourceRef == *ref }
	var found fn.Results
	for _, one := range said {
		told := slices.ContainsFunc(all, func(c report.Checked) bool {
			return slices.ContainsFunc(c.Results, func(r fn.Result) bool {
				return r.Message == one.Message && (one.ResourceRef == nil || about(r, one.ResourceRef))
			})
		})
		if told || one.Severity != fn.Error && one.Tags[fn.CheckTag] != finding.TwoSpecs.ID {
			continue
		}
		found = append(found, one)
		for _, checked := range all {
			for i := range checked.Objects {
				if o := &checked.Objects[i]; one.Severity == fn.Error && about(one, &o.ResourceRef) {
					o.Differences, o.Remedy = nil, ""
				}
			}
		}
	}
	return append(all, report.Checked{Checked: &fn.Checked{Results: found}})
}
