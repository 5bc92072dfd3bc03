package fn_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/fn"
)

// What is given beside a spec goes before what the spec says, or does not say.
func TestOptionsGoBeforeTheSpec(t *testing.T) {
	options := fn.Options{Mesh: "Linkerd", Image: "registry.example.com/init:v9"}
	for name, enforcement := range map[string]string{
		"said otherwise": "  mesh: Istio\n  enforcement: {image: \"example.com/init:v1\"}\n",
		"not said":       "",
	} {
		t.Run(name, func(t *testing.T) {
			text := "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec:\n  global: {excludeOutboundPorts: [3306]}\n" + enforcement
			spec := manifest("bypass.yaml", text)
			files, results, err := fn.Manifests(fn.SpecIn(spec), []fn.Manifest{manifest("web.yaml", deployment)}, options)
			require.NoError(t, err, results.Report())
			rendered := string(files[0].Text)
			assert.Contains(t, rendered, "config.linkerd.io/skip-outbound-ports")
			assert.NotContains(t, rendered, "istio.io")
			assert.Contains(t, rendered, "image: registry.example.com/init:v9")

			var object yaml.Node
			read, err := specIn(text)
			require.NoError(t, err)
			require.NoError(t, yaml.Unmarshal([]byte(deployment), &object))
			_, err = fn.Nodes(fn.SpecOf(read), []*yaml.Node{&object}, options)
			require.NoError(t, err)
			var ofText, ofNodes any
			require.NoError(t, yaml.Unmarshal(files[0].Text, &ofText))
			require.NoError(t, object.Decode(&ofNodes))
			assert.Equal(t, ofText, ofNodes)
			assert.NotEqual(t, options.Image, read.Spec.Enforcement.Image, "the caller's spec stays")
		})
	}
}

// Progress counts what is done, also where objects are done side by side.
func TestProgressCounts(t *testing.T) {
	var files []fn.Manifest
	for i := range 1000 {
		files = append(files, manifest(fmt.Sprintf("%d.yaml", i), deployment))
	}
	spec := manifest("bypass.yaml", "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec: {}\n")
	last := 0
	_, _, err := fn.Manifests(fn.SpecIn(spec), files, fn.Options{Progress: func(done, total int) {
		assert.Equal(t, []int{last + 1, len(files)}, []int{done, total})
		last = done
	}})
	require.NoError(t, err)
	assert.Equal(t, len(files), last)
}
