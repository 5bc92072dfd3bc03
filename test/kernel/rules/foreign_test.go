package rules_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/krm-bypass/krm-bypass/internal/rules/filter"
	"github.com/krm-bypass/krm-bypass/test/samples"
)

// The rule would do what ours does but for an expression that the netlink library
// does not know, and drops without a word: read without it, the rule looks the same.
func TestAnUnknownExpressionIsADifference(t *testing.T) {
	pod, settings := newPod(t), samples.Of(t, "--include-inbound-ports=")
	require.NoError(t, pod.apply(settings))
	kept := []string{}
	for line := range strings.Lines(pod.Run(t, "nft", "list", "chain", "inet", "krm-bypass", "prerouting")) {
		if strings.HasSuffix(line, "return\n") {
			kept = append(kept, "add rule inet krm-bypass prerouting "+strings.TrimSpace(line))
		}
	}
	refill := "flush chain inet krm-bypass prerouting\n" + strings.Join(kept, "\n") + "\n"
	load := expression{"meta", slices.Concat(attribute(unix.NFTA_META_DREG, number(unix.NFT_REG_1)), attribute(unix.NFTA_META_KEY, number(unix.NFT_META_L4PROTO)))}
	compare := expression{"cmp", slices.Concat(attribute(unix.NFTA_CMP_SREG, number(unix.NFT_REG_1)), attribute(unix.NFTA_CMP_OP, number(unix.NFT_CMP_EQ)),
		attribute(unix.NFTA_CMP_DATA, attribute(unix.NFTA_DATA_VALUE, []byte{unix.IPPROTO_TCP})))}
	gotoBypass := expression{"immediate", slices.Concat(attribute(unix.NFTA_IMMEDIATE_DREG, number(unix.NFT_REG_VERDICT)),
		attribute(unix.NFTA_IMMEDIATE_DATA, attribute(unix.NFTA_DATA_VERDICT, slices.Concat(
			attribute(unix.NFTA_VERDICT_CODE, number(uint32(0xffffffff+unix.NFT_GOTO+1))), attribute(unix.NFTA_VERDICT_CHAIN, []byte("bypass\x00"))))))}
	swap := expression{"byteorder", slices.Concat(attribute(unix.NFTA_BYTEORDER_SREG, number(unix.NFT_REG_1)), attribute(unix.NFTA_BYTEORDER_DREG, number(unix.NFT_REG_1)),
		attribute(unix.NFTA_BYTEORDER_OP, number(unix.NFT_BYTEORDER_HTON)), attribute(unix.NFTA_BYTEORDER_LEN, number(2)), attribute(unix.NFTA_BYTEORDER_SIZE, number(2)))}

	pod.Feed(t, refill, "nft", "-f", "-")
	require.NoError(t, pod.Do(0, func() error { return addRule("prerouting", load, compare, gotoBypass) }))
	assert.Empty(t, pod.verify(t, settings), "the rule as it is ours")

	pod.Feed(t, refill, "nft", "-f", "-")
	require.NoError(t, pod.Do(0, func() error { return addRule("prerouting", load, swap, compare, gotoBypass) }))
	assert.Equal(t, filter.Differences{
		`missing rule in chain prerouting: meta l4proto tcp goto bypass comment "includeInboundPorts"`,
		"foreign rule in chain prerouting: [meta load 16 reg 1] [cmp 0 reg 1 0x06] [goto bypass] (in full: meta, byteorder, cmp, immediate)",
	}, pod.verify(t, settings))
	require.NoError(t, pod.apply(settings))
	assert.Empty(t, pod.verify(t, settings), "apply mends it")
}

// expression is one of a rule, as the kernel takes it.
type expression struct {
	name string
	data []byte
}

func attribute(kind uint16, value []byte) []byte {
	header := binary.NativeEndian.AppendUint16(binary.NativeEndian.AppendUint16(nil, uint16(4+len(value))), kind)
	return append(append(header, value...), make([]byte, -len(value)&3)...)
}

func number(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }

