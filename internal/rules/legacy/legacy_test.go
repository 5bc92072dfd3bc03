package legacy

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/krm-bypass/krm-bypass/internal/rules/filter"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
	"github.com/krm-bypass/krm-bypass/test/samples"
)

// The chains, executed here in Go, decide as the decision function does. That
// the kernel executes them in the same way is for the end-to-end tests to show.
func TestChainsBypassWhatTheDecisionSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		settings := samples.Settings.Draw(t, "settings")
		form := filter.Form{}
		if rapid.Bool().Draw(t, "kernel without addrtype") {
			form.Own = []netip.Addr{podAddress}
		}
		ruleset, err := Compile(settings, form)
		require.NoError(t, err)
		for range 20 {
			c := samples.Connection.Draw(t, "connection")
			if c.Direction == traffic.Inbound {
				c.Address = podAddress
			}
			decision := settings.Decide(c)
			assert.Equal(t, decision.Verdict == traffic.Bypassed, accepts(ruleset, c), "%+v %+v\n%s", c, decision, ruleset.Text())
		}
	})
}

// podAddress is the one that inbound connections are for.
var podAddress = netip.MustParseAddr("10.244.0.2")

// accepts executes the chain of the connection's direction.
func accepts(ruleset Ruleset, c traffic.Connection) bool {
	hook := "OUTPUT"
	if c.Direction == traffic.Inbound {
		hook = "PREROUTING"
	}
	for _, chain := range ruleset {
		if chain.Hook != hook {
			continue
		}
		for _, rule := range chain.Rules {
			if fits(rule, c) {
				return rule.Target == "ACCEPT"
			}
		}
	}
	return false
}

func fits(rule Rule, c traffic.Connection) bool {
	ports := len(rule.Ports) == 0 || slices.ContainsFunc(rule.Ports, func(r traffic.PortRange) bool { return r.First <= c.Port && c.Port <= r.Last })
	return ports &&
		(len(rule.Interface) == 0 || c.Loopback) &&
		(!rule.Forwarded || c.Address != podAddress) &&
		(!rule.To.IsValid() || rule.To.Contains(c.Address)) &&
		(rule.Protocol == 0 || rule.Protocol == c.Protocol)
}

func TestPortsAreGroupedAsAMatchTakesThem(t *testing.T) {
	for _, test := range []struct{ entries, words string }{
		{"", ""},
		{"7001", "7001"},
		{"1,3,5,7,9,11,13,15,17,19,21,23,25,27,29", "1,3,5,7,9,11,13,15,17,19,21,23,25,27,29"},
		{"1,3,5,7,9,11,13,15,17,19,21,23,25,27,29,31", "1,3,5,7,9,11,13,15,17,19,21,23,25,27,29 31"},
		{"1-2,4-5,7-8,10-11,13-14,16-17,19-20,22", "1:2,4:5,7:8,10:11,13:14,16:17,19:20,22"},
		{"1-2,4-5,7-8,10-11,13-14,16-17,19-20,22-23", "1:2,4:5,7:8,10:11,13:14,16:17,19:20 22:23"},
	} {
		var ports traffic.Ports
		for entry := range strings.SplitSeq(test.entries, ",") {
			if entry == "" {
				continue
			}
			more, err := traffic.ParsePorts(entry)
			require.NoError(t, err)
			ports = ports.Union(more)
		}
		var words []string
		for _, group := range grouped(ports.Ranges(traffic.TCP)) {
			words = append(words, portsWord(group))
		}
		assert.Equal(t, test.words, strings.Join(words, " "), test.entries)
	}
}

func TestGroupsHoldEveryPortOnceAndFit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var ports traffic.Ports
		for range rapid.IntRange(0, 60).Draw(t, "count") {
			first := rapid.Uint16Range(1, 300).Draw(t, "first")
			last := first + rapid.Uint16Range(0, 2).Draw(t, "length")
			ports = ports.Union(traffic.NewPorts(traffic.TCP, traffic.PortRange{First: first, Last: last}))
		}
		var all []traffic.PortRange
		for _, group := range grouped(ports.Ranges(traffic.TCP)) {
			all = append(all, group...)
			words := strings.FieldsFunc(portsWord(group), func(r rune) bool { return r == ',' || r == ':' })
			assert.LessOrEqual(t, len(words), mostPorts)
		}
		assert.Equal(t, ports.Ranges(traffic.TCP), all)
	})
}

func rules(spelled ...string) []filter.Rule {
	var all []filter.Rule
	for _, s := range spelled {
		all = append(all, filter.Rule{Spelled: s})
	}
	return all
}

