package nft

import (
	"encoding/binary"
	"errors"
	"iter"
	"slices"
	"strings"

	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

	"github.com/krm-bypass/krm-bypass/internal/each"
)

// dumpBuffer, in bytes, is the most that the kernel puts into one answer of a
// dump. It does so only for a reader who has shown a buffer of that size (linux
// net/netlink/af_netlink.c, netlink_dump). The size matters because the kernel
// walks a set from its beginning for each answer: with the netlink library's
// 4 KiB, thousands of elements take four times as long.
const dumpBuffer = 32 << 10

// showBuffer asks something and reads the answer, whatever it says, into a buffer of
// that size.
func showBuffer(socket *netlink.Conn) error {
	question, err := request(unix.NFPROTO_INET, unix.NFT_MSG_GETGEN, 0, nil)
	if err != nil {
		return err
	}
	if _, err := socket.Send(question); err != nil {
		return err
	}
	connection, err := socket.SyscallConn()
	if err != nil {
		return err
	}
	buffer := make([]byte, dumpBuffer)
	var failure error
	err = connection.Read(func(fd uintptr) bool {
		_, _, failure = unix.Recvfrom(int(fd), buffer, 0)
		return failure != unix.EAGAIN
	})
	return errors.Join(err, failure)
}

// element is one element of a set, as the kernel holds it.
type element struct {
	key, end string // end is the last key, in a concatenation only
	isEnd    bool   // the key is the first one behind an interval
	// statements are what is executed for whatever matches the element.
	statements []string
}

// elements dumps a set.
func (k *kernel) elements(set string) ([]element, error) {
	answers, err := k.ask(unix.NFPROTO_INET, unix.NFT_MSG_GETSETELEM, netlink.Dump, named(unix.NFTA_SET_ELEM_LIST_TABLE, TableName), named(unix.NFTA_SET_ELEM_LIST_SET, set))
	var found []element
	for _, answer := range answers {
		for _, e := range attributes(find(answer, unix.NFTA_SET_ELEM_LIST_ELEMENTS)) {
			found = append(found, elementOf(e))
		}
	}
	return found, err
}

// expressions dumps a chain: the names of each rule's expressions.
func (k *kernel) expressions(family byte, table, chain string) ([][]string, error) {
	rules, err := k.ask(family, unix.NFT_MSG_GETRULE, netlink.Dump, named(unix.NFTA_RULE_TABLE, table), named(unix.NFTA_RULE_CHAIN, chain))
	all := make([][]string, len(rules))
	for i, rule := range rules {
		for _, expression := range attributes(find(rule, unix.NFTA_RULE_EXPRESSIONS)) {
			if name := nameOf(expression); name != "byteorder" || !swapsNothing(find(expression, unix.NFTA_EXPR_DATA)) {
				all[i] = append(all[i], name)
			}
		}
	}
	return all, err
}

// swapsNothing recognises the byteorder that nft puts behind the protocol in a
// concatenation: a key of 1 byte has no 2 to swap (linux net/netfilter/nft_byteorder.c,
// nft_byteorder_eval).
func swapsNothing(byteorder []byte) bool {
	size := number(find(byteorder, unix.NFTA_BYTEORDER_SIZE))
	return size == 2 && number(find(byteorder, unix.NFTA_BYTEORDER_LEN)) < size
}

func nameOf(expression []byte) string {
	return strings.TrimSuffix(string(find(expression, unix.NFTA_EXPR_NAME)), "\x00")
}

func named(attribute uint16, name string) netlink.Attribute {
	return netlink.Attribute{Type: attribute, Data: []byte(name + "\x00")}
}

// request is about a table of the family, or about nothing in particular without attributes.
func request(family byte, message uint16, flags netlink.HeaderFlags, about []netlink.Attribute) (netlink.Message, error) {
	data, err := netlink.MarshalAttributes(about)
	return netlink.Message{
		Header: netlink.Header{Type: netlink.HeaderType(unix.NFNL_SUBSYS_NFTABLES<<8 | message), Flags: netlink.Request | flags},
		Data:   append(nfgenmsg(family), data...),
	}, err
}

