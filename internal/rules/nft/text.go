package nft

import (
	"fmt"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/each"
)

// Text gives the ruleset as "nft -f" loads it. Loading it replaces whatever the
// table held, in one transaction: the first line makes sure that there is a
// table to delete.
func (r Ruleset) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "table inet %[1]s {}\ndelete table inet %[1]s\ntable inet %[1]s {\n", TableName)
	for _, s := range r.Sets {
		fmt.Fprintf(&b, "\tset %s {\n\t\ttype %s\n\t\tflags interval\n\t\telements = {\n", s.Name, s.Type)
		for _, i := range s.Intervals {
			fmt.Fprintf(&b, "\t\t\t%s,\n", s.Type.Write(i))
		}
		b.WriteString("\t\t}\n\t}\n")
	}
	for _, c := range r.Chains {
		fmt.Fprintf(&b, "\tchain %s {\n", c.Name)
		if line := c.Entry.line("accept"); line != "" {
			fmt.Fprintf(&b, "\t\t%s\n", line)
		}
		for _, rule := range c.Rules {
			fmt.Fprintf(&b, "\t\t%s\n", rule)
		}
		b.WriteString("\t}\n")
	}
	b.WriteString("}\n")
	return b.String()
}

// String gives the rule as nft writes it.
func (r Rule) String() string {
	words := each.As(r.Matches, Match.String)
	words = append(words, string(r.Statement))
	if r.Field != "" {
		words = append(words, fmt.Sprintf("comment %q", r.Field))
	}
	return strings.Join(words, " ")
}

// String gives the match as nft writes it.
func (m Match) String() string {
	operand := string(m.Constant)
	if m.Set != "" {
		operand = "@" + m.Set
	}
	if m.Not {
		operand = "!= " + operand
	}
	return string(m.Key) + " " + operand
}
