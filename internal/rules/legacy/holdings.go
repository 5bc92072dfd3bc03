package legacy

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// holdings are what the table nat of a family holds of ours, in a form that is
// the same whether it is asked for or read from the kernel.
type holdings struct {
	// chains are our chains, each with its rules.
	chains map[string][]string
	jumps  []jump
}

// jump is a rule by which one of the kernel's own chains leads to one of ours.
type jump struct {
	hook string
	// position counts from 1, as iptables does.
	position int
	rule     string
}

// holdings gives what a family's table holds when the ruleset is loaded.
func (r Ruleset) holdings(f family) holdings {
	h := holdings{chains: map[string][]string{}}
	for _, c := range r {
		rules := []string{}
		for _, rule := range c.of(f) {
			rules = append(rules, rule.String())
		}
		h.chains[c.Name] = rules
		h.jumps = append(h.jumps, jump{c.Hook, 1, "-j " + c.Name})
	}
	return h
}

// rulesOf gives the rules among the lines by which iptables -S lists a chain.
func rulesOf(chain string, lines []string) []string {
	rules := []string{}
	for _, line := range lines {
		if rule, is := strings.CutPrefix(line, "-A "+chain+" "); is {
			rules = append(rules, spelled(rule))
		}
	}
	return rules
}

// spelled spells addresses as we do: the C library has dots in some of IPv6
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

// jumpsOf finds those among a chain's rules that lead to one of ours.
func jumpsOf(hook string, rules []string) []jump {
	var jumps []jump
	for i, rule := range rules {
		for _, own := range ours {
			if strings.HasSuffix(rule, "-j "+own.chain) || strings.HasSuffix(rule, "-g "+own.chain) {
				jumps = append(jumps, jump{hook, i + 1, rule})
			}
		}
	}
	return jumps
}

// transaction gives what iptables-restore has to do to make the wanted holdings
// of those that are there. Whoever reads along sees all of it or nothing.
func transaction(there, wanted holdings) string {
	var b strings.Builder
	b.WriteString("*nat\n")
	for _, own := range ours {
		_, is := there.chains[own.chain]
		rules, wanted := wanted.chains[own.chain]
		if !is && !wanted {
			continue
		}
		// Made, or else emptied (iptables-restore(8), "--noflush").
		fmt.Fprintf(&b, ":%s - [0:0]\n", own.chain)
		for _, rule := range rules {
			fmt.Fprintf(&b, "-A %s %s\n", own.chain, rule)
		}
	}
	for _, j := range there.jumps {
		fmt.Fprintf(&b, "-D %s %s\n", j.hook, j.rule)
	}
	for _, j := range wanted.jumps {
		fmt.Fprintf(&b, "-I %s %d %s\n", j.hook, j.position, j.rule)
	}
	for _, own := range ours {
		_, is := there.chains[own.chain]
		if _, wanted := wanted.chains[own.chain]; is && !wanted {
			fmt.Fprintf(&b, "-X %s\n", own.chain)
		}
	}
	b.WriteString("COMMIT\n")
	return b.String()
}

// differences say in words, one sentence each, where a table is not what it
// should be.
func differences(want, got holdings) []string {
	var d []string
	for _, own := range ours {
		rules, wanted := want.chains[own.chain]
		found, is := got.chains[own.chain]
		switch {
		case wanted && !is:
			d = append(d, "missing chain "+own.chain)
		case is && !wanted:
			d = append(d, "foreign chain "+own.chain)
		default:
			d = append(d, ruleDifferences(own.chain, rules, found)...)
		}
	}
	for _, j := range want.jumps {
		if !slices.Contains(got.jumps, j) {
			d = append(d, fmt.Sprintf("missing rule %d in chain %s: %s", j.position, j.hook, j.rule))
		}
	}
	for _, j := range got.jumps {
		if !slices.Contains(want.jumps, j) {
			d = append(d, fmt.Sprintf("foreign rule %d in chain %s: %s", j.position, j.hook, j.rule))
		}
	}
	return d
}

func ruleDifferences(chain string, want, got []string) []string {
	if slices.Equal(want, got) {
		return nil
	}
	var d []string
	for _, rule := range without(want, got) {
		d = append(d, fmt.Sprintf("missing rule in chain %s: %s", chain, rule))
	}
	for _, rule := range without(got, want) {
		d = append(d, fmt.Sprintf("foreign rule in chain %s: %s", chain, rule))
	}
	if len(d) == 0 {
		d = append(d, fmt.Sprintf("chain %s has its rules in another order", chain))
	}
	return d
}

// without gives the rules that are left when each of the others has taken its
// like away.
func without(rules, others []string) []string {
	count := map[string]int{}
	for _, rule := range others {
		count[rule]++
	}
	var left []string
	for _, rule := range rules {
		if count[rule]--; count[rule] < 0 {
			left = append(left, rule)
		}
	}
	return left
}
