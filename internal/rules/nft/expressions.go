package nft

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"github.com/krm-bypass/krm-bypass/internal/each"
)

// Registers that rules load keys into. A concatenation takes adjacent ones. The
// first 16 bytes are register 1 in the old numbering, 8 to 11 in the new one
// (linux include/uapi/linux/netfilter/nf_tables.h, nft_registers).
const (
	key0          = unix.NFT_REG_1
	afterAddress4 = unix.NFT_REG32_01
	afterAddress6 = unix.NFT_REG_2
)

var (
	loadFamily   = &expr.Meta{Key: expr.MetaKeyNFPROTO, Register: key0}
	isIPv4       = &expr.Cmp{Op: expr.CmpOpEq, Register: key0, Data: constants[ipv4]}
	isIPv6       = &expr.Cmp{Op: expr.CmpOpEq, Register: key0, Data: constants[ipv6]}
	loadProtocol = &expr.Meta{Key: expr.MetaKeyL4PROTO, Register: key0}
	isTCP        = &expr.Cmp{Op: expr.CmpOpEq, Register: key0, Data: constants[tcp]}
	isUDP        = &expr.Cmp{Op: expr.CmpOpEq, Register: key0, Data: []byte{unix.IPPROTO_UDP}}
	// Offsets of the destination in the headers of IPv4 (RFC 791), IPv6
	// (RFC 8200) and of TCP and UDP (RFC 9293, RFC 768), in bytes.
	loadAddress4 = &expr.Payload{Base: expr.PayloadBaseNetworkHeader, Offset: 16, Len: 4, DestRegister: key0}
	loadAddress6 = &expr.Payload{Base: expr.PayloadBaseNetworkHeader, Offset: 24, Len: 16, DestRegister: key0}
	loadPort     = loadPortInto(key0)
	// Offsets of the protocol there.
	protocol4 = expr.Payload{Base: expr.PayloadBaseNetworkHeader, Offset: 9, Len: 1}
	protocol6 = expr.Payload{Base: expr.PayloadBaseNetworkHeader, Offset: 6, Len: 1}
)

func load(p expr.Payload) *expr.Payload {
	p.DestRegister = key0
	return &p
}

// write puts a constant into the packet, and changes no checksum.
func write(c Constant, into expr.Payload) []expr.Any {
	into.OperationType, into.SourceRegister = expr.PayloadWrite, key0
	return []expr.Any{&expr.Immediate{Register: key0, Data: constants[c]}, &into}
}

func loadPortInto(register uint32) *expr.Payload {
	return &expr.Payload{Base: expr.PayloadBaseTransportHeader, Offset: 2, Len: 2, DestRegister: register}
}

// loads say how each key gets into register key0. They begin with what must be
// true for the packet to have such a key, as nft's do.
var loads = map[Key][]expr.Any{
	inInterface:  {&expr.Meta{Key: expr.MetaKeyIIFNAME, Register: key0}},
	outInterface: {&expr.Meta{Key: expr.MetaKeyOIFNAME, Register: key0}},
	destination:  {&expr.Fib{Register: key0, FlagDADDR: true, ResultADDRTYPE: true}},
	family:       {loadFamily},
	protocol:     {loadProtocol},
	tcpPort:      {loadProtocol, isTCP, loadPort},
	udpPort:      {loadProtocol, isUDP, loadPort},
	address4:     {loadFamily, isIPv4, loadAddress4},
	address6:     {loadFamily, isIPv6, loadAddress6},
	pair4: {loadFamily, isIPv4, loadAddress4,
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: afterAddress4}, loadPortInto(afterAddress4 + 1)},
	pair6: {loadFamily, isIPv6, loadAddress6,
		&expr.Meta{Key: expr.MetaKeyL4PROTO, Register: afterAddress6}, loadPortInto(unix.NFT_REG32_05)},
	state:      {&expr.Ct{Key: expr.CtKeySTATE, Register: key0}},
	connection: {&expr.Ct{Key: expr.CtKeyPROTOCOL, Register: key0}},
	header4:    {loadFamily, isIPv4, load(protocol4)},
	header6:    {loadFamily, isIPv6, load(protocol6)},
}

// constants are compared over their whole length. An interface's name fills
// IFNAMSIZ bytes, so that "lo" does not match the beginning of another name.
var constants = map[Constant][]byte{
	local:    binary.NativeEndian.AppendUint32(nil, unix.RTN_LOCAL),
	loopback: append([]byte("lo"), make([]byte, unix.IFNAMSIZ-len("lo"))...),
	ipv4:     {unix.NFPROTO_IPV4},
	ipv6:     {unix.NFPROTO_IPV6},
	tcp:      {unix.IPPROTO_TCP},
	dns:      {0, 53},
	isNew:    binary.NativeEndian.AppendUint32(nil, expr.CtStateBitNEW),

	experimental: {253},
}

