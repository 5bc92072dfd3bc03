package helm

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/test/ways"
)

const (
	chart = "examples/helm/chart"
	spec  = "--spec=examples/helm/bypass.yaml"
	shop  = "--namespace=shop"
)

// objects gives the objects of a stream by kind and name.
func objects(t *testing.T, stream string) map[string]any {
	t.Helper()
	found := map[string]any{}
	decoder := yaml.NewDecoder(bytes.NewBufferString(stream))
	for {
		var object map[string]any
		err := decoder.Decode(&object)
		if errors.Is(err, io.EOF) {
			return found
		}
		require.NoError(t, err, stream)
		if object == nil {
			continue
		}
		name := object["kind"].(string) + "/" + object["metadata"].(map[string]any)["name"].(string)
		require.NotContains(t, found, name)
		found[name] = object
	}
}

// value is what stands at a path in an object.
func value(object any, path ...string) any {
	for _, key := range path {
		within, _ := object.(map[string]any)
		object = within[key]
	}
	return object
}

// excludedPorts gives the annotation by which Istio knows what bypasses here.
func excludedPorts(workload any) any {
	return value(workload, "spec", "template", "metadata", "annotations", "traffic.sidecar.istio.io/excludeOutboundPorts")
}

func TestPostRendererMakesWhatAPipeMakes(t *testing.T) {
	for _, v := range versions {
		t.Run(v.name, func(t *testing.T) {
			template := []string{"template", "shop", chart, "--namespace", "shop", "--values", "examples/helm/values-production.yaml"}
			plain := v.run(t, nil, template...)
			require.False(t, plain.failed, plain.stderr)
			piped := objects(t, pipe(t, plain.stdout, spec, shop))

			rendered := v.run(t, nil, append(template, v.postRender(spec, shop)...)...)
			require.False(t, rendered.failed, rendered.stderr)
			assert.Empty(t, rendered.stderr)
			found := objects(t, rendered.stdout)

			const hook = "Job/shop-migrate"
			require.Contains(t, found, hook)
			assert.Equal(t, "3306", excludedPorts(piped[hook]), "the pipe holds the hooks, too")
			if v.program == "helm" {
				// Helm 3 keeps its hooks from a post-renderer.
				assert.Nil(t, excludedPorts(found[hook]))
				delete(piped, hook)
				delete(found, hook)
			}
			assert.Equal(t, piped, found)
			require.Contains(t, found, "Deployment/shop-cart")
			assert.Equal(t, "3306", excludedPorts(found["Deployment/shop-cart"]))
			assert.NotNil(t, value(found["Deployment/shop-cart"], "spec", "template", "spec", "initContainers"))
			assert.NotContains(t, rendered.stdout, "postrenderer.helm.sh", "Helm 4 finds its own annotations again")
		})
	}
}

// docs/running.md has this tree rendered in every way.
func TestPostRendererOnTheTreeOfEveryWay(t *testing.T) {
	for _, v := range versions {
		t.Run(v.name, func(t *testing.T) {
			rendered := v.run(t, nil, append([]string{"template", "every-way", ways.Example}, v.postRender("--spec="+ways.Example+"/bypass.yaml")...)...)
			require.False(t, rendered.failed, rendered.stderr)
			ways.Compare(t, []byte(rendered.stdout))
		})
	}
}

// Helm says the release's namespace to its post-renderer only if it was told so
// itself, by its variable.
func TestNamespaceOfTheRelease(t *testing.T) {
	for _, v := range versions {
		t.Run(v.name, func(t *testing.T) {
			rendered := v.run(t, []string{"HELM_NAMESPACE=shop"}, append([]string{"template", "shop", chart}, v.postRender(spec)...)...)
			require.False(t, rendered.failed, rendered.stderr)
			assert.Equal(t, "3306", excludedPorts(objects(t, rendered.stdout)["Deployment/shop-cart"]))
		})
	}
}

func TestChartThatRendersToNothing(t *testing.T) {
	for _, v := range versions {
		t.Run(v.name, func(t *testing.T) {
			rendered := v.run(t, nil, append([]string{"template", "shop", chart, "--set", "enabled=false"}, v.postRender(spec, shop)...)...)
			require.False(t, rendered.failed, rendered.stderr)
			assert.Empty(t, rendered.stderr)
			assert.Empty(t, objects(t, rendered.stdout))
		})
	}
}

func TestMistakeStopsHelm(t *testing.T) {
	mistaken := filepath.Join(t.TempDir(), "bypass.yaml")
	require.NoError(t, os.WriteFile(mistaken, []byte("apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec:\n  global:\n    excludeOutboundPorts: [70000]\n"), 0o600))
	for _, v := range versions {
		t.Run(v.name, func(t *testing.T) {
			rendered := v.run(t, nil, append([]string{"template", "shop", chart}, v.postRender("--spec="+mistaken, shop)...)...)
			assert.True(t, rendered.failed)
			assert.Empty(t, rendered.stdout)
			assert.Contains(t, rendered.stderr, "error: "+mistaken+":6: ")
			assert.Contains(t, rendered.stderr, `spec.global.excludeOutboundPorts[0]: "70000" is a port outside 1-65535`)
		})
	}
}

// The folder is one that helm plugin install takes.
func TestPluginIsInstalled(t *testing.T) {
	for _, v := range versions {
		if v.plugins == "" {
			continue
		}
		home := t.TempDir()
		env := []string{"HELM_DATA_HOME=" + home, "HELM_PLUGINS=" + filepath.Join(home, "plugins")}
		installed := v.run(t, env, "plugin", "install", filepath.Join(v.plugins, "krm-bypass"))
		require.False(t, installed.failed, installed.stderr)
		listed := v.run(t, env, "plugin", "list")
		assert.Contains(t, listed.stdout, "krm-bypass")
		assert.Contains(t, listed.stdout, "postrenderer/v1")
		rendered := v.run(t, env, append([]string{"template", "shop", chart}, v.postRender(spec, shop)...)...)
		require.False(t, rendered.failed, rendered.stderr)
		assert.Equal(t, "3306", excludedPorts(objects(t, rendered.stdout)["Deployment/shop-cart"]))
	}
}
