package cluster

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/test/cluster/controlplane"
)

// pathOf is where the server keeps an object.
func pathOf(t *testing.T, object controlplane.Object) string {
	t.Helper()
	apiVersion, kind := object.Text("apiVersion"), object.Text("kind")
	resources, err := server.Resources(t.Context(), apiVersion)
	require.NoError(t, err)
	require.Contains(t, resources, kind)
	return resources[kind].Path(apiVersion, object.Text("metadata", "namespace"))
}

// create makes an object for as long as the test runs.
func create(t *testing.T, object controlplane.Object) controlplane.Object {
	t.Helper()
	path := pathOf(t, object)
	made, err := server.Request(t.Context(), http.MethodPost, path, object)
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := server.Kubectl(context.WithoutCancel(t.Context()), "", "delete", "--wait=false", "-n", object.Text("metadata", "namespace"), "--ignore-not-found", object.Text("kind"), object.Text("metadata", "name"))
		assert.NoError(t, err)
	})
	return made.Object
}

// ownedBy makes a reference to the object that controls another.
func ownedBy(owner controlplane.Object) []any {
	return []any{map[string]any{
		"apiVersion": owner.Text("apiVersion"), "kind": owner.Text("kind"),
		"name": owner.Text("metadata", "name"), "uid": owner.Text("metadata", "uid"), "controller": true,
	}}
}

// patched is a patch that annotates the template at the path.
func patched(path []string, annotations map[string]any) controlplane.Object {
	patch := controlplane.Object{}
	maps.Copy(below(patch, append(slices.Clone(path), "metadata", "annotations")...), annotations)
	return patch
}

