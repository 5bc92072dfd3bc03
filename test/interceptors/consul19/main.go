//go:build borrowed

package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"

	"github.com/krm-bypass/krm-bypass/test/interceptors/consul19/nftables"
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
	var config nftables.Config
	if err := json.Unmarshal([]byte(text), &config); err != nil {
		return err
	}
	return nftables.Setup(config, dualStack)
}
