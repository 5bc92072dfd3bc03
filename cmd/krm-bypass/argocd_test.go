package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const argoSpec = "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec:\n  global: {excludeOutboundPorts: [3306]}\n  enforcement: {image: registry.example.com/mesh/init:v0.1.0}\n"

const argoWorkload = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n    spec: {containers: []}\n"

// asArgoCD puts the test into an application's folder as argocd-cmp-server
// unpacks it, with what Argo CD says of the application.
func asArgoCD(t *testing.T, parameters string, files map[string]string) {
	t.Helper()
	request := filepath.Join(t.TempDir(), "_cmp_server", "0f1e2d3c")
	for path, text := range files {
		path = filepath.Join(request, path)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	t.Chdir(filepath.Join(request, "apps/web"))
	t.Setenv("ARGOCD_APP_NAME", "web")
	t.Setenv("ARGOCD_APP_PARAMETERS", parameters)
}

func TestRenderTakesTheParametersOfAnApplication(t *testing.T) {
	asArgoCD(t, `[{"name": "spec", "string": "../../bypass.yaml"}, {"name": "mesh", "string": "Kuma"}, {"name": "image", "string": "example.com/init:v9"}]`,
		map[string]string{"apps/web/web.yaml": argoWorkload, "bypass.yaml": argoSpec})
	code, out, errOut := krmBypass("", "render", ".")
	require.Zero(t, code, errOut)
	assert.Contains(t, out, "traffic.kuma.io/exclude-outbound-ports")
	assert.Contains(t, out, "example.com/init:v9")
}

func TestRenderRefusesWhatAnApplicationMayNot(t *testing.T) {
	files := map[string]string{"apps/web/web.yaml": argoWorkload, "apps/web/empty/README.md": "", "apps/web/nothing.yaml": "# moved\n", "bypass.yaml": argoSpec}
	const spec = `[{"name": "spec", "string": "../../bypass.yaml"}]`
	for want, c := range map[string]struct {
		parameters, args string
	}{
		`parameter spec of application web: whoever installed the plugin set --spec=../../bypass.yaml`:  {spec, "render . --spec ../../bypass.yaml"},
		`parameter spec of application web: cannot read "../../../other/bypass.yaml" in the repository`: {`[{"name": "spec", "string": "../../../other/bypass.yaml"}]`, "render ."},
		`parameter spec of application web: cannot read "` + os.DevNull + `" in the repository`:         {`[{"name": "spec", "string": "` + os.DevNull + `"}]`, "render ."},
		`parameter mesh of application web: "Istoi" is not valid: did you mean Istio?`:                  {`[{"name": "mesh", "string": "Istoi"}]`, "render ."},
		`unknown parameter "values-files" of application web`:                                           {`[{"name": "values-files", "array": ["a"]}]`, "render ."},
		`application web renders to nothing, so Argo CD would delete everything`:                        {spec, "render empty"},
		`web renders to nothing`: {spec, "render nothing.yaml"},
	} {
		t.Run(c.args+" "+c.parameters, func(t *testing.T) {
			asArgoCD(t, c.parameters, files)
			code, out, errOut := krmBypass("", strings.Fields(c.args)...)
			assert.Equal(t, 1, code)
			assert.Empty(t, out)
			assert.Contains(t, errOut, want)
		})
	}
}

// Outside of Argo CD its variables mean nothing, and neither does emptiness.
func TestRenderWithoutArgoCD(t *testing.T) {
	t.Setenv("ARGOCD_APP_PARAMETERS", `[{"name": "anything", "string": "at all"}]`)
	code, out, errOut := krmBypass("", "render", "-")
	assert.Zero(t, code)
	assert.Empty(t, out+errOut)

	code, _, errOut = krmBypass(argoWorkload, "render", "-", "--mesh", "Istoi")
	assert.Equal(t, 1, code)
	assert.Contains(t, errOut, `error: --mesh: "Istoi" is not valid: did you mean Istio?`)
}

// A plugin for two meshes is given both specs, and the application's namespace says
// whose it is.
func TestRenderAppliesTheTwoSpecsOfAPlugin(t *testing.T) {
	ofMesh := func(mesh, namespace string) string {
		return "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: " + strings.ToLower(mesh) + "}\nspec: {mesh: " + mesh +
			", enrolment: {namespaces: [" + namespace + "]}, enforcement: {mode: AnnotationsOnly}, global: {excludeOutboundPorts: [3306]}}\n"
	}
	asArgoCD(t, "", map[string]string{"apps/web/web.yaml": webDeployment, "istio.yaml": ofMesh("Istio", "shop"), "linkerd.yaml": ofMesh("Linkerd", "payments")})
	for namespace, annotation := range map[string]string{"shop": "istio.io/excludeOutboundPorts", "payments": "linkerd.io/skip-outbound-ports", "elsewhere": ""} {
		require.NoError(t, os.WriteFile("web.yaml", []byte(strings.Replace(webDeployment, ", namespace: shop", "", 1)), 0o600))
		t.Setenv("ARGOCD_APP_NAMESPACE", namespace)
		code, out, errOut := krmBypass("", "render", ".", "--spec", "../../linkerd.yaml", "--spec", "../../istio.yaml")
		assert.Equal(t, []any{0, ""}, []any{code, errOut})
		for _, known := range []string{"istio.io/excludeOutboundPorts", "linkerd.io/skip-outbound-ports"} {
			assert.Equal(t, known == annotation, strings.Contains(out, known), namespace)
		}
	}
}
