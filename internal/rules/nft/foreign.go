package nft

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/google/nftables/xt"
	"golang.org/x/sys/unix"

	"github.com/krm-bypass/krm-bypass/internal/rules/filter"
)

// foreign is somebody else's chain.
type foreign struct {
	hook  Hook
	chain *nftables.Chain
}

// concern is something that chains of others may do to what should bypass.
type concern struct {
	kind nftables.ChainType
	// ours is the chain of ours that is there in vain then; "" for that of the hook's name.
	ours string
	at   func(priority int) bool
	does func(effects) bool
	says string
}

// effects are what rules may do.
type effects struct{ anything, drops, tproxies bool }

// Of two chains with the same priority the later one comes first (linux
// net/netfilter/core.c, nf_hook_entries_grow), and which one that is cannot be read: so
// each that is as early as ours counts for one before it, and for one behind it.
var (
	// Whoever maps a connection before our chain of the hook does decides: ours is not asked.
	mapsFirst = concern{nftables.ChainTypeNAT, "", func(p int) bool { return p <= Priority }, func(e effects) bool { return e.anything },
		"comes before ours and may redirect or drop what should bypass"}
	// What is hidden is so in between alone.
	takesElsewhere = concern{nftables.ChainTypeFilter, hidingChain, func(p int) bool { return p <= hidePriority || p >= showPriority }, func(e effects) bool { return e.tproxies },
		"may take by TPROXY what should bypass: ours hide it at priority -150 alone"}
	// Filters in between do not see what is hidden.
	filtersHidden = concern{nftables.ChainTypeFilter, hidingChain, func(p int) bool { return hidePriority <= p && p <= showPriority }, func(e effects) bool { return e.drops },
		"sees the first packet of a TCP connection that bypasses as protocol 253, and may let in what it should drop, or the reverse: filter at another priority, such as raw, or at the hook input"}

	mapsBeside  = concern{nftables.ChainTypeNAT, "", func(int) bool { return true }, mapsFirst.does, "does not know the rules of another backend and may redirect or drop what should bypass"}
	takesBeside = concern{nftables.ChainTypeFilter, hidingChain, func(int) bool { return true }, takesElsewhere.does, "takes by TPROXY"}
)

// meddling tells of those chains of others, at hooks for which something is wanted, that
// give reason for a concern.
func (k *kernel) meddling(want, got contents, concerns ...concern) (filter.Differences, error) {
	var d filter.Differences
	for _, other := range got.others {
		c, did := other.chain, effects{}
		concerned := slices.DeleteFunc(slices.Clone(concerns), func(about concern) bool {
			return c.Type != about.kind || !about.at(int(*c.Priority)) || about.ours != "" && other.hook != Prerouting ||
				!slices.ContainsFunc(want.chains, func(w filter.Chain) bool { return w.Hook != "" && w.Name == cmp.Or(about.ours, string(other.hook)) })
		})
		if len(concerned) == 0 {
			continue
		}
		table, err := k.conn.ListTableOfFamily(c.Table.Name, c.Table.Family)
		if err == nil {
			err = k.follow(c.Table, c.Name, map[string]bool{}, &did)
		}
		if err != nil {
			return nil, fmt.Errorf("%w: reading the rules of chain %s: %w", errChanging, c.Name, err)
		}
		// The library reads these flags in the machine's order (google/nftables table.go, tableFromMsg).
		if number(binary.NativeEndian.AppendUint32(nil, table.Flags))&flagDormant != 0 {
			continue
		}
		if *c.Policy != nftables.ChainPolicyAccept {
			did.anything, did.drops = true, true
		}
		for _, about := range concerned {
			if about.does(did) {
				d = append(d, fmt.Sprintf("chain %s of table %s %s, %s hook %s priority %d, %s",
					c.Name, families[c.Table.Family], c.Table.Name, c.Type, other.hook, *c.Priority, about.says))
			}
		}
	}
	return d, nil
}

