package rules_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/krm-bypass/krm-bypass/internal/rules/filter"
	"github.com/krm-bypass/krm-bypass/internal/rules/nft"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
	"github.com/krm-bypass/krm-bypass/test/lab"
	"github.com/krm-bypass/krm-bypass/test/samples"
)

// pod is a network namespace in which rules are tried on the real kernel.
type pod struct{ *lab.Host }

func newPod(t testing.TB) pod {
	t.Helper()
	return pod{lab.NewHost(t, "pod")}
}

func (p pod) apply(s traffic.Settings) error {
	return p.Do(0, func() error { return nft.Compile(s, filter.Form{}).Apply() })
}

func (p pod) verify(t require.TestingT, s traffic.Settings) filter.Differences {
	var found filter.Differences
	require.NoError(t, p.Do(0, func() (err error) {
		found, err = nft.Compile(s, filter.Form{}).Verify()
		return err
	}))
	return found
}

func (p pod) clean() error { return p.Do(0, nft.Clean) }

// list gives what nft, which is not our own reader, sees in the pod.
func (p pod) list(t testing.TB) string {
	t.Helper()
	return p.Run(t, "nft", "list", "ruleset")
}

func TestAnySettingsLoadAndVerify(t *testing.T) {
	pod := newPod(t)
	rapid.Check(t, func(t *rapid.T) {
		settings := samples.Settings.Draw(t, "settings")
		require.NoError(t, pod.apply(settings), settings)
		assert.Empty(t, pod.verify(t, settings))
		if read := standing(t, pod.Host, nft.Standing); !includesNothing(settings) {
			assert.True(t, sameRules(read, settings), "read as %s", read)
		}
		if other := samples.Settings.Draw(t, "other settings"); !sameRules(other, settings) {
			assert.NotEmpty(t, pod.verify(t, other), "verified as well: %s", other)
		}
	})
}

// standing gives the settings that are read from the rules that stand.
func standing(t require.TestingT, pod *lab.Host, read func() (map[traffic.Field][]string, error)) (s traffic.Settings) {
	require.NoError(t, pod.Do(0, func() error {
		values, err := read()
		if err == nil {
			s, err = traffic.ParseArguments(values)
		}
		return err
	}))
	return s
}

// includesNothing reports whether a list says that nothing is intercepted. Such a list
// leaves no entry in the kernel that could be read.
func includesNothing(s traffic.Settings) bool {
	return s.IncludeInboundPorts.IsEmpty() || s.IncludeOutboundIPRanges.IsEmpty() ||
		!s.IncludeInboundPorts.All() && s.IncludeInboundPorts.Set().Of(traffic.TCP).IsEmpty()
}

// sameRules reports whether two settings ask for the same; that they need not be
// equal is because some say nothing beside others.
func sameRules(a, b traffic.Settings) bool {
	return nft.Compile(a, filter.Form{}).Text() == nft.Compile(b, filter.Form{}).Text()
}

// Both forms of a ruleset are the same to nft.
func TestTextIsWhatIsLoaded(t *testing.T) {
	check := func(t *testing.T, settings traffic.Settings) {
		byNetlink, byText := newPod(t), newPod(t)
		require.NoError(t, byNetlink.apply(settings))
		text := nft.Compile(settings, filter.Form{}).Text()
		byText.Feed(t, text, "nft", "-f", "-")
		assert.Equal(t, byText.list(t), byNetlink.list(t))
		// Loading it again changes nothing.
		byText.Feed(t, text, "nft", "-f", "-")
		assert.Equal(t, byText.list(t), byNetlink.list(t))
		assert.Empty(t, byText.verify(t, settings), "what nft made of the text")
	}
	t.Run("everything", func(t *testing.T) { check(t, samples.Of(t, samples.Everything...)) })
	t.Run("everything but pairs", func(t *testing.T) { check(t, samples.Of(t, samples.Everything[:6]...)) })
	t.Run("nothing", func(t *testing.T) { check(t, traffic.Settings{}) })
	t.Run("only what is included", func(t *testing.T) {
		check(t, samples.Of(t, "--include-inbound-ports=", "--include-outbound-ip-ranges="))
	})
	t.Run("one family included", func(t *testing.T) { check(t, samples.Of(t, "--include-outbound-ip-ranges=10.0.0.0/8")) })
}

