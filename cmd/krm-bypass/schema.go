package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/admission"
)

func schemaCommand() *cobra.Command {
	var admissionPolicy bool
	command := &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of ClusterBypass, or an admission policy",
		Long: `schema prints the JSON Schema (draft 2020-12) of ClusterBypass, for editors and
pipelines. In an editor with the YAML language server, put this line at the top
of the file:

  # yaml-language-server: $schema=clusterbypass.schema.json

With --admission-policy it prints a ValidatingAdmissionPolicy and its binding
(Kubernetes 1.30 or later), by which a cluster refuses workloads whose pod
templates carry bypass annotations that krm-bypass did not write.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			text := fn.Schema() + "\n"
			if admissionPolicy {
				text = admission.Policy()
			}
			if _, err := io.WriteString(cmd.OutOrStdout(), text); err != nil {
				return fmt.Errorf("writing standard output: %w", err)
			}
			return nil
		},
	}
	command.Flags().BoolVar(&admissionPolicy, "admission-policy", false, "print the ValidatingAdmissionPolicy and its binding instead")
	return command
}
