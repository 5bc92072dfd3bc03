package rules

import (
	"net/netip"
	"slices"

	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// TableName is the table, of family inet, that is ours alone. It must never be
// the name of an iptables table: iptables-nft refuses to work where a table of
// such a name has chains that it did not make.
const TableName = "krm-bypass"

// Priority puts our chains one step before the NAT chains of every mesh, which
// are at -100, "dstnat" (linux include/uapi/linux/netfilter_ipv4.h,
// NF_IP_PRI_NAT_DST).
const Priority = -101

// Ruleset is what a table holds. Its order is the order of loading: sets, then
// chains, of which none is entered before it stands.
type Ruleset struct {
	Sets   []Set
	Chains []Chain
}

// Set is a named set of intervals.
type Set struct {
	Name string
	Type Type
	// Intervals are sorted and disjoint; adjacent ones may be there.
	Intervals []Interval
}

// Chain is a list of rules.
type Chain struct {
	Name string
	// Hook is where the kernel enters the chain; "" where only a rule does.
	Hook  Hook
	Rules []Rule
}

// Hook is the name of a point in a packet's way through the kernel.
type Hook string

// The hooks at which meshes redirect.
const (
	Prerouting Hook = "prerouting"
	Output     Hook = "output"
)

// Rule is one rule: a statement that is executed where every match holds.
type Rule struct {
	// Field is the setting that asked for the rule; "" where none did.
	Field     traffic.Field
	Matches   []Match
	Statement Statement
}

// Match compares a key of the packet with a constant, or looks it up in a set;
// exactly one of Constant and Set is given.
type Match struct {
	Key      Key
	Not      bool
	Constant Constant
	Set      string
}

// Key is a part of the packet, in nft's words.
type Key string

// The keys that rules look at.
const (
	inInterface  Key = "iifname"
	outInterface Key = "oifname"
	family       Key = "meta nfproto"
	protocol     Key = "meta l4proto"
	tcpPort      Key = "tcp dport"
	udpPort      Key = "udp dport"
	address4     Key = "ip daddr"
	address6     Key = "ip6 daddr"
	pair4        Key = "ip daddr . meta l4proto . th dport"
	pair6        Key = "ip6 daddr . meta l4proto . th dport"
)

// Constant is a value that a key is compared with, in nft's words.
type Constant string

const (
	loopback Constant = `"lo"`
	ipv4     Constant = "ipv4"
	ipv6     Constant = "ipv6"
	tcp      Constant = "tcp"
	dns      Constant = "53"
)

// Statement is what a rule does, in nft's words.
type Statement string

// The statements of rules.
const (
	// leave ends our part: the mesh's chains decide.
	leave Statement = "return"
	// bypass gives the connection its identity mapping.
	bypass    Statement = "goto bypass"
	identity4 Statement = "dnat ip to ip daddr"
	identity6 Statement = "dnat ip6 to ip6 daddr"
)

// bypassChain is where rules send what is to bypass the mesh. That it is one
// chain saves a rule for each of the two families in every other place.
const bypassChain = "bypass"

// portKeys says by which key a protocol's port is seen.
var portKeys = map[traffic.Protocol]Key{traffic.TCP: tcpPort, traffic.UDP: udpPort}

// addressFamily is what differs between IPv4 and IPv6.
type addressFamily struct {
	suffix        string // of a set's name
	constant      Constant
	address, pair Key
	addresses     Type
	pairs         Type
	is            func(netip.Addr) bool
}

var addressFamilies = []addressFamily{
	{"ip", ipv4, address4, pair4, Addresses4, Pairs4, netip.Addr.Is4},
	{"ip6", ipv6, address6, pair6, Addresses6, Pairs6, netip.Addr.Is6},
}

// Compile gives the ruleset that makes Settings.Decide true. It has no set and
// no rule that nothing needs: settings that bypass nothing give an empty one.
func Compile(s traffic.Settings) Ruleset {
	var r Ruleset
	prerouting := r.hooked(Prerouting, inInterface,
		r.ports(traffic.ExcludeInboundPorts, s.ExcludeInboundPorts, traffic.Protocols, bypass),
		r.portsBut(traffic.IncludeInboundPorts, s.IncludeInboundPorts),
	)
	byPort := slices.Concat(
		r.ports(traffic.ExcludeOutboundPorts, s.ExcludeOutboundPorts, traffic.Protocols, bypass),
		r.pairs(traffic.ExcludeOutbound, s.ExcludeOutbound),
	)
	// An included port only keeps a connection from the ranges that follow,
	// and they hold for TCP alone.
	var included []Rule
	if !s.ExcludeOutboundIPRanges.IsEmpty() || !s.IncludeOutboundIPRanges.All() {
		included = r.ports(traffic.IncludeOutboundPorts, s.IncludeOutboundPorts, []traffic.Protocol{traffic.TCP}, leave)
	}
	output := r.hooked(Output, outInterface, byPort, included,
		r.ranges(traffic.ExcludeOutboundIPRanges, s.ExcludeOutboundIPRanges),
		r.rangesBut(traffic.IncludeOutboundIPRanges, s.IncludeOutboundIPRanges),
	)
	if chains := slices.Concat(prerouting, output); len(chains) > 0 {
		r.Chains = append([]Chain{{Name: bypassChain, Rules: []Rule{{Statement: identity4}, {Statement: identity6}}}}, chains...)
	}
	return r
}

// hooked gives the base chain of a hook, none where it would have no rules.
// Loopback comes first: without it a proxy's call to its own pod through its
// Service reaches the application instead of the proxy's inbound port.
func (r *Ruleset) hooked(hook Hook, over Key, lists ...[]Rule) []Chain {
	rules := slices.Concat(lists...)
	if len(rules) == 0 {
		return nil
	}
	guard := Rule{Matches: []Match{{Key: over, Constant: loopback}}, Statement: leave}
	return []Chain{{Name: string(hook), Hook: hook, Rules: append([]Rule{guard}, rules...)}}
}

// add puts a set into the ruleset and gives its name.
func (r *Ruleset) add(f traffic.Field, suffix string, t Type, intervals []Interval) string {
	name := f.Flag() + "-" + suffix
	r.Sets = append(r.Sets, Set{Name: name, Type: t, Intervals: intervals})
	return name
}

func (r *Ruleset) ports(f traffic.Field, ports traffic.Ports, protocols []traffic.Protocol, then Statement) []Rule {
	var rules []Rule
	for _, p := range protocols {
		if ranges := ports.Ranges(p); len(ranges) > 0 {
			set := r.add(f, protocolName(p), PortsType, portIntervals(ranges))
			rules = append(rules, Rule{f, []Match{{Key: portKeys[p], Set: set}}, then})
		}
	}
	return rules
}

// portsBut bypasses every TCP port that is not selected.
func (r *Ruleset) portsBut(f traffic.Field, selected traffic.Selection[traffic.Ports]) []Rule {
	if selected.All() {
		return nil
	}
	ranges := selected.Set().Ranges(traffic.TCP)
	if len(ranges) == 0 {
		return []Rule{{f, []Match{{Key: protocol, Constant: tcp}}, bypass}}
	}
	set := r.add(f, protocolName(traffic.TCP), PortsType, portIntervals(ranges))
	return []Rule{{f, []Match{{Key: tcpPort, Not: true, Set: set}}, bypass}}
}

func (r *Ruleset) pairs(f traffic.Field, pairs traffic.Pairs) []Rule {
	var rules []Rule
	for _, family := range addressFamilies {
		if intervals := pairIntervals(pairs.Boxes(), family.is); len(intervals) > 0 {
			set := r.add(f, family.suffix, family.pairs, intervals)
			rules = append(rules, Rule{f, []Match{{Key: family.pair, Set: set}}, bypass})
		}
	}
	return rules
}

// notDNS is what every rule about ranges begins with.
var notDNS = Match{Key: tcpPort, Not: true, Constant: dns}

func (r *Ruleset) ranges(f traffic.Field, prefixes traffic.Prefixes) []Rule {
	var rules []Rule
	for _, family := range addressFamilies {
		if intervals := prefixIntervals(prefixes.List(), family.is); len(intervals) > 0 {
			set := r.add(f, family.suffix, family.addresses, intervals)
			rules = append(rules, Rule{f, []Match{notDNS, {Key: family.address, Set: set}}, bypass})
		}
	}
	return rules
}

// rangesBut bypasses every address that is not selected.
func (r *Ruleset) rangesBut(f traffic.Field, selected traffic.Selection[traffic.Prefixes]) []Rule {
	if selected.All() {
		return nil
	}
	var rules []Rule
	for _, af := range addressFamilies {
		match := Match{Key: family, Constant: af.constant}
		if intervals := prefixIntervals(selected.Set().List(), af.is); len(intervals) > 0 {
			match = Match{Key: af.address, Not: true, Set: r.add(f, af.suffix, af.addresses, intervals)}
		}
		rules = append(rules, Rule{f, []Match{notDNS, match}, bypass})
	}
	return rules
}
