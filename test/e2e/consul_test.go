package e2e_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/test/lab"
	"github.com/krm-bypass/krm-bypass/test/lab/interceptor"
)

const (
	// What both sdks of Consul read is in the annotations, but for ranges of IPv6.
	rangesOnConsul under = `
      mesh: Consul
      global:
        excludeInboundPorts: ["7001-7005"]
        excludeOutboundPorts: [6379]
        excludeOutboundIPRanges: [192.0.2.0/24, "2001:db8:2::/48"]`
	// docs/deviations.md has this for dual-stack clusters, where sdk 0.18 fails with ranges.
	pairsOnConsul under = `
      mesh: Consul
      global:
        excludeInboundPorts: ["7001-7005"]
        excludeOutbound: [{ipRanges: [192.0.2.0/24, "2001:db8:2::/48"], ports: [443/TCP, 5432/TCP]}]`
	// OSM reads what FSM does.
	rangesOnOSM under = `
      mesh: OSM
      global:
        excludeInboundPorts: [7001, 7002]
        excludeOutboundPorts: [6379, "9001-9016"]
        includeOutboundIPRanges: [198.18.0.0/15, 203.0.113.0/24]`
)

// consulSingleStack start with ranges in annotations by either sdk.
var consulSingleStack = slices.DeleteFunc(slices.Clone(consulVariants), func(v variant) bool { return v.DualStack })

// asTheFunctionWrites are documents whose annotations the mesh's own injector and init
// container read.
var asTheFunctionWrites = []document{
	{name: "Consul-ranges", meshes: consulSingleStack, pods: []workload{
		{name: "annotations-alone", annotations: rangesOnConsul.annotations, arguments: noArguments, checks: consulChecks},
		{name: "with-init-container", annotations: rangesOnConsul.annotations, arguments: rangesOnConsul.arguments, checks: consulChecks},
	}},
	{name: "Consul-pairs", meshes: consulVariants, pods: []workload{
		{name: "with-init-container", arguments: pairsOnConsul.arguments, checks: []check{
			{name: "inbound-range-of-ports-reaches-the-application", by: theOutside, to: lab.PodAddress, port: 7002, answer: application},
			{name: "other-inbound-reaches-the-proxy", by: theOutside, to: lab.PodAddress, port: 8080, answer: toApp},
			{name: "excluded-range-answers", by: theApplication, to: cardProcessor, port: 443, answer: outside, server: outside},
			{name: "another-port-does-not", by: theApplication, to: cardProcessor, port: 8443, answer: refused},
			{name: "another-destination-does-not", by: theApplication, to: notCardProcessor, port: 443, answer: refused},
		}},
	}},
	{name: "OSM-included-ranges", meshes: osmVariants, pods: []workload{
		{name: "annotations-alone", annotations: rangesOnOSM.annotations, arguments: noArguments, checks: slices.Concat(osmChecks, []check{
			{name: "one-of-seventeen-ports-does-not", by: theApplication, to: somewhereElse, port: 9016, answer: refused},
		})},
		{name: "with-init-container", annotations: rangesOnOSM.annotations, arguments: rangesOnOSM.arguments, checks: slices.Concat(osmChecks, []check{
			{name: "one-of-seventeen-ports-answers", by: theApplication, to: somewhereElse, port: 9016, answer: outside},
		})},
	}},
}

var (
	consulChecks = []check{
		{name: "inbound-range-of-ports-reaches-the-application", by: theOutside, to: lab.PodAddress, port: 7002, answer: application},
		{name: "other-inbound-reaches-the-proxy", by: theOutside, to: lab.PodAddress, port: 8080, answer: toApp},
		{name: "excluded-port-answers", by: theApplication, to: somewhereElse, port: 6379, answer: outside},
		{name: "excluded-range-answers", by: theApplication, to: cardProcessor, port: 443, answer: outside, server: outside},
		{name: "another-destination-does-not", by: theApplication, to: notCardProcessor, port: 443, answer: refused},
	}
	osmChecks = []check{
		{name: "inbound-7001-reaches-the-application", by: theOutside, to: lab.PodAddress, port: 7001, answer: application},
		{name: "other-inbound-reaches-the-proxy", by: theOutside, to: lab.PodAddress, port: 8080, answer: toApp},
		{name: "an-included-range-does-not", by: theApplication, to: somewhereElse, port: 443, answer: refused},
		{name: "what-no-range-includes-answers", by: theApplication, to: cardProcessor, port: 443, answer: outside, server: outside},
	}
)

// Consul's init container of sdk 0.18 fails where it ran before, alike with ours and
// without, and breaks nothing by it; that of 0.19 does not.
func TestConsulRunsAgain(t *testing.T) {
	for _, c := range []interceptor.Consul{
		{Backend: interceptor.IptablesNFT}, {Backend: interceptor.IptablesLegacy}, {Backend: interceptor.IptablesNFT, DualStack: true},
		{Backend: interceptor.Nftables}, {Backend: interceptor.Nftables, DualStack: true},
	} {
		name := c.Interceptor(nil).Name
		i := slices.IndexFunc(consulVariants, func(v variant) bool { return v.Name == name || v.Name == name+"-dns-by-loopback" })
		require.GreaterOrEqual(t, i, 0, name)
		v := consulVariants[i]
		for history, bypasses := range map[string]bool{"alone": false, "behind-ours": true} {
			t.Run(name+"/"+history, func(t *testing.T) {
				pod, _ := lab.NewPod(t, v.PodHas(lab.IPv4))
				if bypasses {
					v.ours.apply(t, pod, bypass...)
				}
				require.NoError(t, c.Try(pod, nil))
				rules := func() string {
					return pod.Run(t, "sh", "-ec", "nft list ruleset; iptables-legacy-save -t nat; ip6tables-legacy-save -t nat")
				}
				held := rules()
				err := c.Try(pod, nil)
				if v.FailsAgain == "" {
					require.NoError(t, err)
				} else {
					require.ErrorContains(t, err, v.FailsAgain)
				}
				assert.Equal(t, uncounted(held), uncounted(rules()))
			})
		}
	}
}

// uncounted drops what changes in a listing by itself: comments with the time.
func uncounted(listing string) []string {
	return slices.DeleteFunc(strings.Split(listing, "\n"), func(line string) bool { return len(line) > 0 && line[0] == '#' })
}
