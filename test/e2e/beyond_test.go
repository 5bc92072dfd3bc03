package e2e_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/test/lab"
)

// ledger is a workload that says nothing itself.
const ledger = `
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: ledger, namespace: shop}
    spec:
      template:
        spec:
          containers: [{name: app, image: "app:1"}]
`

// under is what the function writes for the ledger under a spec.
type under string

func (spec under) written(t *testing.T) template {
	t.Helper()
	list := fmt.Sprintf(`
apiVersion: config.kubernetes.io/v1
kind: ResourceList
items:
  -%s
functionConfig:
    apiVersion: krm-bypass.dev/v1alpha1
    kind: ClusterBypass
    metadata: {name: cluster}
    spec: %s
`, ledger, spec)
	output, results, err := fn.Process([]byte(list), fn.Options{Image: "ghcr.io/krm-bypass/init:v0.1.0"})
	require.NoError(t, err, results)
	var written struct{ Items []object }
	require.NoError(t, yaml.Unmarshal(output, &written))
	return written.Items[0].Spec.Template
}

func (spec under) arguments(t *testing.T) []string {
	t.Helper()
	arguments := spec.written(t).arguments()
	require.NotEmpty(t, arguments, "the arguments of the init container")
	return arguments
}

func (spec under) annotations(t *testing.T) map[string]string {
	t.Helper()
	return spec.written(t).Metadata.Annotations
}

const (
	// Linkerd has no annotation for outbound ranges.
	rangesOnLinkerd under = `
      mesh: Linkerd
      global:
        excludeInboundPorts: ["7001-7005"]
        excludeOutboundPorts: [6379]
        excludeOutboundIPRanges: [192.0.2.0/24, "2001:db8:2::/48"]`
	// FSM's init container takes fifteen ports.
	sixteenPortsOnFSM under = `
      mesh: FSM
      global:
        excludeInboundPorts: [7001]
        excludeOutboundPorts: ["9001-9016"]
        excludeOutboundIPRanges: [203.0.113.10]`
)

const (
	// To Kuma an excluded range is one for every protocol: name servers in it are asked
	// past its DNS.
	rangesOnKuma under = `
      mesh: Kuma
      global:
        excludeInboundPorts: ["7001-7005"]
        excludeOutboundPorts: [6379]
        excludeOutboundIPRanges: [192.0.2.0/24, "2001:db8:2::/48"]`
	// Its rules for DNS come before those for excluded ports.
	dnsOnKuma under = `
      mesh: Kuma
      global: {excludeOutboundPorts: [53]}`
)

func noArguments(*testing.T) []string { return nil }

// linkerdIPv4 takes ranges of IPv4, at which the other fails: it gives ip6tables the same.
var linkerdIPv4 = slices.DeleteFunc(slices.Clone(linkerdVariants), func(v variant) bool { return len(v.Families) > 1 })

// kumaWithDNS are Kuma's interceptors that take DNS; in front of those beneath, ours is
// not put below its rules for DNS (see TestKumaPutsItsDNSAboveIptables).
var (
	kumaWithDNS    = slices.DeleteFunc(slices.Clone(kumaVariants), func(v variant) bool { return !v.CapturesDNS("udp") })
	kumaWithRanges = slices.DeleteFunc(slices.Clone(kumaWithDNS), func(v variant) bool { return v.Unread != nil })
	kumaByNftables = slices.DeleteFunc(slices.Clone(kumaWithDNS), func(v variant) bool { return v.ours.arguments != nil })
)

