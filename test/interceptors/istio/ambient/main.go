// The rules that Istio's CNI agent puts into an ambient pod, by its own code.
//
// Run in the pod's network namespace, with the pod's annotations as JSON on standard
// input, it is what the agent does there when the pod joins the mesh, and when the agent
// starts and finds the pod in it (istio/istio cni/pkg/nodeagent/server_linux.go,
// initMeshDataplane, and net_linux.go, AddPodToMesh and reconcileExistingPod). With
// --leave it is what the agent does when the pod leaves (RemovePodFromMesh).
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"istio.io/api/annotation"
	"istio.io/istio/cni/pkg/config"
	"istio.io/istio/cni/pkg/iptables"
	"istio.io/istio/cni/pkg/scopes"
	"istio.io/istio/cni/pkg/trafficmanager"
	"istio.io/istio/cni/pkg/util"
	"istio.io/istio/tools/istio-iptables/pkg/dependencies"
)

func main() {
	native := flag.Bool("native-nftables", false, "write nftables")
	binary := flag.String("force-iptables-binary", "", "nft or legacy")
	redirectDNS := flag.Bool("redirect-dns", false, "the agent has AMBIENT_DNS_CAPTURE, its chart's default")
	leave := flag.Bool("leave", false, "take the rules away")
	flag.Parse()
	manager, err := newManager(*native, *binary, *redirectDNS)
	if err == nil && *leave {
		err = manager.DeleteInpodRules(scopes.CNIAgent)
	} else if err == nil {
		err = join(manager)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func newManager(native bool, binary string, redirectDNS bool) (trafficmanager.TrafficRuleManager, error) {
	pod := &config.AmbientConfig{
		EnableIPv6:  true,
		RedirectDNS: redirectDNS,
		// cni/pkg/nodeagent/options.go, DefaultHostProbeSNATIP and DefaultHostProbeSNATIPV6
		HostProbeSNATAddress:   netip.MustParseAddr("169.254.7.127"),
		HostProbeV6SNATAddress: netip.MustParseAddr("fd16:9254:7127:1337:ffff:ffff:ffff:ffff"),
		Reconcile:              true, // the chart's reconcileIptablesOnStartup
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
	return manager, err
}

func join(manager trafficmanager.TrafficRuleManager) error {
	var annotations map[string]string
	if err := json.NewDecoder(os.Stdin).Decode(&annotations); err != nil {
		return fmt.Errorf("reading the pod's annotations: %w", err)
	}
	return manager.CreateInpodRules(scopes.CNIAgent, overrides(annotations))
}

// overrides is getPodLevelTrafficOverrides of cni/pkg/nodeagent/net.go, a package that
// is too heavy for a test: it brings the agent's gRPC server.
func overrides(annotations map[string]string) config.PodLevelOverrides {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Annotations: annotations}}
	said := config.PodLevelOverrides{DNSProxy: config.PodDNSUnset}
	if bypass, stands := util.CheckBooleanAnnotation(pod, annotation.AmbientBypassInboundCapture.Name); stands {
		said.IngressMode = bypass
	}
	if capture, stands := util.CheckBooleanAnnotation(pod, annotation.AmbientDnsCapture.Name); stands && capture {
		said.DNSProxy = config.PodDNSEnabled
	} else if stands {
		said.DNSProxy = config.PodDNSDisabled
	}
	for name := range strings.SplitSeq(annotations[annotation.IoIstioRerouteVirtualInterfaces.Name], ",") {
		if name = strings.TrimSpace(name); name != "" {
			said.VirtualInterfaces = append(said.VirtualInterfaces, name)
		}
	}
	return said
}
