package rules

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// contents is what a table holds, in a form that is the same whether it is
// asked for or read from the kernel.
type contents struct {
	absent  bool
	dormant bool
	sets    []namedSet
	chains  []namedChain
}

type namedSet struct {
	name string
	// kind is the key type and, where they are not a plain interval set's,
	// the properties.
	kind      string
	intervals []Interval
}

type namedChain struct {
	name string
	// hook is the line that ties the chain to a hook, in nft's words.
	hook  string
	rules []spelledRule
}

// spelledRule is a rule by what it executes; words is how to speak of it.
type spelledRule struct{ spelled, words string }

func hookLine(kind string, hook Hook, priority int, policy string) string {
	return fmt.Sprintf("type %s hook %s priority %d; policy %s;", kind, hook, priority, policy)
}

// contents gives what the table holds when the ruleset is loaded.
func (r Ruleset) contents() contents {
	var c contents
	for _, s := range r.Sets {
		c.sets = append(c.sets, namedSet{s.Name, string(s.Type), s.Intervals})
	}
	for _, chain := range r.Chains {
		named := namedChain{name: chain.Name}
		if chain.Hook != "" {
			named.hook = hookLine("nat", chain.Hook, Priority, "accept")
		}
		for _, rule := range chain.Rules {
			named.rules = append(named.rules, spelledRule{spell(rule.expressions()), rule.String()})
		}
		c.chains = append(c.chains, named)
	}
	return c
}

// Differences say in words, one sentence each, where a table is not what it
// should be.
type Differences []string

// legible is how many differences a reader is shown.
const legible = 20

// String gives the differences in one line, the first ones if they are many.
func (d Differences) String() string {
	if len(d) > legible {
		return fmt.Sprintf("%s; and %d more", strings.Join(d[:legible], "; "), len(d)-legible)
	}
	return strings.Join(d, "; ")
}

func differences(want, got contents) Differences {
	if got.absent {
		return Differences{fmt.Sprintf("table inet %s is missing", TableName)}
	}
	var d Differences
	if got.dormant {
		d = append(d, fmt.Sprintf("table inet %s is dormant, its chains are not in force", TableName))
	}
	d = append(d, each("set", want.sets, got.sets, func(s namedSet) string { return s.name }, setDifferences)...)
	return append(d, each("chain", want.chains, got.chains, func(c namedChain) string { return c.name }, chainDifferences)...)
}

// each pairs things by name and compares the pairs.
func each[T any](noun string, want, got []T, name func(T) string, compare func(want, got T) []string) []string {
	var d []string
	for _, w := range want {
		i := slices.IndexFunc(got, func(g T) bool { return name(g) == name(w) })
		if i < 0 {
			d = append(d, fmt.Sprintf("missing %s %s", noun, name(w)))
			continue
		}
		d = append(d, compare(w, got[i])...)
	}
	for _, g := range got {
		if !slices.ContainsFunc(want, func(w T) bool { return name(w) == name(g) }) {
			d = append(d, fmt.Sprintf("foreign %s %s", noun, name(g)))
		}
	}
	return d
}

func setDifferences(want, got namedSet) []string {
	if want.kind != got.kind {
		return []string{fmt.Sprintf("set %s is of type %q instead of %q", want.name, got.kind, want.kind)}
	}
	missing, foreign := unmatched(want.intervals, got.intervals)
	var d []string
	for _, i := range missing {
		d = append(d, fmt.Sprintf("missing element %s in set %s", Type(want.kind).Write(i), want.name))
	}
	for _, i := range foreign {
		d = append(d, fmt.Sprintf("foreign element %s in set %s", Type(want.kind).Write(i), want.name))
	}
	return d
}

func compareIntervals(a, b Interval) int {
	return cmp.Or(cmp.Compare(a.First, b.First), cmp.Compare(a.Last, b.Last))
}

func chainDifferences(want, got namedChain) []string {
	var d []string
	if want.hook != got.hook {
		d = append(d, fmt.Sprintf("chain %s is hooked by %q instead of %q", want.name, got.hook, want.hook))
	}
	if slices.EqualFunc(want.rules, got.rules, func(a, b spelledRule) bool { return a.spelled == b.spelled }) {
		return d
	}
	missing, foreign := without(want.rules, got.rules), without(got.rules, want.rules)
	for _, r := range missing {
		d = append(d, fmt.Sprintf("missing rule in chain %s: %s", want.name, r.words))
	}
	for _, r := range foreign {
		d = append(d, fmt.Sprintf("foreign rule in chain %s: %s", want.name, r.words))
	}
	if len(missing)+len(foreign) == 0 {
		d = append(d, fmt.Sprintf("chain %s has its rules in another order", want.name))
	}
	return d
}

// without gives the rules that are left when each of the others has taken its
// like away.
func without(rules, others []spelledRule) []spelledRule {
	left := slices.Clone(rules)
	for _, other := range others {
		if i := slices.IndexFunc(left, func(r spelledRule) bool { return r.spelled == other.spelled }); i >= 0 {
			left = slices.Delete(left, i, i+1)
		}
	}
	return left
}

// unmatched gives the intervals that only one of two sorted lists has.
func unmatched(want, got []Interval) (missing, foreign []Interval) {
	for len(want) > 0 && len(got) > 0 {
		switch order := compareIntervals(want[0], got[0]); {
		case order < 0:
			missing, want = append(missing, want[0]), want[1:]
		case order > 0:
			foreign, got = append(foreign, got[0]), got[1:]
		default:
			want, got = want[1:], got[1:]
		}
	}
	return append(missing, want...), append(foreign, got...)
}