// Chains stand before anything leads to them, and nothing leads to a chain when
// it goes.
func TestTransactions(t *testing.T) {
	ours := holdings{
		chains: []filter.Chain{{Name: outputChain, Rules: rules("-o lo -j RETURN", "-d 10.0.0.0/8 -p tcp -j ACCEPT")}},
		jumps:  []jump{{"OUTPUT", 1, "-j KRM_BYPASS_OUTPUT"}},
	}
	others := holdings{
		chains: []filter.Chain{{Name: inputChain}, {Name: outputChain, Rules: rules("-p udp -j ACCEPT")}},
		jumps:  []jump{{"PREROUTING", 2, "-p tcp -j KRM_BYPASS_INPUT"}, {"OUTPUT", 3, "-j KRM_BYPASS_OUTPUT"}},
	}
	for _, test := range []struct {
		name          string
		there, wanted holdings
		text          string
	}{
		{"from nothing", holdings{}, ours, `*nat
:KRM_BYPASS_OUTPUT - [0:0]
-A KRM_BYPASS_OUTPUT -o lo -j RETURN
-A KRM_BYPASS_OUTPUT -d 10.0.0.0/8 -p tcp -j ACCEPT
-I OUTPUT 1 -j KRM_BYPASS_OUTPUT
COMMIT
`},
		{"from others", others, ours, `*nat
:KRM_BYPASS_INPUT - [0:0]
:KRM_BYPASS_OUTPUT - [0:0]
-A KRM_BYPASS_OUTPUT -o lo -j RETURN
-A KRM_BYPASS_OUTPUT -d 10.0.0.0/8 -p tcp -j ACCEPT
-D PREROUTING -p tcp -j KRM_BYPASS_INPUT
-D OUTPUT -j KRM_BYPASS_OUTPUT
-I OUTPUT 1 -j KRM_BYPASS_OUTPUT
-X KRM_BYPASS_INPUT
COMMIT
`},
		{"to nothing", ours, holdings{}, `*nat
:KRM_BYPASS_OUTPUT - [0:0]
-D OUTPUT -j KRM_BYPASS_OUTPUT
-X KRM_BYPASS_OUTPUT
COMMIT
`},
	} {
		assert.Equal(t, test.text, transaction(test.there, test.wanted), test.name)
	}
}

func TestWhatIptablesListsIsRead(t *testing.T) {
	read := rulesOf("OUTPUT", []string{
		"-P OUTPUT ACCEPT",
		"-A OUTPUT -m comment --comment \"KRM_BYPASS_OUTPUT, not\" -j MESH",
		"-A OUTPUT -d ::1.2.3.4/128 -j KRM_BYPASS_OUTPUT",
		"-A OUTPUTS -j KRM_BYPASS_OUTPUT",
	})
	assert.Equal(t, rules(`-m comment --comment "KRM_BYPASS_OUTPUT, not" -j MESH`, "-d ::102:304/128 -j KRM_BYPASS_OUTPUT"), read)
	assert.Equal(t, []jump{{"OUTPUT", 2, "-d ::102:304/128 -j KRM_BYPASS_OUTPUT"}}, jumpsOf("OUTPUT", read))
}

func TestWhatIsOursIsPickedFromATable(t *testing.T) {
	assert.Equal(t, holdings{
		chains: []filter.Chain{{Name: inputChain}, {Name: outputChain, Rules: rules("-o lo -j RETURN", "-p tcp -j ACCEPT")}},
		jumps:  []jump{{"PREROUTING", 1, "-j KRM_BYPASS_INPUT"}, {"OUTPUT", 2, "-j KRM_BYPASS_OUTPUT"}, {"MESH", 1, "-j KRM_BYPASS_OUTPUT"}},
	}, holdingsIn([]string{
		"-P PREROUTING ACCEPT",
		"-P OUTPUT ACCEPT",
		"-N KRM_BYPASS_INPUT",
		"-N KRM_BYPASS_OUTPUT",
		"-N MESH",
		"-A PREROUTING -j KRM_BYPASS_INPUT",
		"-A OUTPUT -j MESH",
		"-A OUTPUT -j KRM_BYPASS_OUTPUT",
		"-A KRM_BYPASS_OUTPUT -o lo -j RETURN",
		"-A KRM_BYPASS_OUTPUT -p tcp -j ACCEPT",
		"-A MESH -j KRM_BYPASS_OUTPUT",
	}))
	assert.Empty(t, holdingsIn([]string{"-P PREROUTING ACCEPT", "-P OUTPUT ACCEPT", "-N KRM_BYPASS_INPUT2", ""}))
}