// addRule appends a rule to a chain of our table over a socket of the calling thread:
// nft has no words for every rule.
func addRule(chain string, expressions ...expression) error {
	var list []byte
	for _, e := range expressions {
		list = append(list, attribute(unix.NFTA_LIST_ELEM, slices.Concat(attribute(unix.NFTA_EXPR_NAME, []byte(e.name+"\x00")), attribute(unix.NFTA_EXPR_DATA, e.data)))...)
	}
	message := func(kind, flags int, family byte, resource uint16, attributes []byte) []byte {
		header := binary.NativeEndian.AppendUint32(nil, uint32(20+len(attributes)))
		header = binary.NativeEndian.AppendUint16(header, uint16(kind))
		header = binary.NativeEndian.AppendUint16(header, uint16(unix.NLM_F_REQUEST|flags))
		header = append(header, make([]byte, 8)...) // sequence number and port
		return append(binary.BigEndian.AppendUint16(append(header, family, unix.NFNETLINK_V0), resource), attributes...)
	}
	batch := slices.Concat(
		message(unix.NFNL_MSG_BATCH_BEGIN, 0, unix.AF_UNSPEC, unix.NFNL_SUBSYS_NFTABLES, nil),
		message(unix.NFNL_SUBSYS_NFTABLES<<8|unix.NFT_MSG_NEWRULE, unix.NLM_F_CREATE|unix.NLM_F_APPEND|unix.NLM_F_ACK, unix.NFPROTO_INET, 0, slices.Concat(
			attribute(unix.NFTA_RULE_TABLE, []byte("krm-bypass\x00")), attribute(unix.NFTA_RULE_CHAIN, []byte(chain+"\x00")), attribute(unix.NFTA_RULE_EXPRESSIONS, list))),
		message(unix.NFNL_MSG_BATCH_END, 0, unix.AF_UNSPEC, unix.NFNL_SUBSYS_NFTABLES, nil),
	)
	socket, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_NETFILTER)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(socket) }()
	if err := unix.Sendto(socket, batch, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	answer := make([]byte, 4096)
	n, _, err := unix.Recvfrom(socket, answer, 0)
	if err != nil {
		return err
	}
	if n < 20 {
		return fmt.Errorf("an answer of %d bytes", n)
	}
	if code := int32(binary.NativeEndian.Uint32(answer[16:])); code != 0 {
		return unix.Errno(-code)
	}
	return nil
}

// Whoever maps a connection before us decides: our chains are not asked.
func TestChainsAheadOfOursAreTold(t *testing.T) {
	const told = "chain %s of table %s, nat hook %s priority %d, comes before ours and may redirect or drop what should bypass"
	both := []string{"--exclude-inbound-ports=7001", "--exclude-outbound-ports=5432"}
	for _, test := range []struct {
		name, chains string
		settings     []string
		found        filter.Differences
	}{
		{"right before ours", "table ip mesh { chain in { type nat hook prerouting priority -102; tcp dport 1-65535 redirect to :15006; }; }", both,
			filter.Differences{fmt.Sprintf(told, "in", "ip mesh", "prerouting", -102)}},
		{"as early as mangle", "table inet mesh { chain out { type nat hook output priority -150; meta l4proto tcp redirect to :15001; }; }", both,
			filter.Differences{fmt.Sprintf(told, "out", "inet mesh", "output", -150)}},
		{"in a table named as ours", "table ip6 krm-bypass { chain output { type nat hook output priority -102; meta l4proto tcp redirect to :15001; }; }", both,
			filter.Differences{fmt.Sprintf(told, "output", "ip6 krm-bypass", "output", -102)}},
		{"as early as ours, and loaded later", "table inet mesh { chain out { type nat hook output priority -101; meta l4proto tcp redirect to :15001; }; }", both,
			filter.Differences{fmt.Sprintf(told, "out", "inet mesh", "output", -101)}},
		{"a policy of drop without rules", "table ip mesh { chain out { type nat hook output priority -102; policy drop; }; }", both,
			filter.Differences{fmt.Sprintf(told, "out", "ip mesh", "output", -102)}},
		{"at a hook that the settings say nothing of", "table ip mesh { chain in { type nat hook prerouting priority -102; tcp dport 1-65535 redirect to :15006; }; }", both[1:], nil},
		{"without rules", "table ip mesh { chain in { type nat hook prerouting priority -102; }; }", both, nil},
		{"not in force", "table ip mesh { flags dormant\nchain in { type nat hook prerouting priority -102; tcp dport 1-65535 redirect to :15006; }; }", both, nil},
		{"behind ours", "table ip mesh { chain in { type nat hook prerouting priority -100; meta l4proto tcp redirect to :15006; }; }", both, nil},
		{"a filter", "table ip mesh { chain in { type filter hook prerouting priority -150; meta l4proto tcp accept; }; }", both, nil},
		{"another hook", "table ip mesh { chain in { type nat hook postrouting priority -102; masquerade; }; }", both, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			pod, settings := newPod(t), samples.Of(t, test.settings...)
			require.NoError(t, pod.apply(settings))
			pod.Feed(t, strings.ReplaceAll(strings.ReplaceAll(test.chains, "{ ", "{\n"), "; }", "\n}"), "nft", "-f", "-")
			assert.Equal(t, test.found, pod.verify(t, settings))
			require.NoError(t, pod.apply(settings), "nothing of ours to mend")
		})
	}
}

