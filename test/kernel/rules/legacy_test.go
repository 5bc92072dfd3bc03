package rules_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/krm-bypass/krm-bypass/internal/rules/filter"
	"github.com/krm-bypass/krm-bypass/internal/rules/legacy"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
	"github.com/krm-bypass/krm-bypass/test/lab"
	"github.com/krm-bypass/krm-bypass/test/samples"
)

// legacyPod is a network namespace in which rules of iptables-legacy are tried
// on the real kernel.
type legacyPod struct{ *lab.Host }

func newLegacyPod(t testing.TB) legacyPod {
	t.Helper()
	host := lab.NewHost(t, "pod")
	t.Setenv(lab.LockVariable, host.Lock()) // of what runs iptables in this process
	return legacyPod{host}
}

func (p legacyPod) apply(s traffic.Settings) error {
	return p.Do(0, func() error {
		ruleset, err := legacy.Compile(s, filter.Form{})
		if err != nil {
			return err
		}
		return ruleset.Apply()
	})
}

func (p legacyPod) clean() error { return p.Do(0, legacy.Clean) }

func (p legacyPod) verify(t require.TestingT, s traffic.Settings) filter.Differences {
	ruleset, err := legacy.Compile(s, filter.Form{})
	require.NoError(t, err)
	var found filter.Differences
	require.NoError(t, p.Do(0, func() (err error) {
		found, err = ruleset.Verify()
		return err
	}))
	return found
}

// saved gives what the programs' own savers, which are not our reader, see.
func (p legacyPod) saved(t require.TestingT) string {
	var saved strings.Builder
	for _, program := range []string{"iptables-legacy-save", "ip6tables-legacy-save"} {
		text, err := p.Try(exec.Command(program, "-t", "nat"))
		require.NoError(t, err)
		for line := range strings.Lines(text) {
			if !strings.HasPrefix(line, "#") { // the time
				saved.WriteString(line)
			}
		}
	}
	return saved.String()
}

func TestAnySettingsLoadAndVerifyByIptables(t *testing.T) {
	pod := newLegacyPod(t)
	rapid.Check(t, func(t *rapid.T) {
		settings := samples.Settings.Draw(t, "settings")
		require.NoError(t, pod.apply(settings), settings)
		first := pod.saved(t)
		require.NoError(t, pod.apply(settings), settings)
		assert.Equal(t, first, pod.saved(t), "applied twice")
		assert.Empty(t, pod.verify(t, settings))
		if read := standing(t, pod.Host, legacy.Standing); !includesNothing(settings) && !hasWholeFamily(settings) {
			assert.True(t, sameChains(t, read, settings), "read as %s", read)
		}
		if other := samples.Settings.Draw(t, "other settings"); !sameChains(t, other, settings) {
			assert.NotEmpty(t, pod.verify(t, other), "verified as well: %s", other)
		}
	})
}

// hasWholeFamily reports whether a range holds all addresses of a family: iptables lists
// a rule for it as one without a range.
func hasWholeFamily(s traffic.Settings) bool {
	return strings.Contains(s.String(), "/0")
}

func sameChains(t require.TestingT, a, b traffic.Settings) bool {
	one, err := legacy.Compile(a, filter.Form{})
	require.NoError(t, err)
	other, err := legacy.Compile(b, filter.Form{})
	require.NoError(t, err)
	return one.Text() == other.Text()
}

// Both forms of the rules are the same to the programs' savers.
func TestTextIsWhatIptablesLoads(t *testing.T) {
	for name, flags := range map[string][]string{
		"everything":            samples.Everything,
		"nothing":               nil,
		"only what is included": {"--include-inbound-ports=", "--include-outbound-ip-ranges="},
		"one family":            {"--exclude-outbound-ip-ranges=10.0.0.0/8"},
		"addresses with dots":   {"--exclude-outbound-ip-ranges=::1.2.3.4,64:ff9b::1.2.3.4"},
		"every address":         {"--exclude-outbound-ip-ranges=0.0.0.0/0,::/0"},
		"more ports than a match takes": {
			"--exclude-inbound-ports=1,3,5,7,9,11,13,15,17,19,21,23,25,27,29,31,33",
			"--exclude-outbound-ports=1,3,5,7,9,11,13,15,17,19,21,23,25,27,29-31,33",
		},
	} {
		t.Run(name, func(t *testing.T) {
			settings := samples.Of(t, flags...)
			applied, loaded := newLegacyPod(t), newLegacyPod(t)
			require.NoError(t, applied.apply(settings))
			assert.Empty(t, applied.verify(t, settings))
			ruleset, err := legacy.Compile(settings, filter.Form{})
			require.NoError(t, err)
			text := ruleset.Text()
			loaded.Feed(t, text, "iptables-legacy-restore", "--noflush")
			loaded.Feed(t, text, "ip6tables-legacy-restore", "--noflush")
			assert.Equal(t, loaded.saved(t), applied.saved(t))
			assert.Empty(t, loaded.verify(t, settings))
		})
	}
}

