// The real istio-iptables, for the tests to judge krm-bypass-init by.
//
// It is a module of its own, so that Istio's dependencies stay out of the
// project's. The tests build it; nothing of it is shipped.
package main

import (
	"os"

	"istio.io/istio/pkg/log"
	"istio.io/istio/tools/istio-iptables/pkg/cmd"
)

func main() {
	if err := cmd.GetCommand(log.DefaultOptions()).Execute(); err != nil {
		os.Exit(1)
	}
}