// What bypasses is hidden from TPROXY, and so from filters, at one priority. Filters
// there and TPROXY elsewhere are told, and nothing that has no part in it.
func TestWhatHidingDoesNotReachIsTold(t *testing.T) {
	const (
		filters = "chain in of table %s mesh, filter hook prerouting priority %d, sees the first packet of a TCP connection that bypasses as protocol 253, and may let in what it should drop, or the reverse: filter at another priority, such as raw, or at the hook input"
		takes   = "chain in of table %s mesh, filter hook prerouting priority %d, may take by TPROXY what should bypass: ours hide it at priority -150 alone"
	)
	chain := func(table string, priority int, rules string) string {
		return fmt.Sprintf("table %s mesh {\nchain in { type filter hook prerouting priority %d; }\n}\n%s\n", table, priority, rules)
	}
	const more = "add chain ip mesh more\nadd rule ip mesh in tcp dport 7001 jump more\nadd rule ip mesh more "
	inbound, outbound := []string{"--exclude-inbound-ports=7001"}, []string{"--exclude-outbound-ports=443", "--exclude-inbound-ports=7001/UDP"}
	for _, test := range []struct {
		name, nft string
		settings  []string
		told      string
		priority  int
	}{
		{"a drop", chain("ip", -150, "add rule ip mesh in tcp flags & (syn|ack) == syn drop"), inbound, filters, -150},
		{"a drop of what is new", chain("ip", -150, "add rule ip mesh in ct state new,invalid tcp dport 7001 drop"), inbound, filters, -150},
		{"a reject", chain("ip", -150, "add rule ip mesh in tcp dport 7001 reject with tcp reset"), inbound, filters, -150},
		{"a drop where a rule leads", chain("ip", -150, more+"drop"), inbound, filters, -150},
		{"a drop where a map leads", chain("ip", -150, "add rule ip mesh in tcp dport vmap { 7001 : drop }"), inbound, filters, -150},
		{"a drop where a map leads on", chain("ip", -150, "add chain ip mesh more\nadd rule ip mesh more drop\nadd rule ip mesh in tcp dport vmap { 7001 : jump more }"), inbound, filters, -150},
		{"a policy", chain("ip", -150, "add chain ip mesh in { policy drop; }"), inbound, filters, -150},
		{"perhaps in between", chain("ip", -149, "add rule ip mesh in drop"), inbound, filters, -149},
		{"a drop of what belongs to no connection", chain("ip", -150, "add rule ip mesh in ct state invalid drop"), inbound, "", 0},
		{"a mark", chain("ip", -150, "add rule ip mesh in tcp dport 7001 meta mark set 1"), inbound, "", 0},
		{"a chain that nothing leads to", chain("ip", -150, "add chain ip mesh more\nadd rule ip mesh more drop"), inbound, "", 0},
		{"a drop at raw", chain("ip", -300, "add rule ip mesh in tcp dport 7001 drop"), inbound, "", 0},
		{"a drop behind", chain("ip", 0, "add rule ip mesh in tcp dport 7001 drop"), inbound, "", 0},
		{"a drop where nothing hides", chain("ip", -150, "add rule ip mesh in tcp dport 7001 drop"), outbound, "", 0},

		{"TPROXY in front", chain("ip", -300, "add rule ip mesh in meta l4proto tcp tproxy to :15006"), inbound, takes, -300},
		{"TPROXY right in front", chain("ip", -152, "add rule ip mesh in meta l4proto tcp tproxy to :15006"), inbound, takes, -152},
		{"TPROXY as early as ours", chain("ip", -151, "add rule ip mesh in meta l4proto tcp tproxy to :15006"), inbound, takes, -151},
		{"TPROXY behind", chain("ip", -148, "add rule ip mesh in meta l4proto tcp tproxy to :15006"), inbound, takes, -148},
		{"TPROXY where a rule leads", chain("ip", 0, more+"meta l4proto tcp tproxy to :15006"), inbound, takes, 0},
		{"TPROXY at its place", chain("ip", -150, "add rule ip mesh in meta l4proto tcp tproxy to :15006"), inbound, "", 0},
		{"TPROXY where nothing hides", chain("ip", -300, "add rule ip mesh in meta l4proto tcp tproxy to :15006"), outbound, "", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			pod, settings := newPod(t), samples.Of(t, test.settings...)
			require.NoError(t, pod.apply(settings))
			pod.Feed(t, test.nft, "nft", "-f", "-")
			var told filter.Differences
			if test.told != "" {
				told = filter.Differences{fmt.Sprintf(test.told, "ip", test.priority)}
			}
			assert.Equal(t, told, pod.verify(t, settings))
		})
	}
}