// beyond are bypasses that the mesh's own annotations cannot say, each with the
// annotations that the function writes: by themselves, and beside the init
// container.
var beyond = []document{
	{name: "Linkerd-outbound-range", meshes: linkerdVariants, pods: []workload{
		{name: "annotations-alone", annotations: rangesOnLinkerd.annotations, arguments: noArguments, checks: []check{
			{name: "inbound-range-of-ports-reaches-the-application", by: theOutside, to: lab.PodAddress, port: 7002, answer: application},
			{name: "excluded-port-answers", by: theApplication, to: somewhereElse, port: 6379, answer: outside},
			{name: "excluded-range-does-not", by: theApplication, to: cardProcessor, port: 443, answer: refused},
		}},
		{name: "with-init-container", annotations: rangesOnLinkerd.annotations, arguments: rangesOnLinkerd.arguments, checks: []check{
			{name: "inbound-range-of-ports-reaches-the-application", by: theOutside, to: lab.PodAddress, port: 7002, answer: application},
			{name: "other-inbound-reaches-the-proxy", by: theOutside, to: lab.PodAddress, port: 8080, answer: toApp},
			{name: "excluded-port-answers", by: theApplication, to: somewhereElse, port: 6379, answer: outside},
			{name: "excluded-range-answers", by: theApplication, to: cardProcessor, port: 443, answer: outside, server: outside},
			{name: "another-destination-does-not", by: theApplication, to: notCardProcessor, port: 443, answer: refused},
		}},
	}},
	// What the function does not write: it is about callers.
	{name: "Linkerd-subnets", meshes: linkerdIPv4, pods: []workload{
		{name: "annotations-alone", annotations: skippedSubnet, arguments: noArguments, checks: []check{
			{name: "inbound-from-there-reaches-the-application", by: theOutside, to: lab.PodAddress, port: 8080, answer: application},
			{name: "outbound-to-there-does-not", by: theApplication, to: lab.OutsideAddress, port: 443, answer: refused},
		}},
	}},
	{name: "Kuma-outbound-range", meshes: kumaWithDNS, pods: []workload{
		{name: "annotations-alone", annotations: rangesOnKuma.annotations, arguments: noArguments, checks: []check{
			{name: "inbound-range-of-ports-reaches-the-application", by: theOutside, to: lab.PodAddress, port: 7002, answer: application},
			{name: "excluded-port-answers", by: theApplication, to: somewhereElse, port: 6379, answer: outside},
			{name: "excluded-range-does-not", by: theApplication, to: cardProcessor, port: 443, answer: refused},
			{name: "dns-to-the-range-is-the-meshs", by: theApplication, udp: true, to: nameServer, port: 53, answer: "dns proxy"},
		}},
		{name: "with-init-container", annotations: rangesOnKuma.annotations, arguments: rangesOnKuma.arguments, checks: []check{
			{name: "inbound-range-of-ports-reaches-the-application", by: theOutside, to: lab.PodAddress, port: 7002, answer: application},
			{name: "other-inbound-reaches-the-proxy", by: theOutside, to: lab.PodAddress, port: 8080, answer: toApp},
			{name: "excluded-port-answers", by: theApplication, to: somewhereElse, port: 6379, answer: outside},
			{name: "excluded-range-answers", by: theApplication, to: cardProcessor, port: 443, answer: outside, server: outside},
			{name: "another-destination-does-not", by: theApplication, to: notCardProcessor, port: 443, answer: refused},
			{name: "dns-to-the-range-is-the-meshs", by: theApplication, udp: true, to: nameServer, port: 53, answer: "dns proxy"},
		}},
	}},
	{name: "Kuma-range-of-its-own", meshes: kumaWithRanges, pods: []workload{
		{name: "by-its-own-annotation", annotations: rangesOfKumasOwn, arguments: noArguments, checks: []check{
			{name: "excluded-range-answers", by: theApplication, to: cardProcessor, port: 443, answer: outside},
			{name: "dns-to-the-range-is-too", by: theApplication, udp: true, to: nameServer, port: 53, answer: outside},
			{name: "dns-elsewhere-is-the-meshs", by: theApplication, udp: true, to: somewhereElse, port: 53, answer: "dns proxy"},
		}},
	}},
	{name: "Kuma-DNS", meshes: kumaByNftables, pods: []workload{
		{name: "annotations-alone", annotations: dnsOnKuma.annotations, arguments: noArguments, checks: []check{
			{name: "dns-over-udp-is-the-meshs", by: theApplication, udp: true, to: nameServer, port: 53, answer: "dns proxy"},
			{name: "dns-over-tcp-answers", by: theApplication, to: nameServer, port: 53, answer: outside},
		}},
		{name: "with-init-container", annotations: dnsOnKuma.annotations, arguments: dnsOnKuma.arguments, checks: []check{
			{name: "dns-over-udp-answers", by: theApplication, udp: true, to: nameServer, port: 53, answer: outside},
			{name: "dns-over-tcp-answers", by: theApplication, to: nameServer, port: 53, answer: outside},
			{name: "another-port-does-not", by: theApplication, to: nameServer, port: 443, answer: refused},
		}},
	}},
	{name: "FSM-sixteen-ports", meshes: fsmVariants, pods: []workload{
		{name: "annotations-alone", annotations: sixteenPortsOnFSM.annotations, arguments: noArguments, checks: []check{
			{name: "inbound-7001-reaches-the-application", by: theOutside, to: lab.PodAddress, port: 7001, answer: application},
			{name: "excluded-address-answers", by: theApplication, to: excludedAddress, port: 80, answer: outside},
			{name: "first-port-does-not", by: theApplication, to: somewhereElse, port: 9001, answer: refused},
			{name: "sixteenth-port-does-not", by: theApplication, to: somewhereElse, port: 9016, answer: refused},
		}},
		{name: "with-init-container", annotations: sixteenPortsOnFSM.annotations, arguments: sixteenPortsOnFSM.arguments, checks: []check{
			{name: "inbound-7001-reaches-the-application", by: theOutside, to: lab.PodAddress, port: 7001, answer: application},
			{name: "other-inbound-reaches-the-proxy", by: theOutside, to: lab.PodAddress, port: 8080, answer: toApp},
			{name: "excluded-address-answers", by: theApplication, to: excludedAddress, port: 80, answer: outside},
			{name: "first-port-answers", by: theApplication, to: somewhereElse, port: 9001, answer: outside, server: outside},
			{name: "sixteenth-port-answers", by: theApplication, to: somewhereElse, port: 9016, answer: outside, server: outside},
			{name: "seventeenth-port-does-not", by: theApplication, to: somewhereElse, port: 9017, answer: refused},
		}},
	}},
}

func skippedSubnet(*testing.T) map[string]string {
	return map[string]string{"config.linkerd.io/skip-subnets": "10.244.0.0/24"}
}

// rangesOfKumasOwn is what the function does not write.
func rangesOfKumasOwn(*testing.T) map[string]string {
	return map[string]string{"traffic.kuma.io/exclude-outbound-ips": "192.0.2.0/24,2001:db8:2::/48"}
}
