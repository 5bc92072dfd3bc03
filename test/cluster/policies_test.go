package cluster

import (
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/test/cluster/controlplane"
)

// refusedWith is how a refusal by the policies of docs/policies.md begins, which says
// whose it is.
const refusedWith = "denied request: "

// TestPoliciesBesideOthers has our policy in the cluster with what Kyverno and Gatekeeper
// generate of examples/policies, and with a webhook that changes objects as theirs do.
func TestPoliciesBesideOthers(t *testing.T) {
	ours := krmBypass(t, "schema", "--admission-policy")
	kubectl(t, ours, "apply", "--server-side", "-f", "-")
	defer kubectl(t, ours, "delete", "-f", "-")

	bare := workload("apps/v1", kinds["apps/v1 Deployment"], nil)
	folder := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, "web.yaml"), []byte(inText(t, bare)), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "bypass.yaml"), []byte("apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec:\n"+
		"  global: {excludeOutboundPorts: [3306]}\n  enforcement: {mode: InitContainer, image: 'registry.example.com/mesh/init@sha256:"+strings.Repeat("0", 64)+"'}\n"), 0o600))
	written := manifestsOf(t, krmBypass(t, "render", filepath.Join(folder, "web.yaml"), "--spec", filepath.Join(folder, "bypass.yaml")))[0]
	byHand := annotated("Deployment")
	capable := workload("apps/v1", kinds["apps/v1 Deployment"], nil)
	for _, one := range below(capable, "spec", "template", "spec")["containers"].([]any) {
		one.(map[string]any)["securityContext"] = map[string]any{"capabilities": map[string]any{"add": []any{"NET_ADMIN"}}}
	}
	borrowedName := manifestsOf(t, strings.ReplaceAll(inText(t, written), "registry.example.com/mesh/init@", "registry.example.com/other@"))[0]

	await(t, "ours is in force", func() bool { return strings.Contains(refusalOfAny(t, byHand), refusedWith) })
	// A refusal names one policy, so theirs are tried one after the other.
	for _, generated := range []struct {
		by      func(*testing.T) string
		excepts bool // the namespace tuning
	}{{generatedByKyverno, true}, {generatedByGatekeeper, false}} {
		theirs := generated.by(t)
		await(t, theirs+" is in force", func() bool { return strings.Contains(refusalOfAny(t, capable), "'"+theirs+"'") })
		assert.Contains(t, refusalOfAny(t, borrowedName), "'"+theirs+"'", "the init container's name alone is no pass")
		assert.Empty(t, refusalOfAny(t, written), "what krm-bypass wrote")
		assert.Contains(t, refusal(t, byHand), "which krm-bypass did not write", "by ours alone")

		makeNamespace(t, "exempt")
		kubectl(t, "", "label", "namespace", "exempt", "--overwrite", "krm-bypass.dev/admission=ignore")
		for object, passes := range map[string]bool{inText(t, byHand): true, inText(t, capable): false} {
			moved := manifestsOf(t, object)[0]
			below(moved, "metadata")["namespace"] = "exempt"
			await(t, "ours is off", func() bool { return (refusalOfAny(t, moved) == "") == passes })
		}
		// Their exceptions are theirs alone.
		makeNamespace(t, "tuning")
		below(capable, "metadata")["namespace"], below(byHand, "metadata")["namespace"] = "tuning", "tuning"
		assert.Equal(t, generated.excepts, refusalOfAny(t, capable) == "", theirs)
		assert.Contains(t, refusal(t, byHand), "which krm-bypass did not write")
		below(capable, "metadata")["namespace"], below(byHand, "metadata")["namespace"] = "default", "default"
		kubectl(t, "", "delete", "validatingadmissionpolicybinding", theirs+"-binding")
		await(t, theirs+" is gone", func() bool { return !strings.Contains(refusalOfAny(t, capable), "'"+theirs+"'") })
	}

	// A webhook that changes objects comes first, so ours judges what it made of them.
	webhook(t, "/spec/template/metadata/annotations", map[string]string{inboundPorts: "443"})
	await(t, "the webhook changes objects", func() bool { return refusalOfAny(t, bare) != "" })
	assert.Contains(t, refusal(t, bare), inboundPorts+", which krm-bypass did not write")
	assert.NotEmpty(t, refusal(t, written), "the annotations that krm-bypass wrote are gone")
}

func inText(t *testing.T, object controlplane.Object) string {
	t.Helper()
	text, err := json.Marshal(object)
	require.NoError(t, err)
	return string(text)
}

// inExample gives the objects of a file of examples/policies.
func inExample(t *testing.T, file string) []controlplane.Object {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository, "examples/policies", file))
	require.NoError(t, err)
	return manifestsOf(t, string(text))
}

// bound makes a policy and its binding, and gives its name.
func bound(t *testing.T, name string, policy, binding map[string]any) string {
	t.Helper()
	binding["policyName"] = name
	const api = "admissionregistration.k8s.io/v1"
	create(t, controlplane.Object{"apiVersion": api, "kind": "ValidatingAdmissionPolicy", "metadata": map[string]any{"name": name}, "spec": policy})
	create(t, controlplane.Object{"apiVersion": api, "kind": "ValidatingAdmissionPolicyBinding", "metadata": map[string]any{"name": name + "-binding"}, "spec": binding})
	return name
}

