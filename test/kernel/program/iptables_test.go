package program_test

import (
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/krm-bypass/krm-bypass/test/lab"
)

// withPrograms is the program in an image that has iptables.
func withPrograms(args ...string) *exec.Cmd {
	command := initContainer(slices.Concat(args, []string{"--termination-log="})...)
	command.Env = []string{"PATH=" + os.Getenv("PATH")}
	return command
}

func saved(t testing.TB, pod pod) string {
	t.Helper()
	return pod.Run(t, "sh", "-ec", "iptables-legacy-save; ip6tables-legacy-save")
}

// The life of a bypass where iptables is asked for.
func TestTheLifeOfABypassByIptables(t *testing.T) {
	pod := newPod(t)
	different := "krm-bypass-init: verifying the bypass: the kernel (iptables) differs from what the flags ask for: IPv4: "
	for _, step := range []struct {
		name, stderr string
		args         []string
		code         int
	}{
		{"verify before", different, with("verify", settings...), failed},
		{"apply", "", with("apply", settings...), succeeded},
		{"verify", "", with("verify", settings...), succeeded},
		{"apply again", "", settings, succeeded},
		{"verify again", "", with("verify", settings...), succeeded},
		{"verify other flags", different, with("verify", settings[:1]...), failed},
		{"apply other flags", "", settings[:1], succeeded},
		{"verify other flags again", "", with("verify", settings[:1]...), succeeded},
		{"clean", "", with("clean"), succeeded},
		{"verify what was cleaned", different, with("verify", settings[:1]...), failed},
		{"clean again", "", with("clean"), succeeded},
	} {
		got := pod.result(t, withPrograms(slices.Concat(step.args, []string{"--backend=iptables"})...))
		assert.Equal(t, step.code, got.Code, "%s: %s", step.name, got.Stderr)
		assert.Empty(t, got.Out, step.name)
		switch {
		case step.code != succeeded:
			assert.True(t, strings.HasPrefix(got.Stderr, step.stderr), "%s: %s", step.name, got.Stderr)
		case step.args[0] == "apply" || strings.HasPrefix(step.args[0], "-"):
			assert.Regexp(t, `^time=\S+ level=INFO msg="bypass applied" backend=iptables reason="asked for" ports=\d ranges=\d pairs=\d duration=\S+s\n$`, got.Stderr, step.name)
		default:
			assert.Empty(t, got.Stderr, step.name)
		}
	}
	assert.NotContains(t, saved(t, pod), "KRM_BYPASS")
	assert.Empty(t, pod.Run(t, "nft", "list", "ruleset"))
}

// Whichever backend applied it, clean takes it away.
func TestCleanTakesAwayWhatAnyBackendLeft(t *testing.T) {
	pod := newPod(t)
	for _, backend := range []string{"nftables", "iptables"} {
		require.Equal(t, succeeded, pod.result(t, withPrograms(with("--backend="+backend, settings...)...)).Code)
	}
	assert.Contains(t, saved(t, pod), "KRM_BYPASS")
	assert.Equal(t, answer{}, pod.result(t, withPrograms("clean")))
	assert.NotContains(t, saved(t, pod), "KRM_BYPASS")
	assert.Empty(t, pod.Run(t, "nft", "list", "ruleset"))
}

// auto takes nftables whenever the kernel takes the transaction, whatever
// programs the image has.
func TestAutoTakesIptablesOnlyWithoutNftables(t *testing.T) {
	pod := newPod(t)
	got := pod.result(t, withPrograms(settings...))
	assert.Contains(t, got.Stderr, `backend=nftables reason="the first that works here"`)

	pod = newPod(t)
	got = pod.resultWithoutNftables(t, withPrograms(settings...))
	require.Equal(t, succeeded, got.Code, got.Stderr)
	assert.Regexp(t, `^time=\S+ level=INFO msg="bypass applied" backend=iptables reason="nftables: [^\n]+: the kernel has no nf_tables that could take the rules" ports=2 ranges=2 pairs=1 duration=\S+s\n$`, got.Stderr)
	assert.Equal(t, answer{}, pod.resultWithoutNftables(t, withPrograms(with("verify", settings...)...)))
	assert.Contains(t, saved(t, pod), "-A OUTPUT -j KRM_BYPASS_OUTPUT\n")
	assert.Equal(t, answer{}, pod.resultWithoutNftables(t, withPrograms("clean")))
	assert.NotContains(t, saved(t, pod), "KRM_BYPASS")
}

