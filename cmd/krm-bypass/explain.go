package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/cmd/internal/function"
	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/page"
	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/report"
	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/revision"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

const explainHelp = `explain says for each workload what bypasses its sidecar. For every entry it names
the scope that the entry comes from, with file, line and field; what a broader
scope said and lost; and how the entry is enforced: by the mesh's annotation, by
the init container, or by the mesh's own configuration. It reads manifests from
before or after the function ran, and changes nothing.

PATH is a file, a folder, a kustomization, or - for standard input. To see one
workload only, write NAME, KIND/NAME, NAMESPACE/NAME or KIND/NAMESPACE/NAME after
the paths; if a file has that name, use --workload.

Without a workload it begins with a summary: how many workloads bypass what, whom
each rule reaches, the findings by kind, and what is left alone and why. Workloads
of which there is the same to say stand together, and places are in footnotes.
-o wide leaves nothing out: it has a row for each entry, with its place.

With --to or --from-port, explain says whether one connection bypasses the
sidecar or is intercepted, and which entry decides.

With --before, explain says what changed since an earlier state, and which pods
restart because of it. The earlier state is a git revision, at which explain
reads the same paths; or a folder that takes the place of PATH, including a
specification in it; or a file with an earlier specification for the same
manifests, or with earlier manifests. Where files were rendered in place, what stands in them is compared.
What a change takes away, manifests or the specification, is in the earlier state
alone. A state that is not there is an error; if what it holds cannot be read, explain
warns and shows what is so now. Of a folder above kustomizations with a specification
nothing is compared: name each that you deploy.

Other annotations by which the mesh lets traffic bypass count too. What such a
value does exactly is not always known; then it says "perhaps".

-o csv is an audit table: one row for every entry that lets something bypass,
with its reason, its owner and the day on which it expires. It includes
annotations on workloads that the specification does not cover, and a row for
each workload that cannot be read.

-o markdown is a comment for a pull request, no longer than GitHub takes. -o html is
a page in one file, which opens from a disk and contacts nobody.

With --allow-none a PATH or --spec that is gone is passed over with a warning, and so is
that there is no ClusterBypass. All arguments are paths then: name a workload with
--workload.

The exit code is 1 where something is refused: the errors say why.`

// explanationFormats are those of the report, and the page in one file.
var explanationFormats = append(slices.Clip(report.ExplanationFormats), report.Format[report.Explanation]{Name: onePage, Write: page.WriteFile})

// onePage names the format that is a page.
const onePage = "html"

type explainFlags struct {
	format, now      string
	workload, before string
	to, fromPort     string
}

func explainCommand() *cobra.Command {
	var in inputs
	var flags explainFlags
	cmd := &cobra.Command{
		Use:   "explain PATH...|- [WORKLOAD]",
		Short: "Say what bypasses, by which rule, and what a change restarts",
		Long:  explainHelp,
		Args:  needManifests,
		RunE:  func(cmd *cobra.Command, args []string) error { return explainManifests(cmd, in, args, flags) },
	}
	in.addPipedFlags(cmd)
	in.addAllowNone(cmd)
	cmd.Flags().StringVarP(&flags.format, "output", "o", explanationFormats[0].Name, "format: "+explanationFormats.Names())
	completes(cmd, "output", explanationFormats.List())
	cmd.Flags().StringVar(&flags.workload, "workload", "", "workload to explain, if a file has the same name")
	cmd.Flags().StringVar(&flags.before, "before", "", "git revision, folder or specification to compare with")
	cmd.Flags().StringVar(&flags.to, "to", "", `destination of an outbound connection to ask about, such as 10.1.2.3:443 or "[fd00::1]:53/UDP"`)
	cmd.Flags().StringVar(&flags.fromPort, "from-port", "", "port of the pod to ask about for inbound connections, such as 9090 or 53/UDP")
	allowOne(cmd, "to", "from-port", "before")
	addNowFlag(cmd, &flags.now)
	return cmd
}

