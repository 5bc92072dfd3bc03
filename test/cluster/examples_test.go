package cluster

import (
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/test/cluster/controlplane"
)

// TestExamples applies what the examples render, in the ways that people do.
func TestExamples(t *testing.T) {
	for _, r := range renderings {
		t.Run(r.name, func(t *testing.T) {
			manifests := r.manifests(t, filepath.Join(repository, "examples", r.example))
			assert.Equal(t, r.off, !strings.Contains(manifests, "krm-bypass.dev/policy"), "whether the function wrote something")
			applied(t, manifests)
		})
	}
}

func applied(t *testing.T, manifests string) {
	objects := manifestsOf(t, manifests)
	require.NotEmpty(t, objects)
	prepare(t, objects)
	for _, way := range []struct {
		name       string
		apply      []string
		difference []string
	}{
		{
			name:       "server side",
			apply:      []string{"apply", "--server-side", "-f", "-"},
			difference: []string{"diff", "--server-side", "-f", "-"},
		},
		{
			name:       "client side",
			apply:      []string{"apply", "-f", "-"},
			difference: []string{"diff", "-f", "-"},
		},
	} {
		t.Run(way.name, func(t *testing.T) {
			// A dry run needs the namespaces to be there.
			if namespaces := ofNamespaces(manifests); namespaces != "" {
				kubectl(t, namespaces, way.apply...)
			}
			tried := kubectl(t, manifests, append(way.apply, "--dry-run=server")...)
			assert.Equal(t, len(objects), strings.Count(tried, " (server dry run)\n"), tried)

			kubectl(t, manifests, way.apply...)
			defer remove(t, manifests)
			before := stored(t, manifests)

			// What kubectl itself says is no proof: "serverside-applied" either
			// way, and "configured" of every StatefulSet with volume claims.
			kubectl(t, manifests, way.apply...)
			assert.Equal(t, before, stored(t, manifests), "applied again nothing changes")
			assert.Empty(t, kubectl(t, manifests, way.difference...))
		})
	}
}

func manifestsOf(t *testing.T, stream string) []controlplane.Object {
	t.Helper()
	objects, err := decode(stream)
	require.NoError(t, err)
	return objects
}

// ofNamespaces gives those documents of a stream that are Namespaces.
func ofNamespaces(manifests string) string {
	documents := strings.Split(manifests, "\n---\n")
	return strings.Join(slices.DeleteFunc(documents, func(d string) bool { return !strings.Contains("\n"+d, "\nkind: Namespace\n") }), "\n---\n")
}

// remove deletes the objects. Nothing here ends a Namespace as Kubernetes' own
// controller does, by taking its finalizer off once it is empty.
func remove(t *testing.T, manifests string) {
	t.Helper()
	kubectl(t, manifests, "delete", "--wait=false", "-f", "-")
	for _, object := range manifestsOf(t, ofNamespaces(manifests)) {
		object["spec"] = map[string]any{"finalizers": []any{}}
		path := "/api/v1/namespaces/" + object.Text("metadata", "name") + "/finalize" //nolint:misspell // the API's spelling
		_, err := server.Request(t.Context(), http.MethodPut, path, object)
		require.NoError(t, err)
	}
}

// state is where an object stands in its history: the version counts every
// change, the generation those of what is asked for.
type state struct {
	version    string
	generation any
}

func stored(t *testing.T, manifests string) map[string]state {
	t.Helper()
	states := map[string]state{}
	for _, object := range manifestsOf(t, kubectl(t, manifests, "get", "-o", "yaml", "-f", "-")) {
		name := strings.Join([]string{object.Text("kind"), object.Text("metadata", "namespace"), object.Text("metadata", "name")}, "/")
		states[name] = state{object.Text("metadata", "resourceVersion"), object.Field("metadata", "generation")}
	}
	require.NotEmpty(t, states)
	return states
}
