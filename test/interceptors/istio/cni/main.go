// The rules that Istio's CNI plugin puts into a pod with a sidecar, by Istio's own code.
//
// Run in the pod's network namespace, with the pod's annotations as JSON on standard
// input, it is what the plugin does at the end of an ADD, and the agent for a running
// pod that it repairs (istio/istio cni/pkg/plugin/plugin.go, doAddRun, and
// cni/pkg/repair/repaircontroller.go, redirectRunningPod): it makes istio-iptables's
// configuration of the annotations and has istio-iptables's code write the rules. The
// plugin's package itself brings 1,300 others, of Envoy's control plane and Kubernetes's
// clients, so its reading of annotations is written down here.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"istio.io/istio/tools/common/config"
	"istio.io/istio/tools/istio-iptables/pkg/cmd"
	"istio.io/istio/tools/istio-nftables/pkg/nft"
)

func main() {
	native := flag.Bool("native-nftables", false, "write nftables")
	binary := flag.String("force-iptables-binary", "", "nft or legacy: which of them the node has")
	redirectDNS := flag.Bool("redirect-dns", false, "the proxy has ISTIO_META_DNS_CAPTURE")
	dualStack := flag.Bool("dual-stack", false, "the proxy has ISTIO_DUAL_STACK")
	flag.Parse()
	if err := install(*native, *binary, *redirectDNS, *dualStack); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func install(native bool, binary string, redirectDNS, dualStack bool) error {
	var annotations map[string]string
	if err := json.NewDecoder(os.Stdin).Decode(&annotations); err != nil {
		return fmt.Errorf("reading the pod's annotations: %w", err)
	}
	c, err := redirect(annotations)
	if err != nil {
		return err
	}
	// cni/pkg/plugin/sidecar_iptables_linux.go and sidecar_nftables_linux.go, Program.
	c.HostFilesystemPodNetwork, c.NetworkNamespace = true, "/proc/self/ns/net"
	c.ProxyPort, c.ProxyUID, c.ProxyGID = "15001", "1337", "1337"
	c.RedirectDNS, c.CaptureAllDNS = redirectDNS, redirectDNS
	c.DualStack, c.ForceIptablesBinary = dualStack, binary
	if err := c.FillConfigFromEnvironment(); err != nil {
		return err
	}
	if native {
		return nft.ProgramNftables(c)
	}
	return cmd.ProgramIptables(c)
}

// redirect is NewRedirect of cni/pkg/plugin/sidecar_redirect.go, without its checks of
// what values hold.
func redirect(annotations map[string]string) (*config.Config, error) {
	c := config.DefaultConfig()
	fields := map[string]*string{
		"sidecar.istio.io/interceptionMode":                &c.InboundInterceptionMode,
		"traffic.sidecar.istio.io/includeOutboundIPRanges": &c.OutboundIPRangesInclude,
		"traffic.sidecar.istio.io/excludeOutboundIPRanges": &c.OutboundIPRangesExclude,
		"traffic.sidecar.istio.io/includeInboundPorts":     &c.InboundPortsInclude,
		"traffic.sidecar.istio.io/excludeInboundPorts":     &c.InboundPortsExclude,
		"traffic.sidecar.istio.io/includeOutboundPorts":    &c.OutboundPortsInclude,
		"traffic.sidecar.istio.io/excludeOutboundPorts":    &c.OutboundPortsExclude,
		"traffic.sidecar.istio.io/excludeInterfaces":       &c.ExcludeInterfaces,
		"istio.io/reroute-virtual-interfaces":              &c.RerouteVirtualInterfaces,
	}
	said := map[string]string{
		"sidecar.istio.io/interceptionMode":                "REDIRECT",
		"traffic.sidecar.istio.io/includeOutboundIPRanges": "*",
		"traffic.sidecar.istio.io/includeInboundPorts":     "*",
		"traffic.sidecar.istio.io/excludeInboundPorts":     "15020",
		"traffic.sidecar.istio.io/excludeOutboundPorts":    "15020", // istio-init excludes none
	}
	maps.Copy(said, annotations)
	for key, value := range said {
		field, known := fields[key]
		if !known {
			return nil, fmt.Errorf("reading the annotation %s: the plugin knows no such key", key)
		}
		*field = value
	}
	ports := strings.Split(c.InboundPortsExclude, ",")
	for _, port := range []string{"15020", "15021", "15090"} {
		if !slices.Contains(ports, port) {
			ports = append(ports, port)
		}
	}
	c.InboundPortsExclude = strings.Trim(strings.Join(ports, ","), ",")
	return c, nil
}
