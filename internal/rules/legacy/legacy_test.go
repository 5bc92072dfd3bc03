package legacy

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// What touches a kernel is tested in internal/rules, beside nftables and with
// the same settings.

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

// Chains stand before anything leads to them, and nothing leads to a chain when
// it goes.
func TestTransactions(t *testing.T) {
	ours := holdings{
		chains: map[string][]string{outputChain: {"-o lo -j RETURN", "-d 10.0.0.0/8 -p tcp -j ACCEPT"}},
		jumps:  []jump{{"OUTPUT", 1, "-j KRM_BYPASS_OUTPUT"}},
	}
	others := holdings{
		chains: map[string][]string{inputChain: {}, outputChain: {"-p udp -j ACCEPT"}},
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
	rules := rulesOf("OUTPUT", []string{
		"-P OUTPUT ACCEPT",
		"-A OUTPUT -m comment --comment \"KRM_BYPASS_OUTPUT, not\" -j MESH",
		"-A OUTPUT -d ::1.2.3.4/128 -j KRM_BYPASS_OUTPUT",
		"-A OUTPUTS -j KRM_BYPASS_OUTPUT",
	})
	assert.Equal(t, []string{`-m comment --comment "KRM_BYPASS_OUTPUT, not" -j MESH`, "-d ::102:304/128 -j KRM_BYPASS_OUTPUT"}, rules)
	assert.Equal(t, []jump{{"OUTPUT", 2, "-d ::102:304/128 -j KRM_BYPASS_OUTPUT"}}, jumpsOf("OUTPUT", rules))
}
