package host

import (
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestAddressesTellANode(t *testing.T) {
	own := func() []netip.Addr {
		return []netip.Addr{netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("fe80::1")}
	}
	for _, test := range []struct{ pod, host, mark string }{
		{"", "", unknown},
		{"10.0.0.5", "", unknown},
		{"10.0.0.5", "a node", unknown},
		{"", "192.0.2.8", unknown},
		{"10.0.0.5", "192.0.2.8", none},
		{"fd00::5", "192.0.2.8", none},
		{"192.0.2.8", "192.0.2.8", "the pod's address 192.0.2.8 is the node's"},
		{"2001:db8::8", "2001:0db8::0008", "the pod's address 2001:db8::8 is the node's"},
		{"192.0.2.8", "::ffff:192.0.2.8", "the pod's address 192.0.2.8 is the node's"},
		{"192.0.2.8", "192.0.2.7", "an interface here has the node's address 192.0.2.7"},
		{"", "192.0.2.7", "an interface here has the node's address 192.0.2.7"},
	} {
		assert.Equal(t, test.mark, addressMark(test.pod, test.host, own), "%+v", test)
	}
}

func TestTheInitialNamespaceIsANodesWhereCablesLeave(t *testing.T) {
	assert.Empty(t, firstMark([]string{initial}), "a pod in a virtual machine of its own")
	assert.Empty(t, firstMark([]string{cable}), "any pod")
	assert.Contains(t, firstMark([]string{initial, cable}), "booted")
}
