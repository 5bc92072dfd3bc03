package legacy

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzHoldings has a table list any rules: what is found of ours is what stands
// there, and the transaction takes away exactly the jumps that were found.
func FuzzHoldings(f *testing.F) {
	for _, own := range ours {
		f.Add("-N "+own.chain+"\n-A "+own.chain+" -d ::1.2.3.4/128 -p tcp -j ACCEPT", "-A "+own.hook+" -j "+own.chain)
	}
	f.Add("-P OUTPUT ACCEPT\n-A OUTPUT -m comment --comment \"-j X\" -j RETURN", "")
	f.Fuzz(func(t *testing.T, listing, jumps string) {
		for _, own := range ours {
			lines := strings.Split(listing, "\n")
			rules := rulesOf(own.chain, lines)
			require.LessOrEqual(t, len(rules), len(lines))
			require.Equal(t, rules, rulesOf(own.chain, appended(own.chain, rules)), "what was read is read again as it is")
			found := jumpsOf(own.hook, strings.Split(jumps, "\n"))
			there := holdings{chains: map[string][]string{own.chain: rules}, jumps: found}
			text := transaction(there, holdings{})
			for _, j := range found {
				require.Contains(t, text, "-D "+j.hook+" "+j.rule+"\n")
			}
			require.True(t, strings.HasSuffix(text, "COMMIT\n"))
			require.Empty(t, differences(there, there))
		}
	})
}

func appended(chain string, rules []string) []string {
	lines := slices.Clone(rules)
	for i, rule := range lines {
		lines[i] = "-A " + chain + " " + rule
	}
	return lines
}
