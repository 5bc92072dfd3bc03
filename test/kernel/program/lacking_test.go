package program_test

import (
	"bytes"
	"errors"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/test/lab"
)

// lacking runs a command in the pod under a kernel that seems to have neither fib nor
// addrtype.
func (p pod) lacking(t testing.TB, command *exec.Cmd) answer {
	t.Helper()
	return p.lackingAny(t, command, "fib", "addrtype")
}

// lackingAny runs a command in the pod under a kernel that refuses what has such names.
func (p pod) lackingAny(t testing.TB, command *exec.Cmd, names ...string) answer {
	t.Helper()
	var out, stderr bytes.Buffer
	command.Stdout, command.Stderr = &out, &stderr
	err := p.DoLacking(command, names...)
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) {
		require.NoError(t, err)
	}
	return answer{command.ProcessState.ExitCode(), out.String(), stderr.String()}
}

// A kernel that cannot tell what is for the pod gets the pod's addresses in its place,
// and both apply and verify say so.
func TestAKernelThatCannotTellWhatIsForThePod(t *testing.T) {
	const form = `form="inbound rules list the pod's addresses, because the kernel cannot tell what is for the pod"`
	for backend, listed := range map[string]struct {
		by          []string
		rules, none []string
	}{
		"nftables": {
			by: []string{"nft", "list", "ruleset"},
			rules: []string{
				"ip daddr != @own-addresses-ip return\n", "ip6 daddr != @own-addresses-ip6 return\n",
				"elements = { 10.244.0.2 }", "fd00:244::2",
			},
			none: []string{"fib"},
		},
		"iptables": {
			by: []string{"sh", "-ec", "iptables-legacy-save; ip6tables-legacy-save"},
			rules: []string{
				"-A KRM_BYPASS_INPUT -i lo -j RETURN\n-A KRM_BYPASS_INPUT -d 10.244.0.2/32 -p tcp -m multiport --dports 7001,8000:8010 -j ACCEPT\n",
				"-A KRM_BYPASS_INPUT -d fd00:244::2/128 -p tcp -m multiport --dports 7001,8000:8010 -j ACCEPT\n",
			},
			none: []string{"addrtype"},
		},
	} {
		t.Run(backend, func(t *testing.T) {
			host, _ := lab.NewPod(t, lab.DualStack)
			pod := pod{host}
			by := func(args ...string) *exec.Cmd {
				return withPrograms(slices.Concat(args, []string{"--backend=" + backend})...)
			}

			got := pod.lacking(t, by(settings...))
			require.Equal(t, succeeded, got.Code, got.Stderr)
			assert.Regexp(t, `^time=\S+ level=INFO msg="bypass applied" `+form+` backend=`+backend+` reason="asked for" `, got.Stderr)
			there := pod.Run(t, listed.by...)
			for _, rule := range listed.rules {
				assert.Contains(t, there, rule)
			}
			for _, word := range listed.none {
				assert.NotContains(t, there, word)
			}
			got = pod.lacking(t, by(with("verify", settings...)...))
			assert.Equal(t, succeeded, got.Code, got.Stderr)
			assert.Regexp(t, `^time=\S+ level=INFO msg="bypass verified" `+form+` backend=`+backend+`\n$`, got.Stderr)

			got = pod.lacking(t, by(with("verify", settings[:2]...)...))
			assert.Equal(t, failed, got.Code)

			pod.Run(t, "ip", "address", "add", "10.244.0.3/24", "dev", "eth0")
			got = pod.lacking(t, by(with("verify", settings...)...))
			assert.Equal(t, failed, got.Code, "an address that the rules do not know")

			// With a kernel that can tell, the next run needs no addresses.
			got = pod.result(t, by(settings...))
			require.Equal(t, succeeded, got.Code, got.Stderr)
			assert.NotContains(t, got.Stderr, "form=")
			assert.Equal(t, answer{}, pod.result(t, by(with("verify", settings...)...)))
			there = pod.Run(t, listed.by...)
			assert.True(t, strings.Contains(there, "fib daddr type != local return") || strings.Contains(there, "-m addrtype ! --dst-type LOCAL -j RETURN"), there)
		})
	}
}

// Settings that say nothing of inbound traffic need neither.
func TestOutboundRulesNeedNoSuchKernel(t *testing.T) {
	for _, backend := range []string{"nftables", "iptables"} {
		pod, outbound := newPod(t), []string{"--backend=" + backend, "--exclude-outbound-ports=5432"}
		got := pod.lacking(t, withPrograms(outbound...))
		assert.Equal(t, succeeded, got.Code, got.Stderr)
		assert.NotContains(t, got.Stderr, "form=")
		assert.Equal(t, answer{}, pod.lacking(t, withPrograms(with("verify", outbound...)...)))
	}
}