func TestApplyIsRepeatable(t *testing.T) {
	pod, settings := newPod(t), samples.Of(t, samples.Everything...)
	require.NoError(t, pod.apply(settings))
	first := pod.Run(t, "nft", "--handle", "list", "ruleset")
	require.NoError(t, pod.apply(settings))
	assert.Equal(t, first, pod.Run(t, "nft", "--handle", "list", "ruleset"), "a table that is right is left alone")
}

// hidesNothing are the chains that keep connections from TPROXY.
var hidesNothing = regexp.MustCompile(`(?s)\tchain (hide|hide-from-tproxy|show-after-tproxy) \{.*?\n\t\}\n`)

// An older version may have left sets, chains and rules that ours has not, in
// any relation to those that it has.
func TestAnotherTableIsReplaced(t *testing.T) {
	for name, before := range map[string]string{
		"another version's": `
			table inet krm-bypass {
				set exclude-outbound-ports-tcp { type ipv4_addr; elements = { 10.0.0.1 } }
				map old { type inet_service : verdict; elements = { 80 : accept } }
				counter hits {}
				chain old { tcp dport vmap @old; }
				chain bypass { jump old; }
				chain output { type filter hook output priority 0; policy drop; ip daddr @exclude-outbound-ports-tcp goto bypass; }
			}`,
		"that of a version before chains in front of TPROXY": hidesNothing.ReplaceAllString(nft.Compile(samples.Of(t, samples.Everything...), filter.Form{}).Text(), ""),
		"dormant": `table inet krm-bypass { flags dormant; }`,
		"the other family's too": `
			table ip krm-bypass {
				chain output { type nat hook output priority -101; }
			}
			table inet krm-bypass {}`,
		"emptied": `table inet krm-bypass {}`,
	} {
		t.Run(name, func(t *testing.T) {
			pod, settings := newPod(t), samples.Of(t, samples.Everything...)
			pod.Feed(t, before, "nft", "-f", "-")
			assert.NotEmpty(t, pod.verify(t, settings))
			require.NoError(t, pod.apply(settings))
			assert.Empty(t, pod.verify(t, settings))

			fresh := newPod(t)
			require.NoError(t, fresh.apply(settings))
			assert.Equal(t, fresh.table(t), pod.table(t))
		})
	}
}

