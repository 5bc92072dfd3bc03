package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/cmd/internal/function"
	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/report"
	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/revision"
	"github.com/krm-bypass/krm-bypass/internal/spec"
	"github.com/krm-bypass/krm-bypass/internal/terminal"
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

With --to or --from-port, explain says whether one connection bypasses the
sidecar or is intercepted, and which entry decides.

With --before, explain says what changed since an earlier state, and which pods
restart because of it. The earlier state is a git revision, at which explain
reads the same paths; or a folder that takes the place of PATH, including a
specification in it; or a file with an earlier specification for the same
manifests.

-o csv is an audit table: one row for every entry that lets something bypass,
with its reason, its owner and the day on which it expires. It includes
annotations on workloads that the specification does not cover.`

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
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("explain needs files, folders or - for standard input, as in krm-bypass explain manifests/ --spec bypass.yaml")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return explainManifests(cmd, in, args, flags) },
	}
	in.addFlags(cmd)
	cmd.Flags().StringVarP(&flags.format, "output", "o", report.ExplanationFormats[0].Name, "format: "+report.ExplanationFormats.Names())
	cmd.Flags().StringVar(&flags.workload, "workload", "", "workload to explain, if a file has the same name")
	cmd.Flags().StringVar(&flags.before, "before", "", "git revision, folder or specification to compare with")
	cmd.Flags().StringVar(&flags.to, "to", "", `destination of an outbound connection to ask about, such as 10.1.2.3:443 or "[fd00::1]:53/UDP"`)
	cmd.Flags().StringVar(&flags.fromPort, "from-port", "", "port of the pod to ask about for inbound connections, such as 9090 or 53/UDP")
	cmd.MarkFlagsMutuallyExclusive("to", "from-port", "before")
	addNowFlag(cmd, &flags.now)
	return cmd
}

func explainManifests(cmd *cobra.Command, in inputs, args []string, flags explainFlags) error {
	format, err := report.ExplanationFormats.ByName(flags.format)
	if err != nil {
		return fmt.Errorf("--output: %w", err)
	}
	connection, name, err := flags.connection()
	if err != nil {
		return err
	}
	paths, workload := flags.split(args)
	today, err := day(flags.now)
	if err != nil {
		return err
	}
	found, said, err := explained(cmd, in, paths, nil, today)
	fmt.Fprint(cmd.ErrOrStderr(), said)
	if err != nil {
		return err
	}
	if flags.before != "" {
		earlier, said, err := explainedBefore(cmd, in, paths, flags.before, nothing(found.Mesh), today)
		if err != nil {
			// What there is to say about the earlier state matters only if it
			// prevents the comparison.
			fmt.Fprint(cmd.ErrOrStderr(), said)
			return err
		}
		found.Compare(earlier)
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
	return nil
}

// connection gives the connection that the user asks about, nil if there is none.
func (f explainFlags) connection() (*traffic.Connection, string, error) {
	flag, text, read := "--to", f.to, traffic.ParseOutbound
	if f.fromPort != "" {
		flag, text, read = "--from-port", f.fromPort, traffic.ParseInbound
	}
	if text == "" {
		return nil, "", nil
	}
	connection, err := read(text)
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", flag, err)
	}
	name := text
	if f.fromPort != "" {
		name = "inbound port " + text
	}
	return &connection, name, nil
}

// split separates the paths from the workload after them.
func (f explainFlags) split(args []string) (paths []string, workload string) {
	last := args[len(args)-1]
	switch {
	case f.workload != "":
		return args, f.workload
	case len(args) == 1 || last == standardInput || isThere(last) || strings.HasPrefix(last, ".") || strings.HasPrefix(last, "/"):
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
//
// otherwise is the specification that applies if there is none; nil makes that an
// error.
func explained(cmd *cobra.Command, in inputs, paths []string, otherwise *fn.Spec, today v1alpha1.Date) (found report.Explanation, said string, err error) {
	in.working = newProgress(cmd.ErrOrStderr())
	defer in.working.end()
	groups, skipped, err := in.read(cmd, paths)
	if err != nil {
		return found, "", err
	}
	options := in.options()
	options.Progress = func(done, total int) { in.working.say("explaining: %d of %d objects", done, total) }
	for _, message := range skipped {
		said += "warning: " + terminal.Line(message) + "\n"
	}
	var all []*fn.Explained
	for _, g := range groups {
		for _, one := range append(g.within, g) {
			if otherwise != nil && one.hasNoSpec() {
				one.specs = []*fn.Spec{otherwise}
			}
			some, results, wrong := one.explained(options, today)
			all = append(all, some...)
			said += results.Report()
			err = cmp.Or(err, wrong)
		}
	}
	found = report.NewExplanation(all...)
	found.Relocate(func(file string, line int) (string, int) {
		if slices.ContainsFunc(groups, func(g group) bool { return g.built && g.files[0].Path == file }) {
			line = 0 // it belongs to the output of the build, which nobody has seen
		}
		return file, line
	})
	return found, said, err
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

// nothing is the specification that applies if there was none yet.
func nothing(mesh string) *fn.Spec {
	return fn.SpecOf(v1alpha1.ClusterBypass{Spec: v1alpha1.Spec{Mesh: mesh}})
}

// hasNoSpec says whether the specification among the files should apply, and
// there is none.
func (g group) hasNoSpec() bool {
	return len(g.specs) == 1 && g.specs[0] == nil && !slices.ContainsFunc(g.files, func(f fn.Manifest) bool { return holdsSpec(f.Text) })
}

// explainedBefore explains the earlier state that before names.
func explainedBefore(cmd *cobra.Command, in inputs, paths []string, before string, otherwise *fn.Spec, today v1alpha1.Date) (found report.Explanation, said string, err error) {
	info, err := os.Stat(before)
	switch {
	case err != nil:
		return explainedAt(cmd, in, paths, before, otherwise, today)
	case info.IsDir():
		in, paths, err = in.inFolder(paths, before)
		if err != nil {
			return found, "", err
		}
	default:
		text, err := os.ReadFile(before)
		if err != nil {
			return found, "", fmt.Errorf("--before: %w", err)
		}
		if !holdsSpec(text) && len(paths) == 1 {
			paths = []string{before}
			break
		}
		in.spec = before
		if slices.Contains(paths, standardInput) {
			return found, "", errors.New("--before: standard input can be read only once: name files or folders instead")
		}
	}
	return explained(cmd, in, paths, otherwise, today)
}

// inFolder gives what to read if an earlier folder takes the place of the one that
// is read now.
func (in inputs) inFolder(paths []string, folder string) (inputs, []string, error) {
	if len(paths) != 1 || !isDir(paths[0]) {
		return in, nil, fmt.Errorf("--before: the folder %s can take the place of one folder only: name one folder as PATH", folder)
	}
	if inside, err := filepath.Rel(paths[0], in.spec); in.spec != "" && err == nil && inside != ".." && !strings.HasPrefix(inside, "../") {
		in.spec = filepath.Join(folder, inside)
		if !isThere(in.spec) {
			in.spec = "" // it is new
		}
	}
	return in, []string{folder}, nil
}

// holdsSpec says whether one of the documents of a text is a specification.
func holdsSpec(text []byte) bool {
	return slices.ContainsFunc(object.Documents(text), func(d object.Document) bool {
		document, err := object.Decode(d.Fragment())
		return err == nil && spec.Configures(document)
	})
}

// explainedAt explains the same paths at a git revision.
func explainedAt(cmd *cobra.Command, in inputs, paths []string, name string, otherwise *fn.Spec, today v1alpha1.Date) (found report.Explanation, said string, err error) {
	if slices.Contains(paths, standardInput) {
		return found, "", fmt.Errorf("--before: standard input has no revision %s: name files or folders", name)
	}
	tree, err := revision.Checkout(cmd.Context(), paths[0], name)
	if err != nil {
		return found, "", fmt.Errorf("--before: %w", err)
	}
	defer func() { err = errors.Join(err, tree.Close()) }()
	// What was not there is new.
	var then []string
	for _, path := range paths {
		at, err := tree.Path(path)
		if errors.Is(err, revision.ErrAbsent) {
			continue
		}
		if err != nil {
			return found, "", fmt.Errorf("--before: %w", err)
		}
		then = append(then, at)
	}
	if in.spec != "" {
		if in.spec, err = tree.Path(in.spec); err != nil && !errors.Is(err, revision.ErrAbsent) {
			return found, "", fmt.Errorf("--before: %w", err)
		}
	}
	found, said, err = explained(cmd, in, then, otherwise, today)
	found.Relocate(func(file string, line int) (string, int) { return tree.Name(file), line })
	return found, tree.Named(said), err
}
