package lint_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/krm-bypass/krm-bypass/internal/transform"
)

const tproxyMesh = "apiVersion: install.istio.io/v1alpha1\nkind: IstioOperator\nmetadata: {name: x}\nspec: {meshConfig: {defaultConfig: {interceptionMode: TPROXY}}}\n"

func TestTPROXYByIptables(t *testing.T) {
	const told = "…connections to port 9090 of Deployment shop/orders are intercepted by TPROXY"
	own := func(annotations string) string {
		return strings.Replace(workload("orders"), "template:\n    metadata:\n", "template:\n    metadata:\n      annotations: {"+annotations+"}\n", 1)
	}
	for name, test := range map[string]struct {
		bypass string
		items  []string
		want   []string
	}{
		"an annotation":             {"excludeInboundPorts=9090", []string{own("sidecar.istio.io/interceptionMode: TPROXY")}, []string{"Deployment orders: spec.template.metadata.annotations[\"sidecar.istio.io/interceptionMode\"]: " + told}},
		"the template's own config": {"excludeInboundPorts=9090", []string{own(`proxy.istio.io/config: "{interceptionMode: TPROXY}"`)}, []string{"Deployment orders: spec.template.metadata.annotations[\"proxy.istio.io/config\"]: " + told}},
		"the mesh":                  {"excludeInboundPorts=9090", []string{own(""), tproxyMesh}, []string{"IstioOperator x: spec.meshConfig.defaultConfig.interceptionMode: " + told}},
		"by a number":               {"excludeInboundPorts=9090", []string{own(`proxy.istio.io/config: "interception_mode: 1"`)}, []string{"Deployment orders"}},
		"the mesh, and not the pod": {"excludeInboundPorts=9090", []string{own("sidecar.istio.io/interceptionMode: REDIRECT"), tproxyMesh}, nil},
		"what goes out":             {"excludeOutboundPorts=443", []string{own("sidecar.istio.io/interceptionMode: TPROXY")}, nil},
		"UDP":                       {"excludeInboundPorts=9090/UDP", []string{own("sidecar.istio.io/interceptionMode: TPROXY")}, nil},
		"nobody says":               {"excludeInboundPorts=9090", []string{own("")}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			policy := only(bypassing(t, test.bypass), "tproxy-by-iptables")
			policy.Enforcement.Backend = "iptables"
			matched(t, "tproxy-by-iptables", test.want, found(t, policy, test.items...))
		})
	}
	policy := only(bypassing(t, "excludeInboundPorts=9090"), "tproxy-by-iptables")
	policy.Enforcement.Backend, policy.Mode = "iptables", transform.AnnotationsOnly
	assert.Empty(t, found(t, policy, own(""), tproxyMesh), "the annotation alone")
}
