package cluster

import (
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/test/cluster/controlplane"
)

// kindsOfSpec puts the policy in once more, with the kinds of a specification.
func kindsOfSpec(t *testing.T) {
	spec := filepath.Join(repository, "testdata/golden/workloads/pod-templates-add-kinds/spec.yaml")
	fleet := workload("example.com/v1", kindAt("Fleet", "spec.pods.template"), map[string]any{inboundPorts: "443"})
	runner := workload("example.com/v1", kindAt("Runner", "podTemplate"), map[string]any{inboundPorts: "443"})
	// Another kind, in which something else stands on the way to their templates.
	app := workload("example.com/v1", kindAt("App", "spec.template"), map[string]any{inboundPorts: "443"})
	below(app, "spec")["pods"] = []any{"a", "b"}
	app["podTemplate"] = "a name"
	objects := []controlplane.Object{fleet, runner, app}
	prepare(t, objects)
	for _, object := range objects {
		assert.Empty(t, refusal(t, object), "not yet")
	}
	kubectl(t, krmBypass(t, "schema", "--admission-policy", "--spec", spec), "apply", "--server-side", "-f", "-")
	await(t, "the kinds are known", func() bool { return refusal(t, fleet) != "" })
	for _, object := range []controlplane.Object{fleet, runner, annotated("Deployment"), workload("argoproj.io/v1alpha1", kinds["argoproj.io/v1alpha1 Rollout"], map[string]any{inboundPorts: "443"})} {
		assert.Contains(t, refusal(t, object), "carries "+inboundPorts+", which krm-bypass did not write", object.Text("kind"))
	}
	assert.Empty(t, refusal(t, app))
	typesFit(t)

	golden, err := readManifests(filepath.Join(filepath.Dir(spec), "expected.yaml"))
	require.NoError(t, err)
	prepare(t, golden)
	judged := 0
	for _, object := range golden {
		if object.Text("metadata", "annotations", recordAnnotation) == "" {
			continue
		}
		judged++
		assert.Empty(t, refusal(t, object), "%s as krm-bypass wrote it", object.Text("kind"))
		changed := below(object, "metadata", "annotations")
		delete(changed, recordAnnotation)
		assert.NotEmpty(t, refusal(t, object), "%s without the record", object.Text("kind"))
	}
	assert.Positive(t, judged)
}

// enrolledOfSpec puts the policy in with a specification that enrols namespaces
// of Kubernetes and of its mesh by their names.
func enrolledOfSpec(t *testing.T) {
	spec := filepath.Join(t.TempDir(), "bypass.yaml")
	require.NoError(t, os.WriteFile(spec, []byte(`apiVersion: krm-bypass.dev/v1alpha1
kind: ClusterBypass
metadata: {name: cluster}
spec: {mesh: Consul, enrolment: {namespaces: ["*", consul, kube-public]}}
`), 0o600))
	in := func(namespace string) string {
		object := workload("apps/v1", kinds["apps/v1 Deployment"], map[string]any{"consul.hashicorp.com/transparent-proxy-exclude-inbound-ports": "443"})
		below(object, "metadata")["namespace"] = namespace
		return refusal(t, object)
	}
	assert.Empty(t, in("consul"))
	assert.Empty(t, in("kube-public"))
	kubectl(t, krmBypass(t, "schema", "--admission-policy", "--spec", spec), "apply", "--server-side", "-f", "-")
	await(t, "the namespaces are enrolled", func() bool { return in("consul") != "" })
	assert.NotEmpty(t, in("kube-public"))
	assert.Empty(t, in("kube-system"))
}

