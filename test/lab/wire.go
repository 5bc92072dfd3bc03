package lab

import (
	"cmp"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// End is one end of a wire: a host, its interface and its addresses there, with
// their masks.
type End struct {
	Host      *Host
	Interface string // "" for eth0
	Addresses []netip.Prefix
}

func (e End) name() string { return cmp.Or(e.Interface, "eth0") }

// Wire joins two hosts.
func Wire(t TB, one, other End) {
	t.Helper()
	peer := exec.Command("ip", "link", "add", one.name(), "type", "veth", "peer", "name", other.name(), "netns", "/proc/self/fd/3")
	peer.ExtraFiles = []*os.File{other.Host.namespace}
	_, err := one.Host.Try(peer)
	require.NoError(t, err)
	for _, end := range []End{one, other} {
		var batch strings.Builder
		fmt.Fprintf(&batch, "link set %s up\n", end.name())
		for _, address := range end.Addresses {
			fmt.Fprintf(&batch, "addr add %s dev %s%s\n", address, end.name(), noDAD(address.Addr()))
			end.Host.addresses = append(end.Host.addresses, address.Addr())
		}
		end.Host.Feed(t, batch.String(), "ip", "-batch", "-")
	}
}

func noDAD(address netip.Addr) string {
	if address.Is4() {
		return ""
	}
	return " nodad"
}

// Settle waits until every IPv6 address of the host may be used: the kernel
// takes up a new one on another thread, even where it has nothing to detect
// (addrconf_dad_work in net/ipv6/addrconf.c).
func (h *Host) Settle(t TB) {
	t.Helper()
	for deadline := time.Now().Add(Patience); h.tentative(t); time.Sleep(time.Millisecond) {
		require.True(t, time.Now().Before(deadline), "addresses of %s stay tentative", h.Name)
	}
}

// tentative reports whether one of the host's IPv6 addresses may not be used yet:
// the fifth column of the table are its flags (if6_seq_show in
// net/ipv6/addrconf.c).
func (h *Host) tentative(t TB) bool {
	t.Helper()
	var table []byte
	err := h.Do(0, func() (err error) {
		table, err = os.ReadFile("/proc/thread-self/net/if_inet6")
		return err
	})
	require.NoError(t, err)
	for line := range strings.Lines(string(table)) {
		columns := strings.Fields(line)
		require.Len(t, columns, 6, line)
		flags, err := strconv.ParseUint(columns[4], 16, 32)
		require.NoError(t, err)
		if flags&unix.IFA_F_TENTATIVE != 0 {
			return true
		}
	}
	return false
}

// RouteEverything sends what has no other way to the gateways.
func (h *Host) RouteEverything(t TB, gateways ...netip.Addr) {
	t.Helper()
	var batch strings.Builder
	for _, gateway := range gateways {
		fmt.Fprintf(&batch, "route add default via %s\n", gateway)
	}
	h.Feed(t, batch.String(), "ip", "-batch", "-")
}

// BeEverywhere makes the host take every address for its own that has no
// other way, and every port for the one given: it stands in for all the world.
func (h *Host) BeEverywhere(t TB, port uint16) {
	t.Helper()
	h.Feed(t, "route add local 0.0.0.0/0 dev lo table main\nroute add local ::/0 dev lo table main\n", "ip", "-batch", "-")
	h.Feed(t, fmt.Sprintf(`
table inet everywhere {
	chain prerouting {
		type nat hook prerouting priority dstnat
		meta l4proto { tcp, udp } ip daddr %[2]s redirect to :%[4]d
		meta l4proto { tcp, udp } ip6 daddr %[3]s redirect to :%[4]d
		meta l4proto { tcp, udp } redirect to :%[1]d
	}
}`, port, NameService.IPv4, NameService.IPv6, nameService), "nft", "-f", "-")
}