var statements = map[Statement][]expr.Any{
	leave:  {&expr.Verdict{Kind: expr.VerdictReturn}},
	bypass: {&expr.Verdict{Kind: expr.VerdictGoto, Chain: bypassChain}},
	identity4: {loadFamily, isIPv4, loadAddress4,
		&expr.NAT{Type: expr.NATTypeDestNAT, Family: unix.NFPROTO_IPV4, RegAddrMin: key0}},
	identity6: {loadFamily, isIPv6, loadAddress6,
		&expr.NAT{Type: expr.NATTypeDestNAT, Family: unix.NFPROTO_IPV6, RegAddrMin: key0}},
	hide:  {&expr.Verdict{Kind: expr.VerdictGoto, Chain: hideChain}},
	hide4: write(experimental, protocol4),
	hide6: write(experimental, protocol6),
	show4: write(tcp, protocol4),
	show6: write(tcp, protocol6),
}

// expressions are what the kernel executes for the rule.
func (r Rule) expressions() []expr.Any {
	var all []expr.Any
	for _, m := range r.Matches {
		all = append(all, loads[m.Key]...)
		all = append(all, m.comparison())
	}
	return append(all, statements[r.Statement]...)
}

func (m Match) comparison() expr.Any {
	if m.Set != "" {
		return &expr.Lookup{SourceRegister: key0, SetName: m.Set, Invert: m.Not}
	}
	op := expr.CmpOpEq
	if m.Not {
		op = expr.CmpOpNeq
	}
	return &expr.Cmp{Op: op, Register: key0, Data: constants[m.Constant]}
}

var verdicts = map[expr.VerdictKind]string{
	expr.VerdictReturn: "return", expr.VerdictGoto: "goto", expr.VerdictJump: "jump",
	expr.VerdictAccept: "accept", expr.VerdictDrop: "drop", expr.VerdictQueue: "queue",
	expr.VerdictBreak: "break", expr.VerdictContinue: "continue",
}

// spell writes expressions down: two lists that do the same are spelled the same,
// whether we made them or the kernel gave them back, and no others are.
func spell(expressions []expr.Any) string {
	return strings.Join(each.As(expressions, spellOne), " ")
}

func spellOne(e expr.Any) string {
	switch e := e.(type) {
	case *expr.Meta:
		direction := "load"
		if e.SourceRegister {
			direction = "store"
		}
		return fmt.Sprintf("[meta %s %d reg %d]", direction, e.Key, e.Register)
	case *expr.Cmp:
		return fmt.Sprintf("[cmp %d reg %d 0x%s]", e.Op, e.Register, hex.EncodeToString(e.Data))
	case *expr.Payload:
		if e.OperationType == expr.PayloadLoad {
			return fmt.Sprintf("[payload load base %d offset %d length %d reg %d]", e.Base, e.Offset, e.Len, e.DestRegister)
		}
	case *expr.Lookup:
		if !e.IsDestRegSet {
			return fmt.Sprintf("[lookup reg %d set %s inverted %t]", e.SourceRegister, e.SetName, e.Invert)
		}
	case *expr.NAT:
		// Where only the first end of the range was set, the kernel gives back
		// both (linux net/netfilter/nft_nat.c, nft_nat_dump).
		nat := *e
		if nat.RegAddrMax == 0 {
			nat.RegAddrMax = nat.RegAddrMin
		}
		return fmt.Sprintf("[nat %+v]", nat)
	case *expr.Verdict:
		return "[" + strings.TrimSpace(verdicts[e.Kind]+" "+e.Chain) + "]"
	}
	return fmt.Sprintf("[%s %+v]", strings.ToLower(strings.TrimPrefix(fmt.Sprintf("%T", e), "*expr.")), e)
}

// datatypes are what the netlink library calls the types.
var datatypes = map[Type]nftables.SetDatatype{
	PortsType:  nftables.TypeInetService,
	Addresses4: nftables.TypeIPAddr,
	Addresses6: nftables.TypeIP6Addr,
	Pairs4:     nftables.MustConcatSetType(nftables.TypeIPAddr, nftables.TypeInetProto, nftables.TypeInetService),
	Pairs6:     nftables.MustConcatSetType(nftables.TypeIP6Addr, nftables.TypeInetProto, nftables.TypeInetService),
}

// appendElements appends an interval as the kernel holds it. A concatenation has
// one element with both ends. Anything else has an element where the interval
// begins, and another, marked as an end, at the first key behind it, if there is
// one.
func (t Type) appendElements(elements []nftables.SetElement, i Interval) []nftables.SetElement {
	if t.isConcatenation() {
		return append(elements, nftables.SetElement{Key: []byte(i.First), KeyEnd: []byte(i.Last)})
	}
	elements = append(elements, nftables.SetElement{Key: []byte(i.First)})
	if end, overflow := next(i.Last); !overflow {
		elements = append(elements, nftables.SetElement{Key: end, IntervalEnd: true})
	}
	return elements
}

func (t Type) isConcatenation() bool { return strings.Contains(string(t), concatenated) }

// next gives the key that follows, or says that there is none.
func next(key string) (following []byte, overflow bool) { return step(key, 1, 0) }

// previous gives the key before one that is not the first.
func previous(key string) string {
	before, _ := step(key, 0xff, 0xff)
	return string(before)
}

// step adds to a key's last byte, and to the one before it as long as a byte wraps
// around, which turns it into wrapped. It reports whether all of them did.
func step(key string, add, wrapped byte) (to []byte, overflow bool) {
	to = []byte(key)
	for i := len(to) - 1; i >= 0; i-- {
		to[i] += add
		if to[i] != wrapped {
			return to, false
		}
	}
	return to, true
}
