package e2e_test

import (
	"slices"
	"testing"

	"github.com/krm-bypass/krm-bypass/test/lab"
	"github.com/krm-bypass/krm-bypass/test/lab/sidecar"
)

// document is one of the three and what it has its readers check, or one that
// nobody has written (see beyond).
type document struct {
	name   string
	meshes []variant
	pods   []workload
}

// workload is a pod of an example.
type workload struct {
	name      string
	arguments func(*testing.T) []string // of the init container; none without it
	// annotations are what the mesh reads; nil for none.
	annotations func(*testing.T) map[string]string
	// twins are further arguments for a check in IPv6 where the example's ranges
	// are IPv4.
	twins  []string
	checks []check
}

// Ranges of the examples, each beside its twin.
var (
	cardProcessor        = at("192.0.2.7", "2001:db8:2::7")
	notCardProcessor     = at("198.51.100.7", "2001:db8:51::7")
	passthroughRange     = at("198.51.100.77", "2001:db8:51::77")
	excludedAddress      = at("203.0.113.10", "2001:db8:113::10")
	nextToExcludedOne    = at("203.0.113.11", "2001:db8:113::11")
	somewhereElse        = at("198.18.0.1", "2001:db8:18::1")
	twinOfCardProcessor  = []string{"--exclude-outbound-ip-ranges=2001:db8:2::/48"}
	twinOfPassthrough    = []string{"--exclude-outbound-ip-ranges=2001:db8:51::/48"}
	helloworldPort       = uint16(5000)
	helloworldOutwardsTo = uint16(6379)
)

var documents = []document{
	{name: "ASM", meshes: istioVariants, pods: []workload{
		{name: "orders", arguments: rendered("asm-ports", "Deployment/orders"), twins: twinOfCardProcessor, checks: []check{
			{name: "excluded-range-answers", by: theApplication, to: cardProcessor, port: 443, answer: outside, server: outside},
			{name: "another-destination-does-not", by: theApplication, to: notCardProcessor, port: 443, answer: refused},
			{name: "inbound-7001-reaches-the-application", by: theOutside, to: lab.PodAddress, port: 7001, answer: application},
			{name: "inbound-7005-reaches-the-application", by: theOutside, to: lab.PodAddress, port: 7005, answer: application},
			{name: "inbound-8080-reaches-the-proxy", by: theOutside, to: lab.PodAddress, port: 8080, answer: toApp},
			{name: "outbound-to-7001-reaches-the-proxy", by: theApplication, to: somewhereElse, port: 7001, answer: refused},
			{name: "outbound-to-7001-in-the-excluded-range-reaches-the-proxy", by: theApplication, to: cardProcessor, port: 7001, answer: refused},
		}},
		{name: "reports", arguments: rendered("asm-ports", "Deployment/reports"), checks: []check{
			{name: "its-own-annotation-lets-9090-past", by: theOutside, to: lab.PodAddress, port: 9090, answer: application},
			{name: "and-takes-the-place-of-7001", by: theOutside, to: lab.PodAddress, port: 7001, answer: toApp},
		}},
		{name: "nightly", arguments: rendered("asm-ports", "CronJob/nightly"), twins: twinOfCardProcessor, checks: []check{
			{name: "excluded-range-answers-at-every-port", by: theApplication, to: cardProcessor, port: 7001, answer: outside},
			{name: "inbound-7001-reaches-the-proxy", by: theOutside, to: lab.PodAddress, port: 7001, answer: toApp},
		}},
	}},
	{name: "DCE", meshes: istioVariants, pods: []workload{
		{name: "before-passthrough", arguments: rendered("dce-helloworld/base", "Deployment/helloworld"), checks: helloworldThroughTheProxy},
		{name: "passthrough", arguments: rendered("dce-helloworld/overlays/passthrough", "Deployment/helloworld"), twins: twinOfPassthrough, checks: []check{
			{name: "inbound-has-the-applications-own-header", by: theOutside, to: lab.PodAddress, port: helloworldPort, answer: application, server: application},
			{name: "outbound-port-has-the-servers-own-header", by: theApplication, to: somewhereElse, port: helloworldOutwardsTo, answer: outside, server: outside},
			{name: "outbound-range-has-the-servers-own-header", by: theApplication, to: passthroughRange, port: 80, answer: outside, server: outside},
			{name: "other-inbound-is-istio-envoy", by: theOutside, to: lab.PodAddress, port: 8080, answer: toApp, server: sidecar.Server},
		}},
		{name: "after-switching-off", arguments: rendered("dce-helloworld/overlays/switched-off", "Deployment/helloworld"), checks: helloworldThroughTheProxy},
	}},
	{name: "FSM", meshes: fsmVariants, pods: []workload{
		{name: "curl", arguments: rendered("fsm-ip-range", "Deployment/curl"), checks: []check{
			{name: "excluded-address-answers", by: theApplication, to: excludedAddress, port: 80, answer: outside, server: outside},
			{name: "next-address-does-not", by: theApplication, to: nextToExcludedOne, port: 80, answer: refused},
			{name: "other-egress-is-refused", by: theApplication, to: somewhereElse, port: 80, answer: refused},
		}},
	}},
}

var helloworldThroughTheProxy = []check{
	{name: "inbound-is-istio-envoy", by: theOutside, to: lab.PodAddress, port: helloworldPort, answer: toApp, server: sidecar.Server},
	{name: "outbound-port-is-istio-envoy", by: theApplication, to: somewhereElse, port: helloworldOutwardsTo, answer: refused, server: sidecar.Server},
	{name: "outbound-range-is-istio-envoy", by: theApplication, to: passthroughRange, port: 80, answer: refused, server: sidecar.Server},
}

// TestEndToEnd names its cases document/interceptor/order/family/workload/check.
func TestEndToEnd(t *testing.T) {
	for _, document := range slices.Concat(documents, beyond, asTheFunctionWrites) {
		for _, mesh := range document.meshes {
			for _, order := range orders {
				for _, family := range mesh.Families {
					name := document.name + "/" + mesh.Name + "/" + order.name + "/" + family.Name
					t.Run(name, func(t *testing.T) {
						t.Parallel()
						document.replay(t, mesh, order, family)
					})
				}
			}
		}
	}
}

func (d document) replay(t *testing.T, mesh variant, order order, family lab.Family) {
	for _, workload := range d.pods {
		arguments := workload.arguments(t)
		if family.IPv6 {
			arguments = append(arguments, workload.twins...)
		}
		if workload.annotations != nil {
			mesh.Interceptor = mesh.Annotated(workload.annotations(t))
		}
		history := order
		if len(arguments) == 0 {
			if order.name != orders[0].name {
				continue // it has none
			}
			history = meshAlone
		}
		pod := newPod(t, mesh, history, family, arguments)
		for _, check := range workload.checks {
			t.Run(workload.name+"/"+check.name, func(t *testing.T) { check.run(t, pod) })
		}
	}
}
