// Consul's rules by its sdk before 0.19, which executes iptables.
//
// Run in the pod's network namespace with what consul-k8s hands to the init container
// in the variable CONSUL_REDIRECT_TRAFFIC_CONFIG, it is what that container does there
// (hashicorp/consul-k8s control-plane/subcommand/connect-init/command.go,
// applyTrafficRedirectionRules).
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"

	"github.com/hashicorp/consul/sdk/iptables"
)

func main() {
	dualStack := flag.Bool("dual-stack", false, "the cluster's pods have both families")
	flag.Parse()
	if err := install(flag.Arg(0), *dualStack); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func install(text string, dualStack bool) error {
	var config iptables.Config
	if err := json.Unmarshal([]byte(text), &config); err != nil {
		return err
	}
	return iptables.Setup(config, dualStack)
}
