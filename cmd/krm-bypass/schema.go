package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/krm-bypass/krm-bypass/fn"
)

func schemaCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of ClusterBypass",
		Long: `schema prints the JSON Schema (draft 2020-12) of ClusterBypass, for editors and
pipelines. In an editor with the YAML language server, put this line at the top
of the file:

  # yaml-language-server: $schema=clusterbypass.schema.json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if _, err := fmt.Fprintln(cmd.OutOrStdout(), fn.Schema()); err != nil {
				return fmt.Errorf("writing standard output: %w", err)
			}
			return nil
		},
	}
}
