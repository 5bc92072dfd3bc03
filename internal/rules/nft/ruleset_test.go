package nft

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/krm-bypass/krm-bypass/internal/rules/filter"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
	"github.com/krm-bypass/krm-bypass/test/samples"
)

// The ruleset, executed here in Go, decides as the decision function does. That
// the kernel executes it in the same way is for the end-to-end tests to show.
func TestARulesetBypassesWhatTheDecisionSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		settings := samples.Settings.Draw(t, "settings")
		form := filter.Form{}
		if rapid.Bool().Draw(t, "kernel without fib") {
			form.Own = []netip.Addr{podAddress}
		}
		form.Seen = rapid.Bool().Draw(t, "kernel without ct")
		ruleset := Compile(settings, form)
		for range 20 {
			c := samples.Connection.Draw(t, "connection")
			if c.Direction == traffic.Inbound {
				c.Address = podAddress
			}
			decision := settings.Decide(c)
			hook, bypasses := "output", decision.Verdict == traffic.Bypassed
			if c.Direction == traffic.Inbound {
				hook = "prerouting"
				hides := bypasses && c.Protocol == traffic.TCP && !form.Seen
				assert.Equal(t, hides, ruleset.does(t, hide, "hide-from-tproxy", c), "%+v %+v\n%s", c, decision, ruleset.Text())
			}
			assert.Equal(t, bypasses, ruleset.does(t, bypass, hook, c), "%+v %+v\n%s", c, decision, ruleset.Text())
		}
	})
}

// podAddress is the one that inbound connections are for.
var podAddress = netip.MustParseAddr("10.244.0.2")

// does reports whether the chain ends with the statement for the first packet of a
// connection.
func (r Ruleset) does(t require.TestingT, what Statement, chain string, c traffic.Connection) bool {
	i := slices.IndexFunc(r.Chains, func(c Chain) bool { return c.Name == chain })
	if i < 0 {
		return false
	}
	for _, rule := range r.Chains[i].Rules {
		if !slices.ContainsFunc(rule.Matches, func(m Match) bool { return !r.holds(t, m, c) }) {
			return rule.Statement == what
		}
	}
	return false
}

// holds reports whether a match holds for a connection.
func (r Ruleset) holds(t require.TestingT, m Match, c traffic.Connection) bool {
	is4 := c.Address.Is4()
	var key string
	present := true
	switch m.Key {
	case inInterface, outInterface:
		return c.Loopback
	case state:
		return !m.Not
	case destination:
		return (c.Address == podAddress) != m.Not
	case family:
		return is4 == (m.Constant == ipv4)
	case protocol:
		return c.Protocol == traffic.TCP
	case tcpPort:
		key, present = string(portKey(c.Port)), c.Protocol == traffic.TCP
	case udpPort:
		key, present = string(portKey(c.Port)), c.Protocol == traffic.UDP
	case address4:
		key, present = string(c.Address.AsSlice()), is4
	case address6:
		key, present = string(c.Address.AsSlice()), !is4
	case pair4:
		key, present = pairKey(c.Address, c.Protocol, c.Port), is4
	case pair6:
		key, present = pairKey(c.Address, c.Protocol, c.Port), !is4
	}
	if !present {
		return false
	}
	if m.Set == "" {
		return (key == string(constants[m.Constant])) != m.Not
	}
	i := slices.IndexFunc(r.Sets, func(s Set) bool { return s.Name == m.Set })
	require.GreaterOrEqual(t, i, 0, "set %s", m.Set)
	return slices.ContainsFunc(r.Sets[i].Intervals, func(i Interval) bool { return i.contains(key) }) != m.Not
}

// contains looks at each register of its own, so that a box is a box: within a
// part the bytes before the last register are the same or a whole range.
func (i Interval) contains(key string) bool {
	if len(key) < 8 || len(key) == 16 {
		return i.First <= key && key <= i.Last
	}
	address := len(key) - 8
	return i.First[:address] <= key[:address] && key[:address] <= i.Last[:address] &&
		i.First[address:address+4] == key[address:address+4] &&
		i.First[address+4:] <= key[address+4:] && key[address+4:] <= i.Last[address+4:]
}