// ask gives the attributes of each of the kernel's answers.
func (k *kernel) ask(family byte, message uint16, flags netlink.HeaderFlags, about ...netlink.Attribute) ([][]byte, error) {
	question, err := request(family, message, flags, about)
	if err != nil {
		return nil, err
	}
	answers, err := k.socket.Execute(question)
	found := each.As(answers, func(m netlink.Message) []byte { return m.Data[min(len(nfgenmsg(0)), len(m.Data)):] })
	return found, err
}

// askOne gives the attributes of the kernel's one answer.
func (k *kernel) askOne(message uint16, about ...netlink.Attribute) ([]byte, error) {
	answers, err := k.ask(unix.NFPROTO_INET, message, 0, about...)
	if err == nil && len(answers) != 1 {
		err = errMalformed
	}
	if err != nil {
		return nil, err
	}
	return answers[0], nil
}

// number gives the value of an attribute that is one, 0 if it is absent.
func number(value []byte) uint32 {
	if len(value) != 4 {
		return 0
	}
	return binary.BigEndian.Uint32(value)
}

// nfgenmsg is a struct nfgenmsg: family, version and resource (linux
// include/uapi/linux/netfilter/nfnetlink.h).
func nfgenmsg(family byte) []byte { return []byte{family, unix.NFNETLINK_V0, 0, 0} }

var errMalformed = errors.New("the kernel's answer is malformed")

func elementOf(body []byte) element {
	key := func(attribute uint16) string { return string(find(find(body, attribute), unix.NFTA_DATA_VALUE)) }
	isEnd := number(find(body, unix.NFTA_SET_ELEM_FLAGS))&unix.NFT_SET_ELEM_INTERVAL_END != 0
	e := element{key: key(unix.NFTA_SET_ELEM_KEY), end: key(nftaSetElemKeyEnd), isEnd: isEnd}
	if one := find(body, unix.NFTA_SET_ELEM_EXPR); one != nil {
		e.statements = append(e.statements, nameOf(one))
	}
	for _, statement := range attributes(find(body, nftaSetElemExpressions)) {
		e.statements = append(e.statements, nameOf(statement))
	}
	return e
}

// These are missing from package unix (linux include/uapi/linux/netfilter/nf_tables.h).
const (
	nftaSetElemKeyEnd      = 10 // NFTA_SET_ELEM_KEY_END
	nftaSetElemExpressions = 11 // NFTA_SET_ELEM_EXPRESSIONS
)

// find gives the value of one netlink attribute, nil if it is absent.
func find(list []byte, kind uint16) []byte {
	for attribute, value := range attributes(list) {
		if attribute == kind {
			return value
		}
	}
	return nil
}

// attributes yields type and value of each netlink attribute. It ends at
// anything that is not one.
func attributes(list []byte) iter.Seq2[uint16, []byte] {
	return func(yield func(kind uint16, value []byte) bool) {
		for len(list) >= unix.SizeofNlAttr {
			size := int(binary.NativeEndian.Uint16(list))
			if size < unix.SizeofNlAttr || size > len(list) {
				return
			}
			if !yield(binary.NativeEndian.Uint16(list[2:])&^(unix.NLA_F_NESTED|unix.NLA_F_NET_BYTEORDER), list[unix.SizeofNlAttr:size]) {
				return
			}
			list = list[min(aligned(size), len(list)):]
		}
	}
}

// aligned rounds up to the multiple of 4 bytes at which attributes begin.
func aligned(size int) int { return (size + unix.NLA_ALIGNTO - 1) &^ (unix.NLA_ALIGNTO - 1) }

// intervalsOf joins elements into intervals, and sorts them.
func intervalsOf(elements []element) []Interval {
	slices.SortFunc(elements, func(a, b element) int {
		if order := strings.Compare(a.key, b.key); order != 0 {
			return order
		}
		// An interval ends before the adjacent one begins.
		switch {
		case a.isEnd == b.isEnd:
			return 0
		case a.isEnd:
			return -1
		}
		return 1
	})
	intervals := make([]Interval, 0, (len(elements)+1)/2)
	open := false
	for _, e := range elements {
		if e.end != "" {
			intervals = append(intervals, Interval{e.key, e.end})
			continue
		}
		if open {
			intervals[len(intervals)-1].Last = previous(e.key)
		}
		if open = !e.isEnd; open {
			// It goes on to the last key until an element says otherwise.
			intervals = append(intervals, Interval{e.key, strings.Repeat("\xff", len(e.key))})
		}
	}
	return intervals
}
