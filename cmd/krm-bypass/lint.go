package main

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/report"
	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/finding/words"
	"github.com/krm-bypass/krm-bypass/internal/spelling"
)

const lintHelp = `lint prints what krm-bypass finds in manifests: bypasses that are void, pods that
would not start, policies that nobody asks any more. It reads manifests from before
or after the function ran, and does not compare them with what the function would
write; check does that too.

PATH is a file, a folder, a kustomization, or - for standard input.

Without PATH, lint lists the kinds of findings. With --explain it prints what one
kind is about and what to do. The specification sets the severity of each kind in
spec.lint, and accepts single findings in spec.lint.accept.

Exit code: 0 if there are no errors, 1 if there are, 2 if lint could not tell,
because it could not read something or found no workload. --allow-none is as for
check.`

func lintCommand() *cobra.Command {
	var in inputs
	var flags checkFlags
	var explain string
	cmd := &cobra.Command{
		Use:   "lint [PATH...|-]",
		Short: "Print the findings in manifests, or list their kinds",
		Long:  lintHelp,
		Args:  cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case explain != "" && len(args) > 0:
				return errors.New("--explain takes no manifests: leave out one of the two")
			case explain != "":
				return explainKind(cmd, explain)
			case len(args) == 0:
				return listKinds(cmd)
			}
			return checkManifests(cmd, in, args, flags, report.NewLint)
		},
	}
	in.addPipedFlags(cmd)
	in.addAllowNone(cmd)
	flags.add(cmd)
	cmd.Flags().StringVar(&explain, "explain", "", "kind of finding to print the description of, such as strict-mtls")
	completes(cmd, "explain", ids())
	return cmd
}

func ids() []string {
	var all []string
	for _, k := range finding.All() {
		all = append(all, k.ID)
	}
	return all
}

// listKinds writes one line for each kind of finding.
func listKinds(cmd *cobra.Command) error {
	var b bytes.Buffer
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, k := range finding.All() {
		fmt.Fprintf(t, "%s\t%s\t%s\n", k.ID, strings.ToLower(string(k.Severity)), strings.TrimPrefix(words.Finds(k), "Finds "))
	}
	_ = t.Flush() // a buffer takes everything
	return output(cmd, b.Bytes())
}

// explainKind writes the text of a kind.
func explainKind(cmd *cobra.Command, id string) error {
	k, known := finding.ByID(id)
	if !known {
		near := strings.TrimLeft(spelling.DidYouMean(id, ids())+" krm-bypass lint lists them", " ")
		return fmt.Errorf("--explain: there is no finding of kind %q: %s", id, near)
	}
	return output(cmd, []byte(words.Text(k)))
}