// generatedByKyverno makes what Kyverno makes of a ValidatingPolicy and an exception (kyverno/kyverno :
// pkg/admissionpolicy/builder.go, and names_test.go for the name).
func generatedByKyverno(t *testing.T) string {
	t.Helper()
	objects := inExample(t, "kyverno.yaml")
	require.Len(t, objects, 2)
	policy, exception := objects[0], objects[1]
	assert.Equal(t, true, policy.Field("spec", "autogen", "validatingAdmissionPolicy", "enabled"))
	spec := map[string]any{}
	for _, field := range []string{"matchConstraints", "variables", "validations"} {
		spec[field] = policy.Field("spec", field)
	}
	var conditions []any
	for _, condition := range exception.Field("spec", "matchConditions").([]any) {
		excepted := controlplane.Object(condition.(map[string]any))
		conditions = append(conditions, map[string]any{"name": excepted.Text("name"), "expression": "!(" + excepted.Text("expression") + ")"})
	}
	spec["matchConditions"] = conditions
	return bound(t, "vpol-"+policy.Text("metadata", "name"), spec, map[string]any{"validationActions": policy.Field("spec", "validationActions")})
}

// generatedByGatekeeper makes what Gatekeeper makes of a template and a constraint
// (open-policy-agent/gatekeeper : pkg/drivers/k8scel/transform/make_vap_objects.go). What
// it writes in CEL of spec.match is here a rule for the same kinds.
func generatedByGatekeeper(t *testing.T) string {
	t.Helper()
	objects := inExample(t, "gatekeeper.yaml")
	require.Len(t, objects, 2)
	template, constraint := objects[0], objects[1]
	targets := template.Field("spec", "targets").([]any)
	code := controlplane.Object(targets[0].(map[string]any)).Field("code").([]any)
	source := controlplane.Object(code[0].(map[string]any)["source"].(map[string]any))
	assert.Equal(t, true, source.Field("generateVAP"))
	schema := template.Field("spec", "crd", "spec", "validation", "openAPIV3Schema")
	constraintKind := template.Text("spec", "crd", "spec", "names", "kind")
	assert.Equal(t, constraintKind, constraint.Text("kind"))
	create(t, controlplane.Object{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
		"metadata": map[string]any{"name": template.Text("metadata", "name") + ".constraints.gatekeeper.sh"},
		"spec": map[string]any{
			"group": "constraints.gatekeeper.sh", "scope": "Cluster",
			"names": map[string]any{"kind": constraintKind, "plural": template.Text("metadata", "name")},
			"versions": []any{map[string]any{
				"name": "v1beta1", "served": true, "storage": true,
				"schema": map[string]any{"openAPIV3Schema": map[string]any{"type": "object", "properties": map[string]any{
					"spec": map[string]any{"type": "object", "properties": map[string]any{
						"enforcementAction": map[string]any{"type": "string"},
						"match":             map[string]any{"type": "object", "x-kubernetes-preserve-unknown-fields": true},
						"parameters":        schema,
					}},
				}}},
			}},
		},
	})
	awaitServed(t, groupKind{"constraints.gatekeeper.sh", constraintKind}, "v1beta1")
	create(t, constraint)
	variables := append([]any{
		map[string]any{"name": "anyObject", "expression": `has(request.operation) && request.operation == "DELETE" && object == null ? oldObject : object`},
		map[string]any{"name": "params", "expression": "!has(params.spec) ? null : !has(params.spec.parameters) ? null: params.spec.parameters"},
	}, source.Field("variables").([]any)...)
	return bound(t, "gatekeeper-"+template.Text("metadata", "name"), map[string]any{
		"paramKind": map[string]any{"apiVersion": "constraints.gatekeeper.sh/v1beta1", "kind": constraintKind},
		"matchConstraints": map[string]any{"resourceRules": []any{map[string]any{
			"apiGroups": []any{"apps"}, "apiVersions": []any{"*"}, "operations": []any{"CREATE", "UPDATE"}, "resources": []any{"deployments", "statefulsets", "daemonsets"},
		}}},
		"variables": variables, "validations": source.Field("validations"),
	}, map[string]any{
		"paramRef":          map[string]any{"name": constraint.Text("metadata", "name"), "parameterNotFoundAction": "Allow"},
		"validationActions": []any{"Deny"},
	})
}

// webhook lets a server of ours put a value at a path of every new Deployment.
func webhook(t *testing.T, path string, value any) {
	t.Helper()
	patch, err := json.Marshal([]any{map[string]any{"op": "add", "path": path, "value": value}})
	require.NoError(t, err)
	answering := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var review controlplane.Object
		if err := json.NewDecoder(r.Body).Decode(&review); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{
			"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
			"response": map[string]any{"uid": review.Text("request", "uid"), "allowed": true, "patchType": "JSONPatch", "patch": patch},
		})
	}))
	t.Cleanup(answering.Close)
	create(t, controlplane.Object{
		"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration", "metadata": map[string]any{"name": "changes-objects"},
		"webhooks": []any{map[string]any{
			"name":                    "changes-objects.example.com",
			"admissionReviewVersions": []any{"v1"}, "sideEffects": "None", "failurePolicy": "Fail",
			"clientConfig": map[string]any{
				"url":      answering.URL,
				"caBundle": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: answering.Certificate().Raw}),
			},
			"rules": []any{map[string]any{"apiGroups": []any{"apps"}, "apiVersions": []any{"v1"}, "operations": []any{"CREATE"}, "resources": []any{"deployments"}}},
		}},
	})
}