func TestNothingIsMadeThatNothingNeeds(t *testing.T) {
	for _, test := range []struct {
		flags  []string
		sets   []string
		chains []string
	}{
		{},
		{flags: []string{"--include-outbound-ports=7001"}},
		{flags: []string{"--include-inbound-ports=*", "--include-outbound-ip-ranges=*"}},
		{flags: []string{"--include-inbound-ports="}, chains: []string{"bypass", "hide", "hide-from-tproxy", "show-after-tproxy", "prerouting"}},
		{flags: []string{"--exclude-inbound-ports=53/UDP"}, sets: []string{"exclude-inbound-ports-udp"}, chains: []string{"bypass", "prerouting"}},
		{flags: []string{"--include-outbound-ip-ranges="}, chains: []string{"bypass", "output"}},
		{
			flags:  []string{"--exclude-outbound-ports=53/UDP", "--include-outbound-ports=7001"},
			sets:   []string{"exclude-outbound-ports-udp"},
			chains: []string{"bypass", "output"},
		},
		{
			flags:  []string{"--exclude-outbound-ip-ranges=fd00::/8", "--include-outbound-ports=7001"},
			sets:   []string{"include-outbound-ports-tcp", "exclude-outbound-ip-ranges-ip6"},
			chains: []string{"bypass", "output"},
		},
		{
			flags:  []string{"--exclude-outbound-ip-ranges=fd00::/8", "--include-outbound-ports=7001/UDP"},
			sets:   []string{"exclude-outbound-ip-ranges-ip6"},
			chains: []string{"bypass", "output"},
		},
	} {
		ruleset := Compile(samples.Of(t, test.flags...), filter.Form{})
		var sets, chains []string
		for _, s := range ruleset.Sets {
			sets = append(sets, s.Name)
		}
		for _, c := range ruleset.Chains {
			chains = append(chains, c.Name)
		}
		assert.Equal(t, test.sets, sets, "%q", test.flags)
		assert.Equal(t, test.chains, chains, "%q", test.flags)
	}
}

func TestElementsAreWrittenAsNftWritesThem(t *testing.T) {
	for _, test := range []struct {
		of          Type
		first, last string
		written     string
	}{
		{PortsType, "\x1b\x59", "\x1b\x59", "7001"},
		{PortsType, "\x00\x01", "\xff\xff", "1-65535"},
		{Addresses4, "\x0a\x00\x00\x00", "\x0a\xff\xff\xff", "10.0.0.0/8"},
		{Addresses4, "\x00\x00\x00\x00", "\xff\xff\xff\xff", "0.0.0.0/0"},
		{Addresses4, "\x0a\x00\x00\x01", "\x0a\x00\x00\x01", "10.0.0.1"},
		{Addresses4, "\x0a\x00\x00\x01", "\x0a\x00\x00\x02", "10.0.0.1-10.0.0.2"},
		{Addresses6, "\xfd" + zeros(15), "\xfd" + ones(15), "fd00::/8"},
		{Pairs4, "\x0a\x01\x00\x00\x06\x00\x00\x00\x15\x38\x00\x00", "\x0a\x01\xff\xff\x06\x00\x00\x00\x15\x38\x00\x00", "10.1.0.0/16 . tcp . 5432"},
		{Pairs4, "\x0a\x01\x00\x00\x06\x00\x00\x00\x15\x38\x00\x00", "\x0a\x01\xff\xff\x11\x00\x00\x00\x15\x39\x00\x00", "10.1.0.0/16 . 6-17 . 5432-5433"},
		// What only somebody else's set can hold.
		{"ether_addr", "\x01\x02\x03\x04\x05\x06", "\x01\x02\x03\x04\x05\x06", "010203040506-010203040506"},
		{PortsType, "\x01", "\x01", "01-01"},
	} {
		assert.Equal(t, test.written, test.of.Write(Interval{test.first, test.last}))
	}
}
