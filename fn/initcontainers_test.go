package fn_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/fn"
)

// TestInitContainersAreListedInTheirOrder: what the mesh adds stands where its injector
// puts it, with what that depends on.
func TestInitContainersAreListedInTheirOrder(t *testing.T) {
	const (
		spec   = "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec: {mesh: %s, enforcement: {image: i, mode: %s}, global: {%s}}\n"
		pod    = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec: {selector: {}, template: {metadata: {%s}, spec: {initContainers: [%s], containers: [{name: a, image: a}]}}}\n"
		ports  = "excludeOutboundPorts: [3306]"
		inits  = ports + ", forInitContainers: {excludeOutboundPorts: [443]}"
		native = "annotations: {sidecar.istio.io/nativeSidecar: 'true'}"
		former = "annotations: {sidecar.istio.io/nativeSidecar: 'false'}"
		fetch  = "{name: fetch, image: f}"
		log    = "{name: log, image: l, restartPolicy: Always}"
	)
	for _, test := range []struct{ mesh, mode, rule, metadata, own, want string }{
		{"Istio", "InitContainer", ports, native, fetch, "istio-init (mesh), istio-proxy (mesh, stays), krm-bypass-init (krm-bypass), fetch"},
		{"Istio", "InitContainer", inits, former, fetch + "," + log, "istio-validation (mesh, if), krm-bypass-init (krm-bypass), fetch, log (stays), krm-bypass-close (krm-bypass), istio-init (mesh, if)"},
		{"Istio", "InitContainer", ports, "", "", "istio-init (mesh, if), istio-proxy (mesh, stays, if), istio-validation (mesh, if), krm-bypass-init (krm-bypass), istio-init (mesh, if)"},
		{"Istio", "AnnotationsOnly", ports, native, fetch, "istio-init (mesh), istio-proxy (mesh, stays), fetch"},
		{"Istio", "InitContainer", ports, "labels: {sidecar.istio.io/inject: 'false'}", fetch, "fetch"},
		{"Istio", "InitContainer", ports, native, "{name: istio-init, image: i}," + fetch, "istio-proxy (mesh, stays), krm-bypass-init (krm-bypass), istio-init (mesh), fetch"},
		{"Istio", "InitContainer", ports + ", dataPlane: Ambient", "", fetch, "krm-bypass-init (krm-bypass), fetch"},
		{"Linkerd", "InitContainer", ports, "annotations: {config.linkerd.io/proxy-enable-native-sidecar: 'true'}", fetch, "linkerd-init (mesh), linkerd-proxy (mesh, stays), krm-bypass-init (krm-bypass), fetch"},
		{"Linkerd", "InitContainer", ports, "annotations: {config.linkerd.io/proxy-enable-native-sidecar: 'false'}", fetch, "krm-bypass-init (krm-bypass), fetch, linkerd-init (mesh)"},
		{"Linkerd", "InitContainer", ports, "", fetch, "linkerd-init (mesh, if), linkerd-proxy (mesh, stays, if), krm-bypass-init (krm-bypass), fetch, linkerd-init (mesh, if)"},
		{"Kuma", "InitContainer", ports, "", fetch, "kuma-init (mesh, if), kuma-sidecar (mesh, stays, if), krm-bypass-init (krm-bypass), fetch, kuma-init (mesh, if)"},
		{"Kuma", "InitContainer", ports, "annotations: {kuma.io/init-first: enabled}", fetch, "kuma-init (mesh), kuma-sidecar (mesh, stays, if), krm-bypass-init (krm-bypass), fetch"},
		{"Consul", "InitContainer", ports, "", fetch, "krm-bypass-init (krm-bypass), fetch, consul-connect-inject-init (mesh), consul-dataplane (mesh, stays, if)"},
		{"Consul", "InitContainer", ports, "annotations: {consul.hashicorp.com/enable-consul-dataplane-as-sidecar: 'true'}", fetch, "krm-bypass-init (krm-bypass), fetch, consul-connect-inject-init (mesh), consul-dataplane (mesh, stays)"},
		{"FSM", "InitContainer", ports, "", fetch, "krm-bypass-init (krm-bypass), fetch, fsm-init (mesh)"},
		{"OSM", "InitContainer", ports, "", fetch, "krm-bypass-init (krm-bypass), fetch, osm-init (mesh)"},
	} {
		explained, err := fn.Explain(fn.SpecIn(fn.Manifest{Path: "bypass.yaml", Text: fmt.Appendf(nil, spec, test.mesh, test.mode, test.rule)}),
			[]fn.Manifest{{Path: "web.yaml", Text: fmt.Appendf(nil, pod, test.metadata, test.own)}}, fn.Options{}, "")
		require.NoError(t, err, explained.Results.Report())
		var all []string
		for _, c := range explained.Workloads[0].InitContainers {
			var about []string
			add := func(is bool, word string) {
				if is {
					about = append(about, word)
				}
			}
			add(c.Of != fn.OfManifest, strings.TrimPrefix(c.Of, "the "))
			add(c.Stays, "stays")
			add(c.If != "", "if")
			assert.Equal(t, c.Of == fn.OfManifest, c.Says == "", c.Name)
			if all = append(all, c.Name); about != nil {
				all[len(all)-1] += " (" + strings.Join(about, ", ") + ")"
			}
		}
		assert.Equal(t, test.want, strings.Join(all, ", "), "%s %s", test.mesh, test.metadata)
	}
}
