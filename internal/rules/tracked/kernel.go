package tracked

import (
	"encoding/binary"
	"errors"
	"net/netip"
	"time"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// What package unix lacks of conntrack's netlink (linux
// include/uapi/linux/netfilter/nfnetlink_conntrack.h and nf_conntrack_common.h).
const (
	get, forget = 1, 2 // IPCTNL_MSG_CT_GET, IPCTNL_MSG_CT_DELETE

	tupleOrig  = 1  // CTA_TUPLE_ORIG
	statusBits = 3  // CTA_STATUS
	identifier = 12 // CTA_ID
	zone       = 18 // CTA_ZONE

	tupleIP, tupleProto        = 1, 2    // CTA_TUPLE_IP, CTA_TUPLE_PROTO
	protoNum, srcPort, dstPort = 1, 2, 3 // CTA_PROTO_NUM, CTA_PROTO_SRC_PORT, CTA_PROTO_DST_PORT
	src4, dst4, src6, dst6     = 1, 2, 3, 4

	dstNAT = 1 << 5 // IPS_DST_NAT: not set by a mapping to the same destination
)

// patience is how long we wait for an answer.
const patience = 30 * time.Second

func dial(family int) (*netlink.Conn, error) {
	socket, err := netlink.Dial(family, nil)
	if err != nil {
		return nil, err
	}
	err = socket.SetDeadline(time.Now().Add(patience))
	return socket, err
}

// about is a message to conntrack: a struct nfgenmsg, and attributes.
func about(message uint16, flags netlink.HeaderFlags, family byte, attributes []netlink.Attribute) (netlink.Message, error) {
	data, err := netlink.MarshalAttributes(attributes)
	return netlink.Message{
		Header: netlink.Header{Type: netlink.HeaderType(unix.NFNL_SUBSYS_CTNETLINK<<8 | message), Flags: netlink.Request | flags},
		Data:   append([]byte{family, unix.NFNETLINK_V0, 0, 0}, data...),
	}, err
}

var errMalformed = errors.New("the kernel's answer is malformed")

// flows gives all that the kernel keeps in mind here.
func flows(kernel *netlink.Conn) ([]flow, error) {
	question, err := about(get, netlink.Dump, unix.AF_UNSPEC, nil)
	if err != nil {
		return nil, err
	}
	answers, err := kernel.Execute(question)
	if err != nil {
		return nil, err
	}
	var all []flow
	for _, a := range answers {
		f, err := flowOf(a.Data)
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, nil
}

func flowOf(answer []byte) (f flow, err error) {
	const header = 4 // struct nfgenmsg
	if len(answer) < header {
		return flow{}, errMalformed
	}
	attributes, err := netlink.UnmarshalAttributes(answer[header:])
	for _, a := range attributes {
		switch a.Type &^ netlink.Nested {
		case tupleOrig:
			err = errors.Join(err, f.read(a.Data))
		case statusBits:
			f.translated = len(a.Data) == 4 && binary.BigEndian.Uint32(a.Data)&dstNAT != 0
			continue
		case identifier, zone:
		default:
			continue
		}
		f.name = append(f.name, a)
	}
	return f, err
}

// read reads the addresses of a tuple. What is over neither TCP nor UDP has no ports.
func (f *flow) read(tuple []byte) error {
	var from, to netip.Addr
	var fromPort, toPort uint16
	decoder, err := netlink.NewAttributeDecoder(tuple)
	if err != nil {
		return err
	}
	decoder.ByteOrder = binary.BigEndian
	for decoder.Next() {
		part := decoder.Type()
		if part != tupleIP && part != tupleProto {
			continue
		}
		decoder.Nested(func(within *netlink.AttributeDecoder) error {
			for within.Next() {
				switch kind := within.Type(); {
				case part == tupleIP && (kind == src4 || kind == src6):
					from, _ = netip.AddrFromSlice(within.Bytes())
				case part == tupleIP && (kind == dst4 || kind == dst6):
					to, _ = netip.AddrFromSlice(within.Bytes())
				case part == tupleProto && kind == protoNum:
					f.protocol = traffic.Protocol(within.Uint8())
				case part == tupleProto && kind == srcPort:
					fromPort = within.Uint16()
				case part == tupleProto && kind == dstPort:
					toPort = within.Uint16()
				}
			}
			return nil
		})
	}
	f.from, f.to = netip.AddrPortFrom(from, fromPort), netip.AddrPortFrom(to, toPort)
	return decoder.Err()
}

// forget has the kernel drop its entry. One that is gone by now needs no more.
func (f flow) forget(kernel *netlink.Conn) error {
	family := byte(unix.AF_INET6)
	if f.from.Addr().Is4() {
		family = unix.AF_INET
	}
	order, err := about(forget, netlink.Acknowledge, family, f.name)
	if err == nil {
		_, err = kernel.Execute(order)
	}
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	return err
}