func explainManifests(cmd *cobra.Command, in inputs, args []string, flags explainFlags) error {
	format, err := explanationFormats.ByName(flags.format)
	if err != nil {
		return fmt.Errorf("--output: %w", err)
	}
	connection, name, err := flags.connection()
	if err != nil {
		return err
	}
	paths, workload := args, flags.workload
	if !in.allowNone { // what is gone would be taken for a workload
		paths, workload = flags.split(cmd.Context(), args)
	}
	today, err := day(flags.now)
	if err != nil {
		return err
	}
	in.renames, in.retold = true, true
	var found report.Explanation
	var said fn.Results
	if flags.before == "" {
		found, said, err = explained(cmd, in, paths, today)
	} else {
		var now inputs
		var rest []string
		found, now, rest, said, err = explainedSince(cmd, in, paths, flags.before, today)
		if flags.format == onePage {
			format.Write = func(w io.Writer, r report.Explanation) error {
				return page.WriteComparison(w, r, in.differences(cmd, paths, flags.before, now, rest, r))
			}
		}
	}
	others := 0
	if workload != "" || connection != nil {
		said, others = aboutOnly(said, workload)
	}
	fmt.Fprint(cmd.ErrOrStderr(), said.ReportSince(found.IsNew()))
	tell(cmd, "warning", found.NotCompared()...)
	if err != nil {
		return err
	}
	if workload != "" {
		if err := found.Only(workload); err != nil {
			return err
		}
	}
	if connection != nil {
		found.Decide(*connection, name)
	}
	if err := format.Write(cmd.OutOrStdout(), found); err != nil {
		return fmt.Errorf("writing standard output: %w", err)
	}
	if others > 0 {
		tell(cmd, "info", report.Counted(others, "warning is", "warnings are")+" about something else, and not shown: krm-bypass lint lists all")
	}
	if found.Failed {
		return function.ErrReported
	}
	return nil
}

// aboutOnly keeps of what there is to tell the errors, and what is about the workload of a
// name, "" for none. others counts the other warnings.
func aboutOnly(said fn.Results, workload string) (kept fn.Results, others int) {
	for _, one := range said {
		switch {
		case one.Severity == fn.Error, workload != "" && one.ResourceRef != nil && report.Named(*one.ResourceRef, workload):
			kept = append(kept, one)
		case one.Severity == fn.Warning:
			others++
		}
	}
	return kept, others
}

// differences gives what changed in the manifests of workloads since the earlier state.
// now and rest are what of the inputs is there now.
func (in inputs) differences(cmd *cobra.Command, paths []string, before string, now inputs, rest []string, r report.Explanation) (d page.Differences) {
	switch {
	case r.Comparison == nil:
		return page.Differences{}
	case slices.Contains(paths, standardInput):
		return page.Differences{Problem: "standard input can be read only once"}
	}
	now.reading.rewriting, now.comparing = true, true
	in.reading.rewriting, in.comparing, in.otherwise = true, true, now.otherwise
	var said bytes.Buffer
	aside := aside(cmd.Context(), &said)
	stood, was, err := renderedBefore(aside, in, paths, before)
	var stands, is []fn.Manifest
	if err == nil {
		stands, is, err = rendered(aside, now, rest)
	}
	if err != nil {
		if !errors.Is(err, function.ErrReported) {
			said.WriteString(err.Error())
		}
		return page.Differences{Problem: strings.Join(lines(said.String()), "; ")}
	}
	made, asTheyStand := map[fn.ResourceRef]bool{}, map[fn.ResourceRef]bool{}
	for _, w := range r.Workloads {
		if w.Change.Kind == report.Changed {
			made[w.ResourceRef], asTheyStand[w.ResourceRef] = !w.Change.AsItStands, w.Change.AsItStands
		}
	}
	d.Of = page.Between(was, is, func(ref fn.ResourceRef) bool { return made[ref] })
	maps.Copy(d.Of, page.Between(stood, stands, func(ref fn.ResourceRef) bool { return asTheyStand[ref] }))
	return d
}

// connection gives the connection that the user asks about, nil if there is none.
func (f explainFlags) connection() (*traffic.Connection, string, error) {
	flag, text, name, read := "--to", f.to, f.to, traffic.ParseOutbound
	if f.fromPort != "" {
		flag, text, name, read = "--from-port", f.fromPort, "inbound port "+f.fromPort, traffic.ParseInbound
	}
	if text == "" {
		return nil, "", nil
	}
	connection, err := read(text)
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", flag, err)
	}
	return &connection, name, nil
}

// split separates the paths from the workload after them. What a revision has of that name
// is a path, as what is there today.
func (f explainFlags) split(ctx context.Context, args []string) (paths []string, workload string) {
	last := args[len(args)-1]
	switch {
	case f.workload != "":
		return args, f.workload
	case len(args) == 1 || last == standardInput || isThere(last) || strings.HasPrefix(last, ".") || strings.HasPrefix(last, "/"):
		return args, ""
	case f.before != "" && !isThere(f.before) && revision.Holds(ctx, f.before, last):
		return args, ""
	}
	return args[:len(args)-1], last
}

