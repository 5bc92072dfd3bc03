package legacy

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/each"
	"github.com/krm-bypass/krm-bypass/internal/rules/filter"
)

// holdings are what a family's nat table holds of ours, in a form that is the
// same whether it is asked for or read from the kernel.
type holdings struct {
	chains []filter.Chain
	jumps  []jump
}

// jump is a rule that leads from a chain which is not ours to one of ours. As long as
// there is one, iptables deletes no chain of ours.
type jump struct {
	hook string
	// position counts from 1, as iptables does.
	position int
	rule     string
}

// holdings gives what a family's table holds once the ruleset is loaded.
func (r Ruleset) holdings(f family) holdings {
	var h holdings
	for _, c := range r {
		rules := each.As(c.of(f), func(rule Rule) filter.Rule { return filter.Rule{Spelled: rule.String()} })
		h.chains = append(h.chains, filter.Chain{Name: c.Name, Rules: rules})
		h.jumps = append(h.jumps, jump{c.Hook, 1, "-j " + c.Name})
	}
	return h
}

// chain gives the chain of that name, or says that there is none.
func (h holdings) chain(name string) (found filter.Chain, is bool) {
	return each.First(h.chains, func(c filter.Chain) bool { return c.Name == name })
}

// holdingsIn picks what is ours from the lines that list a table.
func holdingsIn(lines []string) holdings {
	var h holdings
	for _, line := range lines {
		words := strings.Fields(line)
		if len(words) > 1 && (words[0] == "-P" || words[0] == "-N") && !isOurs(words[1]) {
			h.jumps = append(h.jumps, jumpsOf(words[1], rulesOf(words[1], lines))...)
		}
	}
	for _, own := range ours {
		if slices.Contains(lines, "-N "+own.chain) {
			h.chains = append(h.chains, filter.Chain{Name: own.chain, Rules: rulesOf(own.chain, lines)})
		}
	}
	return h
}

func isOurs(chain string) bool {
	for _, own := range ours {
		if own.chain == chain {
			return true
		}
	}
	return false
}

// rulesOf picks a chain's rules from the lines that list a table.
func rulesOf(chain string, lines []string) []filter.Rule {
	var rules []filter.Rule
	for _, line := range lines {
		if rule, is := strings.CutPrefix(line, "-A "+chain+" "); is {
			rules = append(rules, filter.Rule{Spelled: spelled(rule)})
		}
	}
	return rules
}

// spelled spells addresses as we do: the C library puts dots into some of IPv6
// ("::1.2.3.4").
func spelled(rule string) string {
	words := strings.Split(rule, " ")
	for i, word := range words {
		if prefix, err := netip.ParsePrefix(word); err == nil {
			words[i] = prefix.String()
		}
	}
	return strings.Join(words, " ")
}

// jumpsOf picks the rules that lead to one of our chains.
func jumpsOf(hook string, rules []filter.Rule) []jump {
	var jumps []jump
	for i, rule := range rules {
		for _, own := range ours {
			if strings.HasSuffix(rule.Spelled, "-j "+own.chain) || strings.HasSuffix(rule.Spelled, "-g "+own.chain) {
				jumps = append(jumps, jump{hook, i + 1, rule.Spelled})
			}
		}
	}
	return jumps
}

// transaction gives the text by which iptables-restore turns the holdings that
// are there into the wanted ones. Nobody who reads meanwhile sees half of it.
func transaction(there, wanted holdings) string {
	var b strings.Builder
	b.WriteString("*nat\n")
	var unwanted []string
	for _, own := range ours {
		_, is := there.chain(own.chain)
		chain, wanted := wanted.chain(own.chain)
		if !is && !wanted {
			continue
		}
		if !wanted {
			unwanted = append(unwanted, own.chain)
		}
		// This makes the chain, or empties it (iptables-restore(8), "--noflush").
		fmt.Fprintf(&b, ":%s - [0:0]\n", own.chain)
		for _, rule := range chain.Rules {
			fmt.Fprintf(&b, "-A %s %s\n", own.chain, rule)
		}
	}
	for _, j := range there.jumps {
		fmt.Fprintf(&b, "-D %s %s\n", j.hook, j.rule)
	}
	for _, j := range wanted.jumps {
		fmt.Fprintf(&b, "-I %s %d %s\n", j.hook, j.position, j.rule)
	}
	for _, chain := range unwanted {
		fmt.Fprintf(&b, "-X %s\n", chain)
	}
	b.WriteString("COMMIT\n")
	return b.String()
}

// differences say where a table is not what it should be.
func differences(want, got holdings) filter.Differences {
	return append(filter.CompareChains(want.chains, got.chains),
		filter.Unmatched(want.jumps, got.jumps, func(j jump) jump { return j }, jump.String)...)
}

// String gives the jump for a reader.
func (j jump) String() string {
	return fmt.Sprintf("rule %d in chain %s: %s", j.position, j.hook, j.rule)
}