// On an empty base there is no second way.
func TestNeitherNftablesNorIptables(t *testing.T) {
	got := newPod(t).resultWithoutNftables(t, initContainer(with("--termination-log=", settings...)...))
	assert.Equal(t, failed, got.Code)
	assert.Regexp(t, `^krm-bypass-init: applying the bypass: nftables: [^\n]+ the kernel has no nf_tables [^\n]+; iptables: iptables-legacy and ip6tables-legacy are not here, take an image that has them\n$`, got.Stderr)
}

// What cannot be ended is no success, with the new rules in force.
func TestConnectionsCannotBeEnded(t *testing.T) {
	pod := newPod(t)
	got := pod.resultWithoutNftables(t, withPrograms(with("--end-connections", settings...)...))
	assert.Equal(t, failed, got.Code)
	assert.Regexp(t, `^krm-bypass-init: ending what bypassed before: [^\n]+: the kernel has no nf_conntrack_netlink, by which connections are ended: give the nodes one that has it, or let no init container with restartPolicy Always stand before this one\n$`, got.Stderr)
	assert.Equal(t, answer{}, pod.resultWithoutNftables(t, withPrograms(with("verify", with("--end-connections", settings...)...)...)))
}

func TestIptablesWithoutNetAdmin(t *testing.T) {
	pod := newPod(t)
	for _, command := range []string{"apply", "verify"} {
		got := pod.result(t, withoutNetAdmin(withPrograms(with(command, with("--backend=iptables", settings...)...)...)))
		assert.Equal(t, failed, got.Code, command)
		assert.Regexp(t, `^krm-bypass-init: [^\n]+: operation not permitted: iptables-legacy needs the capabilities NET_ADMIN and NET_RAW, add them [^\n]+\n$`, got.Stderr, command)
	}
}

// withOnly is how to run a command that has these capabilities and no other, as
// the function writes the container.
func withOnly(capabilities string, command *exec.Cmd) *exec.Cmd {
	wrapped := exec.Command("setpriv", append([]string{"--bounding-set=-all," + capabilities, "--inh-caps=-all", "--no-new-privs", "--"}, command.Args...)...)
	wrapped.Env = command.Env
	return wrapped
}

// What the function writes into the container is enough, and no more than that:
// NET_ADMIN, and NET_RAW where the backend is iptables.
func TestTheCapabilitiesThatABackendNeeds(t *testing.T) {
	const missing = "operation not permitted: iptables-legacy needs the capabilities NET_ADMIN and NET_RAW, add them to the container's securityContext.capabilities.add, as krm-bypass does where spec.enforcement.backend is iptables\n"
	by := func(backend string) *exec.Cmd { return withPrograms(with("--backend="+backend, settings...)...) }

	got := newPod(t).result(t, withOnly("+net_admin", by("auto")))
	assert.Equal(t, succeeded, got.Code, got.Stderr)
	got = newPod(t).result(t, withOnly("+net_admin,+net_raw", by("iptables")))
	assert.Equal(t, succeeded, got.Code, got.Stderr)

	for backend, result := range map[string]func(pod, *exec.Cmd) answer{
		"iptables": func(p pod, c *exec.Cmd) answer { return p.result(t, c) },
		"auto":     func(p pod, c *exec.Cmd) answer { return p.resultWithoutNftables(t, c) },
	} {
		for _, capabilities := range []string{"+net_admin", "+net_raw"} {
			pod := newPod(t)
			got := result(pod, withOnly(capabilities, by(backend)))
			assert.Equal(t, failed, got.Code, "%s with %s", backend, capabilities)
			assert.Contains(t, got.Stderr, missing, "%s with %s", backend, capabilities)
			assert.NotContains(t, saved(t, pod), "KRM_BYPASS")
		}
	}
}

// As the function writes the container: nothing but /dev can be written.
func TestIptablesWithAReadOnlyRoot(t *testing.T) {
	readOnly := exec.Command("unshare", "--mount", "sh", "-ec", `mount -t tmpfs -o ro none /run; mount -t tmpfs none /dev/shm; exec "$0" "$@"`)
	readOnly.Args = append(readOnly.Args, withPrograms(with("--backend=iptables", settings...)...).Args...)
	pod := newPod(t)
	got := pod.result(t, readOnly)
	assert.Equal(t, succeeded, got.Code, got.Stderr)
	assert.Contains(t, saved(t, pod), "-A PREROUTING -j KRM_BYPASS_INPUT\n")
}

