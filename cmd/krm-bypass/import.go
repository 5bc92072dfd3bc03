package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/krm-bypass/krm-bypass/cmd/internal/function"
	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/inplace"
	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/report"
	"github.com/krm-bypass/krm-bypass/internal/each"
	"github.com/krm-bypass/krm-bypass/internal/inventory"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
)

const importHelp = `import finds the bypass settings in manifests and Helm values and prints a
ClusterBypass that says the same. It reads the annotations of pod templates, and
beside them for

%s
Helm values are those of files, at any depth below the names of sub-charts, and those
in objects (%s).

The mesh's own configuration becomes meshDefaults. What all workloads say becomes
the global rule, what all of a namespace say a rule for it, and the rest rules
for single workloads. import reads every file that you name, and in a folder all
.yaml, .yml and .json files that no hidden folder holds. It builds a folder that is
a kustomization, and reads documents, lists and a ResourceList from standard input (-).

With --strip, import takes the annotations that it imported out of the files and
changes no other byte. The mesh's own configuration stays as it is. If you then
render the specification over the files, every workload gets what it had, and import
says which of them restart by that, and why.

With --adopt, import leaves the annotations where they are, and notes on each workload
that the specification speaks in their place now. Nothing restarts then: a pod template
stays as it is as long as its annotations mean what the rules say of it, and
enforcement.mode asks for no init container. render --remove takes the notes away.

Where anything is wrong, import prints nothing and writes nothing.`

// importSources lists, mesh by mesh, where settings stand beside the annotations of pod
// templates.
func importSources() string {
	var lines strings.Builder
	named := ""
	for _, row := range inventory.Sources() {
		if row.Told {
			continue
		}
		if row.Mesh != named {
			fmt.Fprintf(&lines, "  %s\n", row.Mesh)
		}
		named = row.Mesh
		fmt.Fprintf(&lines, "      %s\n", row.Place)
	}
	return lines.String()
}

func importCommand() *cobra.Command {
	var named string
	var strip, adopt bool
	cmd := &cobra.Command{
		Use:   "import PATH...",
		Short: "Make a ClusterBypass of the settings that manifests have already",
		Long:  fmt.Sprintf(importHelp, importSources(), inventory.Holders()),
		Args:  need("reads files, folders or - for standard input: name some", "manifests/"),
		RunE:  func(cmd *cobra.Command, args []string) error { return importSettings(cmd, args, named, strip, adopt) },
	}
	cmd.Flags().StringVar(&named, "mesh", "", "mesh whose settings to import, where the files hold those of several")
	completes(cmd, "mesh", mesh.Names())
	cmd.Flags().BoolVar(&strip, "strip", false, "take what was imported out of the files")
	cmd.Flags().BoolVar(&adopt, "adopt", false, "leave it in the files, and note on the workloads that the spec took it over")
	allowOne(cmd, "strip", "adopt")
	return cmd
}

func importSettings(cmd *cobra.Command, paths []string, named string, strip, adopt bool) error {
	rewriting := ""
	switch {
	case strip:
		rewriting = "--strip"
	case adopt:
		rewriting = "--adopt"
	}
	if rewriting != "" && function.IsNowhere(cmd.OutOrStdout()) {
		return fmt.Errorf("%s: standard output leads nowhere, so that the specification would be lost: send it into a file, as in > bypass.yaml", rewriting)
	}
	read, err := readImportable(cmd, paths, rewriting)
	if err != nil {
		return err
	}
	files := read.files
	fail := func(err error) error {
		problems, is := errors.AsType[inventory.Problems](err)
		if !is {
			return err
		}
		for _, p := range problems {
			tell(cmd, "error", p.Error())
		}
		return function.ErrReported
	}
	tell(cmd, "warning", read.skipped...)
	found, err := inventory.TakeMade(files, read.made, named, read.uses)
	for _, w := range found.Warnings {
		tell(cmd, "warning", w.Error())
	}
	if err != nil {
		return fail(err)
	}
	spec, err := compiled("imported specification", found.Spec())
	if err != nil {
		return fmt.Errorf("reading the imported specification back: %w", err)
	}
	var rewritten []inventory.File
	switch {
	case strip:
		rewritten, err = found.Stripped()
	case adopt:
		rewritten, err = found.Adopted(spec.Policy)
	}
	if err != nil {
		return fail(err)
	}
	texts := map[string][]byte{}
	for _, f := range files {
		texts[f.Path] = f.Text
	}
	changed := each.As(rewritten, func(f inventory.File) inplace.File { return inplace.File{Path: f.Path, Was: texts[f.Path], Is: f.Text} })
	// The settings must be written somewhere before they leave the files.
	if err := rewrite(cmd, changed, found.Spec()); err != nil || rewriting == "" {
		return err
	}
	tell(cmd, "info", rollout(found.Rollout(spec.Policy, rewritten), paths)...)
	return nil
}

// mostRestarts is how many workloads that restart are named.
const mostRestarts = 10

// rollout says what rendering does to pods that run.
func rollout(r inventory.Rollout, paths []string) []string {
	var lines []string
	if r.Adopted > 0 {
		lines = append(lines, fmt.Sprintf("adopted: %s as long as the annotations there mean what the rules say", report.Counted(r.Adopted, "pod template stays as it is", "pod templates stay as they are")))
	}
	if n := len(r.Restarts); n > 0 {
		lines = append(lines, fmt.Sprintf("rendered by this specification, %s, because of what comes into the pod templates:", report.Counted(n, "workload restarts", "workloads restart")))
		for _, one := range r.Restarts[:min(n, mostRestarts)] {
			lines = append(lines, fmt.Sprintf("  %s: %s", one.Object, one.Why))
		}
		if more := n - mostRestarts; more > 0 {
			lines = append(lines, fmt.Sprintf("  and %d more: of files in git, krm-bypass explain %s --spec bypass.yaml --before HEAD lists all", more, strings.Join(paths, " ")))
		}
	}
	if r.Later > 0 {
		lines = append(lines, fmt.Sprintf("%s for pods that start later alone", report.Counted(r.Later, "pod template changes", "pod templates change")))
	}
	return lines
}
