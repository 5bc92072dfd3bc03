package argocd

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	batchv1 "k8s.io/api/batch/v1"
)

func TestHelmChart(t *testing.T) {
	manifests, err := generate(t.Context(), application(t, "application-helm.yaml"), checkout(t, nil))
	require.NoError(t, err)
	found := byName(t, manifests)
	assert.Len(t, found, 3)
	assert.Contains(t, found, "Service/shop-chart-cart", "the release has the application's name")

	template := found.template(t, "shop-chart-cart")
	assert.Equal(t, "3306", template.Annotations[excludeOutboundPorts])
	require.Len(t, template.Spec.InitContainers, 1)
	assert.Equal(t, initContainer, template.Spec.InitContainers[0].Name)
	assert.Equal(t, "registry.example.com/shop/cart:2.0.2", template.Spec.Containers[0].Image, "the values file is read")
	assert.Contains(t, found["Deployment/shop-chart-cart"], `"replicas":5`, "the values win over it")

	// Argo CD makes hooks of its own of Helm's, so they come with the rest.
	require.Contains(t, found, "Job/shop-chart-migrate")
	var hook batchv1.Job
	require.NoError(t, json.Unmarshal([]byte(found["Job/shop-chart-migrate"]), &hook))
	assert.Equal(t, "3306", hook.Spec.Template.Annotations[excludeOutboundPorts])
}

func TestHelmParameters(t *testing.T) {
	app := application(t, "application-helm.yaml")
	app.Spec.Source.Plugin.Parameters = nil
	app = with(app, text("spec", "../bypass.yaml"), text("release-name", "till"), text("mesh", "Kuma"), list("values-files", "values.yaml", "../values-production.yaml"))
	manifests, err := generate(t.Context(), app, checkout(t, nil))
	require.NoError(t, err)
	template := byName(t, manifests).template(t, "till-cart")
	assert.Equal(t, "3306", template.Annotations["traffic.kuma.io/exclude-outbound-ports"])
	assert.Equal(t, "registry.example.com/shop/cart:2.0.2", template.Spec.Containers[0].Image, "the last of the files wins")
}

// Half a chart, or none, must not be taken for the whole of it.
func TestHelmFailures(t *testing.T) {
	app := application(t, "application-helm.yaml")
	clone := checkout(t, map[string]string{
		// Names that helm would take for something else.
		"examples/helm/chart/https:/example.com/values.yaml":                        "replicas: 7\n",
		"examples/helm/chart/values,/home/argocd/cmp-server/config/render-chart.sh": "replicas: 7\n",
	})
	for name, wrong := range map[string]struct {
		parameter parameter
		says      []string
	}{
		"the chart refuses its values":  {text("values", `image: ""`), []string{"values: image is needed"}},
		"the chart renders to nothing":  {text("values", "enabled: false"), []string{"delete"}},
		"values that are no YAML":       {text("values", "a: [b"), []string{"YAML"}},
		"a values file that is missing": {list("values-files", "values-prod.yaml"), []string{`"values-prod.yaml"`, "relative to the chart"}},
		"a values file by URL":          {list("values-files", "https://example.com/other.yaml"), []string{`"https://example.com/other.yaml"`, "relative to the chart"}},
		"a values file of the sidecar":  {list("values-files", "/home/argocd/cmp-server/config/plugin.yaml"), []string{"is no file of this repository"}},
		"a values file above":           {list("values-files", "../../../../../home/argocd/cmp-server/config/plugin.yaml"), []string{"is no file of this repository"}},
		"two values files in one":       {list("values-files", "values,/home/argocd/cmp-server/config/render-chart.sh"), []string{"has a comma"}},
		"a release name that is a flag": {text("release-name", "--help"), []string{`"--help"`}},
		"a mesh that is none":           {text("mesh", "Istoi"), []string{`"Istoi"`}},
		"a specification that is none":  {text("spec", "values.yaml"), []string{"values.yaml", "ClusterBypass"}},
	} {
		t.Run(name, func(t *testing.T) {
			manifests, err := generate(t.Context(), with(app, wrong.parameter), clone)
			assert.Empty(t, manifests)
			for _, said := range wrong.says {
				assert.ErrorContains(t, err, said)
			}
		})
	}

	t.Run("a values file whose name is a URL is a file", func(t *testing.T) {
		app := with(app, list("values-files", "https://example.com/values.yaml"), text("values", ""))
		manifests, err := generate(t.Context(), app, clone)
		require.NoError(t, err)
		assert.Contains(t, byName(t, manifests)["Deployment/shop-chart-cart"], `"replicas":7`)
	})
	t.Run("a specification with a mistake", func(t *testing.T) {
		manifests, err := generate(t.Context(), app, checkout(t, map[string]string{
			"examples/helm/bypass.yaml": "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec:\n  global:\n    excludeOutboundPorts: [70000]\n",
		}))
		assert.Empty(t, manifests)
		assert.ErrorContains(t, err, "../bypass.yaml")
		assert.ErrorContains(t, err, "spec.global.excludeOutboundPorts[0]")
	})
	t.Run("a template with a mistake", func(t *testing.T) {
		manifests, err := generate(t.Context(), app, checkout(t, map[string]string{
			"examples/helm/chart/templates/wrong.yaml": "{{ .Values.a.b.c }}\n",
		}))
		assert.Empty(t, manifests)
		assert.ErrorContains(t, err, "wrong.yaml")
	})
}

// An argument that a parameter's value would break out into.
func TestHelmParametersAreNoCode(t *testing.T) {
	app := application(t, "application-helm.yaml")
	marker := sidecar["krm-bypass-helm"].tmp + "/executed"
	for _, value := range []string{"$(touch /tmp/executed)", "`touch /tmp/executed`", "'; touch /tmp/executed; '", "\"; touch /tmp/executed; \"", "x\ntouch /tmp/executed"} {
		for _, parameter := range []parameter{text("release-name", value), text("values", value), list("values-files", value), text("spec", value), text("mesh", value)} {
			_, err := generate(t.Context(), with(app, parameter), checkout(t, nil))
			assert.Error(t, err, "%s %q", parameter.Name, value)
			_, err = os.Stat(marker)
			require.ErrorIs(t, err, os.ErrNotExist, "%s %q", parameter.Name, value)
		}
	}
}
