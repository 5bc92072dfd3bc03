package program_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What one backend left would bypass beside what the other has.
func TestApplyTakesAwayWhatAnotherBackendLeft(t *testing.T) {
	for backend, other := range map[string]string{"nftables": "iptables", "iptables": "nftables"} {
		t.Run(backend, func(t *testing.T) {
			pod, before := newPod(t), []string{"--backend=" + other, "--exclude-outbound-ports=443"}
			require.Equal(t, succeeded, pod.result(t, withPrograms(before...)).Code)
			now := with("--backend="+backend, settings...)
			require.Equal(t, succeeded, pod.result(t, withPrograms(now...)).Code)
			assert.Equal(t, answer{}, pod.result(t, withPrograms(with("verify", now...)...)))
			assert.Equal(t, answer{}, pod.result(t, withPrograms(with("verify", settings...)...)), "auto finds the one that holds it")
			assert.Equal(t, backend == "iptables", strings.Contains(saved(t, pod), "KRM_BYPASS"))
			assert.Equal(t, backend == "nftables", strings.Contains(pod.Run(t, "nft", "list", "ruleset"), "krm-bypass"))
		})
	}
}

func TestVerifyTellsWhatWorksBesideTheBackend(t *testing.T) {
	const port, words = "--exclude-outbound-ports=443", " does not know the rules of another backend and may redirect or drop what should bypass"
	tables := map[string]string{
		"inet": "add table inet mesh\nadd chain inet mesh out { type nat hook output priority -100; }\nadd rule inet mesh out meta l4proto tcp redirect to :15001\n",
		"in":   "add table ip mesh\nadd chain ip mesh in { type nat hook prerouting priority -100; }\nadd rule ip mesh in tcp dport 1-65535 redirect to :15006\n",
		"idle": "add table ip mesh\nadd chain ip mesh out { type nat hook output priority -100; }\n",
		"late": "add table ip mesh\nadd chain ip mesh out { type nat hook postrouting priority 100; }\nadd rule ip mesh out masquerade\n",
	}
	for _, test := range []struct {
		name, backend string
		beside        []string
		stdin         string
		told          string
	}{
		{"rules of nftables", "iptables", []string{"nft", "-f", "-"}, initText(t, "--exclude-outbound-ports=22"), "nftables: table inet krm-bypass is there too, and bypasses what it says"},
		{"rules of iptables", "nftables", []string{"iptables-legacy-restore", "--noflush"}, "*nat\n:KRM_BYPASS_OUTPUT - [0:0]\n-A KRM_BYPASS_OUTPUT -p tcp -j ACCEPT\n-I OUTPUT -j KRM_BYPASS_OUTPUT\nCOMMIT\n",
			"iptables: IPv4: foreign chain KRM_BYPASS_OUTPUT; iptables: IPv4: foreign rule 1 in chain OUTPUT: -j KRM_BYPASS_OUTPUT"},
		{"a mesh by nftables", "iptables", []string{"nft", "-f", "-"}, tables["inet"], "nftables: chain out of table inet mesh, nat hook output priority -100," + words},
		{"a mesh by iptables-nft", "iptables", []string{"iptables-nft-restore"}, "*nat\n-A OUTPUT -p tcp -m owner ! --uid-owner 1337 -j REDIRECT --to-ports 15001\nCOMMIT\n",
			"nftables: chain OUTPUT of table ip nat, nat hook output priority -100," + words},
		{"a mesh by nftables, where we bind it", "nftables", []string{"nft", "-f", "-"}, tables["inet"], ""},
		{"where the settings say nothing", "iptables", []string{"nft", "-f", "-"}, tables["in"], ""},
		{"a chain without rules", "iptables", []string{"nft", "-f", "-"}, tables["idle"], ""},
		{"another hook", "iptables", []string{"nft", "-f", "-"}, tables["late"], ""},
		{"a mesh by iptables", "iptables", []string{"iptables-legacy-restore", "--noflush"}, "*nat\n-A OUTPUT -p tcp -j REDIRECT --to-ports 15001\nCOMMIT\n", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			pod := newPod(t)
			require.Equal(t, succeeded, pod.result(t, withPrograms("--backend="+test.backend, port)).Code)
			pod.Feed(t, test.stdin, test.beside...)
			got := pod.result(t, withPrograms("verify", "--backend="+test.backend, port))
			if test.told == "" {
				assert.Equal(t, answer{}, got)
				return
			}
			assert.Equal(t, answer{Code: failed, Stderr: "krm-bypass-init: verifying the bypass: the kernel (" + test.backend + ") differs from what the flags ask for: " + test.told + "\n"}, got)
		})
	}
}

