// Command krm-bypass writes into manifests which traffic bypasses the sidecars
// of a service mesh. Without arguments it is a KRM function on standard input
// and output.
package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/krm-bypass/krm-bypass/cmd/internal/function"
	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/inplace"
	"github.com/krm-bypass/krm-bypass/fn"
)

func main() {
	function.Starting()
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// plugin is what kubectl looks for when somebody writes kubectl krm-bypass
// (kubernetes/kubectl pkg/cmd/plugin.go: hyphens of a word become underscores).
const plugin = "kubectl-krm_bypass"

// calledAs gives the words by which the user called the program at a path.
func calledAs(path string) string {
	if strings.TrimSuffix(filepath.Base(path), ".exe") == plugin {
		return "kubectl " + programName
	}
	return programName
}

// run is the whole command. It returns the exit code.
func run(args []string, in io.Reader, out, errOut io.Writer) int {
	if len(args) == 0 && !function.IsTerminal(in) {
		// As kustomize and kpt run it: to make the commands would take longer than to start.
		return function.Exit(function.Apply(in, function.Output(out), errOut, fn.Options{Namespace: function.Namespace()}), errOut)
	}
	root := program()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(function.Output(out))
	root.SetErr(errOut)
	// Before cobra, which takes --help behind a misspelt command for the program's.
	err := noUnknownCommand(root, args)
	failed := helpFails(root)
	if err == nil {
		err = cmp.Or(root.Execute(), *failed)
	}
	return function.Exit(err, errOut)
}

// helpFails has the help of all commands say that it could not be written, which cobra passes
// over.
func helpFails(root *cobra.Command) *error {
	var failed error
	help := root.HelpFunc()
	root.SetHelpFunc(func(cmd *cobra.Command, args []string) {
		var text bytes.Buffer
		out := cmd.OutOrStdout()
		cmd.SetOut(&text)
		help(cmd, args)
		cmd.SetOut(out)
		failed = output(cmd, text.Bytes())
	})
	return &failed
}

// program is the command with all that it can do.
func program() *cobra.Command {
	root := rootCommand()
	root.Annotations = map[string]string{cobra.CommandDisplayNameAnnotation: calledAs(os.Args[0])}
	root.AddCommand(checkCommand(), completionCommand(), explainCommand(), importCommand(), initCommand(), installCommand(), lintCommand(), pinCommand(), probeCommand(), renderCommand(), schemaCommand(), suggestCommand(), uiCommand(), versionCommand())
	for _, cmd := range root.Commands() {
		noneEmpty(cmd)
	}
	root.InitDefaultHelpCmd()
	for _, cmd := range append(root.Commands(), root) {
		allowOnce(cmd)
	}
	return root
}

func rootCommand() *cobra.Command {
	var namespace string
	var version bool
	cmd := &cobra.Command{
		Use:           programName,
		Short:         "Say in Git which traffic bypasses the sidecar",
		Long:          function.Help,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noUnknownCommand,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if version {
				return output(cmd, fmt.Appendf(nil, "%s version %s\n", cmd.DisplayName(), function.Version()))
			}
			if function.IsTerminal(cmd.InOrStdin()) { // waiting for input would puzzle whoever sits there
				return cmd.Help()
			}
			return function.Apply(cmd.InOrStdin(), cmd.OutOrStdout(), cmd.ErrOrStderr(), fn.Options{Namespace: namespace})
		},
	}
	cmd.CompletionOptions.DisableDefaultCmd = true
	cmd.SetFlagErrorFunc(flagError)
	addNamespaceFlag(cmd, &namespace)
	cmd.Flags().BoolVarP(&version, "version", "v", false, "version for "+programName)
	return cmd
}

// addNamespaceFlag adds the flag --namespace.
func addNamespaceFlag(cmd *cobra.Command, namespace *string) {
	cmd.Flags().StringVar(namespace, function.NamespaceFlag, function.Namespace(), function.NamespaceHelp)
}

// failsWith gives a command an exit code of its own for every error that it has not
// told the user.
func failsWith(cmd *cobra.Command, code int) {
	coded := func(do func(*cobra.Command, []string) error) func(*cobra.Command, []string) error {
		return func(cmd *cobra.Command, args []string) error {
			err := do(cmd, args)
			if errors.Is(err, function.ErrReported) {
				return err
			}
			return function.WithCode(err, code)
		}
	}
	cmd.Args, cmd.RunE = coded(cmd.Args), coded(cmd.RunE)
	if cmd.PreRunE != nil {
		cmd.PreRunE = coded(cmd.PreRunE)
	}
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return function.WithCode(flagError(cmd, err), code) })
}

// rewrite gives files new texts, after it has written the outcome of the command.
func rewrite(cmd *cobra.Command, files []inplace.File, outcome []byte) error {
	return inplace.Rewrite(files, func(warnings []string) error {
		tell(cmd, "warning", warnings...)
		return output(cmd, outcome)
	})
}

// output writes the outcome of a command.
func output(cmd *cobra.Command, text []byte) error {
	return function.Print(cmd.OutOrStdout(), text) //nolint:wrapcheck // it says what is written
}
