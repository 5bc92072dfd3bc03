package e2e_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/krm-bypass/krm-bypass/test/lab"
	"github.com/krm-bypass/krm-bypass/test/lab/interceptor"
)

var excludedRangeAnswers = check{name: "excluded-range-answers", by: theApplication, to: cardProcessor, port: 443, answer: outside}

// Where Istio may choose, it takes the backend that has rules already: ours.
func TestIstioFollowsToLegacy(t *testing.T) {
	mesh := variant{interceptor.Variant{Interceptor: interceptor.Istio("unforced", "--dual-stack"), DualStack: true}, byIptables}
	for _, family := range bothFamilies {
		t.Run(family.Name, func(t *testing.T) {
			pod := newPod(t, mesh, orders[0], family, bypass)
			saved := pod.Run(t, "sh", "-ec", "iptables-legacy-save; ip6tables-legacy-save")
			assert.Contains(t, saved, "-A OUTPUT -j KRM_BYPASS_OUTPUT\n-A OUTPUT -j ISTIO_OUTPUT\n")
			assert.Empty(t, pod.Run(t, "nft", "list", "ruleset"))
			excludedRangeAnswers.run(t, pod)
		})
	}
}

// Kuma does too.
func TestKumaFollowsToLegacy(t *testing.T) {
	mesh := variant{interceptor.Variant{Interceptor: interceptor.ByInit("kuma-unforced", interceptor.KumaProxy, interceptor.KumaInit{}, nil)}, byIptables}
	for _, family := range bothFamilies {
		t.Run(family.Name, func(t *testing.T) {
			pod := newPod(t, mesh, orders[0], family, bypass)
			assert.Empty(t, pod.Run(t, "nft", "list", "ruleset"))
			excludedRangeAnswers.run(t, pod)
		})
	}
}

// What docs/enforcement.md warns of: Kuma puts its rules for DNS above those that are there,
// and below those that come later. nftables is in front of both.
func TestKumaPutsItsDNSAboveIptables(t *testing.T) {
	freed := check{name: "dns-over-udp", by: theApplication, udp: true, to: nameServer, port: 53, answer: outside}
	captured := freed
	captured.answer = "dns proxy"
	legacy := interceptor.Variant{Interceptor: interceptor.ByInit("kuma", interceptor.KumaProxy, interceptor.KumaInit{Backend: interceptor.IptablesLegacy}, nil)}
	for _, try := range []struct {
		ours  backend
		order order
		want  check
	}{
		{byIptables, orders[0], captured},
		{byIptables, orders[1], freed},
		{byNftables, orders[0], freed},
	} {
		for _, family := range bothFamilies {
			t.Run(strings.Join(append([]string{try.order.name, family.Name}, try.ours.arguments...), "/"), func(t *testing.T) {
				try.want.run(t, newPod(t, variant{legacy, try.ours}, try.order, family, []string{"--exclude-outbound-ports=53"}))
			})
		}
	}
}

// What docs/enforcement.md warns of: iptables-legacy binds no mesh on nf_tables.
func TestIptablesDoesNotBindNftables(t *testing.T) {
	for _, mesh := range []variant{
		{interceptor.Variant{Interceptor: interceptor.Istio("iptables-nft", "--force-iptables-binary", "nft")}, byIptables},
		{interceptor.Variant{Interceptor: interceptor.Istio("native-nftables", "--native-nftables")}, byIptables},
	} {
		t.Run(mesh.Name, func(t *testing.T) {
			pod := newPod(t, mesh, orders[0], lab.IPv4, bypass)
			intercepted := excludedRangeAnswers
			intercepted.answer = refused
			intercepted.run(t, pod)
		})
	}
}
