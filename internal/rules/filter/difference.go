package filter

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Differences say, one sentence each, where the kernel does not hold what was
// asked for.
type Differences []string

// legible is how many differences a reader is shown.
const legible = 20

// String gives the differences in one line, only the first ones if there are
// many.
func (d Differences) String() string {
	if len(d) > legible {
		return fmt.Sprintf("%s; and %d more", strings.Join(d[:legible], "; "), len(d)-legible)
	}
	return strings.Join(d, "; ")
}

// Err gives nil where there are no differences, else an error that Undisturbed
// takes as a reason to try again.
func (d Differences) Err() error {
	if len(d) == 0 {
		return nil
	}
	return &differenceError{d}
}

type differenceError struct{ differences Differences }

func (e *differenceError) Error() string {
	return "reading the rules back: " + e.differences.String()
}

// Rule is a rule as it can be compared: two rules that do the same are spelled
// the same, whether we made them or the kernel gave them back.
type Rule struct {
	Spelled string
	// Words are a better way to tell a reader of the rule; "" if there is none.
	Words string
}

// String gives the rule for a reader.
func (r Rule) String() string { return cmp.Or(r.Words, r.Spelled) }

// Chain is a chain of ours with its rules.
type Chain struct {
	Name string
	// Hook says where the kernel enters the chain; "" if only rules lead to it.
	Hook  string
	Rules []Rule
}

// CompareChains says where chains differ.
func CompareChains(want, got []Chain) Differences {
	return Compare("chain", want, got, func(c Chain) string { return c.Name }, func(want, got Chain) Differences {
		var d Differences
		if want.Hook != got.Hook {
			d = append(d, fmt.Sprintf("chain %s is hooked by %q instead of %q", want.Name, got.Hook, want.Hook))
		}
		return append(d, compareRules(want, got)...)
	})
}

// Compare pairs things by name, and compares the pairs.
func Compare[T any](noun string, want, got []T, name func(T) string, pair func(want, got T) Differences) Differences {
	var d Differences
	for _, w := range want {
		i := slices.IndexFunc(got, func(g T) bool { return name(g) == name(w) })
		if i < 0 {
			d = append(d, fmt.Sprintf("missing %s %s", noun, name(w)))
			continue
		}
		d = append(d, pair(w, got[i])...)
	}
	for _, g := range got {
		if !slices.ContainsFunc(want, func(w T) bool { return name(w) == name(g) }) {
			d = append(d, fmt.Sprintf("foreign %s %s", noun, name(g)))
		}
	}
	return d
}

func compareRules(want, got Chain) Differences {
	if slices.EqualFunc(want.Rules, got.Rules, func(a, b Rule) bool { return a.Spelled == b.Spelled }) {
		return nil
	}
	d := Unmatched(want.Rules, got.Rules, func(r Rule) string { return r.Spelled }, func(r Rule) string {
		return fmt.Sprintf("rule in chain %s: %s", want.Name, r)
	})
	if len(d) == 0 {
		d = Differences{fmt.Sprintf("chain %s has its rules in another order", want.Name)}
	}
	return d
}

// Unmatched says what only one of two lists has, whatever their order. A thing
// that stands in a list twice has to stand in the other twice.
func Unmatched[T any, K comparable](want, got []T, key func(T) K, words func(T) string) Differences {
	var d Differences
	for _, t := range without(want, got, key) {
		d = append(d, "missing "+words(t))
	}
	for _, t := range without(got, want, key) {
		d = append(d, "foreign "+words(t))
	}
	return d
}

// without gives what is left when each of the others has cancelled out one like
// itself.
func without[T any, K comparable](list, others []T, key func(T) K) []T {
	count := map[K]int{}
	for _, t := range others {
		count[key(t)]++
	}
	var left []T
	for _, t := range list {
		if count[key(t)]--; count[key(t)] < 0 {
			left = append(left, t)
		}
	}
	return left
}
