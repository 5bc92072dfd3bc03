package fn_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/krm-bypass/krm-bypass/fn"
)

// Each key of a mesh on a workload is read by the mesh there, or somebody is told,
// whether a rule speaks of the workload or not.
func TestKeysThatAMeshDoesNotRead(t *testing.T) {
	const template, above, cron = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {}
  template:
    metadata: {%s}
    spec: {containers: [{name: app, image: app}]}
`, `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop, %s}
spec:
  selector: {}
  template:
    spec: {containers: [{name: app, image: app}]}
`, `apiVersion: batch/v1
kind: CronJob
metadata: {name: web, namespace: shop}
spec:
  jobTemplate:
    metadata: {%s}
    spec:
      template:
        spec: {containers: [{name: app, image: app}]}
`
	const unknown = " does not know this annotation, so it has no effect: "
	tests := []struct{ mesh, item, metadata, told string }{
		{"Istio", template, `annotations: {traffic.sidecar.istio.io/excludeOutboundIPs: 10.0.0.1/32}`, "Istio" + unknown + "did you mean traffic.sidecar.istio.io/excludeOutboundIPRanges? [unknown-annotation]"},
		{"Istio", template, `annotations: {traffic.sidecar.istio.io/skipOutboundPorts: "1"}`, "did you mean traffic.sidecar.istio.io/excludeOutboundPorts?"},
		{"Istio", template, `annotations: {traffic.sidecar.istio.io/excludeHosts: a}`, "Istio" + unknown + "remove it, or look up its name; what should bypass can stand in a rule of the ClusterBypass [unknown-annotation]"},
		{"OSM", template, `annotations: {openservicemesh.io/outbound-port-exclusion: "1"}`, "did you mean openservicemesh.io/outbound-port-exclusion-list?"},
		{"FSM", template, `annotations: {flomesh.io/outbound-port-exclusion: "1"}`, "did you mean flomesh.io/outbound-port-exclusion-list?"},
		{"Consul", template, `annotations: {consul.hashicorp.com/exclude-inbound-ports: "1"}`, "did you mean consul.hashicorp.com/transparent-proxy-exclude-inbound-ports?"},
		{"Linkerd", template, `annotations: {config.linkerd.io/ignore-outbound-ports: "1"}`, "did you mean config.linkerd.io/skip-outbound-ports?"},
		{"Linkerd", template, `annotations: {linkerd.io/skip-ports: "1"}`, "did you mean config.linkerd.io/skip-inbound-ports or config.linkerd.io/skip-outbound-ports?"},
		{"Kuma", template, `annotations: {traffic.kuma.io/exclude-outbound-cidrs: 10.0.0.1/32}`, "did you mean traffic.kuma.io/exclude-outbound-ips?"},

		{"Istio", template, `labels: {traffic.sidecar.istio.io/excludeOutboundPorts: "1"}`, "Istio reads this only as an annotation, so it has no effect here: move it to spec.template.metadata.annotations [misplaced-annotation]"},
		{"Istio", template, `labels: {sidecar.istio.io/Inject: "false"}`, "Istio does not know this label, so it has no effect: did you mean sidecar.istio.io/inject? [unknown-annotation]"},
		{"Istio", template, `annotations: {istio.io/dataplane-mode: none}`, "Istio reads this only as a label, so it has no effect here: move it to spec.template.metadata.labels [misplaced-annotation]"},
		{"Linkerd", template, `labels: {linkerd.io/inject: disabled}`, "Linkerd reads this only as an annotation, so it has no effect here: move it to spec.template.metadata.annotations"},
		{"Linkerd", template, `labels: {linkerd.io/inject: disabled}, annotations: {linkerd.io/inject: enabled}`, `remove it, since spec.template.metadata.annotations has "enabled"`},
		{"Consul", template, `labels: {consul.hashicorp.com/connect-inject: "false"}`, "Consul reads this only as an annotation"},
		{"FSM", template, `labels: {flomesh.io/sidecar-injection: disabled}`, "FSM reads this only as an annotation"},
		{"OSM", template, `labels: {openservicemesh.io/sidecar-injection: disabled}`, "OSM reads this only as an annotation"},

		{"Istio", above, `labels: {sidecar.istio.io/inject: "false"}`, "Istio reads this label only in the pod template, so it has no effect here: move it to spec.template.metadata.labels [misplaced-annotation]"},
		{"Istio", above, `annotations: {sidecar.istio.io/inject: "false"}`, "Istio reads this annotation only in the pod template, so it has no effect here: move it to spec.template.metadata.annotations [misplaced-annotation]"},
		{"Istio", above, `annotations: {traffic.sidecar.istio.io/excludeOutboundIPs: 10.0.0.1/32}`, "move it to spec.template.metadata.annotations and spell it traffic.sidecar.istio.io/excludeOutboundIPRanges"},
		{"Linkerd", above, `annotations: {linkerd.io/skip-ports: "1"}`, "did you mean config.linkerd.io/skip-inbound-ports or"},
		{"Linkerd", above, `annotations: {linkerd.io/inject: disabled}`, "Linkerd reads this annotation only in the pod template"},
		{"Kuma", above, `labels: {kuma.io/sidecar-injection: disabled}`, "Kuma reads this label only in the pod template"},
		{"Consul", above, `annotations: {consul.hashicorp.com/transparent-proxy: "false"}`, "Consul reads this annotation only in the pod template"},
		{"FSM", cron, `annotations: {flomesh.io/sidecar-injection: disabled}`, "FSM reads this annotation only in the pod template, so it has no effect here: move it to spec.jobTemplate.spec.template.metadata.annotations"},

		{"Istio", template, `annotations: {traffic.sidecar.istio.io/excludeOutboundPorts: "1", sidecar.istio.io/proxyCPU: 100m, proxy.istio.io/config: "concurrency: 2"}`, ""},
		{"Istio", template, `annotations: {linkerd.io/inject: disabled, kuma.io/mesh: default}, labels: {istio.io/rev: canary, istio.io/team: shop}`, ""},
		{"Istio", template, `labels: {sidecar.istio.io/inject: "true"}, annotations: {sidecar.istio.io/inject: "true"}`, ""},
		{"Istio", above, `annotations: {istio.io/rev: canary, install.operator.istio.io/owning-resource: a}, labels: {operator.istio.io/component: Pilot}`, ""},
		{"Istio", cron, `annotations: {galley.istio.io/analyze-suppress: IST0103}`, ""},
		{"Linkerd", template, `annotations: {config.linkerd.io/opaque-ports: "1", linkerd.io/created-by: helm}, labels: {linkerd.io/control-plane-ns: linkerd}`, ""},
		{"Linkerd", template, `labels: {linkerd.io/inject: enabled}, annotations: {linkerd.io/inject: enabled}`, ""},
		{"Consul", template, `annotations: {consul.hashicorp.com/service-meta-team: shop, consul.hashicorp.com/connect-inject: "true"}`, ""},
		{"Kuma", template, `annotations: {kuma.io/init-first: "true"}, labels: {kuma.io/sidecar-injection: enabled}`, ""},
		{"OSM", template, `annotations: {openservicemesh.io/metrics: enabled}`, ""},
		{"FSM", template, `annotations: {flomesh.io/sidecar-resource-limits-cpu: "1"}`, ""},
	}
	for _, test := range tests {
		for _, rule := range []string{"", ", global: {excludeOutboundPorts: [3306]}, enforcement: {mode: AnnotationsOnly}"} {
			spec := "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec: {mesh: " + test.mesh + rule + "}\n"
			file := manifest("web.yaml", fmt.Sprintf(test.item, test.metadata))
			_, results, err := rendered(t, spec, file)
			assert.NoError(t, err, test.metadata)
			report := results.Report()
			if test.told == "" {
				assert.Empty(t, report, test.metadata)
				continue
			}
			assert.Contains(t, report, test.told, test.metadata)
			assert.Len(t, strings.Split(strings.TrimSpace(report), "\n"), 1, report)
			checked, err := fn.Check(fn.SpecIn(manifest("spec.yaml", spec)), []fn.Manifest{file}, fn.Options{}, fn.Expiry{})
			assert.NoError(t, err)
			assert.Equal(t, report, checked.Results.Report(), "check says the same")
			explained, err := fn.Explain(fn.SpecIn(manifest("spec.yaml", spec)), []fn.Manifest{file}, fn.Options{}, "")
			assert.NoError(t, err)
			assert.Equal(t, report, explained.Results.Report(), "explain says the same")
		}
	}
}
