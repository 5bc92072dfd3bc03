package main

import (
	"fmt"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// meanings say what the traffic flags do.
var meanings = map[traffic.Field]string{
	traffic.ExcludeInboundPorts:     "ports on which callers reach the workload without its sidecar",
	traffic.IncludeInboundPorts:     `the only TCP ports that pass the sidecar, or "*"`,
	traffic.ExcludeOutboundPorts:    "destination ports that bypass the sidecar",
	traffic.IncludeOutboundPorts:    "destination ports that still go through the sidecar, whatever the address",
	traffic.ExcludeOutboundIPRanges: "destinations that bypass it, over TCP on every port but 53",
	traffic.IncludeOutboundIPRanges: `the only destinations that pass it, or "*"; "" for none`,
	traffic.ExcludeOutbound:         "pairs that bypass it, as 10.1.0.0/16@5432 or fd00::/8@53-54/UDP",
}

func printHelp(s session) error { return s.print("the help", usage()) }

func usage() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Lets traffic bypass the mesh's sidecar in this network namespace.\n\nusage: %s [command] [flags]\n\nCommands:\n", program)
	for _, c := range commands {
		fmt.Fprintf(&b, "  %-8s %s\n", c.name, c.summary)
	}
	b.WriteString("\nTraffic: flags can be repeated, and commas separate their entries\n(ports as 8080, 8000-8010 or 53/UDP; ranges as 10.0.0.0/8, fd00::/8 or 10.1.2.3):\n")
	for _, f := range traffic.Fields {
		fmt.Fprintf(&b, "  --%-28s %s\n", f.Flag(), meanings[f])
	}
	b.WriteString(`
Other flags:
  --backend auto|nftables|iptables auto takes the first that works here (default auto)
  --on-failure fail|continue       whether a failed apply fails the container (default fail)
  --end-connections                apply: end the connections that the rules before let bypass
                                   and these do not
  --allow-host-network             work in a node's network namespace too
  --here                           apply outside a pod too
  --termination-log FILE           where to write the reason of a failure besides stderr,
                                   "" for nowhere (default /dev/termination-log)
  --to IP:PORT[/UDP]               check: a connection from the workload
  --from-port PORT[/UDP]           check: a connection to this port of the workload
  --help, --version

Exit codes: 0 done, 1 failed or different, 2 wrong command line.
`)
	return b.String()
}
