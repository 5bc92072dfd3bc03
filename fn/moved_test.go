package fn_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/fn"
)

// Where an annotation of the template moves a port of the mesh, the new one is no rule's
// to name, as the spec may not name the old one.
func TestAPortThatAnAnnotationMakesTheMeshsOwn(t *testing.T) {
	const refused = "Linkerd's inbound proxy, but spec.global."
	for name, test := range map[string]struct{ mesh, annotation, rule, says string }{
		"named":                {"Linkerd", `config.linkerd.io/inbound-port: "5143"`, "excludeInboundPorts: [5143]", `spec.template.metadata.annotations["config.linkerd.io/inbound-port"]: this makes 5143 a port of ` + refused + "excludeInboundPorts holds it"},
		"in a range":           {"Linkerd", `config.linkerd.io/inbound-port: "5143"`, "excludeOutboundPorts: [5000-6000]", refused + "excludeOutboundPorts holds it"},
		"included":             {"Linkerd", `config.linkerd.io/inbound-port: "5143"`, "includeInboundPorts: [5143]", refused + "includeInboundPorts holds it"},
		"for its metrics":      {"Linkerd", `config.linkerd.io/admin-port: "5191"`, "excludeInboundPorts: [5191]", "a port of Linkerd's proxy, for its metrics"},
		"the status port":      {"Istio", `status.sidecar.istio.io/port: "8021"`, "excludeInboundPorts: [8021]", "a port of Istio's status port"},
		"another port":         {"Linkerd", `config.linkerd.io/inbound-port: "5143"`, "excludeInboundPorts: [5144]", ""},
		"not moved":            {"Linkerd", `config.linkerd.io/inbound-port: "4143"`, "excludeInboundPorts: [5143]", ""},
		"no port":              {"Linkerd", `config.linkerd.io/inbound-port: "x"`, "excludeInboundPorts: [5143]", ""},
		"another mesh's":       {"Istio", `config.linkerd.io/inbound-port: "5143"`, "excludeInboundPorts: [5143]", ""},
		"what a level lost":    {"Linkerd", `config.linkerd.io/inbound-port: "5143", config.linkerd.io/skip-inbound-ports: "80"`, "excludeInboundPorts: [5143]", ""},
		"the user's own value": {"Linkerd", `config.linkerd.io/inbound-port: "5143", config.linkerd.io/skip-inbound-ports: "5143"`, "excludeOutboundPorts: [80]", ""},
	} {
		t.Run(name, func(t *testing.T) {
			spec := "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec: {mesh: " + test.mesh + ", enforcement: {mode: AnnotationsOnly}, lint: {other-mesh: Ignore}, global: {" + test.rule + "}}\n"
			if test.rule == "includeInboundPorts: [5143]" {
				spec = "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec: {mesh: " + test.mesh + ", enforcement: {image: i}, global: {" + test.rule + "}}\n"
			}
			_, results, _ := rendered(t, spec, manifest("web.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec: {selector: {}, template: {metadata: {annotations: {"+test.annotation+"}}, spec: {containers: [{name: a, image: a}]}}}\n"))
			require.Equal(t, test.says != "", results.Failed(), results.Report())
			assert.Contains(t, results.Report(), test.says)
		})
	}
}

// Explain says which port is the mesh's own in its place.
func TestExplainTellsOfAPortThatIsMoved(t *testing.T) {
	const spec = "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec: {mesh: Linkerd}\n"
	for _, files := range [][]fn.Manifest{
		inShop("", `config.linkerd.io/inbound-port: "5143"`),
		inShop("  annotations: {config.linkerd.io/inbound-port: \"5143\"}\n", ""),
	} {
		explained, err := fn.Explain(fn.SpecIn(fn.Manifest{Path: "bypass.yaml", Text: []byte(spec)}), files, fn.Options{}, "")
		require.NoError(t, err, explained.Results.Report())
		assert.Equal(t, []string{"config.linkerd.io/inbound-port makes 5143 a port of Linkerd's inbound proxy, in place of 4143"}, explained.Workloads[0].Notes)
	}
}
