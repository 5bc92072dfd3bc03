package nft

import (
	"net/netip"
	"slices"

	"github.com/krm-bypass/krm-bypass/internal/each"
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

// A mesh that intercepts by TPROXY does so in front of every NAT chain, at -150,
// "mangle" (NF_IP_PRI_MANGLE there), in rules for TCP. hidePriority and showPriority
// are next to it: in between, a new connection that bypasses has another protocol.
const (
	hidePriority = -151
	showPriority = -149
)

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
	Name  string
	Entry Entry
	Rules []Rule
}

// Entry is where the kernel enters a chain. The zero value is of one that only rules
// lead to.
type Entry struct {
	Kind     Kind
	Hook     Hook
	Priority int
}

// Kind is the type of a chain, in nft's words.
type Kind string

const (
	nat   Kind = "nat"
	plain Kind = "filter"
)

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
	destination  Key = "fib daddr type"
	outInterface Key = "oifname"
	family       Key = "meta nfproto"
	protocol     Key = "meta l4proto"
	tcpPort      Key = "tcp dport"
	udpPort      Key = "udp dport"
	address4     Key = "ip daddr"
	address6     Key = "ip6 daddr"
	pair4        Key = "ip daddr . meta l4proto . th dport"
	pair6        Key = "ip6 daddr . meta l4proto . th dport"
	state        Key = "ct state"
	// connection is the protocol by which the kernel tracks the connection, whatever
	// stands in the packet.
	connection Key = "ct protocol"
	// The packet's own, in the header that comes first.
	header4 Key = "ip protocol"
	header6 Key = "ip6 nexthdr"
)

// Constant is a value that a key is compared with, in nft's words.
type Constant string

const (
	loopback Constant = `"lo"`
	local    Constant = "local"
	ipv4     Constant = "ipv4"
	ipv6     Constant = "ipv6"
	tcp      Constant = "tcp"
	dns      Constant = "53"
	isNew    Constant = "new"
	// experimental is a protocol number that nobody has (RFC 3692).
	experimental Constant = "253"
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
	// hide takes a packet out of TPROXY's sight.
	hide Statement = "goto hide"
	// These write the protocol into the header, by place: nft does not load "ip
	// protocol set". The checksum stays, which is right again once TCP is there again.
	hide4 Statement = "@nh,72,8 set 253"
	hide6 Statement = "@nh,48,8 set 253"
	show4 Statement = "@nh,72,8 set 6"
	show6 Statement = "@nh,48,8 set 6"
)

// bypassChain is where rules send what bypasses the mesh. One chain for all of
// them saves a rule for each of the two families everywhere else.
const (
	bypassChain = "bypass"
	hideChain   = "hide"
	hidingChain = "hide-from-tproxy"
)

// lookup is one of the sets that a step's entries go into, and how a rule uses it.
type lookup struct {
	suffix    string // of the set's name
	of        Type
	intervals func(filter.Step) []Interval
	// first is what a rule asks before it looks into the set by the key.
	first []Match
	key   Key
	// whole matches everything that the set could list.
	whole Match
}

// notDNS keeps rules on addresses away from port 53, and from all but TCP.
var notDNS = []Match{{Key: tcpPort, Not: true, Constant: dns}}

// lookups are those of each kind of step. With BypassOthers, a set that would be
// empty is left out, and the rule is for the whole. Ports of UDP and pairs know no
// others.
var lookups = map[filter.Kind][]lookup{
	filter.OnPorts: {
		{"tcp", PortsType, portsOf(traffic.TCP), nil, tcpPort, Match{Key: protocol, Constant: tcp}},
		{"udp", PortsType, portsOf(traffic.UDP), nil, udpPort, Match{}},
	},
	filter.OnPairs: {
		{"ip", Pairs4, pairsOf(netip.Addr.Is4), nil, pair4, Match{}},
		{"ip6", Pairs6, pairsOf(netip.Addr.Is6), nil, pair6, Match{}},
	},
	filter.OnAddresses: {
		{"ip", Addresses4, addressesOf(netip.Addr.Is4), notDNS, address4, Match{Key: family, Constant: ipv4}},
		{"ip6", Addresses6, addressesOf(netip.Addr.Is6), notDNS, address6, Match{Key: family, Constant: ipv6}},
	},
}

// bases are our NAT chains: the key that holds the interface there, the steps that
// the rules take, and whether packets come there that the pod only forwards.
var bases = []struct {
	hook     Hook
	over     Key
	steps    func(traffic.Settings) []filter.Step
	forwards bool
}{
	{Prerouting, inInterface, filter.Inbound, true},
	{Output, outInterface, filter.Outbound, false},
}

