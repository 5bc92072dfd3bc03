package nft

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/nftables"
	"github.com/google/nftables/userdata"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

const (
	// bufferSize, in bytes, is more than any arguments can ask for: a range
	// takes at most 68 bytes of a message, and all arguments together fit into
	// 2 MiB (execve(2), a quarter of the stack's limit). It is only a limit and
	// reserves nothing. The default is too small for 10,000 ranges.
	bufferSize = 32 << 20
	// chunk is how many intervals go into one message: an attribute holds at
	// most 64 KiB (linux include/uapi/linux/netlink.h, nla_len is 16 bits).
	chunk = 500
	// patience is how long we wait for an answer.
	patience = 30 * time.Second
)

var table = &nftables.Table{Name: TableName, Family: nftables.TableFamilyINet}

// kernel is a connection to nf_tables in the network namespace of the calling
// thread.
type kernel struct {
	conn   *nftables.Conn
	socket *netlink.Conn
}

func dial() (*kernel, error) {
	var k kernel
	var err error
	k.conn, err = nftables.New(nftables.AsLasting(), nftables.WithSockOptions(func(socket *netlink.Conn) error {
		k.socket = socket
		// Without NET_ADMIN this fails and the sizes stay limited. The kernel
		// says more clearly what is missing when it refuses the first request.
		_ = socket.SetWriteBuffer(bufferSize)
		_ = socket.SetReadBuffer(bufferSize)
		// Answers need not carry the request.
		_ = socket.SetOption(netlink.CapAcknowledge, true)
		return errors.Join(socket.SetDeadline(time.Now().Add(patience)), showBuffer(socket))
	}))
	if err != nil {
		return nil, fmt.Errorf("opening a netlink socket: %w", err)
	}
	return &k, nil
}

func (k *kernel) close() { _ = k.conn.CloseLasting() }

// load makes the ruleset our table, in a single transaction. With replace it
// deletes the table that is there; without, the kernel refuses with EEXIST if
// there is one after all. Always replacing would work too, but deleting anything
// costs 5 to 20 ms: the kernel closes the socket only when nobody reads the
// deleted any more (linux net/netfilter/nf_tables_api.c, nft_rcv_nl_event).
func (k *kernel) load(r Ruleset, replace bool) error {
	if replace {
		// Adding it first makes sure that there is one to delete.
		k.conn.AddTable(table)
		k.conn.DelTable(table)
	}
	k.conn.CreateTable(table)
	for i, s := range r.Sets {
		if err := k.addSet(s, uint32(i+1)); err != nil {
			return fmt.Errorf("encoding set %s: %w", s.Name, err)
		}
	}
	for _, c := range r.Chains {
		chain := k.conn.AddChain(nftChain(c))
		for _, rule := range c.Rules {
			k.conn.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: rule.expressions(), UserData: comment(rule)})
		}
	}
	return k.commit()
}

// commit sends the transaction. A kernel that refuses it may object to many of
// its messages, mostly for the same reason: we report the first.
func (k *kernel) commit() error {
	err := k.conn.Flush()
	if objection, is := errors.AsType[*netlink.OpError](err); is {
		return objection
	}
	return err
}

// canHide reports whether the kernel takes the expressions by which packets are hidden. It
// asks by a transaction that it refuses in any case, as the table is there already: what it
// refuses first is what it lacks.
func (k *kernel) canHide() bool {
	chain := k.conn.AddChain(&nftables.Chain{Table: table, Name: "can-hide"})
	for _, rule := range append(rewrite(tcp, hide4, hide6), later) {
		k.conn.AddRule(&nftables.Rule{Table: table, Chain: chain, Exprs: rule.expressions()})
	}
	k.conn.CreateTable(table)
	return errors.Is(k.commit(), unix.EEXIST)
}

// addSet takes the set's number within the transaction from us, which rules do not
// need: they look into sets by name. The library's own numbers come from a counter
// that all connections share without a lock (google/nftables set.go, allocSetID).
func (k *kernel) addSet(s Set, id uint32) error {
	set := &nftables.Set{
		Table: table, Name: s.Name, ID: id, KeyType: datatypes[s.Type],
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
	if e := c.Entry; e != (Entry{}) {
		policy := nftables.ChainPolicyAccept
		chain.Type, chain.Hooknum, chain.Priority, chain.Policy = nftables.ChainType(e.Kind), hooks[e.Hook], nftables.ChainPriorityRef(nftables.ChainPriority(e.Priority)), &policy
	}
	return chain
}

// remove deletes the table, if there is one.
func (k *kernel) remove() error {
	k.conn.AddTable(table)
	k.conn.DelTable(table)
	return k.commit()
}
