// Command krm-bypass writes into manifests which traffic bypasses the sidecars
// of a service mesh. Without arguments it is a KRM function on standard input
// and output.
package main

import (
	"io"
	"os"

	"github.com/krm-bypass/krm-bypass/cmd/internal/function"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is the whole command.
func run(args []string, in io.Reader, out, errOut io.Writer) int {
	root := function.Command()
	root.AddCommand(checkCommand(), explainCommand(), importCommand(), installCommand(), pinCommand(), probeCommand(), renderCommand(), schemaCommand())
	return function.Run(root, args, in, out, errOut)
}
