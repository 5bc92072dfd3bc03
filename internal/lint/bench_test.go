package lint_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/lint"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// BenchmarkJudge holds as many workloads of one namespace as Services,
// PeerAuthentications, Sidecars and ServiceEntries against one another, all of
// which have something to be said of: the time of each must not grow with their
// number.
func BenchmarkJudge(b *testing.B) {
	for _, n := range []int{100, 1000, 5000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			policy := bypassing(b, "excludeInboundPorts=9090 excludeOutboundPorts=3306")
			linter := lint.New(policy, nil, func(func(object.Type) bool) bool { return false })
			var workloads []*lint.Workload
			var documents []*yaml.Node
			for i := range n {
				name := fmt.Sprintf("app-%d", i)
				document := parsed(b, workload(name))
				views, _ := policy.Workloads(transform.Document{Nodes: document, Source: func(path edit.Path) (string, error) {
					return edit.NodeSource(node.Of(document).At(path...).Node()), nil
				}})
				seen, _ := linter.Look([]*transform.Plan{policy.Plan(views[0])}, node.Of(document), i)
				workloads = append(workloads, seen...)
				documents = append(documents,
					parsed(b, serviceOf(name, fmt.Sprintf("{selector: {app: %s}, ports: [{port: 9090}]}", name))),
					parsed(b, peerAuthentication("shop", name, fmt.Sprintf("{selector: {matchLabels: {app: %s}}, mtls: {mode: STRICT}}", name))),
					parsed(b, istioObject("networking", "Sidecar", name, fmt.Sprintf("{workloadSelector: {labels: {app: %s}}, egress: [{port: {number: 3306}}]}", name))),
					parsed(b, istioObject("networking", "ServiceEntry", name, "{hosts: [x], exportTo: [bank], ports: [{number: 3306, name: tcp}]}")))
			}
			present := func(is func(object.Type) bool) bool {
				return is(object.Type{APIVersion: "v1", Kind: "Service"}) || is(object.Type{APIVersion: "security.istio.io/v1", Kind: "PeerAuthentication"}) ||
					is(object.Type{APIVersion: "networking.istio.io/v1", Kind: "Sidecar"}) || is(object.Type{APIVersion: "networking.istio.io/v1", Kind: "ServiceEntry"})
			}
			for b.Loop() {
				wanted := linter.Wants(workloads, present)
				var items lint.Items
				for i, document := range documents {
					items = append(items, wanted.Read(object.Part{}, node.Of(document), i)...)
				}
				require.Equal(b, 4*n, len(linter.Judge(workloads, wanted, items))) //nolint:testifylint // require.Len would print all of them
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*n), "µs/workload")
		})
	}
}

func parsed(t testing.TB, text string) *yaml.Node {
	var node yaml.Node
	require.NoError(t, yaml.Unmarshal([]byte(text), &node))
	return &node
}
