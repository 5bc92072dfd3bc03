package program_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The life of a bypass, with each command as it is given by hand.
func TestTheLifeOfABypass(t *testing.T) {
	pod := newPod(t)
	different := answer{Code: failed, Stderr: "krm-bypass-init: verifying the bypass: the kernel (nftables) differs from what the flags ask for: "}
	steps := []struct {
		name string
		args []string
		want answer
	}{
		{"verify before", with("verify", settings...), different},
		{"apply", with("apply", settings...), answer{}},
		{"verify", with("verify", settings...), answer{}},
		{"apply again", settings, answer{}},
		{"verify again", with("verify", settings...), answer{}},
		{"verify other flags", with("verify", settings[:2]...), different},
		{"apply other flags", settings[:2], answer{}},
		{"verify other flags again", with("verify", settings[:2]...), answer{}},
		{"verify the first flags", with("verify", settings...), different},
		{"apply nothing", with("apply"), answer{}},
		{"verify nothing", with("verify"), answer{}},
		{"clean", with("clean"), answer{}},
		{"verify what was cleaned", with("verify"), different},
		{"clean again", with("clean", settings...), answer{}},
	}
	for _, step := range steps {
		got := pod.init(t, step.args...)
		assert.Equal(t, step.want.Code, got.Code, "%s: %s", step.name, got.Stderr)
		assert.Empty(t, got.Out, step.name)
		switch {
		case step.want.Code != succeeded:
			assert.True(t, strings.HasPrefix(got.Stderr, step.want.Stderr), "%s: %s", step.name, got.Stderr)
		case len(step.args) == 0 || step.args[0] == "apply" || strings.HasPrefix(step.args[0], "-"):
			assert.Regexp(t, `^time=\S+ level=INFO msg="bypass applied" backend=nftables reason="the first that works here" ports=\d ranges=\d pairs=\d duration=\S+s\n$`, got.Stderr, step.name)
		default:
			assert.Empty(t, got.Stderr, step.name)
		}
	}
	assert.Empty(t, pod.Run(t, "nft", "list", "ruleset"))
}

func TestTheLogCountsEntries(t *testing.T) {
	got := newPod(t).init(t, with("--backend=nftables", settings...)...)
	assert.Contains(t, got.Stderr, ` backend=nftables reason="asked for" ports=2 ranges=2 pairs=1 `)
}

func TestVerifyAfterSomebodyFlushed(t *testing.T) {
	pod := newPod(t)
	require.Equal(t, succeeded, pod.init(t, settings...).Code)
	pod.Run(t, "nft", "flush", "table", "inet", "krm-bypass")
	got := pod.init(t, with("verify", settings...)...)
	assert.Equal(t, failed, got.Code)
	assert.Contains(t, got.Stderr, `missing rule in chain bypass: dnat ip to ip daddr;`)
	assert.Contains(t, got.Stderr, `missing rule in chain output: tcp dport != 53 ip6 daddr @exclude-outbound-ip-ranges-ip6 goto bypass comment "excludeOutboundIPRanges"`)
}

func TestNftTakesWhatIsShown(t *testing.T) {
	shown(t, "ruleset.nft", []string{"nft", "-f", "-"})
}

// The text of show, loaded by nft, is what verify asks for.
func TestShownIsApplied(t *testing.T) {
	pod, flags := newPod(t), settings
	pod.Feed(t, pod.init(t, with("show", flags...)...).Out, "nft", "-f", "-")
	assert.Equal(t, answer{}, pod.init(t, with("verify", flags...)...))
}

func TestWithoutNetAdmin(t *testing.T) {
	pod := newPod(t)
	for _, command := range []string{"apply", "verify", "clean"} {
		got := pod.result(t, withoutNetAdmin(initContainer(with(command, with("--termination-log=", settings...)...)...)))
		assert.Equal(t, failed, got.Code, command)
		assert.Regexp(t, `^krm-bypass-init: [^\n]+: operation not permitted: the capability NET_ADMIN is missing, add it [^\n]+\n$`, got.Stderr, command)
	}
	shown := pod.result(t, withoutNetAdmin(initContainer(with("show", settings...)...)))
	assert.Equal(t, answer{Out: pod.init(t, with("show", settings...)...).Out}, shown)
}

