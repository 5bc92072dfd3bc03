package host

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"syscall"

	"github.com/krm-bypass/krm-bypass/internal/rules/legacy"
	"github.com/krm-bypass/krm-bypass/internal/rules/nft"
)

// Mark says in words how the network namespace of the calling thread shows that
// it is a node's; "" if it is a pod's. The pod's and the node's address come from
// the downward API (status.podIP and status.hostIP); "" if they are not known.
func Mark(podIP, hostIP string) string {
	mark := addressMark(podIP, hostIP, Addresses)
	if mark == unknown {
		mark = firstMark(look())
	}
	return mark
}

// What a mark is if there is none, and if addresses cannot tell.
const (
	none    = ""
	unknown = "unknown"
)

// addressMark recognises a node by addresses: there the pod has the node's address
// (k8s.io/api/core/v1, PodStatus: hostNetwork pods inherit it), or an interface
// has it. If both addresses are known, that is the whole answer: a pod in which
// another cluster runs, as with k3s in a pod, is a pod whatever it looks like
// from inside.
func addressMark(pod, host string, own func() []netip.Addr) string {
	podIP, hostIP := address(pod), address(host)
	switch {
	case !hostIP.IsValid():
		return unknown
	case podIP == hostIP:
		return fmt.Sprintf("the pod's address %s is the node's", podIP)
	case slices.Contains(own(), hostIP):
		return fmt.Sprintf("an interface here has the node's address %s", hostIP)
	case !podIP.IsValid():
		return unknown
	}
	return none
}

func address(text string) netip.Addr {
	a, _ := netip.ParseAddr(text)
	return a.Unmap().WithZone("")
}

// Addresses gives the addresses of all interfaces but loopback ones, sorted.
func Addresses() []netip.Addr {
	own := []netip.Addr{}
	networks, _ := net.InterfaceAddrs()
	for _, n := range networks {
		if prefix, err := netip.ParsePrefix(n.String()); err == nil {
			own = append(own, prefix.Addr().Unmap())
		}
	}
	own = slices.DeleteFunc(own, netip.Addr.IsLoopback)
	slices.SortFunc(own, netip.Addr.Compare)
	return own
}

// What is seen from inside a network namespace is written "chain mangle
// KUBE-KUBELET-CANARY", "table nat" and "interface eth0", and as one of these. What
// cannot be read is left out and is no mark.
const (
	// cable says that the other end of an interface is in another namespace. A pod's
	// cable looks so from both sides.
	cable = "cable"
	// initial says that this is the namespace that the kernel booted with.
	initial = "initial"
)

// nodeMarks are things that only a node's namespace has. Pods too may have docker0
// and other bridges (Docker in a pod), several interfaces (Multus), cables into
// further namespaces (Docker in a pod again), the initial namespace itself (Kata
// Containers runs a pod in that of its virtual machine), and chains of meshes.
var nodeMarks = []string{
	"chain mangle KUBE-IPTABLES-HINT", // made to be recognised: kubernetes/kubernetes pkg/kubelet/kubelet_network_linux.go
	"chain mangle KUBE-KUBELET-CANARY",
	"chain nat KUBE-SERVICES", // kubernetes/kubernetes pkg/proxy/iptables/proxier.go
	"table kube-proxy",        // kubernetes/kubernetes pkg/proxy/nftables/proxier.go
	"interface kube-ipvs0",    // kubernetes/kubernetes pkg/proxy/ipvs/proxier.go
	"interface cilium_host",   // cilium/cilium pkg/defaults/node.go
	"interface cni0",          // containernetworking/plugins plugins/main/bridge/bridge.go
	"interface flannel.1",     // flannel-io/flannel pkg/backend/vxlan/vxlan.go
	"interface vxlan.calico",  // projectcalico/calico felix/dataplane/linux/dataplanedefs
	"interface antrea-gw0",    // antrea-io/antrea cmd/antrea-agent/options.go
	"interface ovn-k8s-mp0",   // ovn-org/ovn-kubernetes go-controller/pkg/types/const.go
}

// firstMark gives the first mark of a node among what is seen, in words.
func firstMark(seen []string) string {
	for _, mark := range nodeMarks {
		if slices.Contains(seen, mark) {
			return fmt.Sprintf("the %s is here, which only nodes have", mark)
		}
	}
	if slices.Contains(seen, initial) && slices.Contains(seen, cable) {
		return "it is the namespace that the machine booted with, and cables lead from it to other namespaces"
	}
	return none
}

// look looks around.
func look() []string {
	seen := links()
	// A node's own rules may be by iptables-legacy, if the image has its programs.
	for _, chain := range slices.Concat(nft.Chains(), legacy.Chains()) {
		table, _, _ := strings.Cut(chain, " ")
		seen = append(seen, "table "+table, "chain "+chain)
	}
	if _, err := os.Stat(initialOnly); err == nil {
		seen = append(seen, initial)
	}
	return seen
}

// initialOnly is a setting that the kernel has in its first network namespace
// alone (linux net/core/sysctl_net_core.c, net_core_table). /proc/sys shows each
// process the settings of its own namespace.
const initialOnly = "/proc/sys/net/core/netdev_max_backlog"

// iflaLinkNetNSID is the attribute that numbers the namespace in which an
// interface's other end is (linux include/uapi/linux/if_link.h,
// IFLA_LINK_NETNSID).
const iflaLinkNetNSID = 37

// links gives the interfaces and their cables.
func links() []string {
	var seen []string
	answer, _ := syscall.NetlinkRIB(syscall.RTM_GETLINK, syscall.AF_UNSPEC)
	messages, _ := syscall.ParseNetlinkMessage(answer)
	for _, m := range messages {
		attributes, _ := syscall.ParseNetlinkRouteAttr(&m)
		for _, a := range attributes {
			switch a.Attr.Type {
			case syscall.IFLA_IFNAME:
				seen = append(seen, "interface "+string(a.Value[:len(a.Value)-1]))
			case iflaLinkNetNSID:
				seen = append(seen, cable)
			}
		}
	}
	return seen
}
