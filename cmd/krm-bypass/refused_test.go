package main

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/fn"
)

const refusedSpec = `apiVersion: krm-bypass.dev/v1alpha1
kind: ClusterBypass
metadata: {name: cluster}
spec:
  enforcement: {mode: AnnotationsOnly}
  workloads:
  - {match: {names: [web]}, excludeOutboundPorts: [3306]}
  - {match: {names: [db]}, excludeOutboundPorts: [5432]}
`

// refusedManifests hold a number that nobody put into quotes: the most common mistake.
const refusedManifests = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata:
      labels: {app: web}
      annotations: {traffic.sidecar.istio.io/excludeInboundPorts: 80}
    spec: {containers: [{name: web, image: "web:1"}]}
---
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: data}
spec:
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: db, image: "db:1"}]}
`

// TestEveryReportCountsWhatIsRefused holds each format to the same: a workload that cannot
// be read is one of those that there are.
func TestEveryReportCountsWhatIsRefused(t *testing.T) {
	dir := folder(t, map[string]string{"w.yaml": refusedManifests, "bypass.yaml": refusedSpec})
	for format, says := range map[string][]string{
		"table":    {"2 workloads: 1 written, 1 refused\n1 of 2 bypass something:\n", "Deployment shop/web (" + dir + "/w.yaml:1): refused:", "spec.workloads[0]  1 workload"},
		"wide":     {"2 workloads: 1 written, 1 refused\n1 of 2 bypass something:\n", "spec.workloads[0]  1 workload"},
		"json":     {`"workloads": 2,`, `"refused": 1`, `"outcome": "refused"`},
		"csv":      {"apps/v1,Deployment,shop,web,refused,,,," + dir + "/w.yaml,1,,"},
		"markdown": {"**1 of 2 workloads bypass something.**", "<summary>shop: 1 refused</summary>"},
		"html":     {"<h1>1 of 2 workloads bypass something.</h1>", "<h3>Deployment shop/web</h3>\n<p class=\"small\">refused: ", "expected a string, but found the number 80"},
	} {
		t.Run(format, func(t *testing.T) {
			code, out, errOut := krmBypass("", "explain", dir, "-o", format)
			assert.Equal(t, 1, code, errOut)
			for _, text := range says {
				assert.Contains(t, out, text)
			}
			assert.NotRegexp(t, `reach(es)? nobody|"unreached": true`, out)
		})
	}
	_, out, _ := krmBypass("", "check", dir)
	assert.Contains(t, out, "1 of 2 objects differs from what krm-bypass writes, 1 object is refused, 0 left alone, 1 error\n")
	_, out, _ = krmBypass("", "check", dir, "-o", "junit")
	assert.Contains(t, out, `<testcase name="Deployment shop/web" classname="krm-bypass.`)
	assert.Contains(t, out, `w.yaml" line="1">`)
	assert.Contains(t, out, ` tests="2" failures="2"`)

	tree, err := newTree(inputs{}, []string{dir}, "", "")
	require.NoError(t, err)
	seen, err := tree.See(context.Background(), nil)
	require.NoError(t, err)
	assert.Equal(t, map[fn.Outcome]int{fn.Written: 1, fn.RefusedOutcome: 1}, seen.Explanation.Summary.Outcomes)
}
