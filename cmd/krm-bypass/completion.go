package main

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/krm-bypass/krm-bypass/internal/spelling"
)

const completionHelp = `completion prints a script by which a shell completes commands, flags and values.
Load it from the file that your shell reads at its start:

  source <(krm-bypass completion bash)
  source <(krm-bypass completion zsh)
  krm-bypass completion fish | source
  krm-bypass completion powershell | Out-String | Invoke-Expression

Bash needs the package bash-completion. Zsh needs compinit to run before.
The archives of a release hold the same scripts as files.`

// completions write the script of each shell.
var completions = map[string]func(root *cobra.Command, to io.Writer) error{
	"bash":       func(root *cobra.Command, to io.Writer) error { return root.GenBashCompletionV2(to, true) },
	"zsh":        (*cobra.Command).GenZshCompletion,
	"fish":       func(root *cobra.Command, to io.Writer) error { return root.GenFishCompletion(to, true) },
	"powershell": (*cobra.Command).GenPowerShellCompletionWithDesc,
}

func completionCommand() *cobra.Command {
	shells := slices.Sorted(maps.Keys(completions))
	return &cobra.Command{
		Use:               "completion " + strings.Join(shells, "|"),
		Short:             "Print the script by which a shell completes krm-bypass",
		Long:              completionHelp,
		ValidArgsFunction: cobra.FixedCompletions(shells, cobra.ShellCompDirectiveNoFileComp),
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return fmt.Errorf("completion needs the name of one shell, %s, as in krm-bypass completion bash", strings.Join(shells, ", "))
			}
			if completions[args[0]] == nil {
				return fmt.Errorf("completion: %s", spelling.Refusal(args[0], shells))
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			var script bytes.Buffer
			if err := completions[args[0]](cmd.Root(), &script); err != nil {
				return fmt.Errorf("writing the script: %w", err)
			}
			return output(cmd, script.Bytes())
		},
	}
}

// completes has shells complete a flag with these values.
func completes(cmd *cobra.Command, flag string, values []string) {
	if err := cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp)); err != nil {
		panic(err) // only where there is no such flag
	}
}