func TestDifferencesAreFound(t *testing.T) {
	settings := samples.Of(t, "--exclude-inbound-ports=7001/TCP,8000-8010/TCP", "--exclude-outbound-ip-ranges=10.0.0.0/8", "--exclude-outbound=10.1.0.0/16@53/UDP")
	rule := `ip daddr . meta l4proto . th dport @exclude-outbound-ip goto bypass comment "excludeOutbound"`
	for _, test := range []struct {
		meddling string
		found    filter.Differences
	}{
		{"", nil},
		{"delete table inet krm-bypass", filter.Differences{"table inet krm-bypass is missing"}},
		{"add table inet krm-bypass { flags dormant; }", filter.Differences{"table inet krm-bypass is dormant, its chains are not in force"}},
		{"flush chain inet krm-bypass prerouting", filter.Differences{
			`missing rule in chain prerouting: iifname "lo" return`,
			`missing rule in chain prerouting: fib daddr type != local return`,
			`missing rule in chain prerouting: tcp dport @exclude-inbound-ports-tcp goto bypass comment "excludeInboundPorts"`,
		}},
		{"delete element inet krm-bypass exclude-outbound-ip-ranges-ip { 10.0.0.0/8 }", filter.Differences{"missing element 10.0.0.0/8 in set exclude-outbound-ip-ranges-ip"}},
		{"add element inet krm-bypass exclude-outbound-ip-ranges-ip { 11.0.0.0/8 }", filter.Differences{"foreign element 11.0.0.0/8 in set exclude-outbound-ip-ranges-ip"}},
		{"delete element inet krm-bypass exclude-inbound-ports-tcp { 8000-8010 }; add element inet krm-bypass exclude-inbound-ports-tcp { 8000-8009 }", filter.Differences{
			"missing element 8000-8010 in set exclude-inbound-ports-tcp",
			"foreign element 8000-8009 in set exclude-inbound-ports-tcp",
		}},
		{"flush set inet krm-bypass exclude-outbound-ip", filter.Differences{"missing element 10.1.0.0/16 . udp . 53 in set exclude-outbound-ip"}},
		{"add element inet krm-bypass exclude-outbound-ip { 10.1.0.0/16 . tcp . 53 }", filter.Differences{"foreign element 10.1.0.0/16 . tcp . 53 in set exclude-outbound-ip"}},
		{"add set inet krm-bypass more { type mark; }", filter.Differences{"foreign set more"}},
		{"add chain inet krm-bypass more", filter.Differences{"foreign chain more"}},
		{"add rule inet krm-bypass bypass accept", filter.Differences{"foreign rule in chain bypass: [accept]"}},
		{"insert rule inet krm-bypass output udp dport 1 counter jump bypass", filter.Differences{
			"foreign rule in chain output: [meta load 16 reg 1] [cmp 0 reg 1 0x11] [payload load base 2 offset 2 length 2 reg 1] [cmp 0 reg 1 0x0001] [counter &{Bytes:0 Packets:0}] [jump bypass]",
		}},
		{"flush chain inet krm-bypass bypass; add rule inet krm-bypass bypass dnat ip6 to ip6 daddr; add rule inet krm-bypass bypass dnat ip to ip daddr", filter.Differences{
			"chain bypass has its rules in another order",
		}},
		{"flush chain inet krm-bypass output; delete set inet krm-bypass exclude-outbound-ip", filter.Differences{
			"missing set exclude-outbound-ip",
			`missing rule in chain output: ` + rule,
			`missing rule in chain output: tcp dport != 53 ip daddr @exclude-outbound-ip-ranges-ip goto bypass comment "excludeOutboundIPRanges"`,
			`missing rule in chain output: oifname "lo" return`,
		}},
		{"flush chain inet krm-bypass prerouting; delete chain inet krm-bypass prerouting", filter.Differences{"missing chain prerouting"}},
		{"flush chain inet krm-bypass prerouting; delete chain inet krm-bypass prerouting; add chain inet krm-bypass prerouting { type nat hook prerouting priority -99; }; " +
			`add rule inet krm-bypass prerouting iifname "lo" return; add rule inet krm-bypass prerouting fib daddr type != local return; add rule inet krm-bypass prerouting tcp dport @exclude-inbound-ports-tcp goto bypass`, filter.Differences{
			`chain prerouting is hooked by "type nat hook prerouting priority -99; policy accept;" instead of "type nat hook prerouting priority -101; policy accept;"`,
		}},
		{"flush chain inet krm-bypass hide-from-tproxy; flush chain inet krm-bypass show-after-tproxy; delete chain inet krm-bypass hide-from-tproxy; delete chain inet krm-bypass show-after-tproxy; delete chain inet krm-bypass hide", filter.Differences{
			"missing chain hide", "missing chain hide-from-tproxy", "missing chain show-after-tproxy",
		}},
		{"flush chain inet krm-bypass show-after-tproxy; delete chain inet krm-bypass show-after-tproxy; add chain inet krm-bypass show-after-tproxy { type filter hook prerouting priority -150; }; " +
			"add rule inet krm-bypass show-after-tproxy ct state != new return; add rule inet krm-bypass show-after-tproxy ct protocol tcp ip protocol 253 @nh,72,8 set 6; add rule inet krm-bypass show-after-tproxy ip6 nexthdr 253 @nh,48,8 set 6", filter.Differences{
			`chain show-after-tproxy is hooked by "type filter hook prerouting priority -150; policy accept;" instead of "type filter hook prerouting priority -149; policy accept;"`,
			`missing rule in chain show-after-tproxy: ct protocol tcp ip6 nexthdr 253 @nh,48,8 set 6`,
			`foreign rule in chain show-after-tproxy: [meta load 15 reg 1] [cmp 0 reg 1 0x0a] [payload load base 1 offset 6 length 1 reg 1] [cmp 0 reg 1 0xfd] [immediate &{Register:1 Data:[6]}] [payload &{OperationType:1 DestRegister:0 SourceRegister:1 Base:1 Offset:6 Len:1 CsumType:0 CsumOffset:0 CsumFlags:0}]`,
		}},
		{"flush chain inet krm-bypass hide; add rule inet krm-bypass hide ct protocol tcp ip protocol tcp @nh,72,8 set 254; add rule inet krm-bypass hide ct protocol tcp ip6 nexthdr tcp @nh,48,8 set 253", filter.Differences{
			`missing rule in chain hide: ct protocol tcp ip protocol tcp @nh,72,8 set 253`,
			`foreign rule in chain hide: [ct &{Register:1 SourceRegister:false Key:10 Direction:0}] [cmp 0 reg 1 0x06] [meta load 15 reg 1] [cmp 0 reg 1 0x02] [payload load base 1 offset 9 length 1 reg 1] [cmp 0 reg 1 0x06] [immediate &{Register:1 Data:[254]}] [payload &{OperationType:1 DestRegister:0 SourceRegister:1 Base:1 Offset:9 Len:1 CsumType:0 CsumOffset:0 CsumFlags:0}]`,
		}},
		{"add chain inet krm-bypass output { policy drop; }", filter.Differences{
			`chain output is hooked by "type nat hook output priority -101; policy drop;" instead of "type nat hook output priority -101; policy accept;"`,
		}},
	} {
		t.Run(test.meddling, func(t *testing.T) {
			pod := newPod(t)
			require.NoError(t, pod.apply(settings))
			pod.Feed(t, strings.ReplaceAll(test.meddling, "; ", "\n"), "nft", "-f", "-")
			assert.ElementsMatch(t, test.found, pod.verify(t, settings))
			require.NoError(t, pod.apply(settings))
			assert.Empty(t, pod.verify(t, settings), "apply mends it")
		})
	}
}