func TestAFailureLeavesItsReason(t *testing.T) {
	pod := newPod(t)
	log := filepath.Join(t.TempDir(), "termination-log")
	fail := func(args ...string) answer {
		return pod.result(t, withoutNetAdmin(initContainer(slices.Concat(args, settings)...)))
	}
	t.Run("in the termination log", func(t *testing.T) {
		got := fail("--termination-log=" + log)
		assert.Equal(t, failed, got.Code)
		text, err := os.ReadFile(log)
		require.NoError(t, err)
		assert.Equal(t, got.Stderr, "krm-bypass-init: "+string(text))
	})
	t.Run("of a wrong command line too", func(t *testing.T) {
		got := fail("--termination-log="+log, "--exclude-inbound-ports=0")
		assert.Equal(t, misused, got.Code)
		text, err := os.ReadFile(log)
		require.NoError(t, err)
		assert.Equal(t, got.Stderr, "krm-bypass-init: "+string(text))
	})
	t.Run("on stderr where the log cannot be written", func(t *testing.T) {
		got := fail("--termination-log=" + filepath.Join(log, "below-a-file"))
		assert.Equal(t, failed, got.Code)
		assert.Regexp(t, `^krm-bypass-init: [^\n]+NET_ADMIN[^\n]+\nkrm-bypass-init: writing the termination log: [^\n]+: not a directory\n$`, got.Stderr)
	})
	t.Run("on stderr alone by default where no kubelet is", func(t *testing.T) {
		require.NoFileExists(t, terminationLog)
		got := fail()
		assert.Equal(t, 1, strings.Count(got.Stderr, "\n"), got.Stderr)
		assert.NoFileExists(t, terminationLog)
	})
	t.Run("as a warning where it is to go on", func(t *testing.T) {
		require.NoError(t, os.Remove(log))
		got := fail("--termination-log="+log, "--on-failure=continue")
		assert.Equal(t, succeeded, got.Code)
		assert.Regexp(t, `^krm-bypass-init: warning: [^\n]+NET_ADMIN[^\n]+; the pod starts without the bypass because of --on-failure=continue: what no annotation of the mesh lets bypass is intercepted, unless rules of an earlier run stand, which stay as they are\n$`, got.Stderr)
		assert.NoFileExists(t, log)
	})
	t.Run("and verify never goes on", func(t *testing.T) {
		assert.Equal(t, failed, fail("verify", "--termination-log=", "--on-failure=continue").Code)
	})
	t.Run("and a success leaves none", func(t *testing.T) {
		got := pod.result(t, initContainer("--termination-log="+filepath.Join(log, "below-a-file")))
		assert.Equal(t, succeeded, got.Code, got.Stderr)
		assert.Equal(t, 1, strings.Count(got.Stderr, "\n"), got.Stderr)
	})
}

// Eight processes at once, all with the same settings and then each with its
// own: all succeed, and what is left is whole.
func TestManyProcessesAtOnce(t *testing.T) {
	for name, flagsOf := range map[string]func(int) []string{
		"the same settings": func(int) []string { return settings },
		"their own":         func(i int) []string { return []string{fmt.Sprintf("--exclude-inbound-ports=%d", 7000+i)} },
	} {
		t.Run(name, func(t *testing.T) {
			pod := newPod(t)
			for range 5 {
				commands := make([]*exec.Cmd, 8)
				stderr := make([]bytes.Buffer, len(commands))
				for i := range commands {
					commands[i] = initContainer(with("--termination-log=", flagsOf(i)...)...)
					commands[i].Stderr = &stderr[i]
					require.NoError(t, pod.Do(0, commands[i].Start))
				}
				whole := 0
				for i, command := range commands {
					assert.NoError(t, command.Wait(), &stderr[i])
				}
				for i := range commands {
					if pod.init(t, with("verify", flagsOf(i)...)...).Code == succeeded {
						whole++
					}
				}
				if name == "their own" {
					assert.Equal(t, 1, whole)
				} else {
					assert.Equal(t, len(commands), whole)
				}
			}
		})
	}
}

// Killed at any moment, apply leaves the ruleset that was there or its own.
func TestKilledAtAnyMoment(t *testing.T) {
	pod := newPod(t)
	states := [][]string{ranges(20, 2000), ranges(40, 3000)}
	require.Equal(t, succeeded, pod.init(t, states[0]...).Code)
	held, killed, seen := 0, 0, map[int]bool{}
	longest := 20 * time.Millisecond
	for range 60 {
		next := 1 - held
		command := initContainer(with("--termination-log=", states[next]...)...)
		require.NoError(t, pod.Do(0, command.Start))
		time.Sleep(rand.N(longest))
		require.NoError(t, command.Process.Kill())
		// However busy the machine is, kill some runs and let others finish.
		if err := command.Wait(); err != nil {
			killed++
			require.Equal(t, syscall.SIGKILL, command.ProcessState.Sys().(syscall.WaitStatus).Signal(), "%v", err)
			longest += longest / 4
		} else {
			longest -= longest / 4
		}
		old, other := pod.init(t, with("verify", states[held]...)...), pod.init(t, with("verify", states[next]...)...)
		require.Equal(t, failed, old.Code+other.Code, "neither or both of two rulesets: %.500s %.500s", old.Stderr, other.Stderr)
		if other.Code == succeeded {
			held = next
		}
		seen[held] = true
	}
	assert.Positive(t, killed, "nothing was killed before its end")
	assert.Len(t, seen, 2, "nothing got as far as its transaction")
	require.Equal(t, succeeded, pod.init(t, states[0]...).Code, "and the next run mends it")
	assert.Equal(t, answer{}, pod.init(t, with("verify", states[0]...)...))
}

// ranges gives flags that exclude that many ranges, no two of them adjacent.
func ranges(first, count int) []string {
	entries := make([]string, count)
	for i := range entries {
		entries[i] = fmt.Sprintf("%d.%d.%d.0/25", first+i/65536, i/256%256, i%256)
	}
	return []string{"--exclude-outbound-ip-ranges=" + strings.Join(entries, ",")}
}

func TestTenThousandRanges(t *testing.T) {
	pod := newPod(t)
	var flags []string
	for i := range 5 {
		flags = append(flags, ranges(20+i, 2000)...)
	}
	got := pod.init(t, flags...)
	require.Equal(t, succeeded, got.Code, got.Stderr)
	assert.Contains(t, got.Stderr, " ranges=10000 ")
	assert.Equal(t, answer{}, pod.init(t, with("verify", flags...)...))
	pod.Run(t, "nft", "delete", "element", "inet", "krm-bypass", "exclude-outbound-ip-ranges-ip", "{ 22.0.7.0/25 }")
	assert.Contains(t, pod.init(t, with("verify", flags...)...).Stderr, "flags ask for: missing element 22.0.7.0/25 in set exclude-outbound-ip-ranges-ip\n")
}
