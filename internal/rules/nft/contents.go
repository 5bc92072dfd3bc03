package nft

import (
	"fmt"
	"slices"

	"github.com/krm-bypass/krm-bypass/internal/rules/filter"
)

// contents is what a table holds, in a form that is the same whether it is
// asked for or read from the kernel.
type contents struct {
	absent  bool
	dormant bool
	// owner is the netlink port of the process that alone may change the table; 0
	// if there is none.
	owner  uint32
	sets   []Set
	chains []filter.Chain
	// others are chains of others at the hooks at which meshes redirect.
	others []foreign
}

// contents gives what the table holds once the ruleset is loaded.
func (r Ruleset) contents() contents {
	c := contents{sets: r.Sets}
	for _, chain := range r.Chains {
		wanted := filter.Chain{Name: chain.Name, Hook: chain.Entry.line("accept")}
		for _, rule := range chain.Rules {
			wanted.Rules = append(wanted.Rules, filter.Rule{Spelled: spell(rule.expressions()), Words: rule.String()})
		}
		c.chains = append(c.chains, wanted)
	}
	return c
}

// line ties a chain to its hook, in nft's words; "" if it has none.
func (e Entry) line(policy string) string {
	if e == (Entry{}) {
		return ""
	}
	return fmt.Sprintf("type %s hook %s priority %d; policy %s;", e.Kind, e.Hook, e.Priority, policy)
}

func differences(want, got contents) filter.Differences {
	if got.absent {
		return filter.Differences{fmt.Sprintf("table inet %s is missing", TableName)}
	}
	var d filter.Differences
	if got.dormant {
		d = append(d, fmt.Sprintf("table inet %s is dormant, its chains are not in force", TableName))
	}
	if got.owner != 0 {
		d = append(d, got.ownership())
	}
	return slices.Concat(d,
		filter.Compare("set", want.sets, got.sets, func(s Set) string { return s.Name }, setDifferences),
		filter.CompareChains(want.chains, got.chains))
}

// ownership says who holds the table (nft(8), "flags owner").
func (c contents) ownership() string {
	return fmt.Sprintf("another process holds table inet %s, which nobody else may change and which ends with it: "+
		"the one with the netlink port %d, usually its process id", TableName, c.owner)
}

func setDifferences(want, got Set) filter.Differences {
	if want.Type != got.Type {
		return filter.Differences{fmt.Sprintf("set %s is of type %q instead of %q", want.Name, got.Type, want.Type)}
	}
	if slices.Equal(want.Intervals, got.Intervals) {
		return nil
	}
	return filter.Unmatched(want.Intervals, got.Intervals, func(i Interval) Interval { return i }, func(i Interval) string {
		return fmt.Sprintf("element %s in set %s", want.Type.Write(i), want.Name)
	})
}