// A statement of a set may keep it from matching. Some only count.
func TestStatementsOfSetsAreDifferences(t *testing.T) {
	settings := samples.Of(t, "--exclude-outbound-ports=5432/TCP", "--exclude-outbound-ip-ranges=10.0.0.0/8")
	text := nft.Compile(settings, filter.Form{}).Text()
	const ports, ranges = "exclude-outbound-ports-tcp", "exclude-outbound-ip-ranges-ip"
	different := func(set, kind, statement string) filter.Differences {
		return filter.Differences{fmt.Sprintf("set %s is of type %q instead of %q", set, kind+", "+statement, kind)}
	}
	for _, test := range []struct {
		set, property string
		found         filter.Differences
	}{
		{ports, "limit rate over 1000000/second", different(ports, "inet_service", "limit")},
		{ports, "limit rate 1/day burst 1 packets", different(ports, "inet_service", "limit")},
		{ports, "quota 10 bytes", different(ports, "inet_service", "quota")},
		{ports, "ct count 1", different(ports, "inet_service", "connlimit")},
		{ports, "counter quota 10 bytes", different(ports, "inet_service", "quota")},
		{ports, "counter", nil},
		{ports, "size 100", nil},
		{ports, "comment \"ours\"", nil},
		{ranges, "limit rate 1/day burst 1 packets", different(ranges, "ipv4_addr", "limit")},
	} {
		t.Run(test.set+" "+test.property, func(t *testing.T) {
			pod := newPod(t)
			head, rest, found := strings.Cut(text, "set "+test.set+" {\n")
			require.True(t, found)
			pod.Feed(t, head+"set "+test.set+" {\n"+test.property+"\n"+rest, "nft", "-f", "-")
			assert.Equal(t, test.found, pod.verify(t, settings))
			require.NoError(t, pod.apply(settings))
			assert.Empty(t, pod.verify(t, settings), "apply mends it")
		})
	}
}

func TestCleanLeavesNothing(t *testing.T) {
	pod, settings := newPod(t), samples.Of(t, samples.Everything...)
	pod.Run(t, "nft", "add", "table", "inet", "somebody-elses")
	others := pod.list(t)
	require.NoError(t, pod.clean(), "where nothing is")
	require.NoError(t, pod.apply(settings))
	require.NoError(t, pod.clean())
	require.NoError(t, pod.clean(), "a second time")
	assert.Equal(t, others, pod.list(t))
	assert.Equal(t, filter.Differences{"table inet krm-bypass is missing"}, pod.verify(t, settings))
	assert.Equal(t, filter.Differences{"table inet krm-bypass is missing"}, pod.verify(t, traffic.Settings{}), "no table is not an empty table")
}

