// Command krm-bypass-fn is the KRM function of krm-bypass and nothing else: it
// starts faster, and there is no kustomize and no network code in it.
package main

import (
	"os"

	"github.com/krm-bypass/krm-bypass/cmd/internal/function"
)

func main() {
	os.Exit(function.Run(function.Command(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