// A node's own rules may be by iptables-legacy, as in a kernel where that is all
// there is.
func TestANodeOfLegacyRulesIsRefused(t *testing.T) {
	for mark, rule := range map[string]string{
		"the chain mangle KUBE-IPTABLES-HINT": "iptables-legacy -t mangle -N KUBE-IPTABLES-HINT",
		"the chain nat KUBE-SERVICES":         "ip6tables-legacy -t nat -N KUBE-SERVICES",
	} {
		pod := newPod(t)
		pod.Run(t, strings.Fields(rule)...)
		before := saved(t, pod)
		got := pod.result(t, withPrograms(with("--backend=iptables", settings...)...))
		assert.Equal(t, failed, got.Code)
		assert.Contains(t, got.Stderr, mark+" is here, which only nodes have;")
		assert.Equal(t, chainsIn(before), chainsIn(saved(t, pod)))
	}
}

// chainsIn leaves out the comments, in which there is the time.
func chainsIn(saved string) []string {
	return slices.DeleteFunc(strings.Split(saved, "\n"), func(line string) bool { return strings.HasPrefix(line, "#") })
}

func TestIptablesTakesWhatIsShown(t *testing.T) {
	shown(t, "rules.iptables", []string{"iptables-legacy-restore", "--noflush"}, []string{"ip6tables-legacy-restore", "--noflush"})
}

func TestEightProcessesOfIptablesAtOnce(t *testing.T) {
	pod := newPod(t)
	commands := make([]*exec.Cmd, 8)
	for i := range commands {
		commands[i] = withPrograms(with("--backend=iptables", settings...)...)
		require.NoError(t, pod.Do(0, commands[i].Start))
	}
	for _, command := range commands {
		assert.NoError(t, command.Wait())
	}
	assert.Equal(t, answer{}, pod.result(t, withPrograms(with("verify", with("--backend=iptables", settings...)...)...)))
}

// resultWithoutNftables runs a command in the pod under a kernel that seems to
// have no netlink for packet filters, which nf_tables is spoken to by.
func (p pod) resultWithoutNftables(t testing.TB, command *exec.Cmd) answer {
	t.Helper()
	var out, stderr strings.Builder
	command.Stdout, command.Stderr = &out, &stderr
	err := p.Do(lab.Root, func() error {
		if err := refuseNetfilterSockets(); err != nil {
			return err
		}
		return command.Run()
	})
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) {
		require.NoError(t, err)
	}
	return answer{command.ProcessState.ExitCode(), out.String(), stderr.String()}
}

// refuseNetfilterSockets makes socket(AF_NETLINK, ..., NETLINK_NETFILTER) fail,
// for the calling thread and what it starts, as it does in a kernel built
// without (linux net/netlink/af_netlink.c, netlink_create).
func refuseNetfilterSockets() error {
	const number, domain, protocol = 0, 16, 32 // in struct seccomp_data: nr, args[0], args[2]
	load := func(offset uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
	}
	unless := func(value uint32, skip uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: value, Jf: skip}
	}
	answer := func(value uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: value}
	}
	program := []unix.SockFilter{
		load(number), unless(unix.SYS_SOCKET, 5),
		load(domain), unless(unix.AF_NETLINK, 3),
		load(protocol), unless(unix.NETLINK_NETFILTER, 1),
		answer(unix.SECCOMP_RET_ERRNO | uint32(unix.EPROTONOSUPPORT)),
		answer(unix.SECCOMP_RET_ALLOW),
	}
	filter := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	return unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&filter)), 0, 0)
}

// By iptables nothing is hidden from TPROXY, and where it is there apply and verify say so.
func TestTPROXYIsSaidBesideIptables(t *testing.T) {
	const form = `form="inbound TCP under TPROXY is the mesh's annotation's alone, because rules of iptables do not come before it"`
	tproxy := "PREROUTING -p tcp -j TPROXY --on-port 15006 --tproxy-mark 1337"
	for _, test := range []struct {
		rule string
		said bool
		by   []string
	}{
		{"iptables-legacy -t mangle -A " + tproxy, true, settings},
		{"ip6tables-legacy -t mangle -A " + tproxy, true, settings},
		{"iptables-nft -t mangle -A " + tproxy, true, settings},
		{"iptables-legacy -t mangle -A " + tproxy, false, settings[:1]},
		{"iptables-legacy -t mangle -A PREROUTING -p tcp -j MARK --set-mark 1", false, settings},
	} {
		pod := newPod(t)
		pod.Run(t, strings.Fields(test.rule)...)
		for _, command := range []string{"apply", "verify"} {
			got := pod.result(t, withPrograms(with(command, with("--backend=iptables", test.by...)...)...))
			assert.Equal(t, succeeded, got.Code, got.Stderr)
			assert.Equal(t, test.said, strings.Contains(got.Stderr, form), "%s beside %s: %s", command, test.rule, got.Stderr)
		}
	}
}
