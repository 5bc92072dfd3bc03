package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/spf13/cobra"

	"github.com/krm-bypass/krm-bypass/images/build/dist"
	"github.com/krm-bypass/krm-bypass/images/build/image"
	"github.com/krm-bypass/krm-bypass/images/build/ready"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, env func(string) string, out, errOut io.Writer) int {
	root := &cobra.Command{
		Use:               "build",
		Short:             "Make the project's container images and archives, and push the images",
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	root.AddCommand(makeCommand(env), distCommand(env), readyCommand(), pushCommand())
	root.SetArgs(args)
	root.SetOut(out)
	root.SetErr(errOut)
	if err := root.ExecuteContext(ctx); err != nil {
		fmt.Fprintf(errOut, "error: %v\n", err)
		return 1
	}
	return 0
}

func makeCommand(env func(string) string) *cobra.Command {
	var r release
	var base string
	var platforms []string
	cmd := &cobra.Command{
		Use:   "make",
		Short: "Make the images of programs that are built already",
		Long: `make writes each image as an OCI layout for all platforms, with an SPDX bill of
materials attached for each, and as an archive for every platform that docker
load and podman load take. The one time in them is SOURCE_DATE_EPOCH, 1970 where
it is not set. With --base, krm-bypass-init is made a second time, on that image,
which has to carry iptables; its tag ends in -iptables.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if r.created, err = creation(env("SOURCE_DATE_EPOCH")); err != nil {
				return err
			}
			for _, p := range platforms {
				platform, err := v1.ParsePlatform(p)
				if err != nil || strings.Count(p, "/") == 0 {
					return fmt.Errorf("reading --platform: %q is not a platform, write it as linux/amd64", p)
				}
				r.platforms = append(r.platforms, *platform)
			}
			if r.based = base != ""; r.based {
				if r.base, err = image.FindBase(cmd.Context(), base); err != nil {
					return err
				}
			}
			return r.make(cmd.Context(), cmd.OutOrStdout())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&r.programs, "programs", "", "folder of the programs, as linux-amd64/krm-bypass")
	flags.StringVar(&r.output, "output", "", "folder to write to")
	flags.StringVar(&r.version, "version", "", "version of the images, which is their tag")
	flags.StringVar(&r.revision, "revision", "", "commit to name in the images, none by default")
	flags.StringVar(&base, "base", "", "image with iptables: a reference, or a path that begins with ./ or / of an OCI layout or archive")
	flags.StringSliceVar(&platforms, "platform", []string{"linux/amd64", "linux/arm64"}, "platforms to make them for")
	return requiring(cmd, "programs", "output", "version")
}

func distCommand(env func(string) string) *cobra.Command {
	var r dist.Release
	cmd := &cobra.Command{
		Use:   "dist",
		Short: "Make the archives of programs that are built already",
		Long: `dist writes an archive for each platform, a file with the checksums of all, a
formula for Homebrew and a manifest for krew, which name the archives as a release
offers them. The one time in the archives is SOURCE_DATE_EPOCH, as in images.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if r.Created, err = creation(env("SOURCE_DATE_EPOCH")); err != nil {
				return err
			}
			return r.Make(cmd.OutOrStdout())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&r.Programs, "programs", "", "folder of the programs, as linux-amd64/krm-bypass")
	flags.StringVar(&r.Shipped, "shipped", "", "folder of what goes into every archive")
	flags.StringVar(&r.Licences, "licences", "", "page of licences that does too")
	flags.StringVar(&r.Output, "output", "", "folder to write to")
	flags.StringVar(&r.Version, "version", "", "version of the release, as in v0.1.0")
	return requiring(cmd, "programs", "shipped", "licences", "output", "version")
}

func readyCommand() *cobra.Command {
	var root, version string
	cmd := &cobra.Command{
		Use:   "ready",
		Short: "Find what would be wrong in pages, examples and workflows at a release",
		Long: `ready prints each place where README, docs, examples or workflows name another
version, an image without its digest, a placeholder or a file that no release offers,
and what to write there. It fails if there is any.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := dist.CheckVersion(version); err != nil {
				return err
			}
			found, err := ready.Release{Version: version, Files: dist.Files(version)}.Tree(os.DirFS(root))
			if err != nil {
				return fmt.Errorf("reading the texts: %w", err)
			}
			for _, f := range found {
				fmt.Fprintln(cmd.OutOrStdout(), f)
			}
			if len(found) > 0 {
				return fmt.Errorf("%d places would be wrong at the release %s", len(found), version)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&root, "root", ".", "folder of the repository")
	cmd.Flags().StringVar(&version, "version", "", "version of the release, as in v0.1.0")
	return requiring(cmd, "version")
}

func pushCommand() *cobra.Command {
	var from string
	cmd := &cobra.Command{
		Use:   "push REGISTRY",
		Short: "Push the images as they were made, and print their digests",
		Long: `push pushes the images of a folder, and what is attached to them, below a
registry, which may have a path, as in ghcr.io/krm-bypass. The credentials are
those of docker login or podman login. It prints each reference with its digest,
and on standard error the lines to put into a spec.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return push(cmd.Context(), from, strings.TrimSuffix(args[0], "/"), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVar(&from, "from", "", "folder that make wrote")
	return requiring(cmd, "from")
}

func requiring(cmd *cobra.Command, flags ...string) *cobra.Command {
	for _, flag := range flags {
		if err := cmd.MarkFlagRequired(flag); err != nil {
			panic(err) // only where there is no such flag
		}
	}
	return cmd
}