func isThere(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

// explained reads manifests and explains them. said is what there is to tell the
// user about them.
func explained(cmd *cobra.Command, in inputs, paths []string, today v1alpha1.Date) (found report.Explanation, said fn.Results, err error) {
	var all []*fn.Explained
	var foreign, blank []string
	var failed error
	told := map[string]bool{}
	var specified []string
	var unspecified [][]string
	var standing []report.Standing
	var unbuilt report.Unbuilt
	var doubts []string
	in.doubts = &doubts
	err = in.each(cmd, paths, "explaining", func(g group, options fn.Options) error {
		foreign, blank = append(foreign, g.foreign...), append(blank, g.blank()...)
		before := len(all)
		unbuilt = unbuilt.With(g.unbuilt)
		var specs []*fn.Spec
		switch names := g.named(in.today); {
		case len(g.within) > 0 || !g.hasNoSpec():
			specified = append(specified, names...)
		case !g.isEmpty():
			unspecified = append(unspecified, names)
		}
		for _, one := range append(g.within, g) {
			one = one.or(in.otherwise)
			some, results, wrong := one.explained(one.with(options), today)
			all, specs = append(all, some...), append(specs, one.specs[:len(some)]...)
			said = append(said, results.Once(told)...)
			failed = cmp.Or(failed, wrong)
		}
		onlyTheirOwn(all[before:])
		if in.standing {
			standing = append(standing, g.standing(options, all[before:], in.today))
		}
		if failed != nil || !g.changeable() {
			return nil //nolint:nilerr // it is returned with the report
		}
		is := g.finish(options, today) // an error of which has been explained
		if is.err == nil {
			g.settle(slices.Concat(all[before:], is.judged), specs, is.files, options, in.renames)
		}
		for _, judged := range is.judged {
			said = append(said, judged.Results.Once(told)...)
			all = append(all[:before], instead(all[before:], judged)...)
		}
		return nil
	})
	if err != nil {
		return found, nil, err
	}
	if failed == nil {
		in.tellBlank(cmd, blank, paths)
		fn.TogetherExplained(all...)
		said = nil
		told := map[string]bool{}
		for _, x := range all {
			said = append(said, x.Results.Once(told)...)
		}
	}
	found = report.NewExplanation(all...)
	for _, one := range standing {
		found.Stand(one)
	}
	found.PassedOver, found.Specified, found.Unspecified = foreign, specified, unspecified
	found.Doubts, found.Unbuilt = doubts, unbuilt
	return found, said, failed
}

// instead puts the explanations of what is in force in finished manifests in the
// place of those of what was written.
func instead(all []*fn.Explained, finished *fn.Explained) []*fn.Explained {
	finished.Workloads = slices.DeleteFunc(finished.Workloads, func(is fn.Explanation) bool {
		return is.Outcome == fn.Unspoken && slices.ContainsFunc(all, func(x *fn.Explained) bool {
			// It may have got another name since.
			return slices.ContainsFunc(x.Workloads, func(was fn.Explanation) bool {
				return was.TemplateRef == is.TemplateRef || is.Line > 0 && was.File == is.File && was.Line == is.Line
			})
		})
	})
	for _, x := range all {
		x.Workloads = slices.DeleteFunc(x.Workloads, func(was fn.Explanation) bool {
			return slices.ContainsFunc(finished.Workloads, func(is fn.Explanation) bool { return is.TemplateRef == was.TemplateRef })
		})
	}
	return append(all, finished)
}

// explained explains what the specs of a group do to its files, one after the
// other. The error is ErrReported if the results hold it.
func (g group) explained(options fn.Options, today v1alpha1.Date) (all []*fn.Explained, results fn.Results, err error) {
	if g.isEmpty() {
		return nil, nil, nil
	}
	files := g.files
	for i, spec := range g.specs {
		x, err := fn.Explain(spec, files, options, today)
		results = append(results, x.Results...)
		if err == nil && i+1 < len(g.specs) {
			// The next spec sees what this one wrote.
			files, _, err = fn.Manifests(spec, files, options)
		}
		if errors.Is(err, fn.ErrFailed) {
			err = function.ErrReported
		}
		if err != nil {
			return nil, results, err
		}
		all = append(all, x)
	}
	return all, results, nil
}
