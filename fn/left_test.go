package fn_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/fn"
)

// Each reason for which a workload is left alone is said, with its field, in the
// results of a render and by whoever asks.
func TestWhyAWorkloadIsLeftAlone(t *testing.T) {
	const containers = "containers: [{name: app, image: app}]"
	object := func(version, kind, metadata, spec string) string {
		return fmt.Sprintf("apiVersion: %s\nkind: %s\nmetadata: {namespace: shop%s}\nspec: %s\n", version, kind, metadata, spec)
	}
	deployment := func(metadata, template, pod string) string {
		return object("apps/v1", "Deployment", ", name: web"+metadata, "{selector: {matchLabels: {a: b}}, template: {metadata: {"+template+"}, spec: {"+pod+"}}}")
	}
	job := func(metadata, pod string) string {
		return object("batch/v1", "Job", metadata, "{template: {spec: {"+pod+"}}}")
	}
	inNamespace := func(name string) string {
		return strings.Replace(deployment("", "", containers), "namespace: shop", "namespace: "+name, 1)
	}
	const unmeshed = "spec.template.metadata"
	for name, test := range map[string]struct{ mesh, text, reason, field string }{
		"not enrolled":              {"", inNamespace("other"), "namespace other is not enrolled by spec.enrolment.namespaces", "metadata.namespace"},
		"Kubernetes itself":         {"", inNamespace("kube-system"), "namespace kube-system belongs to Kubernetes itself", "metadata.namespace"},
		"the mesh itself":           {"", inNamespace("istio-system"), "namespace istio-system belongs to the mesh itself", "metadata.namespace"},
		"a reference":               {"", object("argoproj.io/v1alpha1", "Rollout", ", name: web", "{workloadRef: {kind: Deployment, name: web}}"), "it takes its pods from another workload, through spec.workloadRef", "spec.workloadRef"},
		"no pod spec":               {"", object("apps/v1", "Deployment", ", name: web", "{selector: {}, template: {metadata: {labels: {a: b}}}}"), "its template has no pod spec, as in a patch", "spec.template.spec"},
		"an owner":                  {"", deployment(", ownerReferences: [{apiVersion: a/v1, kind: App, name: a, controller: true}]", "", containers), "a controller owns it", "metadata.ownerReferences"},
		"the host's network":        {"", deployment("", "", "hostNetwork: true, "+containers), "it uses the host's network", "spec.template.spec.hostNetwork"},
		"Windows":                   {"", deployment("", "", "os: {name: windows}, "+containers), "it runs on Windows", "spec.template.spec.os.name"},
		"Windows, by its nodes":     {"", deployment("", "", "nodeSelector: {kubernetes.io/os: windows}, "+containers), "it runs on Windows", `spec.template.spec.nodeSelector["kubernetes.io/os"]`},
		"Windows, by an old label":  {"", deployment("", "", "nodeSelector: {beta.kubernetes.io/os: windows}, "+containers), "it runs on Windows", `spec.template.spec.nodeSelector["beta.kubernetes.io/os"]`},
		"no name":                   {"", job("", containers), "it has neither a name nor a generateName, as in a patch", "metadata"},
		"no image":                  {"", deployment("", "", "containers: [{name: app}]"), "none of its containers has an image, as in a patch", "spec.template.spec.containers"},
		"no containers":             {"", deployment("", "", "nodeSelector: {a: b}"), "none of its containers has an image, as in a patch", "spec.template.spec.containers"},
		"no image, in a CronJob":    {"", object("batch/v1", "CronJob", ", name: web", "{jobTemplate: {spec: {template: {spec: {containers: [{name: app}]}}}}}"), "none of its containers has an image", "spec.jobTemplate.spec.template.spec.containers"},
		"no image, in a Pod":        {"", object("v1", "Pod", ", name: web", "{containers: [{name: app}]}"), "none of its containers has an image", "spec.containers"},
		"a Job":                     {"", job(", name: once", containers), "a Job cannot be changed once it is in a cluster", "kind"},
		"a Pod":                     {"", object("v1", "Pod", ", name: web", "{"+containers+"}"), "a Pod cannot be changed once it is in a cluster", "kind"},
		"Istio, a label":            {"", deployment("", `labels: {sidecar.istio.io/inject: "false"}`, containers), "", unmeshed},
		"Istio, an annotation":      {"", deployment("", `annotations: {sidecar.istio.io/inject: "false"}`, containers), "", unmeshed},
		"Istio, a gateway":          {"", deployment("", "annotations: {inject.istio.io/templates: gateway}", containers), "", unmeshed},
		"Linkerd":                   {"Linkerd", deployment("", "annotations: {linkerd.io/inject: disabled}", containers), "", unmeshed},
		"Kuma":                      {"Kuma", deployment("", `labels: {kuma.io/sidecar-injection: disabled}`, containers), "", unmeshed},
		"Consul":                    {"Consul", deployment("", `annotations: {consul.hashicorp.com/connect-inject: "false"}`, containers), "", unmeshed},
		"FSM":                       {"FSM", deployment("", `annotations: {flomesh.io/sidecar-injection: disabled}`, containers), "", unmeshed},
		"OSM":                       {"OSM", deployment("", `annotations: {openservicemesh.io/sidecar-injection: disabled}`, containers), "", unmeshed},
		"by a kustomization, named": {"", deployment("", "", containers), "its file is a patch, by prod/kustomization.yaml: patches[0].path", ""},
	} {
		t.Run(name, func(t *testing.T) {
			mesh := test.mesh
			if mesh == "" {
				mesh = "Istio"
			}
			text := test.text
			spec := fn.SpecIn(manifest("bypass.yaml", "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec: {mesh: "+mesh+", enforcement: {mode: AnnotationsOnly}, enrolment: {namespaces: [shop]}, global: {excludeOutboundPorts: [3306]}}\n"))
			options := fn.Options{}
			if strings.Contains(name, "kustomization") {
				options.Uses = map[string]fn.Use{"web.yaml": {Patch: "prod/kustomization.yaml: patches[0].path"}}
			}
			files := []fn.Manifest{manifest("web.yaml", text)}

			rendered, results, err := fn.Manifests(spec, files, options)
			require.NoError(t, err, results.Report())
			assert.Equal(t, text, string(rendered[0].Text))
			assert.Empty(t, results.Report())
			require.Len(t, results, 1)
			assert.Equal(t, fn.Info, results[0].Severity)
			assert.Contains(t, results[0].Message, "left alone: "+test.reason)
			assert.Equal(t, 1, results.LeftAlone())
			field := ""
			if test.field != "" {
				require.NotNil(t, results[0].Field)
				assert.Equal(t, test.field, results[0].Field.Path)
				field = " (" + test.field + ")"
			}
			reason := strings.TrimPrefix(results[0].Message, "left alone: ") + field

			explained, err := fn.Explain(spec, files, options, "")
			require.NoError(t, err)
			require.Len(t, explained.Workloads, 1)
			assert.Equal(t, fn.LeftAlone, explained.Workloads[0].Outcome)
			assert.Equal(t, reason, explained.Workloads[0].Reason)
			checked, err := fn.Check(spec, files, options, fn.Expiry{})
			require.NoError(t, err)
			require.Len(t, checked.Objects, 1)
			assert.Equal(t, reason, checked.Objects[0].LeftAlone)
			assert.True(t, checked.Passed())
		})
	}
}

