package main

import (
	"github.com/spf13/cobra"

	"github.com/krm-bypass/krm-bypass/cmd/internal/function"
)

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of krm-bypass",
		Long: `version prints the version of krm-bypass, as --version does: that of the release, or
of the module where go install built the program. A build from a clone is "dev", and
make build adds the commit, as in dev-1469d521d2d5, and -dirty where files differ from it.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return output(cmd, []byte(function.Version()+"\n"))
		},
	}
}