// The kernel refuses overlaps, which the compiler never makes.
func TestARefusedTransactionLeavesWhatWasThere(t *testing.T) {
	pod, settings := newPod(t), samples.Of(t, samples.Everything...)
	require.NoError(t, pod.apply(settings))
	before := pod.list(t)
	overlapping := nft.Compile(settings, filter.Form{})
	overlapping.Sets = append(overlapping.Sets, nft.Set{
		Name: "overlapping", Type: nft.PortsType,
		Intervals: []nft.Interval{{First: "\x00\x01", Last: "\x00\x09"}, {First: "\x00\x05", Last: "\x00\x06"}, {First: "\x00\x07", Last: "\x00\x08"}},
	})
	assert.EqualError(t, pod.Do(0, overlapping.Apply), "loading the ruleset: netlink receive: file exists")
	assert.Equal(t, before, pod.list(t))
	assert.Empty(t, pod.verify(t, settings))
}

func TestManyElements(t *testing.T) {
	pod := newPod(t)
	ranges := samples.Ranges(t, 10000)
	require.NoError(t, pod.apply(ranges))
	assert.Empty(t, pod.verify(t, ranges))

	entries := make([]string, 10000)
	for i := range entries {
		entries[i] = fmt.Sprintf("fd00:%x::/33@%d-%d/UDP", i, i+1, i+2)
	}
	pairs := samples.Of(t, "--exclude-outbound="+strings.Join(entries, ","))
	require.Len(t, pairs.ExcludeOutbound.Boxes(), 10000)
	require.NoError(t, pod.apply(pairs))
	assert.Empty(t, pod.verify(t, pairs))
	assert.Len(t, pod.verify(t, ranges), 1+1+2)
}

// Where the kernel has IPv6 but it is switched off, the rules for it lie idle.
func TestIPv6SwitchedOff(t *testing.T) {
	pod, settings := newPod(t), samples.Of(t, samples.Everything...)
	require.NoError(t, pod.Do(0, func() error {
		return errors.Join(
			os.WriteFile("/proc/sys/net/ipv6/conf/all/disable_ipv6", []byte("1"), 0),
			os.WriteFile("/proc/sys/net/ipv6/conf/default/disable_ipv6", []byte("1"), 0),
		)
	}))
	require.NotContains(t, pod.Run(t, "ip", "address", "show", "lo"), "inet6")
	require.NoError(t, pod.apply(settings))
	assert.Empty(t, pod.verify(t, settings))
}

// Appliers of the same and of other settings, a writer of other tables and a
// reader who holds every state for whole: none disturbs another for good.
func TestAppliersDoNotDisturbEachOther(t *testing.T) {
	pod := newPod(t)
	some, others := samples.Of(t, samples.Everything...), samples.Ranges(t, 300)
	var whole []string
	for _, settings := range []traffic.Settings{others, some} {
		require.NoError(t, pod.apply(settings))
		whole = append(whole, pod.table(t))
	}
	var work sync.WaitGroup
	for _, settings := range []traffic.Settings{some, some, others} {
		work.Go(func() {
			for range 20 {
				assert.NoError(t, pod.apply(settings))
			}
		})
	}
	work.Go(func() {
		for range 20 {
			_, err := pod.Try(exec.Command("nft", "add table ip somebody-elses; delete table ip somebody-elses"))
			assert.NoError(t, err)
		}
	})
	work.Go(func() {
		for range 100 {
			assert.Contains(t, whole, pod.table(t), "neither of the two whole rulesets")
		}
	})
	work.Wait()
	one, other := len(pod.verify(t, some)) == 0, len(pod.verify(t, others)) == 0
	assert.NotEqual(t, one, other)
}

// table gives what nft sees of our table.
func (p pod) table(t testing.TB) string {
	t.Helper()
	return p.Run(t, "nft", "list", "table", "inet", "krm-bypass")
}