// mesh is a mesh's way into the table: appended to the kernel's own chains.
const mesh = `*nat
:MESH - [0:0]
-A MESH -p tcp -j REDIRECT --to-ports 15001
-A OUTPUT -p tcp -j MESH
-A PREROUTING -p tcp -j MESH
COMMIT
`

func TestDifferencesAreFoundInChains(t *testing.T) {
	settings := samples.Of(t, "--exclude-inbound-ports=7001/TCP,8000-8010/TCP", "--exclude-outbound-ip-ranges=10.0.0.0/8")
	for _, test := range []struct {
		meddling string
		found    filter.Differences
	}{
		{"", nil},
		{"iptables-legacy -t nat -A POSTROUTING -j RETURN", nil},
		{"ip6tables-legacy -t nat -A OUTPUT -j RETURN", nil},
		{"iptables-legacy -t nat -F KRM_BYPASS_INPUT", filter.Differences{
			"IPv4: missing rule in chain KRM_BYPASS_INPUT: -i lo -j RETURN",
			"IPv4: missing rule in chain KRM_BYPASS_INPUT: -m addrtype ! --dst-type LOCAL -j RETURN",
			"IPv4: missing rule in chain KRM_BYPASS_INPUT: -p tcp -m multiport --dports 7001,8000:8010 -j ACCEPT",
		}},
		{"ip6tables-legacy -t nat -A KRM_BYPASS_INPUT -p udp -j ACCEPT", filter.Differences{
			"IPv6: foreign rule in chain KRM_BYPASS_INPUT: -p udp -j ACCEPT",
		}},
		{"iptables-legacy -t nat -R KRM_BYPASS_OUTPUT 3 -d 11.0.0.0/8 -p tcp -j ACCEPT", filter.Differences{
			"IPv4: missing rule in chain KRM_BYPASS_OUTPUT: -d 10.0.0.0/8 -p tcp -j ACCEPT",
			"IPv4: foreign rule in chain KRM_BYPASS_OUTPUT: -d 11.0.0.0/8 -p tcp -j ACCEPT",
		}},
		{"iptables-legacy -t nat -D KRM_BYPASS_OUTPUT 1; iptables-legacy -t nat -A KRM_BYPASS_OUTPUT -o lo -j RETURN", filter.Differences{
			"IPv4: chain KRM_BYPASS_OUTPUT has its rules in another order",
		}},
		{"iptables-legacy -t nat -I OUTPUT 1 -j MESH", filter.Differences{
			"IPv4: missing rule 1 in chain OUTPUT: -j KRM_BYPASS_OUTPUT",
			"IPv4: foreign rule 2 in chain OUTPUT: -j KRM_BYPASS_OUTPUT",
		}},
		{"iptables-legacy -t nat -D PREROUTING 1", filter.Differences{
			"IPv4: missing rule 1 in chain PREROUTING: -j KRM_BYPASS_INPUT",
		}},
		{"iptables-legacy -t nat -A OUTPUT -p udp -j KRM_BYPASS_OUTPUT", filter.Differences{
			"IPv4: foreign rule 3 in chain OUTPUT: -p udp -j KRM_BYPASS_OUTPUT",
		}},
		{"ip6tables-legacy -t nat -F; ip6tables-legacy -t nat -X", filter.Differences{
			"IPv6: missing chain KRM_BYPASS_INPUT", "IPv6: missing chain KRM_BYPASS_OUTPUT",
			"IPv6: missing rule 1 in chain PREROUTING: -j KRM_BYPASS_INPUT", "IPv6: missing rule 1 in chain OUTPUT: -j KRM_BYPASS_OUTPUT",
		}},
	} {
		t.Run(test.meddling, func(t *testing.T) {
			pod := newLegacyPod(t)
			pod.Feed(t, mesh, "iptables-legacy-restore", "--noflush")
			require.NoError(t, pod.apply(settings))
			pod.Run(t, "sh", "-ec", test.meddling)
			assert.ElementsMatch(t, test.found, pod.verify(t, settings))
			require.NoError(t, pod.apply(settings))
			assert.Empty(t, pod.verify(t, settings), "apply mends it")
		})
	}
}

