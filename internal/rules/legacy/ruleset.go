package legacy

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/krm-bypass/krm-bypass/internal/rules/filter"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// The chains that are ours alone.
const (
	inputChain  = "KRM_BYPASS_INPUT"
	outputChain = "KRM_BYPASS_OUTPUT"
)

// ours are the chains, each with the chain of the nat table that leads to it, the
// option that names an interface there, and the steps that its rules take.
var ours = []struct {
	chain, hook, over string
	steps             func(traffic.Settings) []filter.Step
	// forwards says that packets come there that the pod only forwards.
	forwards bool
}{
	{inputChain, "PREROUTING", "-i", filter.Inbound, true},
	{outputChain, "OUTPUT", "-o", filter.Outbound, false},
}

// Ruleset is what the nat tables of both address families should hold of ours.
type Ruleset []Chain

// Chain is a list of rules, asked in order.
type Chain struct {
	Name, Hook string
	Rules      []Rule
}

// Rule is a target for packets that match in everything that is given.
type Rule struct {
	// Interface is an option and an interface's name; nil for any interface.
	Interface []string
	// Forwarded is for packets that are not for this host.
	Forwarded bool
	// To is the destination; the zero prefix for any, in both families.
	To netip.Prefix
	// Protocol is 0 for any.
	Protocol traffic.Protocol
	// Ports are destination ports, no more than one match takes; nil for any.
	Ports  []traffic.PortRange
	Target Target
}

// Target says what happens to a packet, in iptables' words.
type Target string

const (
	// leave goes on behind the jump to us: the mesh's chains decide.
	leave Target = "RETURN"
	// bypass takes the packet out of the table.
	bypass Target = "ACCEPT"
)

// mostRules limits a chain in a family. The kernel asks one rule after the other
// about every new connection: between two network namespaces a connection took
// 21 µs to set up without rules, 24 with 1000, 28 with 2000 and 57 with 10,000.
const mostRules = 5000

// dns is the port that no step on addresses asks about.
var dns = traffic.SinglePorts(traffic.TCP, traffic.DNSPort)

// Compile gives the ruleset that decides as Settings.Decide does. It is empty if
// the settings bypass nothing. Settings that take too many rules are an error.
//
// Loopback comes first: otherwise a proxy's call to its own pod through its
// Service reaches the application instead of the proxy's inbound port. Then comes
// what the pod only forwards.
func Compile(s traffic.Settings, form filter.Form) (Ruleset, error) {
	var ruleset Ruleset
	for _, own := range ours {
		if rules := compile(own.steps(s)); len(rules) > 0 {
			guards := []Rule{{Interface: []string{own.over, "lo"}, Target: leave}}
			switch {
			case own.forwards && form.Own == nil:
				guards = append(guards, Rule{Forwarded: true, Target: leave})
			case own.forwards:
				rules = limited(rules, form.Own)
			}
			ruleset = append(ruleset, Chain{own.chain, own.hook, slices.Concat(guards, rules)})
		}
	}
	return ruleset, ruleset.tooLong()
}

// limited gives each rule once for every destination. It takes no match of iptables
// that a kernel may lack.
func limited(rules []Rule, to []netip.Addr) []Rule {
	var all []Rule
	for _, a := range to {
		for _, r := range rules {
			r.To = netip.PrefixFrom(a, a.BitLen())
			all = append(all, r)
		}
	}
	return all
}

// then are the targets for what a step lists.
var then = map[filter.Then]Target{filter.Bypass: bypass, filter.Leave: leave, filter.BypassOthers: leave}

func compile(steps []filter.Step) []Rule {
	var rules []Rule
	for _, s := range steps {
		switch s.Kind {
		case filter.OnPorts:
			if s.Field == traffic.IncludeOutboundPorts {
				// The steps on addresses follow, which never ask about DNS.
				s.Ports = s.Ports.Union(dns)
			}
			rules = append(rules, onPorts(s)...)
		case filter.OnPairs:
			rules = append(rules, onPairs(s)...)
		case filter.OnAddresses:
			for _, prefix := range s.Prefixes.List() {
				rules = append(rules, Rule{To: prefix, Protocol: traffic.TCP, Target: then[s.Then]})
			}
		}
		if s.Then == filter.BypassOthers {
			rules = append(rules, Rule{Protocol: traffic.TCP, Target: bypass})
		}
	}
	return rules
}

func onPorts(s filter.Step) []Rule {
	var rules []Rule
	for _, p := range traffic.Protocols {
		for _, some := range grouped(s.Ports.Ranges(p)) {
			rules = append(rules, Rule{Protocol: p, Ports: some, Target: then[s.Then]})
		}
	}
	return rules
}

// onPairs takes the boxes of one prefix and protocol together, which stand one after
// the other.
func onPairs(s filter.Step) []Rule {
	var rules []Rule
	for boxes := s.Pairs.Boxes(); len(boxes) > 0; {
		first := boxes[0]
		var ports []traffic.PortRange
		for len(boxes) > 0 && boxes[0].Prefix == first.Prefix && boxes[0].Protocol == first.Protocol {
			ports, boxes = append(ports, boxes[0].Ports), boxes[1:]
		}
		for _, some := range grouped(ports) {
			rules = append(rules, Rule{To: first.Prefix, Protocol: first.Protocol, Ports: some, Target: then[s.Then]})
		}
	}
	return rules
}

// mostPorts is how many ports one match takes. A range counts twice (linux
// include/uapi/linux/netfilter/xt_multiport.h, XT_MULTI_PORTS).
const mostPorts = 15

// grouped cuts ranges into lists that each fit into one match.
func grouped(ranges []traffic.PortRange) [][]traffic.PortRange {
	var groups [][]traffic.PortRange
	room := 0
	for _, r := range ranges {
		need := 1
		if r.First != r.Last {
			need = 2
		}
		if room < need {
			groups, room = append(groups, nil), mostPorts
		}
		last := &groups[len(groups)-1]
		*last, room = append(*last, r), room-need
	}
	return groups
}

// tooLong is an error if the ruleset has too many rules.
func (r Ruleset) tooLong() error {
	for _, f := range families {
		for _, c := range r {
			if count := len(c.of(f)); count > mostRules {
				return fmt.Errorf("chain %s would have %d rules for %s, and the backend iptables takes at most %d, because the kernel asks one after the other about every new connection: "+
					"give fewer or wider ranges, or take --backend=nftables, where a list costs the same at any length", c.Name, count, f.name, mostRules)
			}
		}
	}
	return nil
}

// of gives the chain's rules in a family.
func (c Chain) of(f family) []Rule {
	return slices.DeleteFunc(slices.Clone(c.Rules), func(r Rule) bool { return r.To.IsValid() && !f.has(r.To.Addr()) })
}