// A kernel by whose means no connection can be hidden from TPROXY gets the rest, with
// the chains for it empty, and both apply and verify say so.
func TestAKernelThatCannotHideFromTPROXY(t *testing.T) {
	const (
		seen   = "inbound TCP under TPROXY is the mesh's annotation's alone, because the kernel cannot hide it from the mesh"
		listed = "inbound rules list the pod's addresses, because the kernel cannot tell what is for the pod"
	)
	for _, kernel := range []struct {
		name  string
		lacks []string
		form  string
		guard string
	}{
		{"ct", []string{lab.Conntrack}, seen, "fib daddr type != local return"},
		{"payload writes", []string{lab.PayloadWrites}, seen, "fib daddr type != local return"},
		{"ct and fib", []string{lab.Conntrack, "fib"}, listed + "; " + seen, "ip daddr != @own-addresses-ip return"},
	} {
		t.Run(kernel.name, func(t *testing.T) {
			host, _ := lab.NewPod(t, lab.DualStack)
			pod := pod{host}
			got := pod.lackingAny(t, withPrograms(settings...), kernel.lacks...)
			require.Equal(t, succeeded, got.Code, got.Stderr)
			assert.Contains(t, got.Stderr, `msg="bypass applied" form="`+kernel.form+`" backend=nftables`)
			there := pod.Run(t, "nft", "list", "ruleset")
			assert.Contains(t, there, kernel.guard)
			assert.Contains(t, there, "goto bypass")
			assert.Contains(t, there, "chain hide-from-tproxy {\n\t}\n")
			assert.NotContains(t, there, "ct ")
			assert.NotContains(t, there, "type filter")

			again := pod.lackingAny(t, withPrograms(settings...), kernel.lacks...)
			assert.Equal(t, succeeded, again.Code, again.Stderr)
			assert.Equal(t, there, pod.Run(t, "nft", "list", "ruleset"))
			got = pod.lackingAny(t, withPrograms(with("verify", settings...)...), kernel.lacks...)
			assert.Equal(t, succeeded, got.Code, got.Stderr)
			assert.Contains(t, got.Stderr, `msg="bypass verified" form="`+kernel.form+`" backend=nftables`)

			pod.Run(t, "nft", "delete", "chain", "inet", "krm-bypass", "show-after-tproxy")
			got = pod.lackingAny(t, withPrograms(with("verify", settings...)...), kernel.lacks...)
			assert.Equal(t, failed, got.Code)
			assert.Contains(t, got.Stderr, "ask for: missing chain show-after-tproxy\n")

			// A kernel that can is no reason to have them empty.
			require.Equal(t, succeeded, pod.lackingAny(t, withPrograms(settings...), kernel.lacks...).Code)
			got = pod.result(t, withPrograms(with("verify", settings...)...))
			assert.Equal(t, failed, got.Code)
			assert.Contains(t, got.Stderr, "ask for: chain hide-from-tproxy is empty, although the kernel can hide what bypasses from TPROXY\n")
			assert.Equal(t, there, pod.Run(t, "nft", "list", "ruleset"), "asking it changes nothing")

			// With a kernel that can, the next run hides.
			got = pod.result(t, withPrograms(settings...))
			require.Equal(t, succeeded, got.Code, got.Stderr)
			assert.NotContains(t, got.Stderr, "form=")
			assert.Equal(t, answer{}, pod.result(t, withPrograms(with("verify", settings...)...)))
			assert.Contains(t, pod.Run(t, "nft", "list", "ruleset"), "goto hide")
		})
	}
}

// Settings that let no inbound TCP bypass hide nothing.
func TestSuchKernelsTakeWhatHidesNothing(t *testing.T) {
	for _, settings := range [][]string{{"--exclude-outbound-ports=5432"}, {"--exclude-inbound-ports=53/UDP"}} {
		pod := newPod(t)
		got := pod.lackingAny(t, withPrograms(settings...), lab.Conntrack, lab.PayloadWrites)
		assert.Equal(t, succeeded, got.Code, got.Stderr)
		assert.NotContains(t, got.Stderr, "form=")
		assert.Equal(t, answer{}, pod.lackingAny(t, withPrograms(with("verify", settings...)...), lab.Conntrack, lab.PayloadWrites))
	}
}
