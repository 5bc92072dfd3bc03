package tracked

import (
	"encoding/binary"
	"errors"
	"net/netip"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// idSize is that of a struct inet_diag_sockid, by which the kernel names a socket. It
// stands behind 4 bytes of an answer, a struct inet_diag_msg, and 8 bytes of a request, a
// struct inet_diag_req_v2 (linux include/uapi/linux/inet_diag.h).
const idSize = 48

// closeSockets closes the sockets of TCP connections. Without that a connection lives on
// where the other end sends first and the mesh leaves the port to which it sends alone:
// the kernel then takes it for a new one that begins there. UDP has no such life.
func closeSockets(of []flow) error {
	ends := map[[2]netip.AddrPort]bool{}
	for _, f := range of {
		if f.protocol == traffic.TCP {
			ends[[2]netip.AddrPort{f.from, f.to}], ends[[2]netip.AddrPort{f.to, f.from}] = true, true
		}
	}
	if len(ends) == 0 {
		return nil
	}
	kernel, err := dial(unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return unclosed(err)
	}
	defer kernel.Close() //nolint:errcheck // all has been answered
	for _, family := range []byte{unix.AF_INET, unix.AF_INET6} {
		sockets, err := kernel.Execute(aboutSockets(unix.SOCK_DIAG_BY_FAMILY, netlink.Dump, family, make([]byte, idSize)))
		if err != nil {
			return unclosed(err)
		}
		for _, s := range sockets {
			if len(s.Data) < 4+idSize {
				return errMalformed
			}
			id := s.Data[4 : 4+idSize]
			if !ends[endsOf(family, id)] {
				continue
			}
			_, err := kernel.Execute(aboutSockets(unix.SOCK_DESTROY, netlink.Acknowledge, family, id))
			if err != nil && !errors.Is(err, unix.ENOENT) { // it is closed by now
				return unclosed(err)
			}
		}
	}
	return nil
}

func aboutSockets(message uint16, flags netlink.HeaderFlags, family byte, id []byte) netlink.Message {
	const inAnyState = 0xff
	return netlink.Message{
		Header: netlink.Header{Type: netlink.HeaderType(message), Flags: netlink.Request | flags},
		Data:   append([]byte{family, unix.IPPROTO_TCP, 0, 0, inAnyState, inAnyState, inAnyState, inAnyState}, id...),
	}
}

// endsOf reads both ends of a socket: two ports, and two addresses of 16 bytes.
func endsOf(family byte, id []byte) (ends [2]netip.AddrPort) {
	size := 16
	if family == unix.AF_INET {
		size = 4
	}
	for i := range ends {
		address, _ := netip.AddrFromSlice(id[4+16*i : 4+16*i+size])
		ends[i] = netip.AddrPortFrom(address.Unmap(), binary.BigEndian.Uint16(id[2*i:]))
	}
	return ends
}

func unclosed(err error) error {
	return explained(err, "inet_diag with INET_DIAG_DESTROY, by which sockets are closed")
}
