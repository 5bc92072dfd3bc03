package rules

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/google/nftables/userdata"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

const (
	// bufferSize, in bytes, is more than any arguments can ask for: a range
	// takes at most 68 bytes of a message, and all arguments together are
	// limited to 2 MiB (execve(2), a quarter of the stack's limit). It is a
	// limit, nothing is reserved. The default is too small for 10,000 ranges.
	bufferSize = 32 << 20
	// chunk is how many intervals go into one message: an attribute holds at
	// most 64 KiB (linux include/uapi/linux/netlink.h, nla_len is 16 bits).
	chunk = 500
	// patience bounds the wait for an answer that never comes.
	patience = 30 * time.Second
)

var table = &nftables.Table{Name: TableName, Family: nftables.TableFamilyINet}

// kernel is a conversation with nf_tables of the network namespace that the
// calling thread is in.
type kernel struct {
	conn   *nftables.Conn
	socket *netlink.Conn
}

func dial() (*kernel, error) {
	var k kernel
	var err error
	k.conn, err = nftables.New(nftables.AsLasting(), nftables.WithSockOptions(func(socket *netlink.Conn) error {
		k.socket = socket
		// Without NET_ADMIN the sizes stay limited and setting them fails;
		// the kernel then says more clearly what is missing when it refuses
		// the first request.
		_ = socket.SetWriteBuffer(bufferSize)
		_ = socket.SetReadBuffer(bufferSize)
		// Answers need not carry the request.
		_ = socket.SetOption(netlink.CapAcknowledge, true)
		return socket.SetDeadline(time.Now().Add(patience))
	}))
	if err != nil {
		return nil, fmt.Errorf("opening a netlink socket: %w", err)
	}
	return &k, nil
}

func (k *kernel) close() { _ = k.conn.CloseLasting() }

// load puts the ruleset in the place of the table, if there is one, in a single
// transaction. Without replace the kernel refuses with EEXIST if there is one
// after all. To replace in any case would do too, but whatever is deleted costs 5
// to 20 ms: the kernel closes the socket only when nobody reads it any more
// (linux net/netfilter/nf_tables_api.c, nft_rcv_nl_event).
func (k *kernel) load(r Ruleset, replace bool) error {
	if replace {
		// Adding it first makes sure that there is one to delete.
		k.conn.AddTable(table)
		k.conn.DelTable(table)
	}
	k.conn.CreateTable(table)
	ids := map[string]uint32{}
	for i, s := range r.Sets {
		ids[s.Name] = uint32(i + 1)
		if err := k.addSet(s, ids[s.Name]); err != nil {
			return fmt.Errorf("encoding set %s: %w", s.Name, err)
		}
	}
	for _, c := range r.Chains {
		chain := k.conn.AddChain(nftChain(c))
		for _, rule := range c.Rules {
			k.conn.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: referring(rule.expressions(), ids), UserData: comment(rule)})
		}
	}
	return k.commit()
}

// commit sends the transaction. Where it is refused, the kernel may object to
// many of its messages, most often for the same reason: the first has to do.
func (k *kernel) commit() error {
	err := k.conn.Flush()
	var objection *netlink.OpError
	if errors.As(err, &objection) {
		return objection
	}
	return err
}

// addSet gives the set a number within the transaction, because the library's
// own come from a counter that all connections share without a lock
// (google/nftables set.go, allocSetID).
func (k *kernel) addSet(s Set, id uint32) error {
	keyType, err := s.Type.nftType()
	if err != nil {
		return err
	}
	set := &nftables.Set{
		Table: table, Name: s.Name, ID: id, KeyType: keyType,
		Interval: true, Concatenation: s.Type.isConcatenation(),
	}
	if err := k.conn.AddSet(set, nil); err != nil {
		return err
	}
	elements := make([]nftables.SetElement, 0, 2*min(chunk, len(s.Intervals)))
	for some := range slices.Chunk(s.Intervals, chunk) {
		elements = elements[:0]
		for _, i := range some {
			elements = s.Type.appendElements(elements, i)
		}
		if err := k.conn.SetAddElements(set, elements); err != nil {
			return err
		}
	}
	return nil
}

// referring makes lookups refer to sets by the number that they have within the
// transaction.
func referring(expressions []expr.Any, ids map[string]uint32) []expr.Any {
	for _, e := range expressions {
		if lookup, is := e.(*expr.Lookup); is {
			lookup.SetID = ids[lookup.SetName]
		}
	}
	return expressions
}

func comment(r Rule) []byte {
	if r.Field == "" {
		return nil
	}
	return userdata.AppendString(nil, userdata.TypeComment, string(r.Field))
}

var hooks = map[Hook]*nftables.ChainHook{
	Prerouting: nftables.ChainHookPrerouting,
	Output:     nftables.ChainHookOutput,
}

func nftChain(c Chain) *nftables.Chain {
	chain := &nftables.Chain{Table: table, Name: c.Name}
	if c.Hook != "" {
		policy := nftables.ChainPolicyAccept
		chain.Type, chain.Hooknum, chain.Priority, chain.Policy = nftables.ChainTypeNAT, hooks[c.Hook], nftables.ChainPriorityRef(Priority), &policy
	}
	return chain
}

// remove deletes the table, whether or not it is there.
func (k *kernel) remove() error {
	k.conn.AddTable(table)
	k.conn.DelTable(table)
	return k.commit()
}

// errChanging says that the rules changed whenever they were read.
var errChanging = errors.New("the rules keep changing while they are read")

// read gives what the table holds. It takes several requests, so it counts only
// if no transaction, of anybody, came between them.
func (k *kernel) read() (contents, error) {
	for attempt := range attempts {
		before, err := k.generation()
		if err != nil {
			return contents{}, err
		}
		c, err := k.readOnce()
		after, unknown := k.generation()
		if unknown == nil && before == after {
			return c, err
		}
		pause(attempt)
	}
	return contents{}, errChanging
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
		attributes, err := netlink.NewAttributeDecoder(m.Data[4:])
		if err != nil {
			return 0, fmt.Errorf("reading the rules: %w", err)
		}
		attributes.ByteOrder = binary.BigEndian
		for attributes.Next() {
			if attributes.Type() == unix.NFTA_GEN_ID {
				return attributes.Uint32(), nil
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

// kindOf gives the type of a set's keys, and behind it what makes the set
// another one than a plain set of intervals.
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

func (k *kernel) readChains() ([]namedChain, error) {
	chains, err := k.conn.ListChainsOfTableFamily(nftables.TableFamilyINet)
	if err != nil {
		return nil, fmt.Errorf("reading chains: %w", err)
	}
	var named []namedChain
	for _, c := range chains {
		if c.Table.Name != TableName {
			continue
		}
		rules, err := k.conn.GetRules(table, c)
		if err != nil {
			return nil, fmt.Errorf("reading the rules of chain %s: %w", c.Name, err)
		}
		n := namedChain{name: c.Name, hook: hookLineOf(c)}
		for _, r := range rules {
			spelled := spell(r.Exprs)
			n.rules = append(n.rules, spelledRule{spelled, spelled})
		}
		named = append(named, n)
	}
	return named, nil
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
