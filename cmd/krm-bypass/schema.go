package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/krm-bypass/krm-bypass/internal/admission"
	"github.com/krm-bypass/krm-bypass/internal/spec"
	"github.com/krm-bypass/krm-bypass/internal/transform"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

func schemaCommand() *cobra.Command {
	var admissionPolicy bool
	var files []string
	command := &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of ClusterBypass, or an admission policy",
		Long: `schema prints the JSON Schema (draft 2020-12) of ClusterBypass, for editors and
pipelines. In an editor with the YAML language server, put this line at the top
of the file:

  # yaml-language-server: $schema=clusterbypass.schema.json

With --admission-policy it prints a ValidatingAdmissionPolicy and its binding
(Kubernetes 1.30 or later), by which a cluster refuses workloads whose pod
templates carry bypass annotations that krm-bypass did not write. It knows the
kinds that krm-bypass knows, and those that the podTemplates of --spec add. One policy
is for all specifications of a cluster: give --spec for each.`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			text := spec.Schema() + "\n"
			switch {
			case admissionPolicy:
				policies, err := policiesOf(files)
				if err != nil {
					return err
				}
				text = admission.Policy(policies...)
			case len(files) > 0:
				return errors.New("the schema is the same for every spec: --spec goes with --admission-policy alone")
			}
			return output(cmd, []byte(text))
		},
	}
	command.Flags().BoolVar(&admissionPolicy, "admission-policy", false, "print the ValidatingAdmissionPolicy and its binding instead")
	command.Flags().StringArrayVar(&files, "spec", nil, "file with a ClusterBypass that adds kinds to the admission policy, or the folder of a kustomization that makes it; once for each, where there are several")
	return command
}

// policiesOf gives what specs say.
func policiesOf(files []string) ([]*transform.Policy, error) {
	var policies []*transform.Policy
	in := inputs{specs: files}
	specs, err := in.readSpecs()
	if err != nil {
		return nil, err
	}
	for _, one := range specs {
		read, err := compiled(one.Path, one.Text)
		if err != nil {
			return nil, err
		}
		policies = append(policies, read.Policy)
	}
	return policies, nil
}

// compiled gives the spec in a text.
func compiled(path string, text []byte) (*spec.Spec, error) {
	source, err := spec.In(yamltext.File{Path: path, Text: text})
	if err != nil {
		return nil, err
	}
	return source.Read(spec.Given{})
}
