package nft

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/google/nftables"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"

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
	answer, err := k.socket.Execute(netlink.Message{
		Header: netlink.Header{Type: netlink.HeaderType(unix.NFNL_SUBSYS_NFTABLES<<8 | unix.NFT_MSG_GETGEN), Flags: netlink.Request},
		Data:   nfgenmsg(unix.NFPROTO_UNSPEC),
	})
	if err != nil {
		return 0, fmt.Errorf("reading the rules: %w", err)
	}
	for _, m := range answer {
		for kind, value := range attributes(m.Data[min(len(nfgenmsg(0)), len(m.Data)):]) {
			if kind == unix.NFTA_GEN_ID && len(value) == 4 {
				return binary.BigEndian.Uint32(value), nil
			}
		}
	}
	return 0, fmt.Errorf("reading the rules: %w", errMalformed)
}

func (k *kernel) readOnce() (contents, error) {
	found, err := k.conn.ListTableOfFamily(TableName, nftables.TableFamilyINet)
	if errors.Is(err, unix.ENOENT) {
		return contents{absent: true}, nil
	}
	if err != nil {
		return contents{}, fmt.Errorf("reading table %s: %w", TableName, err)
	}
	c := contents{dormant: found.Flags != 0}
	if c.sets, err = k.readSets(); err != nil {
		return contents{}, err
	}
	c.chains, err = k.readChains()
	return c, err
}

func (k *kernel) readSets() ([]namedSet, error) {
	sets, err := k.conn.GetSets(table)
	if err != nil {
		return nil, fmt.Errorf("reading sets: %w", err)
	}
	var named []namedSet
	for _, s := range sets {
		elements, err := k.elements(s.Name)
		if err != nil {
			return nil, fmt.Errorf("reading the elements of set %s: %w", s.Name, err)
		}
		named = append(named, namedSet{s.Name, kindOf(s), intervalsOf(elements)})
	}
	return named, nil
}

// kindOf gives the type of a set's keys, followed by what makes the set anything
// but a plain set of intervals.
func kindOf(s *nftables.Set) string {
	kind := s.KeyType.Name
	for _, property := range []struct {
		holds bool
		name  string
	}{
		{!s.Interval, "without intervals"}, {s.IsMap, "map"}, {s.Constant, "constant"},
		{s.HasTimeout, "timeout"}, {s.Dynamic, "dynamic"},
	} {
		if property.holds {
			kind += ", " + property.name
		}
	}
	return kind
}

func (k *kernel) readChains() ([]filter.Chain, error) {
	chains, err := k.conn.ListChainsOfTableFamily(nftables.TableFamilyINet)
	if err != nil {
		return nil, fmt.Errorf("reading chains: %w", err)
	}
	var ours []filter.Chain
	for _, c := range chains {
		if c.Table.Name != TableName {
			continue
		}
		rules, err := k.conn.GetRules(table, c)
		if err != nil {
			return nil, fmt.Errorf("reading the rules of chain %s: %w", c.Name, err)
		}
		found := filter.Chain{Name: c.Name, Hook: hookLineOf(c)}
		for _, r := range rules {
			found.Rules = append(found.Rules, filter.Rule{Spelled: spell(r.Exprs)})
		}
		ours = append(ours, found)
	}
	return ours, nil
}

var policies = map[nftables.ChainPolicy]string{nftables.ChainPolicyAccept: "accept", nftables.ChainPolicyDrop: "drop"}

func hookLineOf(c *nftables.Chain) string {
	if c.Hooknum == nil || c.Priority == nil || c.Policy == nil {
		return ""
	}
	name := Hook(fmt.Sprintf("number %d", *c.Hooknum))
	for hook, number := range hooks {
		if *number == *c.Hooknum {
			name = hook
		}
	}
	return hookLine(string(c.Type), name, int(*c.Priority), policies[*c.Policy])
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
	var all []string
	for _, c := range found {
		all = append(all, c.Table.Name+" "+c.Name)
	}
	return all
}
