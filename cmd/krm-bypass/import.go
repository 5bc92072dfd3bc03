package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/cmd/internal/function"
	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/inventory"
)

const importHelp = `import finds the bypass settings that stand in manifests and Helm values and
prints a ClusterBypass that says the same:

  annotations of pod templates, and of Namespaces for Linkerd
  Istio's Helm values (global.proxy), also in IstioOperator and Istio resources
      and in the ConfigMap istio-sidecar-injector
  Linkerd's Helm values (proxyInit), also in the ConfigMap linkerd-config
  FSM's and OSM's MeshConfig (spec.traffic)

What the mesh's own configuration says becomes meshDefaults, what all workloads
say global, what those of a namespace say a rule for it, the rest rules for
single workloads. Every file named is read, of a folder all .yaml, .yml and
.json files below it that are not hidden.

With --strip, the annotations that were imported are taken out of the files, and
no other byte changes. The mesh's own configuration stays as it is. Rendering
the specification over what is left gives every workload what it had. Where
anything is wrong, nothing is printed and nothing is written.`

func importCommand() *cobra.Command {
	var mesh string
	var strip bool
	cmd := &cobra.Command{
		Use:   "import PATH...",
		Short: "Make a ClusterBypass of the settings that manifests have already",
		Long:  importHelp,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return errors.New("import reads files or folders: name some, as in krm-bypass import manifests/")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error { return importSettings(cmd, args, mesh, strip) },
	}
	cmd.Flags().StringVar(&mesh, "mesh", "", "mesh whose settings are meant, where there are those of several")
	cmd.Flags().BoolVar(&strip, "strip", false, "take what was imported out of the files")
	return cmd
}

func importSettings(cmd *cobra.Command, paths []string, mesh string, strip bool) error {
	files, skipped, err := readManifests(paths)
	if err != nil {
		return err
	}
	report := func(severity, message string) { fmt.Fprintf(cmd.ErrOrStderr(), "%s: %s\n", severity, message) }
	fail := func(err error) error {
		var problems inventory.Problems
		if !errors.As(err, &problems) {
			return err
		}
		for _, p := range problems {
			report("error", p.Error())
		}
		return function.ErrReported
	}
	found, err := inventory.Take(files, mesh)
	if err != nil {
		return fail(err)
	}
	if err := readable(found.Spec()); err != nil {
		return err
	}
	var stripped []inventory.File
	if strip {
		if stripped, err = found.Stripped(); err != nil {
			return fail(err)
		}
	}
	for _, one := range skipped {
		report("warning", one)
	}
	for _, w := range found.Warnings {
		report("warning", w.Error())
	}
	rewritten, err := stage(stripped)
	if err != nil {
		return err
	}
	// Before anything goes from the files: it must not stand nowhere.
	if _, err := cmd.OutOrStdout().Write(found.Spec()); err != nil {
		rewritten.discard()
		return fmt.Errorf("writing standard output: %w", err)
	}
	return rewritten.commit()
}

// readable makes sure that what is printed is a spec.
func readable(spec []byte) error {
	var node yaml.Node
	if err := yaml.Unmarshal(spec, &node); err != nil {
		return fmt.Errorf("reading the imported specification back: %w", err)
	}
	if _, err := fn.ReadSpec(&node, "imported specification"); err != nil {
		return fmt.Errorf("reading the imported specification back: %w", err)
	}
	return nil
}
