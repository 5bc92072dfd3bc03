package hostile

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/fn"
)

// TestMuchBesideMuch has as many policies as workloads, and as many pairs as ports,
// so that whoever compares each with each is found out: at 500, 1,000 and 2,000 of
// them it prints time and allocations, which may grow by a tenth more than they do.
func TestMuchBesideMuch(t *testing.T) {
	for name, family := range map[string]func(n int) (spec, manifests string){
		"policies beside workloads that are alike": func(n int) (string, string) {
			return annotated, repeated(n, func(i int) string { return meshed(i, "") + policies(i, "DENY") })
		},
		"policies beside workloads with ports of their own": func(n int) (string, string) {
			return annotated, repeated(n, func(i int) string {
				own := fmt.Sprintf("{traffic.sidecar.istio.io/excludeInboundPorts: %q, traffic.sidecar.istio.io/excludeOutboundPorts: %q}", fmt.Sprint(20000+i), fmt.Sprint(30000+i))
				return meshed(i, own) + policies(i, "ALLOW")
			})
		},
		"pairs that overlap under limits": func(n int) (string, string) {
			return specHead + "spec:\n  enforcement: {image: ghcr.io/krm-bypass/init:v0.1.0}\n  limits: {forbiddenOutboundPorts: [60000], widestPrefix: {ipv4: 8}}\n  global:\n    excludeOutbound:\n" +
				repeated(n, func(i int) string {
					return fmt.Sprintf("    - {ipRanges: [10.%d.%d.0/24], ports: [%d-%d]}\n", i/100, i%100*2, 20000+i, 30000+i)
				}), deployment("web", plain)
		},
	} {
		t.Run(name, func(t *testing.T) {
			var before uint64
			for _, n := range []int{500, 1000, 2000} {
				spec, manifests := family(n)
				took, bytes := rendering(t, spec, manifests)
				t.Logf("%5d: %8s, %4d MiB allocated", n, took.Round(time.Millisecond), bytes>>20)
				if before > 0 {
					assert.Less(t, float64(bytes)/float64(before), 2.2, "allocations for twice the input")
				}
				before = bytes
			}
		})
	}
}

// annotated is a spec without an init container.
const annotated = specHead + "spec:\n  enforcement: {mode: AnnotationsOnly}\n  global: {excludeInboundPorts: [9090], excludeOutboundPorts: [3306]}\n"

// meshed is a workload that all Services select, policies are the objects that
// speak of it.
func meshed(i int, annotations string) string {
	if annotations == "" {
		annotations = "{}"
	}
	return fmt.Sprintf("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: w%d, namespace: shop}\nspec:\n  selector: {matchLabels: {app: w}}\n  template:\n    metadata:\n      labels: {app: w}\n      annotations: %s\n    spec: {containers: [{name: c, image: c:1}]}\n---\n", i, annotations)
}

func policies(i int, action string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: Service\nmetadata: {name: s%[1]d, namespace: shop}\nspec: {selector: {app: w}, ports: [{name: a, port: 9090}, {name: b, port: %[2]d}]}\n---\n", i, 20000+i) +
		fmt.Sprintf("apiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: a%[1]d, namespace: shop}\nspec: {action: %[3]s, rules: [{to: [{operation: {ports: [\"%[2]d\", \"9090\"]}}]}]}\n---\n", i, 20000+i, action) +
		fmt.Sprintf("apiVersion: networking.istio.io/v1\nkind: ServiceEntry\nmetadata: {name: e%[1]d, namespace: shop}\nspec: {hosts: [h%[1]d.example.com], ports: [{number: %[2]d, name: t}, {number: 3306, name: u}]}\n---\n", i, 30000+i)
}

// rendering gives the time and the allocations that a run takes.
func rendering(t *testing.T, spec, manifests string) (time.Duration, uint64) {
	t.Helper()
	list := listed(spec, manifests)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began := time.Now()
	_, results, err := fn.Process(list, fn.Options{})
	took := time.Since(began)
	runtime.ReadMemStats(&after)
	require.NoError(t, err, "%v", results)
	return took, after.TotalAlloc - before.TotalAlloc
}
