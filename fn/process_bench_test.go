package fn_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/fn"
)

// BenchmarkProcess is over as many Services as Deployments of some 70 lines.
// make bench compares the whole program with its peer.
func BenchmarkProcess(b *testing.B) {
	for _, n := range []int{10, 100, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			list := listOf(n)
			b.SetBytes(int64(len(list)))
			b.ReportAllocs()
			for b.Loop() {
				_, _, err := fn.Process(list, fn.Options{})
				require.NoError(b, err)
			}
		})
	}
}

func listOf(n int) []byte {
	var b bytes.Buffer
	b.WriteString("apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n")
	for i := range n {
		fmt.Fprintf(&b, "- apiVersion: apps/v1\n  kind: Deployment\n  metadata:\n    name: app-%[1]d\n    namespace: team-%[2]d\n    labels:\n      app: app-%[1]d\n  spec:\n    replicas: 3\n    selector:\n      matchLabels:\n        app: app-%[1]d\n    template:\n      metadata:\n        labels:\n          app: app-%[1]d\n      spec:\n        containers:\n", i, i%20)
		for c := range 4 {
			fmt.Fprintf(&b, "        - name: c%d\n          image: registry.example.com/app:%d\n          ports:\n          - containerPort: 8080\n            name: http\n          env:\n          - name: LOG_LEVEL\n            value: info\n          resources:\n            limits:\n              cpu: 500m\n              memory: 256Mi\n", c, i)
		}
		fmt.Fprintf(&b, "- apiVersion: v1\n  kind: Service\n  metadata:\n    name: app-%[1]d\n  spec:\n    selector:\n      app: app-%[1]d\n    ports:\n    - port: 80\n      targetPort: http\n", i)
	}
	b.WriteString("functionConfig:\n  apiVersion: krm-bypass.dev/v1alpha1\n  kind: ClusterBypass\n  spec:\n    global:\n      excludeOutboundPorts: [3306]\n      excludeOutboundIPRanges: [192.0.2.0/24]\n    enforcement:\n      image: ghcr.io/krm-bypass/init:v0.1.0\n")
	return b.Bytes()
}