// initText is what show prints for nft.
func initText(t *testing.T, flags ...string) string {
	t.Helper()
	return newPod(t).init(t, with("show", flags...)...).Out
}

// Before Linux 5.2 nf_tables had no NAT in tables of the family inet. Only a kernel that
// gets the rules says so, and verify loads none.
func TestAKernelWithoutNATInTablesOfTheFamilyInet(t *testing.T) {
	pod := newPod(t)
	old := func(args ...string) answer {
		return pod.lackingAny(t, withPrograms(args...), "prerouting", "output")
	}
	got := old(settings...)
	require.Equal(t, succeeded, got.Code, got.Stderr)
	require.Contains(t, got.Stderr, "backend=iptables")
	assert.Equal(t, answer{}, old(with("verify", settings...)...))
	assert.Equal(t, failed, old(with("verify", settings[:1]...)...).Code)
	assert.Equal(t, failed, old("verify").Code)

	require.Equal(t, succeeded, old("apply").Code)
	assert.NotContains(t, saved(t, pod), "KRM_BYPASS", "an empty table needs no NAT, and nothing bypasses any more")
	assert.Equal(t, answer{}, old("verify"))

	require.Equal(t, succeeded, old(settings...).Code)
	assert.Empty(t, pod.Run(t, "nft", "list", "ruleset"))
	assert.Equal(t, answer{}, old(with("verify", settings...)...))
}

// NET_ADMIN alone does not read iptables-legacy: a mesh that uses it is no failure.
func TestAMeshByIptablesNeedsNoMoreCapabilities(t *testing.T) {
	pod := newPod(t)
	pod.Run(t, "iptables-legacy", "-t", "nat", "-A", "OUTPUT", "-p", "tcp", "-j", "REDIRECT", "--to-ports", "15001")
	for _, command := range []string{"apply", "verify"} {
		got := pod.result(t, withOnly("+net_admin", withPrograms(with(command, settings...)...)))
		assert.Equal(t, succeeded, got.Code, got.Stderr)
	}
}

// A rule of another chain that leads to ours keeps iptables from deleting ours.
func TestReferencesToOurChainsGoWithThem(t *testing.T) {
	pod := newPod(t)
	by := func(command string) *exec.Cmd {
		return withPrograms(with(command, with("--backend=iptables", settings...)...)...)
	}
	require.Equal(t, succeeded, pod.result(t, by("apply")).Code)
	pod.Run(t, "iptables-legacy", "-t", "nat", "-N", "MESH")
	pod.Run(t, "iptables-legacy", "-t", "nat", "-A", "MESH", "-j", "KRM_BYPASS_OUTPUT")
	pod.Run(t, "iptables-legacy", "-t", "nat", "-A", "MESH", "-p", "tcp", "-j", "RETURN")
	got := pod.result(t, by("verify"))
	assert.Equal(t, failed, got.Code)
	assert.Contains(t, got.Stderr, "ask for: IPv4: foreign rule 1 in chain MESH: -j KRM_BYPASS_OUTPUT\n")
	assert.Equal(t, answer{}, pod.result(t, by("clean")))
	assert.NotContains(t, saved(t, pod), "KRM_BYPASS")
	assert.Contains(t, saved(t, pod), "-A MESH -p tcp -j RETURN\n")
}

// The rules are there, but a chain in front of them decides first.
func TestApplyWarnsOfWhatStandsInFront(t *testing.T) {
	pod := newPod(t)
	pod.Feed(t, "add table ip mesh\nadd chain ip mesh in { type nat hook prerouting priority -102; }\nadd rule ip mesh in tcp dport 1-65535 redirect to :15006\n", "nft", "-f", "-")
	got := pod.init(t, settings...)
	assert.Equal(t, succeeded, got.Code)
	assert.Regexp(t, `^[^\n]+msg="bypass applied"[^\n]+\ntime=\S+ level=WARN msg="the bypass may not hold" because="reading the rules back: chain in of table ip mesh, nat hook prerouting priority -102, comes before ours and may redirect or drop what should bypass"\n$`, got.Stderr)
}

// A kernel that cannot tell what is for the pod needs a list of addresses, and a list of
// none bypasses nothing.
func TestAKernelThatCannotTellAndAPodWithoutAddresses(t *testing.T) {
	for _, backend := range []string{"nftables", "iptables"} {
		pod := newPod(t)
		got := pod.lacking(t, withPrograms(with("--backend="+backend, settings...)...))
		assert.Equal(t, failed, got.Code, "%s: %s", backend, got.Stderr)
	}
}
