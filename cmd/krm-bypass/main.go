// Command krm-bypass writes into manifests which traffic bypasses the sidecars
// of a service mesh. Without arguments it is a KRM function on standard input
// and output.
package main

import (
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/krm-bypass/krm-bypass/cmd/internal/function"
	"github.com/krm-bypass/krm-bypass/fn"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is the whole command. It returns the exit code.
func run(args []string, in io.Reader, out, errOut io.Writer) int {
	root := rootCommand()
	root.AddCommand(checkCommand(), explainCommand(), importCommand(), installCommand(), pinCommand(), probeCommand(), renderCommand(), schemaCommand())
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errOut)
	return function.Exit(root.Execute(), errOut)
}

func rootCommand() *cobra.Command {
	var namespace string
	cmd := &cobra.Command{
		Use:           "krm-bypass",
		Short:         "Say in Git which traffic bypasses the sidecar",
		Long:          function.Help,
		Version:       function.Version,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noUnknownCommand,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if function.IsTerminal(cmd.InOrStdin()) { // waiting for input would puzzle whoever sits there
				return cmd.Help()
			}
			return function.Apply(cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr(), fn.Options{Namespace: namespace})
		},
	}
	cmd.CompletionOptions.DisableDefaultCmd = true
	addNamespaceFlag(cmd, &namespace)
	return cmd
}

// addNamespaceFlag adds the flag --namespace.
func addNamespaceFlag(cmd *cobra.Command, namespace *string) {
	cmd.Flags().StringVar(namespace, function.NamespaceFlag, function.Namespace(), function.NamespaceHelp)
}

func noUnknownCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return fmt.Errorf("%q is not a command of krm-bypass: see krm-bypass --help", args[0])
}

// output writes the outcome of a command.
func output(cmd *cobra.Command, text []byte) error {
	if _, err := cmd.OutOrStdout().Write(text); err != nil {
		return fmt.Errorf("writing standard output: %w", err)
	}
	return nil
}
