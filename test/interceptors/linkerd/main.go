// Linkerd's init container before linkerd2-proxy-init 2.0, by its own code.
//
// Run in the pod's network namespace with the arguments that the injection template
// makes, it is that container.
package main

import (
	"os"

	"github.com/linkerd/linkerd2-proxy-init/cmd"
)

func main() {
	if err := cmd.NewRootCmd().Execute(); err != nil {
		os.Exit(1)
	}
}