// Compile gives the ruleset that decides as Settings.Decide does. It has no set
// and no rule without need: settings that bypass nothing give an empty one.
//
// Loopback comes first: otherwise a proxy's call to its own pod through its
// Service reaches the application instead of the proxy's inbound port. Then comes
// what the pod only forwards.
func Compile(s traffic.Settings, form filter.Form) Ruleset {
	var r Ruleset
	chains := []Chain{{Name: bypassChain, Rules: []Rule{{Statement: identity4}, {Statement: identity6}}}}
	for _, base := range bases {
		if rules := r.compile(base.steps(s)); len(rules) > 0 {
			guards := []Rule{{Matches: []Match{{Key: base.over, Constant: loopback}}, Statement: leave}}
			if base.forwards {
				guards = append(guards, r.forwarded(form)...)
				chains = append(chains, unseen(form, guards, rules)...)
			}
			chains = append(chains, Chain{string(base.hook), Entry{nat, base.hook, Priority}, slices.Concat(guards, rules)})
		}
	}
	if len(chains) > 1 {
		r.Chains = chains
	}
	return r
}

// unseen gives the chains that keep what bypasses by these rules out of TPROXY's
// sight. They act on the first packet of a connection alone: of one that nftables'
// TPROXY has not taken it takes no later packet either. That of iptables drops those that
// belong to no connection, and so conntrack's INVALID (linux
// net/netfilter/xt_TPROXY.c, tproxy_tg4). A kernel that could not load them has them empty, so that
// whoever reads the table knows that they are not missing.
func unseen(form filter.Form, guards, rules []Rule) []Chain {
	var bypassing []Rule
	for _, r := range rules {
		if r.Matches[0].Key != udpPort {
			bypassing = append(bypassing, Rule{r.Field, r.Matches, hide})
		}
	}
	if len(bypassing) == 0 {
		return nil
	}
	chains := []Chain{
		{Name: hideChain, Rules: rewrite(tcp, hide4, hide6)},
		{hidingChain, Entry{plain, Prerouting, hidePriority}, slices.Concat([]Rule{later}, guards, bypassing)},
		{"show-after-tproxy", Entry{plain, Prerouting, showPriority}, slices.Concat([]Rule{later}, rewrite(experimental, show4, show6))},
	}
	if form.Seen {
		for i, c := range chains {
			chains[i] = Chain{Name: c.Name}
		}
	}
	return chains
}

// later leaves alone every packet but the first.
var later = Rule{Matches: []Match{{Key: state, Not: true, Constant: isNew}}, Statement: leave}

// seen reports whether the ruleset hides nothing because the kernel could not.
func (r Ruleset) seen() bool {
	return slices.ContainsFunc(r.Chains, func(c Chain) bool { return c.Name == hidingChain && c.Entry == Entry{} })
}

// Hides reports whether the ruleset hides connections from TPROXY.
func (r Ruleset) Hides() bool {
	return slices.ContainsFunc(r.Chains, func(c Chain) bool { return c.Name == hidingChain && c.Entry != Entry{} })
}

// rewrite gives the rules that write a protocol where another stands, in connections
// that are TCP to the kernel. It knew that before anything was rewritten: what comes in
// as the other protocol is not, and does not become TCP behind the mesh's back.
func rewrite(from Constant, in4, in6 Statement) []Rule {
	isTCP := Match{Key: connection, Constant: tcp}
	return []Rule{
		{Matches: []Match{isTCP, {Key: header4, Constant: from}}, Statement: in4},
		{Matches: []Match{isTCP, {Key: header6, Constant: from}}, Statement: in6},
	}
}

// forwarded gives the rules that leave alone what the pod only forwards.
func (r *Ruleset) forwarded(form filter.Form) []Rule {
	if form.Own == nil {
		return []Rule{{Matches: []Match{{Key: destination, Not: true, Constant: local}}, Statement: leave}}
	}
	own := each.As(form.Own, func(a netip.Addr) netip.Prefix { return netip.PrefixFrom(a, a.BitLen()) })
	step := filter.Step{Prefixes: traffic.NewPrefixes(own...)}
	var rules []Rule
	for _, l := range lookups[filter.OnAddresses] {
		match := l.whole
		if intervals := l.intervals(step); len(intervals) > 0 {
			r.Sets = append(r.Sets, Set{"own-addresses-" + l.suffix, l.of, intervals})
			match = Match{Key: l.key, Not: true, Set: "own-addresses-" + l.suffix}
		}
		rules = append(rules, Rule{Matches: []Match{match}, Statement: leave})
	}
	return rules
}

// then are the statements of steps.
var then = map[filter.Then]Statement{filter.Bypass: bypass, filter.Leave: leave, filter.BypassOthers: bypass}

// compile gives the steps' rules, and adds the sets that these need.
func (r *Ruleset) compile(steps []filter.Step) []Rule {
	var rules []Rule
	for _, s := range steps {
		others := s.Then == filter.BypassOthers
		for _, l := range lookups[s.Kind] {
			match := l.whole
			if intervals := l.intervals(s); len(intervals) > 0 {
				set := Set{s.Field.Flag() + "-" + l.suffix, l.of, intervals}
				r.Sets = append(r.Sets, set)
				match = Match{Key: l.key, Not: others, Set: set.Name}
			} else if !others || match.Key == "" {
				continue
			}
			rules = append(rules, Rule{s.Field, slices.Concat(l.first, []Match{match}), then[s.Then]})
		}
	}
	return rules
}
