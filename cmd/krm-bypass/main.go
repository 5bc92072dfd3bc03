// Command krm-bypass writes into manifests which traffic bypasses the sidecars
// of a service mesh. Without arguments it is a KRM function on standard input
// and output.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
)

// version is set by the release build.
var version = "dev"

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// errReported says that the user has been told already.
var errReported = errors.New("reported")

// run is the whole command. It returns the exit code: 0, or 1 where anything is
// wrong, as the KRM functions specification has it.
func run(args []string, in io.Reader, out, errOut io.Writer) int {
	root := newRoot()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errOut)
	err := root.Execute()
	switch {
	case err == nil:
		return 0
	case !errors.Is(err, errReported):
		fmt.Fprintf(errOut, "error: %v\n", err)
	}
	return 1
}

func newRoot() *cobra.Command {
	root := functionCommand()
	root.Version = version
	root.SilenceErrors = true
	root.SilenceUsage = true
	root.CompletionOptions.DisableDefaultCmd = true
	root.AddCommand(importCommand(), schemaCommand())
	return root
}
