// The rules that Istio's CNI agent puts into an ambient pod, by its own code.
//
// Run in the pod's network namespace, it is what the agent does there when the pod
// joins the mesh (istio/istio cni/pkg/nodeagent/server_linux.go, initMeshDataplane,
// and net.go, AddPodToMesh). The flags have the names that istio-iptables gives them.
package main

import (
	"flag"
	"fmt"
	"net/netip"
	"os"
	"strings"

	"istio.io/istio/cni/pkg/config"
	"istio.io/istio/cni/pkg/iptables"
	"istio.io/istio/cni/pkg/scopes"
	"istio.io/istio/cni/pkg/trafficmanager"
	"istio.io/istio/tools/istio-iptables/pkg/dependencies"
)

func main() {
	native := flag.Bool("native-nftables", false, "write nftables")
	binary := flag.String("force-iptables-binary", "", "nft or legacy")
	interfaces := flag.String("kube-virt-interfaces", "", "the pod's annotation istio.io/reroute-virtual-interfaces")
	flag.Parse()
	if err := install(*native, *binary, strings.Split(*interfaces, ",")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func install(native bool, binary string, interfaces []string) error {
	pod := &config.AmbientConfig{
		EnableIPv6: true,
		// cni/pkg/nodeagent/options.go, DefaultHostProbeSNATIP and DefaultHostProbeSNATIPV6
		HostProbeSNATAddress:   netip.MustParseAddr("169.254.7.127"),
		HostProbeV6SNATAddress: netip.MustParseAddr("fd16:9254:7127:1337:ffff:ffff:ffff:ffff"),
		Reconcile:              true,
	}
	programs := &dependencies.RealDependencies{ForceIptablesBinary: binary}
	_, manager, err := trafficmanager.NewTrafficRuleManager(&trafficmanager.TrafficRuleManagerConfig{
		NativeNftables: native,
		HostConfig:     pod,
		PodConfig:      pod,
		HostDeps:       programs,
		PodDeps:        programs,
		NlDeps:         iptables.RealNlDeps(),
	})
	if err != nil {
		return err
	}
	return manager.CreateInpodRules(scopes.CNIAgent, config.PodLevelOverrides{VirtualInterfaces: interfaces})
}
