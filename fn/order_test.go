package fn_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/fn"
)

// TestExplainSaysInWhichOrderInitContainersRun: Istio puts its own last, or first.
func TestExplainSaysInWhichOrderInitContainersRun(t *testing.T) {
	const spec = "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec: {mesh: %s, enforcement: {image: i, mode: %s}, global: {excludeOutboundPorts: [3306]}}\n"
	for _, test := range []struct{ mesh, mode, annotations, note, order string }{
		{"Istio", "InitContainer", "sidecar.istio.io/nativeSidecar: 'true'", "istio-init and the sidecar come before krm-bypass-init", ""},
		{"Istio", "InitContainer", "sidecar.istio.io/nativeSidecar: 'false'", "istio-init comes after krm-bypass-init", ""},
		{"Istio", "InitContainer", "", "", "in Istio since 1.27 istio-init and the sidecar come before krm-bypass-init, as native sidecars, where every node's kubelet is 1.33 or later"},
		{"Istio", "AnnotationsOnly", "sidecar.istio.io/nativeSidecar: 'true'", "", ""},
		{"Istio", "AnnotationsOnly", "", "", ""},
		{"Consul", "InitContainer", "sidecar.istio.io/nativeSidecar: 'true'", "", ""},
	} {
		explained, err := fn.Explain(fn.SpecIn(fn.Manifest{Path: "bypass.yaml", Text: fmt.Appendf(nil, spec, test.mesh, test.mode)}),
			[]fn.Manifest{{Path: "web.yaml", Text: fmt.Appendf(nil, "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec: {selector: {}, template: {metadata: {annotations: {%s}}, spec: {containers: [{name: a, image: a}]}}}\n", test.annotations)}}, fn.Options{}, "")
		require.NoError(t, err, explained.Results.Report())
		w := explained.Workloads[0]
		assert.Equal(t, test.note != "", len(w.Notes) == 1, "%v", w.Notes)
		assert.Contains(t, strings.Join(w.Notes, ""), test.note)
		assert.Equal(t, test.order != "", w.Order != "", w.Order)
		assert.Contains(t, w.Order, test.order)
	}
}
