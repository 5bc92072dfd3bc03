package main

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"syscall"

	"github.com/google/nftables"

	"github.com/krm-bypass/krm-bypass/internal/rules/legacy"
)

// The pod's and its node's address, from the downward API (status.podIP and
// status.hostIP).
const (
	podIPVariable  = "KRM_BYPASS_POD_IP"
	hostIPVariable = "KRM_BYPASS_HOST_IP"
)

// refuseNode refuses to work in the network namespace of a node, where our
// rules would hit every pod with hostNetwork and the node itself.
func (s session) refuseNode() error {
	if s.allowHostNetwork {
		return nil
	}
	mark := addressMark(s.env(podIPVariable), s.env(hostIPVariable), ownAddresses)
	if mark == unknown {
		mark = firstMark(look())
	}
	if mark == none {
		return nil
	}
	return fmt.Errorf("this is the network namespace of a node, not of a pod: %s; "+
		"take hostNetwork from the pod, or give --allow-host-network if this is what you want", mark)
}

// What a mark is where there is none, and where that cannot be told.
const (
	none    = ""
	unknown = "unknown"
)

// addressMark tells a node by addresses: in a node's namespace the pod has the
// node's address (k8s.io/api/core/v1, PodStatus: hostNetwork pods inherit it),
// or an interface has it. Where both are known this is the whole answer, so that
// a pod in which another cluster runs, as with k3s in a pod, is still a pod
// whatever it looks like from inside.
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

func ownAddresses() []netip.Addr {
	var own []netip.Addr
	networks, _ := net.InterfaceAddrs()
	for _, n := range networks {
		if prefix, err := netip.ParsePrefix(n.String()); err == nil {
			own = append(own, prefix.Addr().Unmap())
		}
	}
	return own
}

// surroundings are what can be seen from inside a network namespace with
// NET_ADMIN and a read-only file system. Whatever cannot be read is left out: it
// is no mark.
type surroundings struct {
	// chains by "table chain", as "mangle KUBE-KUBELET-CANARY".
	chains []string
	tables []string
	// interfaces by name, and whether the other end of one is in another
	// namespace, as a pod's cable has it on both sides.
	interfaces []string
	cables     bool
	// initial says that this is the namespace that the kernel booted with.
	initial bool
}

// nodeMarks are what only a node's namespace has. Not among them, because pods
// have them too: docker0 and other bridges (Docker in a pod), several interfaces
// (Multus), cables into further namespaces (Docker in a pod again), the initial
// namespace by itself (Kata Containers runs a pod in that of its virtual
// machine), and chains of meshes.
var nodeMarks = []struct {
	of    func(surroundings) []string
	names []string
}{
	// The kubelet's, of which the first is made to be recognised
	// (kubernetes/kubernetes pkg/kubelet/kubelet_network_linux.go).
	{func(s surroundings) []string { return s.chains }, []string{"mangle KUBE-IPTABLES-HINT", "mangle KUBE-KUBELET-CANARY"}},
	// kube-proxy's (kubernetes/kubernetes pkg/proxy/iptables/proxier.go and
	// pkg/proxy/nftables/proxier.go).
	{func(s surroundings) []string { return s.chains }, []string{"nat KUBE-SERVICES"}},
	{func(s surroundings) []string { return s.tables }, []string{"kube-proxy"}},
	{func(s surroundings) []string { return s.interfaces }, []string{
		"kube-ipvs0",   // kubernetes/kubernetes pkg/proxy/ipvs/proxier.go
		"cilium_host",  // cilium/cilium pkg/defaults/node.go
		"cni0",         // containernetworking/plugins plugins/main/bridge/bridge.go
		"flannel.1",    // flannel-io/flannel pkg/backend/vxlan/vxlan.go
		"vxlan.calico", // projectcalico/calico felix/dataplane/linux/dataplanedefs
		"antrea-gw0",   // antrea-io/antrea cmd/antrea-agent/options.go
		"ovn-k8s-mp0",  // ovn-org/ovn-kubernetes go-controller/pkg/types/const.go
	}},
}

// firstMark gives the first mark of a node, in words.
func firstMark(s surroundings) string {
	for _, mark := range nodeMarks {
		for _, name := range mark.names {
			if slices.Contains(mark.of(s), name) {
				return fmt.Sprintf("%s is here, which only nodes have", name)
			}
		}
	}
	if s.initial && s.cables {
		return "it is the namespace that the machine booted with, and cables lead from it to other namespaces"
	}
	return none
}

// look looks around.
func look() surroundings {
	var s surroundings
	s.chains, s.tables = filters()
	// Where the node's own rules are by iptables-legacy, and the image has it.
	s.chains = append(s.chains, legacy.Chains()...)
	s.interfaces, s.cables = links()
	_, err := os.Stat(initialOnly)
	s.initial = err == nil
	return s
}

// initialOnly is a setting that the kernel registers in its first network
// namespace alone (linux net/core/sysctl_net_core.c, net_core_table); /proc/sys
// shows each process the settings of its own namespace.
const initialOnly = "/proc/sys/net/core/netdev_max_backlog"

func filters() (chains, tables []string) {
	conn, err := nftables.New()
	if err != nil {
		return nil, nil
	}
	found, err := conn.ListChains()
	if err != nil {
		return nil, nil
	}
	for _, c := range found {
		chains = append(chains, c.Table.Name+" "+c.Name)
		tables = append(tables, c.Table.Name)
	}
	return chains, tables
}

// iflaLinkNetNSID is the number, in our namespace, of the one in which an
// interface's other end is (linux include/uapi/linux/if_link.h,
// IFLA_LINK_NETNSID).
const iflaLinkNetNSID = 37

func links() (names []string, cables bool) {
	answer, err := syscall.NetlinkRIB(syscall.RTM_GETLINK, syscall.AF_UNSPEC)
	if err != nil {
		return nil, false
	}
	messages, err := syscall.ParseNetlinkMessage(answer)
	if err != nil {
		return nil, false
	}
	for _, m := range messages {
		attributes, err := syscall.ParseNetlinkRouteAttr(&m)
		if err != nil {
			continue
		}
		for _, a := range attributes {
			switch a.Attr.Type {
			case syscall.IFLA_IFNAME:
				names = append(names, string(a.Value[:len(a.Value)-1]))
			case iflaLinkNetNSID:
				cables = true
			}
		}
	}
	return names, cables
}
