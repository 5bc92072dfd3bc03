package program_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/test/lab"
)

// node is what somebody finds who looks around in a namespace.
type node struct {
	name     string
	commands []string
	mark     string
}

var nodes = []node{
	{"kubelet", []string{"iptables-nft -t mangle -N KUBE-IPTABLES-HINT"}, "the chain mangle KUBE-IPTABLES-HINT"},
	{"kubelet over IPv6", []string{"ip6tables-nft -t mangle -N KUBE-KUBELET-CANARY"}, "the chain mangle KUBE-KUBELET-CANARY"},
	{"kube-proxy", []string{"iptables-nft -t nat -N KUBE-SERVICES"}, "the chain nat KUBE-SERVICES"},
	{"kube-proxy by nftables", []string{"nft add table ip kube-proxy", "nft add chain ip kube-proxy services"}, "the table kube-proxy"},
	{"kube-proxy by IPVS", []string{"ip link add kube-ipvs0 type bridge"}, "the interface kube-ipvs0"},
	{"Cilium", []string{"ip link add cilium_host type veth peer name cilium_net"}, "the interface cilium_host"},
	{"a bridge of the CNI plugins", []string{"ip link add cni0 type bridge"}, "the interface cni0"},
	{"flannel", []string{"ip link add flannel.1 type vxlan id 1 dstport 8472"}, "the interface flannel.1"},
}

func TestANodeIsRefused(t *testing.T) {
	for _, node := range nodes {
		t.Run(node.name, func(t *testing.T) {
			pod := newPod(t)
			for _, command := range node.commands {
				pod.Run(t, strings.Fields(command)...)
			}
			before := pod.Run(t, "nft", "list", "ruleset")
			for _, command := range []string{"apply", "clean"} {
				got := pod.init(t, with(command, settings...)...)
				assert.Equal(t, failed, got.Code)
				assert.Contains(t, got.Stderr, "this is the network namespace of a node, not of a pod: "+node.mark+" is here, which only nodes have;")
				assert.Contains(t, got.Stderr, "--allow-host-network")
			}
			assert.Equal(t, before, pod.Run(t, "nft", "list", "ruleset"))
			goesOn := pod.init(t, with("--on-failure=continue", settings...)...)
			assert.Equal(t, succeeded, goesOn.Code)
			assert.Equal(t, before, pod.Run(t, "nft", "list", "ruleset"))

			assert.Equal(t, succeeded, pod.init(t, with("apply", "--allow-host-network")...).Code)
			assert.Equal(t, succeeded, pod.init(t, with("verify")...).Code, "reading does no harm")
			assert.Equal(t, succeeded, pod.init(t, with("clean", "--allow-host-network")...).Code)

			// With the addresses of a pod it is a pod in which a cluster runs.
			nested := initContainer("--termination-log=")
			nested.Env = []string{podIPVariable + "=10.0.0.5", hostIPVariable + "=192.0.2.8"}
			assert.Equal(t, succeeded, pod.result(t, nested).Code)
		})
	}
}

func TestANodesAddressIsRefused(t *testing.T) {
	pod := newPod(t)
	pod.Run(t, "ip", "address", "add", "192.0.2.8/24", "dev", "lo")
	for _, podIP := range []string{"192.0.2.8", "10.0.0.5"} {
		command := initContainer("--termination-log=")
		command.Env = []string{podIPVariable + "=" + podIP, hostIPVariable + "=192.0.2.8"}
		got := pod.result(t, command)
		assert.Equal(t, failed, got.Code)
		assert.Contains(t, got.Stderr, "this is the network namespace of a node")
	}
	assert.Empty(t, pod.Run(t, "nft", "list", "ruleset"))
}

