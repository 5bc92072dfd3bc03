package fn_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/fn"
)

// The namespace that a run is given stands in for one that the manifest does
// not name, and goes before the spec's own.
func TestNamespaceOfARun(t *testing.T) {
	const spec = `apiVersion: krm-bypass.dev/v1alpha1
kind: ClusterBypass
metadata: {name: cluster}
spec:
  defaultNamespace: by-spec
  enforcement: {mode: AnnotationsOnly}
  namespaces:
  - match: {names: [by-spec]}
    excludeOutboundPorts: [1111]
  - match: {names: [by-run]}
    excludeOutboundPorts: [2222]
  - match: {names: [by-manifest]}
    excludeOutboundPorts: [3333]
`
	tests := []struct {
		name, manifest, run, want string
	}{
		{"the spec's", "", "", `excludeOutboundPorts: "1111"`},
		{"the run's", "", "by-run", `excludeOutboundPorts: "2222"`},
		{"the manifest's", "  namespace: by-manifest\n", "by-run", `excludeOutboundPorts: "3333"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			item := "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n" + test.manifest + "spec:\n  template:\n    spec:\n      containers: []\n"
			output, results, err := fn.Process(resourceList([]byte(spec), []string{item}), fn.Options{Namespace: test.run})
			require.NoError(t, err)
			assert.Empty(t, results)
			assert.Contains(t, string(output), "traffic.sidecar.istio.io/"+test.want)
		})
	}
}