// handWrittenUpdates writes every annotation onto objects that are there, free ones
// and controlled ones, in all the ways of writing.
func handWrittenUpdates(t *testing.T) {
	makeNamespace(t, "by-hand")
	owner := create(t, controlplane.Object{"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "owner", "namespace": "by-hand"}})
	refused := 0
	for name, kind := range kinds {
		apiVersion, _, _ := strings.Cut(name, " ")
		if len(kind.Template) == 0 || kind.Fixed {
			continue // the server itself refuses another template
		}
		for _, owners := range [][]any{nil, ownedBy(owner)} {
			object := workload(apiVersion, kind, map[string]any{"prometheus.io/scrape": "true"})
			below(object, "metadata")["namespace"] = "by-hand"
			if owners != nil {
				below(object, "metadata")["ownerReferences"] = owners
				below(object, "metadata")["name"] = "owned"
			}
			made := create(t, object)
			at := pathOf(t, object) + "/" + object.Text("metadata", "name") + "?dryRun=All"
			update := func(method, contentType, query string, body any) string {
				_, err := server.Send(t.Context(), method, contentType, at+query, body)
				return ofPolicy(t, err)
			}
			const merge = "application/merge-patch+json"
			assert.Empty(t, update(http.MethodPatch, merge, "", patched(kind.Template, map[string]any{"prometheus.io/port": "9090"})), "%s without a bypass", name)
			for _, by := range bypasses {
				said := update(http.MethodPatch, merge, "", patched(kind.Template, map[string]any{by.key: by.value}))
				assert.Contains(t, said, "the pod template carries "+by.key+", which krm-bypass did not write", "%s with %v", name, by)
				refused++
			}
			for _, by := range passes {
				assert.Empty(t, update(http.MethodPatch, merge, "", patched(kind.Template, map[string]any{by.key: by.value})), "%s with %v", name, by)
			}

			by := patched(kind.Template, map[string]any{inboundPorts: "443"})
			whole := workload(apiVersion, kind, map[string]any{inboundPorts: "443"})
			below(whole, "metadata")["namespace"], below(whole, "metadata")["name"] = "by-hand", made.Text("metadata", "name")
			const fully = "&fieldManager=hand&force=true"
			ways := map[string]string{
				"apply": update(http.MethodPatch, "application/apply-patch+yaml", fully, whole),
				"json": update(http.MethodPatch, "application/json-patch+json", "", []any{map[string]any{
					"op": "add", "path": "/" + strings.Join(kind.Template, "/") + "/metadata/annotations/" + strings.ReplaceAll(inboundPorts, "/", "~1"), "value": "443",
				}}),
			}
			if group, _, _ := strings.Cut(apiVersion, "/"); ofKubernetes(group) {
				ways["strategic"] = update(http.MethodPatch, "application/strategic-merge-patch+json", "", by)
				delete(below(made, "metadata"), "resourceVersion") // a controller may have written since
			}
			below(by, "metadata")["ownerReferences"] = ownedBy(owner)
			ways["with an owner"] = update(http.MethodPatch, merge, "", by)
			maps.Copy(below(made, append(slices.Clone(kind.Template), "metadata", "annotations")...), map[string]any{inboundPorts: "443"})
			ways["put"] = update(http.MethodPut, "application/json", "", made)
			below(whole, "metadata")["name"] = "applied"
			_, err := server.Send(t.Context(), http.MethodPatch, "application/apply-patch+yaml", pathOf(t, whole)+"/applied?dryRun=All"+fully, whole)
			ways["created by apply"] = ofPolicy(t, err)
			for way, said := range ways {
				assert.Contains(t, said, "carries "+inboundPorts+", which krm-bypass did not write", "%s by %s", name, way)
				refused++
			}
		}
	}
	t.Logf("the server refuses %d updates with one annotation by hand", refused)
}

// decoys have a plain template where another kind has its own.
func decoys(t *testing.T) {
	makeNamespace(t, "by-hand")
	plain := map[string]any{"metadata": map[string]any{"annotations": map[string]any{"prometheus.io/scrape": "true"}}}
	for name, kind := range kinds {
		apiVersion, _, _ := strings.Cut(name, " ")
		if group, _, _ := strings.Cut(apiVersion, "/"); ofKubernetes(group) {
			continue // has no fields but its own
		}
		object := workload(apiVersion, kind, map[string]any{inboundPorts: "443"})
		below(object, "metadata")["name"], below(object, "metadata")["namespace"] = "decoy", "by-hand"
		below(object, "spec", "jobTemplate", "spec")["template"] = plain
		object["template"] = plain
		assert.Contains(t, refusal(t, object), "carries "+inboundPorts, "%s", name)

		delete(below(object, append(slices.Clone(kind.Template), "metadata", "annotations")...), inboundPorts)
		create(t, object)
		_, err := server.Request(t.Context(), http.MethodPatch, pathOf(t, object)+"/decoy?dryRun=All", patched(kind.Template, map[string]any{inboundPorts: "443"}))
		assert.Contains(t, ofPolicy(t, err), "carries "+inboundPorts, "%s", name)

		// And the other way round: nothing reads an annotation there.
		_, err = server.Request(t.Context(), http.MethodPatch, pathOf(t, object)+"/decoy?dryRun=All", patched([]string{"spec", "jobTemplate", "spec", "template"}, map[string]any{inboundPorts: "443"}))
		assert.Empty(t, ofPolicy(t, err), "%s", name)
	}
}

// namespaces compares what is judged in the namespaces of Kubernetes and of the
// meshes with what render touches there.
func namespaces(t *testing.T) {
	names := []string{
		"default", "kube-system", "kube-apps", "istio-system", "istio-operator", "fsm-system", "osm-system", "linkerd", "linkerd-viz", "consul", "kuma-system",
		"kube", "linkerdy", "my-istio-system", "istio-system-2", "my-consul",
	}
	for _, name := range names {
		makeNamespace(t, name)
	}
	var judged int
	for _, m := range mesh.All() {
		var stream strings.Builder
		byHand := map[string]controlplane.Object{}
		for _, name := range names {
			object := workload("apps/v1", kinds["apps/v1 Deployment"], map[string]any{m.Keys[0].Annotation: "443"})
			below(object, "metadata")["namespace"] = name
			text, err := json.Marshal(object)
			require.NoError(t, err)
			stream.WriteString("---\n" + string(text) + "\n")
			byHand[name] = object
		}
		for _, object := range manifestsOf(t, rendered(t, "{mesh: "+m.Name+", global: {excludeInboundPorts: [7001]}, enforcement: {mode: AnnotationsOnly}}", stream.String())) {
			name := object.Text("metadata", "namespace")
			touched := object.Text("metadata", "annotations", recordAnnotation) != ""
			assert.Equal(t, touched, refusal(t, byHand[name]) != "", "%s in %s", m.Name, name)
			if touched {
				judged++
			}
		}
	}
	assert.Greater(t, judged, 6*6)
	assert.Less(t, judged, 6*len(names)-6)
}