// A gateway that brings its own proxy is spared what comes in alone: what it sends is the
// ClusterBypass's to say, and no limit is about what it is spared.
func TestAGatewayThatIsInterceptedOutbound(t *testing.T) {
	const spec = "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec: {mesh: Kuma, global: {excludeOutboundPorts: [3306]}, enforcement: {mode: AnnotationsOnly}, limits: {forbiddenInboundPorts: [443]}}\n"
	for value, served := range map[string]bool{"enabled": true, "true": true, "disabled": true, "builtin": false} {
		file := manifest("web.yaml", "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec:\n  selector: {}\n  template:\n    metadata: {annotations: {kuma.io/gateway: \""+value+"\"}}\n    spec: {containers: [{name: app, image: app}]}\n")
		files, results, err := rendered(t, spec, file)
		require.NoError(t, err, results.Report())
		assert.Equal(t, served, strings.Contains(string(files[0].Text), `traffic.kuma.io/exclude-outbound-ports: "3306"`), value)
		explained, err := fn.Explain(fn.SpecIn(manifest("bypass.yaml", spec)), []fn.Manifest{file}, fn.Options{}, "")
		require.NoError(t, err)
		var spared []fn.ExplainedOther
		for _, o := range explained.Workloads[0].Others {
			assert.True(t, o.Sure)
			assert.Equal(t, map[string][]string{"excludeInboundPorts": {"1-65535"}}, o.Lets)
			spared = append(spared, o)
		}
		assert.Equal(t, value == "enabled" || value == "true", len(spared) == 1, value)
	}
}
