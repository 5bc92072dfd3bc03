package legacy

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/internal/rules/filter"
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
			var leading []filter.Rule
			for line := range strings.SplitSeq(jumps, "\n") {
				leading = append(leading, filter.Rule{Spelled: line})
			}
			found := jumpsOf(own.hook, leading)
			there := holdings{chains: []filter.Chain{{Name: own.chain, Rules: rules}}, jumps: found}
			text := transaction(there, holdings{})
			for _, j := range found {
				require.Contains(t, text, "-D "+j.hook+" "+j.rule+"\n")
			}
			require.True(t, strings.HasSuffix(text, "COMMIT\n"))
			require.Empty(t, differences(there, there))
		}
	})
}

func appended(chain string, rules []filter.Rule) []string {
	var lines []string
	for _, rule := range rules {
		lines = append(lines, "-A "+chain+" "+rule.Spelled)
	}
	return lines
}