// follow adds what a chain's rules do, and those of the chains to which they lead.
func (k *kernel) follow(in *nftables.Table, chain string, seen map[string]bool, did *effects) error {
	if seen[chain] {
		return nil
	}
	seen[chain] = true
	rules, err := k.conn.GetRules(in, &nftables.Chain{Name: chain, Table: in})
	if err != nil {
		return err
	}
	// The library does not know TPROXY's own expression.
	names, err := k.expressions(byte(in.Family), in.Name, chain)
	if err != nil {
		return err
	}
	for _, rule := range names {
		did.tproxies = did.tproxies || slices.Contains(rule, "tproxy")
	}
	for _, rule := range rules {
		did.anything = true
		verdicts, err := k.verdicts(in, rule.Exprs)
		if err != nil {
			return err
		}
		spares := sparesNew(rule.Exprs)
		for _, e := range rule.Exprs {
			switch e := e.(type) {
			case *expr.Reject, *expr.Queue:
				did.drops = did.drops || !spares
			case *expr.Target:
				did.tproxies = did.tproxies || e.Name == "TPROXY"
				did.drops = did.drops || !spares && (e.Name == "NFQUEUE" || e.Name == "REJECT")
			}
		}
		for _, v := range verdicts {
			switch v.Kind {
			case expr.VerdictDrop, expr.VerdictQueue:
				did.drops = did.drops || !spares
			case expr.VerdictJump, expr.VerdictGoto:
				if err := k.follow(in, v.Chain, seen, did); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// verdicts are those of a rule, and those in the maps that it looks into.
func (k *kernel) verdicts(in *nftables.Table, rule []expr.Any) ([]*expr.Verdict, error) {
	var all []*expr.Verdict
	for _, e := range rule {
		switch e := e.(type) {
		case *expr.Verdict:
			all = append(all, e)
		case *expr.Lookup:
			if !e.IsDestRegSet || e.DestRegister != unix.NFT_REG_VERDICT {
				continue
			}
			set, err := k.conn.GetSetByName(in, e.SetName)
			if err != nil {
				return nil, err
			}
			elements, err := k.conn.GetSetElements(set)
			if err != nil {
				return nil, err
			}
			for _, element := range elements {
				// The library leaves a verdict as the kernel gives it.
				all = append(all, &expr.Verdict{Kind: expr.VerdictKind(int32(number(find(element.Val, unix.NFTA_VERDICT_CODE)))),
					Chain: strings.TrimSuffix(string(find(element.Val, unix.NFTA_VERDICT_CHAIN)), "\x00")})
			}
		}
	}
	return all, nil
}

// sparesNew reports whether a rule is for connections in states of which new is none, as
// meshes drop packets that belong to no connection. New alone is hidden.
func sparesNew(rule []expr.Any) bool {
	const isNew = 1 << 3 // linux include/uapi/linux/netfilter/xt_conntrack.h, XT_CONNTRACK_STATE_BIT(IP_CT_NEW)
	for i, e := range rule {
		switch e := e.(type) {
		case *expr.Match:
			info, is := e.Info.(*xt.ConntrackMtinfo3)
			if is && (info.MatchFlags&^info.InvertFlags)&uint16(xt.ConntrackState) != 0 && info.StateMask&isNew == 0 {
				return true
			}
		case *expr.Ct:
			if e.Key != expr.CtKeySTATE || e.SourceRegister || i+2 >= len(rule) {
				continue
			}
			mask, is := rule[i+1].(*expr.Bitwise)
			compared, with := rule[i+2].(*expr.Cmp)
			if is && with && compared.Op == expr.CmpOpNeq && bytes.Equal(compared.Data, make([]byte, 4)) &&
				len(mask.Mask) == 4 && binary.NativeEndian.Uint32(mask.Mask)&expr.CtStateBitNEW == 0 {
				return true
			}
		}
	}
	return false
}

// families are those of tables in which chains have our hooks.
var families = map[nftables.TableFamily]string{
	nftables.TableFamilyIPv4: "ip", nftables.TableFamilyIPv6: "ip6", nftables.TableFamilyINet: "inet",
}
