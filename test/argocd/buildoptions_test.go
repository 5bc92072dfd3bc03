package argocd

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	"github.com/argoproj/argo-cd/v3/reposerver/apiclient"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// An application that Argo CD builds with kustomize, and that lists the
// specification itself.
func functionApplication(t *testing.T) (app v1alpha1.Application, over map[string]string) {
	t.Helper()
	app = application(t, "application.yaml")
	app.Spec.Source.Plugin = nil
	return app, map[string]string{
		"examples/argocd/shop/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nnamespace: shop\nresources: [cart.yaml]\ntransformers: [bypass.yaml]\n",
		"examples/argocd/shop/bypass.yaml": `apiVersion: krm-bypass.dev/v1alpha1
kind: ClusterBypass
metadata:
  name: cluster
  annotations:
    config.kubernetes.io/local-config: "true"
    config.kubernetes.io/function: |
      exec:
        path: krm-bypass
spec:
  namespaces:
  - match: {names: [shop]}
    excludeOutboundPorts: [3306]
  enforcement: {image: registry.example.com/mesh/init:v0.1.0}
`,
	}
}

// withOptions has repo-server build with the kustomize of the tests, and with
// krm-bypass in its PATH.
func withOptions(t *testing.T, options string) func(*apiclient.ManifestRequest) {
	t.Helper()
	t.Setenv("PATH", tools+":"+os.Getenv("PATH"))
	return func(request *apiclient.ManifestRequest) {
		request.KustomizeOptions = &v1alpha1.KustomizeOptions{BuildOptions: options}
	}
}

func TestBuildOptions(t *testing.T) {
	app, over := functionApplication(t)
	_, configMaps, err := installed(t.TempDir())
	require.NoError(t, err)
	options := configMaps["argocd-cm"].Data["kustomize.buildOptions"]
	require.NotEmpty(t, options)

	manifests, err := generate(t.Context(), app, checkout(t, over), withOptions(t, options))
	require.NoError(t, err)
	template := byName(t, manifests).template(t, "cart")
	assert.Equal(t, "3306", template.Annotations[excludeOutboundPorts])
	require.Len(t, template.Spec.InitContainers, 1)
	assert.Equal(t, initContainer, template.Spec.InitContainers[0].Name)
}

// What docs/argocd.md warns of is so.
func TestBuildOptionsAreDangerous(t *testing.T) {
	t.Run("half of them skips the function in silence", func(t *testing.T) {
		app, over := functionApplication(t)
		manifests, err := generate(t.Context(), app, checkout(t, over), withOptions(t, "--enable-alpha-plugins"))
		require.NoError(t, err)
		template := byName(t, manifests).template(t, "cart")
		assert.Empty(t, template.Annotations)
		assert.Empty(t, template.Spec.InitContainers)
	})
	t.Run("any repository executes what it likes", func(t *testing.T) {
		app, over := functionApplication(t)
		executed := filepath.Join(t.TempDir(), "executed")
		over["examples/argocd/shop/anything.sh"] = "#!/bin/sh\ntouch " + executed + "\ncat\n"
		over["examples/argocd/shop/bypass.yaml"] = function
		clone := checkout(t, over)
		require.NoError(t, os.Chmod(filepath.Join(clone, "examples/argocd/shop/anything.sh"), 0o755))
		_, err := generate(t.Context(), app, clone, withOptions(t, "--enable-alpha-plugins --enable-exec"))
		require.NoError(t, err)
		assert.FileExists(t, executed)
	})
}
