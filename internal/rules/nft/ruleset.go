package nft

import (
	"net/netip"
	"slices"

	"github.com/krm-bypass/krm-bypass/internal/rules/filter"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// TableName is the table, of family inet, that is ours alone. It must never be
// the name of an iptables table: iptables-nft refuses to work once a table of
// such a name has chains that it did not make.
const TableName = "krm-bypass"

// Priority puts our chains one step before the NAT chains of every mesh, which
// are at -100, "dstnat" (linux include/uapi/linux/netfilter_ipv4.h,
// NF_IP_PRI_NAT_DST).
const Priority = -101

// Ruleset is what a table holds, in the order of loading: sets first, then
// chains, each before the rules that lead to it.
type Ruleset struct {
	Sets   []Set
	Chains []Chain
}

// Set is a named set of intervals.
type Set struct {
	Name string
	Type Type
	// Intervals are sorted and disjoint. They may be adjacent.
	Intervals []Interval
}

// Chain is a list of rules.
type Chain struct {
	Name string
	// Hook is where the kernel enters the chain; "" if only rules lead to it.
	Hook  Hook
	Rules []Rule
}

// Hook is the name of a point on a packet's way through the kernel.
type Hook string

// The hooks at which meshes redirect.
const (
	Prerouting Hook = "prerouting"
	Output     Hook = "output"
)

// Rule is a statement that is executed if every match holds.
type Rule struct {
	// Field is the setting that asked for the rule; "" if none did.
	Field     traffic.Field
	Matches   []Match
	Statement Statement
}

// Match compares a key of the packet with a constant, or looks it up in a set:
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

// bypassChain is where rules send what bypasses the mesh. One chain for all of
// them saves a rule for each of the two families everywhere else.
const bypassChain = "bypass"

// portKeys give the key for a protocol's port.
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

// bases are our base chains: the key that holds the interface there, and the steps
// that the rules take.
var bases = []struct {
	hook  Hook
	over  Key
	steps func(traffic.Settings) []filter.Step
}{
	{Prerouting, inInterface, filter.Inbound},
	{Output, outInterface, filter.Outbound},
}

// Compile gives the ruleset that decides as Settings.Decide does. It has no set
// and no rule without need: settings that bypass nothing give an empty one.
//
// Loopback comes first: otherwise a proxy's call to its own pod through its
// Service reaches the application instead of the proxy's inbound port.
func Compile(s traffic.Settings) Ruleset {
	var r Ruleset
	chains := []Chain{{Name: bypassChain, Rules: []Rule{{Statement: identity4}, {Statement: identity6}}}}
	for _, base := range bases {
		if rules := r.compile(base.steps(s)); len(rules) > 0 {
			guard := Rule{Matches: []Match{{Key: base.over, Constant: loopback}}, Statement: leave}
			chains = append(chains, Chain{Name: string(base.hook), Hook: base.hook, Rules: slices.Concat([]Rule{guard}, rules)})
		}
	}
	if len(chains) > 1 {
		r.Chains = chains
	}
	return r
}

func (r *Ruleset) compile(steps []filter.Step) []Rule {
	var rules []Rule
	for _, s := range steps {
		switch s.Kind {
		case filter.OnPorts:
			rules = append(rules, r.onPorts(s)...)
		case filter.OnPairs:
			rules = append(rules, r.onPairs(s)...)
		case filter.OnAddresses:
			rules = append(rules, r.onAddresses(s)...)
		}
	}
	return rules
}

// add puts a set into the ruleset and gives its name.
func (r *Ruleset) add(f traffic.Field, suffix string, t Type, intervals []Interval) string {
	name := f.Flag() + "-" + suffix
	r.Sets = append(r.Sets, Set{Name: name, Type: t, Intervals: intervals})
	return name
}

// then are the statements of steps.
var then = map[filter.Then]Statement{filter.Bypass: bypass, filter.Leave: leave, filter.BypassOthers: bypass}

func (r *Ruleset) onPorts(s filter.Step) []Rule {
	others := s.Then == filter.BypassOthers
	if others && s.Ports.IsEmpty() {
		return []Rule{{s.Field, []Match{{Key: protocol, Constant: tcp}}, bypass}}
	}
	var rules []Rule
	for _, p := range traffic.Protocols {
		if ranges := s.Ports.Ranges(p); len(ranges) > 0 {
			set := r.add(s.Field, filter.ProtocolName(p), PortsType, portIntervals(ranges))
			rules = append(rules, Rule{s.Field, []Match{{Key: portKeys[p], Not: others, Set: set}}, then[s.Then]})
		}
	}
	return rules
}

func (r *Ruleset) onPairs(s filter.Step) []Rule {
	var rules []Rule
	for _, af := range addressFamilies {
		if intervals := pairIntervals(s.Pairs.Boxes(), af.is); len(intervals) > 0 {
			set := r.add(s.Field, af.suffix, af.pairs, intervals)
			rules = append(rules, Rule{s.Field, []Match{{Key: af.pair, Set: set}}, then[s.Then]})
		}
	}
	return rules
}

// notDNS is what every rule on addresses begins with.
var notDNS = Match{Key: tcpPort, Not: true, Constant: dns}

func (r *Ruleset) onAddresses(s filter.Step) []Rule {
	others := s.Then == filter.BypassOthers
	var rules []Rule
	for _, af := range addressFamilies {
		match := Match{Key: family, Constant: af.constant}
		if intervals := prefixIntervals(s.Prefixes.List(), af.is); len(intervals) > 0 {
			match = Match{Key: af.address, Not: others, Set: r.add(s.Field, af.suffix, af.addresses, intervals)}
		} else if !others {
			continue
		}
		rules = append(rules, Rule{s.Field, []Match{notDNS, match}, then[s.Then]})
	}
	return rules
}