// By iptables-nft it is the same.
func TestFiltersOfIptablesInMangleAreTold(t *testing.T) {
	for rule, told := range map[string]bool{
		"-p tcp --syn --dport 7001 -j DROP":                              true,
		"-p tcp --dport 7001 -m conntrack --ctstate NEW -j DROP":         true,
		"-m conntrack ! --ctstate ESTABLISHED -j DROP":                   true,
		"-p tcp --dport 7001 -j NFQUEUE --queue-num 1":                   true,
		"-m conntrack --ctstate INVALID -j DROP":                         false,
		"-p tcp --dport 7001 -j MARK --set-mark 1":                       false,
		"-p tcp -j TPROXY --on-port 15006 --tproxy-mark 1337/0xffffffff": false,
	} {
		for program, table := range map[string]string{"iptables-nft": "ip", "ip6tables-nft": "ip6"} {
			pod, settings := newPod(t), samples.Of(t, "--exclude-inbound-ports=7001")
			pod.Run(t, slices.Concat([]string{program, "-t", "mangle", "-A", "PREROUTING"}, strings.Fields(rule))...)
			require.NoError(t, pod.apply(settings))
			var found filter.Differences
			if told {
				found = filter.Differences{"chain PREROUTING of table " + table + " mangle, filter hook prerouting priority -150, sees the first packet of a TCP connection that bypasses as protocol 253, and may let in what it should drop, or the reverse: filter at another priority, such as raw, or at the hook input"}
			}
			assert.Equal(t, found, pod.verify(t, settings), "%s %s", program, rule)
		}
	}
}

// A table with an owner is its owner's alone, and gone with it (nft(8), "owner").
func TestATableHeldByAnotherProcess(t *testing.T) {
	pod, settings := newPod(t), samples.Of(t, samples.Everything...)
	holder := exec.Command("nft", "-i")
	input, err := holder.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, pod.Do(0, holder.Start))
	t.Cleanup(func() { _, _ = holder.Process.Kill(), holder.Wait() })
	_, err = io.WriteString(input, "add table inet krm-bypass { flags owner; }\n")
	require.NoError(t, err)
	require.Eventually(t, func() bool { return strings.Contains(pod.list(t), "flags owner") }, 10*time.Second, 10*time.Millisecond)

	held := fmt.Sprintf("another process holds table inet krm-bypass, which nobody else may change and which ends with it: the one with the netlink port %d, usually its process id", holder.Process.Pid)
	assert.EqualError(t, pod.apply(settings), "replacing the table: "+held+"; end that process first")
	assert.EqualError(t, pod.clean(), "deleting the table: "+held+"; end that process first")
	assert.Contains(t, pod.verify(t, settings), held)

	require.NoError(t, input.Close())
	require.NoError(t, holder.Wait())
	require.Eventually(t, func() bool { return pod.list(t) == "" }, 10*time.Second, 10*time.Millisecond)
	require.NoError(t, pod.apply(settings))
	assert.Empty(t, pod.verify(t, settings))
}