func TestCleanLeavesNothingInIptables(t *testing.T) {
	pod, settings := newLegacyPod(t), samples.Of(t, samples.Everything...)
	require.NoError(t, pod.clean(), "where nothing is")
	require.NoError(t, pod.Do(0, func() error {
		names, err := os.ReadFile("/proc/thread-self/net/ip_tables_names")
		assert.Empty(t, names, "no table is made by cleaning up")
		return err
	}))
	pod.Feed(t, mesh, "iptables-legacy-restore", "--noflush")
	pod.Feed(t, mesh, "ip6tables-legacy-restore", "--noflush")
	others := pod.saved(t)
	require.NoError(t, pod.apply(settings))
	require.NoError(t, pod.clean())
	require.NoError(t, pod.clean(), "a second time")
	assert.Equal(t, others, pod.saved(t))
	assert.NotEmpty(t, pod.verify(t, settings))
	require.NoError(t, pod.apply(settings))
	require.NoError(t, pod.apply(traffic.Settings{}), "settings that bypass nothing")
	assert.Equal(t, others, pod.saved(t))
}

// Where one family refuses, the other gets back what it held.
func TestNothingIsAppliedByHalves(t *testing.T) {
	settings := samples.Of(t, "--exclude-outbound-ip-ranges=10.0.0.0/8,fd00::/8")
	for name, before := range map[string]traffic.Settings{
		"after nothing":        {},
		"after other settings": samples.Of(t, "--exclude-outbound-ip-ranges=11.0.0.0/8", "--exclude-inbound-ports=7001"),
	} {
		t.Run(name, func(t *testing.T) {
			pod := newLegacyPod(t)
			require.NoError(t, pod.apply(before))
			held := pod.saved(t)
			t.Setenv("PATH", failing(t, "ip6tables-legacy-restore")+":"+os.Getenv("PATH"))
			assert.ErrorContains(t, pod.apply(settings), "replacing the rules for IPv6: running ip6tables-legacy-restore: exit status 2: out of order")
			assert.Equal(t, held, pod.saved(t))
		})
	}
}

// failing gives a directory with a program of that name which only fails.
func failing(t *testing.T, program string) string {
	t.Helper()
	return withProgram(t, program, "echo out of order >&2; exit 2")
}

func withProgram(t *testing.T, program, script string) string {
	t.Helper()
	directory := t.TempDir()
	require.NoError(t, os.WriteFile(directory+"/"+program, []byte("#!/bin/sh\n"+script+"\n"), 0o755))
	return directory
}

// What iptables says in kernels unlike this one, in its own words.
func TestKernelsWithoutTheTable(t *testing.T) {
	refusing := func(words string) string {
		return `[ "$1" = --version ] && echo "v1.8.9 (legacy)" && exit; echo "` + words + `" >&2; exit 3`
	}
	const noTable = "iptables table 'nat': Table does not exist (do you need to insmod?)"
	settings := samples.Of(t, samples.Everything...)
	for _, test := range []struct{ program, says, err string }{
		{"ip6tables-legacy", noTable, ""},
		{"ip6tables-legacy", "ip6tables table 'nat': Address family not supported by protocol", ""},
		{"iptables-legacy", noTable, "reading the table nat of IPv4: the kernel has no such table"},
		{"iptables-legacy", "iptables table 'nat': Permission denied (you must be root)",
			"reading the table nat of IPv4: operation not permitted: iptables-legacy needs the capabilities NET_ADMIN and NET_RAW, add them to the container's securityContext.capabilities.add, as krm-bypass does where spec.enforcement.backend is iptables"},
	} {
		t.Run(test.program+" "+test.says, func(t *testing.T) {
			pod := newLegacyPod(t)
			path := os.Getenv("PATH")
			t.Setenv("PATH", withProgram(t, test.program, refusing(test.says))+":"+path)
			if test.err != "" {
				err := pod.apply(settings)
				assert.EqualError(t, err, test.err)
				assert.Equal(t, test.says == noTable, errors.Is(err, errors.ErrUnsupported))
				return
			}
			require.NoError(t, pod.apply(settings))
			assert.Empty(t, pod.verify(t, settings))
			t.Setenv("PATH", path)
			found := pod.verify(t, settings)
			assert.Contains(t, found, "IPv6: missing chain KRM_BYPASS_OUTPUT", "IPv4 alone was done")
			assert.NotContains(t, found.String(), "IPv4")
		})
	}
}