// optOutsOfSpec puts the policy in with limits that say who may opt out of the mesh.
func optOutsOfSpec(t *testing.T) {
	spec := filepath.Join(t.TempDir(), "bypass.yaml")
	require.NoError(t, os.WriteFile(spec, []byte(`apiVersion: krm-bypass.dev/v1alpha1
kind: ClusterBypass
metadata: {name: cluster}
spec:
  limits: {meshOptOut: {namespaces: ["batch-*"]}}
  namespaces:
  - {match: {names: ["mesh-*"]}, dataPlane: Ambient}
  workloads:
  - {match: {namespaces: [mesh-old], names: [web]}, dataPlane: Sidecar}
`), 0o600))
	const inject, templates = "sidecar.istio.io/inject", "inject.istio.io/templates"
	in := func(namespace string, labels, annotations map[string]any) controlplane.Object {
		object := workload("apps/v1", kinds["apps/v1 Deployment"], annotations)
		below(object, "metadata")["namespace"] = namespace
		maps.Copy(below(object, "spec", "template", "metadata", "labels"), labels)
		return object
	}
	for _, name := range []string{"batch-1", "mesh-1", "mesh-old"} {
		makeNamespace(t, name)
	}
	none := map[string]any{"istio.io/dataplane-mode": "none"}
	out := map[string]any{inject: "false"}
	assert.Empty(t, refusal(t, in("default", out, nil)), "without limits")
	before := in("default", out, nil)
	below(before, "metadata")["name"] = "before"
	create(t, before)
	kubectl(t, krmBypass(t, "schema", "--admission-policy", "--spec", spec), "apply", "--server-side", "-f", "-")
	await(t, "it refuses", func() bool { return refusal(t, in("default", out, nil)) != "" })
	for _, test := range []struct {
		namespace           string
		labels, annotations map[string]any
		says                string
	}{
		{"default", out, nil, "has the label " + inject},
		{"default", nil, out, "has the annotation " + inject},
		{"default", nil, map[string]any{templates: "custom, gateway"}, "has the annotation " + templates},
		{"default", map[string]any{inject: "true"}, out, ""}, // the label wins
		{"default", map[string]any{inject: "falsey"}, nil, ""},
		{"default", nil, map[string]any{templates: "gateway,sidecar"}, ""},    // both apply
		{"default", nil, map[string]any{"linkerd.io/inject": "disabled"}, ""}, // another mesh's
		{"default", nil, nil, ""},
		{"batch-1", out, nil, ""},
		{"istio-system", out, nil, ""},
		{"mesh-1", out, nil, ""}, // which ambient pods have no need of
		{"mesh-1", none, nil, "has the label istio.io/dataplane-mode"},
		{"mesh-1", map[string]any{"istio.io/dataplane-mode": "ambient"}, nil, ""},
		{"mesh-1", map[string]any{inject: "true", "istio.io/dataplane-mode": "none"}, nil, ""}, // a sidecar, for certain
		{"mesh-1", map[string]any{inject: "false", "istio.io/dataplane-mode": "none"}, nil, "has the label istio.io/dataplane-mode"},
		{"mesh-1", none, map[string]any{inject: "true"}, "has the label istio.io/dataplane-mode"}, // by which nobody injects
		{"mesh-old", none, nil, ""},                                                               // some of its pods may have a sidecar
		{"default", none, nil, ""},
		{"default", map[string]any{inject: "false", "istio.io/dataplane-mode": "ambient"}, nil, "has the label " + inject},
		{"kube-system", out, nil, ""},
	} {
		said := refusal(t, in(test.namespace, test.labels, test.annotations))
		if test.says == "" {
			assert.Empty(t, said, "%+v", test)
			continue
		}
		assert.Contains(t, said, test.says+", by which its pods opt out of the mesh", "%+v", test)
	}
	patch := func(labels map[string]any) string {
		_, err := server.Request(t.Context(), http.MethodPatch, pathOf(t, before)+"/before?dryRun=All",
			controlplane.Object{"spec": map[string]any{"template": map[string]any{"metadata": map[string]any{"labels": labels}}}})
		return ofPolicy(t, err)
	}
	assert.Empty(t, patch(map[string]any{"team": "storefront"}), "it was so before")
	kubectl(t, "", "scale", "deployment/before", "--replicas=2")
	kubectl(t, "", "rollout", "restart", "deployment/before")
	assert.Empty(t, patch(map[string]any{inject: nil}))
	kubectl(t, "", "patch", "deployment/before", "--type=merge", `--patch={"spec":{"template":{"metadata":{"labels":{"`+inject+`":null}}}}}`)
	assert.Contains(t, patch(out), "has the label "+inject)
	typesFit(t)
}

// severalSpecs puts the one policy of two specifications in: what each wrote passes,
// and each says for its namespaces alone who may opt out of its mesh.
func severalSpecs(t *testing.T) {
	makeNamespace(t, "linked")
	var specs []string
	for name, says := range map[string]string{"istio": "mesh: Istio, enrolment: {namespaces: [default]}", "linkerd": "mesh: Linkerd, enrolment: {namespaces: [linked]}"} {
		spec := filepath.Join(t.TempDir(), name+".yaml")
		require.NoError(t, os.WriteFile(spec, []byte("apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: "+name+"}\n"+
			"spec: {"+says+", global: {excludeOutboundPorts: [3306]}, limits: {meshOptOut: {namespaces: []}}, enforcement: {mode: AnnotationsOnly}}\n"), 0o600))
		specs = append(specs, "--spec", spec)
	}
	in := func(namespace string, labels, annotations map[string]any) controlplane.Object {
		object := workload("apps/v1", kinds["apps/v1 Deployment"], annotations)
		below(object, "metadata")["namespace"] = namespace
		maps.Copy(below(object, "spec", "template", "metadata", "labels"), labels)
		return object
	}
	ofIstio, ofLinkerd := map[string]any{"sidecar.istio.io/inject": "false"}, map[string]any{"linkerd.io/inject": "disabled"}
	kubectl(t, krmBypass(t, append([]string{"schema", "--admission-policy"}, specs...)...), "apply", "--server-side", "-f", "-")
	await(t, "it refuses", func() bool { return refusal(t, in("linked", nil, ofLinkerd)) != "" })
	assert.Contains(t, refusal(t, in("default", ofIstio, nil)), "has the label sidecar.istio.io/inject")
	assert.Empty(t, refusal(t, in("linked", ofIstio, nil)), "Istio is not there")
	assert.Empty(t, refusal(t, in("default", nil, ofLinkerd)), "Linkerd is not there")
	for _, namespace := range []string{"default", "linked"} {
		manifest := filepath.Join(t.TempDir(), "web.yaml")
		require.NoError(t, os.WriteFile(manifest, []byte("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: rendered, namespace: "+namespace+"}\n"+
			"spec: {selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: [{name: app, image: app}]}}}\n"), 0o600))
		kubectl(t, krmBypass(t, append([]string{"render", manifest}, specs...)...), "create", "--dry-run=server", "-f", "-")
		assert.NotEmpty(t, refusal(t, in(namespace, nil, map[string]any{"config.linkerd.io/skip-outbound-ports": "443"})), "by hand")
	}
	typesFit(t)
}
