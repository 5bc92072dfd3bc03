package nft

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/krm-bypass/krm-bypass/internal/rules/filter"
)

// contents is what a table holds, in a form that is the same whether it is
// asked for or read from the kernel.
type contents struct {
	absent  bool
	dormant bool
	sets    []namedSet
	chains  []filter.Chain
}

type namedSet struct {
	name string
	// kind is the type of the keys and, where the set is more than a plain set
	// of intervals, what makes it so.
	kind      string
	intervals []Interval
}

// contents gives what the table holds once the ruleset is loaded.
func (r Ruleset) contents() contents {
	var c contents
	for _, s := range r.Sets {
		c.sets = append(c.sets, namedSet{s.Name, string(s.Type), s.Intervals})
	}
	for _, chain := range r.Chains {
		wanted := filter.Chain{Name: chain.Name}
		if chain.Hook != "" {
			wanted.Hook = hookLine("nat", chain.Hook, Priority, "accept")
		}
		for _, rule := range chain.Rules {
			wanted.Rules = append(wanted.Rules, filter.Rule{Spelled: spell(rule.expressions()), Words: rule.String()})
		}
		c.chains = append(c.chains, wanted)
	}
	return c
}

// hookLine ties a chain to a hook, in nft's words.
func hookLine(kind string, hook Hook, priority int, policy string) string {
	return fmt.Sprintf("type %s hook %s priority %d; policy %s;", kind, hook, priority, policy)
}

func differences(want, got contents) filter.Differences {
	if got.absent {
		return filter.Differences{fmt.Sprintf("table inet %s is missing", TableName)}
	}
	var d filter.Differences
	if got.dormant {
		d = append(d, fmt.Sprintf("table inet %s is dormant, its chains are not in force", TableName))
	}
	return slices.Concat(d,
		filter.Compare("set", want.sets, got.sets, func(s namedSet) string { return s.name }, setDifferences),
		filter.CompareChains(want.chains, got.chains))
}

func setDifferences(want, got namedSet) filter.Differences {
	if want.kind != got.kind {
		return filter.Differences{fmt.Sprintf("set %s is of type %q instead of %q", want.name, got.kind, want.kind)}
	}
	if slices.Equal(want.intervals, got.intervals) {
		return nil
	}
	return filter.Unmatched(want.intervals, got.intervals, func(i Interval) Interval { return i }, func(i Interval) string {
		return fmt.Sprintf("element %s in set %s", Type(want.kind).Write(i), want.name)
	})
}

func compareIntervals(a, b Interval) int {
	return cmp.Or(cmp.Compare(a.First, b.First), cmp.Compare(a.Last, b.Last))
}
