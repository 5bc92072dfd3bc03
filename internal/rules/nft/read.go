package nft

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/google/nftables"
	"golang.org/x/sys/unix"

	"github.com/krm-bypass/krm-bypass/internal/each"
	"github.com/krm-bypass/krm-bypass/internal/rules/filter"
)

// errChanging says that somebody changed rules while they were being read.
var errChanging = errors.New("the rules keep changing while they are read")

// read gives what the table holds. That takes several requests, so the answer
// counts only if nobody's transaction came between them.
func (k *kernel) read() (contents, error) {
	before, err := k.generation()
	if err != nil {
		return contents{}, err
	}
	c, err := k.readOnce()
	if after, unknown := k.generation(); unknown != nil || before != after {
		return contents{}, errChanging
	}
	return c, err
}

// generation gives the number of the last transaction in the namespace.
func (k *kernel) generation() (uint32, error) {
	answer, err := k.askOne(unix.NFT_MSG_GETGEN)
	id := find(answer, unix.NFTA_GEN_ID)
	if err == nil && len(id) != 4 {
		err = errMalformed
	}
	if err != nil {
		return 0, fmt.Errorf("reading the rules: %w", err)
	}
	return number(id), nil
}

// Of a table (linux include/uapi/linux/netfilter/nf_tables.h).
const (
	flagDormant    = 1 // NFT_TABLE_F_DORMANT
	nftaTableOwner = 7 // NFTA_TABLE_OWNER
)

func (k *kernel) readOnce() (c contents, err error) {
	found, err := k.askOne(unix.NFT_MSG_GETTABLE, named(unix.NFTA_TABLE_NAME, TableName))
	switch {
	case errors.Is(err, unix.ENOENT):
		c.absent = true
	case err != nil:
		return contents{}, fmt.Errorf("reading table %s: %w", TableName, err)
	default:
		c.dormant = number(find(found, unix.NFTA_TABLE_FLAGS))&flagDormant != 0
		c.owner = number(find(found, nftaTableOwner))
		if c.sets, err = k.readSets(); err != nil {
			return contents{}, err
		}
	}
	err = k.readChains(&c)
	return c, err
}

func (k *kernel) readSets() ([]Set, error) {
	sets, err := k.conn.GetSets(table)
	if err != nil {
		return nil, fmt.Errorf("reading sets: %w", err)
	}
	var all []Set
	for _, s := range sets {
		elements, err := k.elements(s.Name)
		if err != nil {
			return nil, fmt.Errorf("reading the elements of set %s: %w", s.Name, err)
		}
		all = append(all, Set{s.Name, typeOf(s) + conditionsOf(elements), intervalsOf(elements)})
	}
	return all, nil
}

// typeOf gives the type of a set's keys, followed by what makes the set anything
// but a plain set of intervals.
func typeOf(s *nftables.Set) Type {
	words := s.KeyType.Name
	for _, property := range []struct {
		holds bool
		name  string
	}{
		{!s.Interval, "without intervals"}, {s.IsMap, "map"}, {s.Constant, "constant"},
		{s.HasTimeout, "timeout"}, {s.Dynamic, "dynamic"},
	} {
		if property.holds {
			words += ", " + property.name
		}
	}
	return Type(words)
}

// conditionsOf gives the statements of elements that an element may not match for,
// such as a limit. Every element has those of its set (linux
// net/netfilter/nf_tables_api.c, nft_add_set_elem).
func conditionsOf(elements []element) (words Type) {
	for _, e := range elements {
		for _, statement := range e.statements {
			if word := Type(", " + statement); statement != "counter" && statement != "last" && !strings.Contains(string(words), string(word)) {
				words += word
			}
		}
	}
	return words
}

// readChains reads our chains, and which of others are at the same hooks.
func (k *kernel) readChains(c *contents) error {
	chains, err := k.conn.ListChains()
	if err != nil {
		return fmt.Errorf("reading chains: %w", err)
	}
	for _, chain := range chains {
		if chain.Table.Name != TableName || chain.Table.Family != nftables.TableFamilyINet {
			if hook := hookOf(chain); hook != "" && families[chain.Table.Family] != "" && chain.Priority != nil && chain.Policy != nil {
				c.others = append(c.others, foreign{hook, chain})
			}
			continue
		}
		rules, err := k.conn.GetRules(chain.Table, chain)
		var spelled []filter.Rule
		if err == nil {
			spelled, err = k.spellRules(chain.Name, rules)
		}
		if err != nil {
			return fmt.Errorf("reading the rules of chain %s: %w", chain.Name, err)
		}
		c.chains = append(c.chains, filter.Chain{Name: chain.Name, Hook: hookLineOf(chain), Rules: spelled})
	}
	return nil
}

// hookOf gives the chain's hook; "" if it is none of those at which meshes redirect.
func hookOf(c *nftables.Chain) Hook {
	for hook, number := range hooks {
		if c.Hooknum != nil && *number == *c.Hooknum {
			return hook
		}
	}
	return ""
}

// spellRules spells a chain's rules. The library leaves out expressions that it does
// not know, and a rule is not the same with them.
func (k *kernel) spellRules(chain string, rules []*nftables.Rule) ([]filter.Rule, error) {
	names, err := k.expressions(unix.NFPROTO_INET, TableName, chain)
	if err == nil && len(names) != len(rules) {
		err = errChanging
	}
	if err != nil {
		return nil, err
	}
	var all []filter.Rule
	for i, r := range rules {
		spelled := spell(r.Exprs)
		if len(names[i]) != len(r.Exprs) {
			spelled += fmt.Sprintf(" (in full: %s)", strings.Join(names[i], ", "))
		}
		all = append(all, filter.Rule{Spelled: spelled})
	}
	return all, nil
}

var policies = map[nftables.ChainPolicy]string{nftables.ChainPolicyAccept: "accept", nftables.ChainPolicyDrop: "drop"}

func hookLineOf(c *nftables.Chain) string {
	if c.Hooknum == nil || c.Priority == nil || c.Policy == nil {
		return ""
	}
	hook := cmp.Or(hookOf(c), Hook(fmt.Sprintf("number %d", *c.Hooknum)))
	return Entry{Kind(c.Type), hook, int(*c.Priority)}.line(policies[*c.Policy])
}

// Chains gives every chain in the namespace, whosever it is, as "nat OUTPUT":
// none if they cannot be read.
func Chains() []string {
	conn, err := nftables.New()
	if err != nil {
		return nil
	}
	found, err := conn.ListChains()
	if err != nil {
		return nil
	}
	return each.As(found, func(c *nftables.Chain) string { return c.Table.Name + " " + c.Name })
}