func TestIptablesThatIsNotThere(t *testing.T) {
	pod, settings := newLegacyPod(t), samples.Of(t, samples.Everything...)
	t.Setenv("PATH", t.TempDir())
	err := pod.apply(settings)
	assert.ErrorIs(t, err, errors.ErrUnsupported)
	assert.ErrorContains(t, err, "iptables-legacy and ip6tables-legacy are not here")
	assert.NoError(t, pod.clean(), "nothing is in use, so there is nothing to clean")
}

func TestListsTooLongForIptablesAreRefused(t *testing.T) {
	pod := newLegacyPod(t)
	longest := samples.Ranges(t, 4998) // and a rule each for loopback and DNS
	require.NoError(t, pod.apply(longest))
	assert.Empty(t, pod.verify(t, longest))
	held := pod.saved(t)
	const refusal = "chain KRM_BYPASS_OUTPUT would have 5001 rules for IPv4, and the backend iptables takes at most 5000, " +
		"because the kernel asks one after the other about every new connection: give fewer or wider ranges, or take --backend=nftables, where a list costs the same at any length"
	assert.EqualError(t, pod.apply(samples.Ranges(t, 4999)), refusal)
	_, err := legacy.Compile(samples.Ranges(t, 4999), filter.Form{})
	assert.EqualError(t, err, refusal)
	assert.Equal(t, held, pod.saved(t))
}

func TestIptablesWhereIPv6IsSwitchedOff(t *testing.T) {
	pod, settings := newLegacyPod(t), samples.Of(t, samples.Everything...)
	require.NoError(t, pod.Do(0, func() error {
		return errors.Join(
			os.WriteFile("/proc/sys/net/ipv6/conf/all/disable_ipv6", []byte("1"), 0),
			os.WriteFile("/proc/sys/net/ipv6/conf/default/disable_ipv6", []byte("1"), 0),
		)
	}))
	require.NoError(t, pod.apply(settings))
	assert.Empty(t, pod.verify(t, settings))
}

// A family's table goes from one whole ruleset to the other, with nothing between.
func TestNobodySeesHalfOfAFamily(t *testing.T) {
	pod := newLegacyPod(t)
	save := func() string {
		text, err := pod.Try(exec.Command("iptables-legacy-save", "-t", "nat"))
		require.NoError(t, err)
		return strings.Join(slices.DeleteFunc(strings.Split(text, "\n"), func(line string) bool { return strings.HasPrefix(line, "#") }), "\n")
	}
	states := []traffic.Settings{samples.Of(t, samples.Everything...), samples.Ranges(t, 300), {}}
	var whole []string
	for _, settings := range states {
		require.NoError(t, pod.apply(settings))
		whole = append(whole, save())
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := range 30 {
			assert.NoError(t, pod.apply(states[i%len(states)]))
		}
	}()
	for seen := map[string]bool{}; ; {
		select {
		case <-done:
			assert.Greater(t, len(seen), 1, "nothing changed meanwhile")
			return
		default:
			now := save()
			seen[now] = true
			assert.Contains(t, whole, now)
		}
	}
}

func TestAppliersOfIptablesDoNotDisturbEachOther(t *testing.T) {
	pod := newLegacyPod(t)
	some, others := samples.Of(t, samples.Everything...), samples.Ranges(t, 300)
	var work sync.WaitGroup
	for _, settings := range []traffic.Settings{some, some, others} {
		work.Go(func() {
			for range 5 {
				assert.NoError(t, pod.apply(settings))
			}
		})
	}
	work.Go(func() {
		for i := range 20 {
			_, err := pod.Try(exec.Command("iptables-legacy", "--wait", "-t", "nat", "-A", "OUTPUT", "-p", "udp", "--dport", fmt.Sprint(i+1), "-j", "RETURN"))
			assert.NoError(t, err)
		}
	})
	work.Wait()
	one, other := len(pod.verify(t, some)) == 0, len(pod.verify(t, others)) == 0
	assert.NotEqual(t, one, other, "one of the two whole rulesets")
	assert.Equal(t, 20, strings.Count(pod.saved(t), "-A OUTPUT -p udp"))
}