// A pod may look like much, and is never refused.
func TestAPodIsNeverRefused(t *testing.T) {
	for name, commands := range map[string][]string{
		"with a second network":  {"ip link add eth1 type bridge", "ip link add net1 type bridge"},
		"with Docker in it":      {"ip link add docker0 type bridge", "iptables-nft -t nat -N DOCKER", "ip link add br-0123456789ab type bridge"},
		"with a mesh in it":      {"iptables-nft -t nat -N ISTIO_OUTPUT", "nft add table inet istio-proxy-nat"},
		"with tunnels of all":    {"ip link add vxlan0 type vxlan id 7 dstport 4789"},
		"with legacy iptables":   {"iptables-legacy -t nat -N KUBE-LIKE"},
		"with chains like those": {"iptables-nft -t nat -N KUBE-SERVICES-OF-MY-OWN", "iptables-nft -t filter -N KUBE-SERVICES"},
	} {
		t.Run(name, func(t *testing.T) {
			pod, inner := newPod(t), lab.NewHost(t, "inner")
			lab.Wire(t, lab.End{Host: pod.Host}, lab.End{Host: inner})
			for _, command := range commands {
				_, err := pod.Try(exec.Command(strings.Fields(command)[0], strings.Fields(command)[1:]...))
				require.NoError(t, err)
			}
			got := pod.init(t, settings...)
			assert.Equal(t, succeeded, got.Code, got.Stderr)
			assert.Equal(t, succeeded, pod.init(t, "clean").Code)
		})
	}
}

// Started by hand outside a pod, the program leaves the machine's network alone,
// unless it is told otherwise. Each variable that only a pod has will do.
func TestOutsideAPodApplyIsRefused(t *testing.T) {
	const refusal = "krm-bypass-init: applying the bypass: not running in a pod: neither KRM_BYPASS_POD_IP nor KRM_BYPASS_HOST_IP holds an address, " +
		"which krm-bypass sets by the downward API; to apply the rules to this network namespace, add --here\n"
	byHand := func(env ...string) *exec.Cmd {
		command := exec.Command(lab.Binary(program), append([]string{"--termination-log="}, settings...)...)
		command.Env = env
		return command
	}
	for _, test := range []struct {
		name    string
		command *exec.Cmd
		stderr  string
	}{
		{"nothing", byHand(), refusal},
		{"empty variables", byHand(podIPVariable+"=", hostIPVariable+"="), refusal},
		{"no addresses", byHand(podIPVariable+"=garbage", hostIPVariable+"= "), refusal},
		{"the pod's address", byHand(podIPVariable + "=10.0.0.5"), ""},
		{"the node's address", byHand(hostIPVariable + "=192.0.2.8"), ""},
		{"told so", initContainer(append([]string{"--termination-log="}, settings...)...), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			pod := newPod(t)
			got := pod.result(t, test.command)
			if test.stderr != "" {
				assert.Equal(t, answer{Code: failed, Stderr: test.stderr}, got)
				assert.Empty(t, pod.Run(t, "nft", "list", "ruleset"))
				return
			}
			assert.Equal(t, succeeded, got.Code, got.Stderr)
		})
	}
	t.Run("reading and cleaning do no harm", func(t *testing.T) {
		pod := newPod(t)
		require.Equal(t, succeeded, pod.init(t, settings...).Code)
		for _, name := range []string{"verify", "show", "clean"} {
			command := exec.Command(lab.Binary(program), append([]string{name, "--termination-log="}, settings...)...)
			command.Env = []string{}
			assert.Equal(t, succeeded, pod.result(t, command).Code, name)
		}
	})
}

// In its own namespace the pod's other addresses are its own too: it is told one.
func TestCheckKnowsBothOwnAddresses(t *testing.T) {
	host, _ := lab.NewPod(t, lab.DualStack)
	pod := pod{host}
	for to, answers := range map[string]string{"[fd00:244::2]:444": "left to the mesh\n", "10.244.0.2:444": "left to the mesh\n", "10.244.0.3:444": "bypassed by excludeOutboundPorts\n"} {
		command := initContainer("check", "--exclude-outbound-ports=444", "--to="+to)
		command.Env = []string{podIPVariable + "=10.244.0.2"}
		assert.Equal(t, answer{Out: answers}, pod.result(t, command), to)
	}
}
