package legacy

import (
	"fmt"
	"net/netip"
	"slices"

	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// The chains that are ours alone.
const (
	inputChain  = "KRM_BYPASS_INPUT"
	outputChain = "KRM_BYPASS_OUTPUT"
)

// ours are the chains, each with the chain of the table nat that leads to it.
var ours = []struct{ chain, hook string }{{inputChain, "PREROUTING"}, {outputChain, "OUTPUT"}}

// Ruleset is what the table nat is to hold of ours, in both address families.
type Ruleset []Chain

// Chain is a list of rules, asked in order.
type Chain struct {
	Name, Hook string
	Rules      []Rule
}

// Rule is one rule: a target for the packets for which all holds that is given.
type Rule struct {
	// Interface is an option and the interface's name; none: any interface.
	Interface []string
	// To are the destinations; the zero prefix: all of them, in both families.
	To netip.Prefix
	// Protocol 0 is any.
	Protocol traffic.Protocol
	// Ports are destination ports, at most as many as one match takes; none:
	// all of them.
	Ports  []traffic.PortRange
	Target Target
}

// Target is what becomes of a packet, in the words of iptables.
type Target string

const (
	// leave goes on behind our jump: the mesh's chains decide.
	leave Target = "RETURN"
	// bypass ends the table for the packet.
	bypass Target = "ACCEPT"
)

// mostRules bounds a chain in a family. The kernel asks rule after rule for
// each new connection, so what a list costs is paid again and again: between two
// network namespaces a connection took 21 µs to set up without rules, 24 with
// 1000, 28 with 2000 and 57 with 10,000.
const mostRules = 5000

// dns is the port that no range speaks of.
var dns = traffic.SinglePorts(traffic.TCP, traffic.DNSPort)

// Compile gives the ruleset that makes Settings.Decide true; it is empty where
// the settings bypass nothing. Settings that take too many rules are an error.
func Compile(s traffic.Settings) (Ruleset, error) {
	inbound := slices.Concat(
		ports(s.ExcludeInboundPorts, bypass, traffic.Protocols...),
		portsBut(s.IncludeInboundPorts),
	)
	outbound := slices.Concat(
		ports(s.ExcludeOutboundPorts, bypass, traffic.Protocols...),
		pairs(s.ExcludeOutbound),
	)
	if ranges := slices.Concat(ranges(s.ExcludeOutboundIPRanges, bypass), rangesBut(s.IncludeOutboundIPRanges)); len(ranges) > 0 {
		// Ranges hold for TCP alone, so it is only there that an included port
		// has something to be kept from.
		outbound = slices.Concat(outbound, ports(s.IncludeOutboundPorts.Union(dns), leave, traffic.TCP), ranges)
	}
	ruleset := Ruleset(slices.Concat(chain(inputChain, "-i", inbound), chain(outputChain, "-o", outbound)))
	return ruleset, ruleset.tooLong()
}

// chain puts the guard in front of the rules: without it a proxy's call to its
// own pod through its Service reaches the application instead of the proxy's
// inbound port.
func chain(name, over string, rules []Rule) []Chain {
	if len(rules) == 0 {
		return nil
	}
	i := slices.IndexFunc(ours, func(own struct{ chain, hook string }) bool { return own.chain == name })
	guard := Rule{Interface: []string{over, "lo"}, Target: leave}
	return []Chain{{name, ours[i].hook, slices.Concat([]Rule{guard}, rules)}}
}

func ports(of traffic.Ports, then Target, protocols ...traffic.Protocol) []Rule {
	var rules []Rule
	for _, p := range protocols {
		for _, some := range grouped(of.Ranges(p)) {
			rules = append(rules, Rule{Protocol: p, Ports: some, Target: then})
		}
	}
	return rules
}

// portsBut bypasses every TCP port that is not selected.
func portsBut(selected traffic.Selection[traffic.Ports]) []Rule {
	if selected.All() {
		return nil
	}
	return append(ports(selected.Set(), leave, traffic.TCP), Rule{Protocol: traffic.TCP, Target: bypass})
}

// pairs takes the boxes of one prefix and protocol together.
func pairs(of traffic.Pairs) []Rule {
	type place struct {
		prefix   netip.Prefix
		protocol traffic.Protocol
	}
	var places []place
	found := map[place][]traffic.PortRange{}
	for _, box := range of.Boxes() {
		at := place{box.Prefix, box.Protocol}
		if _, known := found[at]; !known {
			places = append(places, at)
		}
		found[at] = append(found[at], box.Ports)
	}
	var rules []Rule
	for _, at := range places {
		for _, some := range grouped(found[at]) {
			rules = append(rules, Rule{To: at.prefix, Protocol: at.protocol, Ports: some, Target: bypass})
		}
	}
	return rules
}

func ranges(of traffic.Prefixes, then Target) []Rule {
	var rules []Rule
	for _, prefix := range of.List() {
		rules = append(rules, Rule{To: prefix, Protocol: traffic.TCP, Target: then})
	}
	return rules
}

// rangesBut bypasses every address that is not selected.
func rangesBut(selected traffic.Selection[traffic.Prefixes]) []Rule {
	if selected.All() {
		return nil
	}
	return append(ranges(selected.Set(), leave), Rule{Protocol: traffic.TCP, Target: bypass})
}

// mostPorts is how many ports one match takes; a range counts twice (linux
// include/uapi/linux/netfilter/xt_multiport.h, XT_MULTI_PORTS).
const mostPorts = 15

// grouped cuts ranges into lists that fit into one match each.
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

// tooLong is the error that a ruleset of too many rules deserves.
func (r Ruleset) tooLong() error {
	for _, f := range families {
		for _, c := range r {
			if count := len(c.of(f)); count > mostRules {
				return fmt.Errorf("chain %s would have %d rules for %s, and the backend iptables takes %d, because every new connection is put to one after the other: "+
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
