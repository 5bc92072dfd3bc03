package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	bypassSpec = `apiVersion: krm-bypass.dev/v1alpha1
kind: ClusterBypass
metadata:
  name: cluster
  annotations:
    config.kubernetes.io/local-config: "true"
    config.kubernetes.io/function: "exec: {path: krm-bypass}"
spec:
  enforcement: {mode: AnnotationsOnly}
  global: {excludeOutboundPorts: [3306]}
  namespaces:
  - {match: {names: [shop]}, excludeOutboundPorts: [5432]}
`
	webDeployment = `# the front door
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    metadata: {labels: {app: web}} # stays
    spec: {containers: [{name: web, image: "web:1"}]}
  selector: {matchLabels: {app: web}}
`
	webService = "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop}\nspec: {ports: [{port: 80}]}\n"
	written    = `traffic.sidecar.istio.io/excludeOutboundPorts: "5432"`
)

func TestRenderPrints(t *testing.T) {
	dir := folder(t, map[string]string{
		"app/web.yaml": webDeployment, "app/service.yaml": webService, "app/bypass.yaml": bypassSpec, "app/.hidden/a.yaml": "[",
		"spec.yaml": strings.Replace(bypassSpec, "5432", "6379", 1),
	})
	app := filepath.Join(dir, "app")

	code, out, errOut := krmBypass("", "render", app)
	assert.Zero(t, code, errOut)
	assert.Empty(t, errOut)
	assert.Contains(t, out, written)
	assert.Contains(t, out, "# the front door\n")
	assert.Contains(t, out, "{app: web}, annotations: {") // in the style of its line
	assert.True(t, strings.HasPrefix(out, webService+"---\n# the front door"), "in the order of the files' names: %s", out)
	assert.NotContains(t, out, "kind: ClusterBypass", "that is for this tool, not for a cluster")

	code, out, errOut = krmBypass("", "render", "--spec", filepath.Join(dir, "spec.yaml"), app)
	assert.Zero(t, code, errOut)
	assert.Contains(t, out, `excludeOutboundPorts: "6379"`)

	code, out, errOut = krmBypass(webDeployment+"---\n"+webService, "render", "-", "--spec", filepath.Join(dir, "spec.yaml"))
	assert.Zero(t, code, errOut)
	assert.Contains(t, out, `excludeOutboundPorts: "6379"`)
	assert.True(t, strings.HasSuffix(out, "---\n"+webService))

	assert.Equal(t, map[string]string{"web.yaml": webDeployment, "service.yaml": webService, "bypass.yaml": bypassSpec, ".hidden/a.yaml": "["}, contents(t, app), "and nothing is written")
}

func TestRenderTakesEmptyInput(t *testing.T) {
	spec := filepath.Join(folder(t, map[string]string{"spec.yaml": bypassSpec}), "spec.yaml")
	for _, input := range []string{"", "\n", "---\n# a chart that renders to nothing\n"} {
		code, out, errOut := krmBypass(input, "render", "-", "--spec", spec)
		assert.Zero(t, code)
		assert.Empty(t, strings.TrimSpace(strings.TrimPrefix(out, input)))
		assert.Empty(t, errOut)
	}
}

func TestRenderPrintsNothingWhereAnythingIsWrong(t *testing.T) {
	for name, test := range map[string]struct {
		files map[string]string
		args  []string
		says  string
	}{
		"no path":                              {nil, []string{"render"}, "error: render needs files, folders or - for standard input, as in krm-bypass render manifests/ --spec bypass.yaml\n"},
		"no such path":                         {nil, []string{"render", "DIR/none"}, "error: reading manifests: DIR/none: there is no such file or folder: correct the path, or give --allow-none if it was taken away\n"},
		"no such spec":                         {map[string]string{"web.yaml": webDeployment}, []string{"render", "DIR", "--spec", "DIR/none"}, "error: reading the spec: DIR/none: there is no such file or folder: correct the path, or give --allow-none if it was taken away\n"},
		"no spec":                              {map[string]string{"web.yaml": webDeployment}, []string{"render", "DIR"}, "error: there is no ClusterBypass: give one with --spec, or put one (apiVersion krm-bypass.dev/v1alpha1) among the resources\n"},
		"a bad spec":                           {map[string]string{"web.yaml": webDeployment, "bypass.yaml": strings.Replace(bypassSpec, "5432", "54320", 1) + "  - {match: {}}\n"}, []string{"render", "DIR"}, "error: DIR/bypass.yaml:13: ClusterBypass cluster: spec.namespaces[1].match: "},
		"no object":                            {map[string]string{"web.yaml": webDeployment, "bypass.yaml": bypassSpec, "values.yaml": webService + "---\na: b\n"}, []string{"render", "DIR"}, "error: DIR/values.yaml:6: the document is not a Kubernetes object"},
		"broken YAML":                          {map[string]string{"web.yaml": webDeployment + "a: [\n", "bypass.yaml": bypassSpec}, []string{"render", "DIR"}, "error: DIR/web.yaml:10: reading the document: not valid YAML: "},
		"broken YAML of no workload, in place": {map[string]string{"config.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: [}\n", "bypass.yaml": bypassSpec}, []string{"render", "DIR", "--in-place"}, "error: DIR/config.yaml:4: reading the document: not valid YAML: "},
		"broken YAML of no workload, as a difference": {map[string]string{"config.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: [}\n", "bypass.yaml": bypassSpec}, []string{"render", "DIR", "--diff"}, "error: DIR/config.yaml:4: reading the document: not valid YAML: "},
		"both ways":         {nil, []string{"render", "DIR", "--in-place", "--diff"}, "error: --in-place and --diff cannot be used together"},
		"standard input":    {nil, []string{"render", "-", "--in-place"}, "error: standard input cannot be rewritten: name files or folders instead\n"},
		"one of two specs":  {map[string]string{"web.yaml": webDeployment, "a.yaml": bypassSpec}, []string{"render", "DIR/web.yaml", "--spec", "DIR/a.yaml", "--spec=DIR/b.yaml"}, "error: reading the spec: DIR/b.yaml: there is no such file or folder: correct the path, or give --allow-none if it was taken away\n"},
		"an unknown flag":   {nil, []string{"render", "DIR", "--specs"}, "error: --specs is not a flag of krm-bypass render: did you mean --spec? see krm-bypass render --help\n"},
		"a remote resource": {map[string]string{"kustomization.yaml": "resources: [web.yaml, 'https://example.com/base?ref=v1']\n", "web.yaml": webDeployment}, []string{"render", "DIR"}, `kustomization.yaml: resources[1]: "https://example.com/base?ref=v1" is remote, and what is remote is not fetched: put a copy of it beside the kustomization, or write kustomize build `},
		"a remote patch":    {map[string]string{"kustomization.yaml": "resources: [web.yaml]\npatches: [{path: 'https://127.0.0.1:1/patch.yaml'}]\n", "web.yaml": webDeployment}, []string{"render", "DIR"}, "what is remote is not fetched"},
		"another function": {map[string]string{"kustomization.yaml": "resources: [web.yaml]\ntransformers: [fn.yaml]\n", "web.yaml": webDeployment,
			"fn.yaml": "apiVersion: example.com/v1\nkind: Other\nmetadata:\n  name: x\n  annotations: {config.kubernetes.io/function: 'exec: {path: /bin/sh}'}\n"},
			[]string{"render", "DIR"}, "only kustomize's builtin plugins run here, nothing that the repository holds"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := folder(t, test.files)
			before := contents(t, dir)
			args := append([]string{}, test.args...)
			for i := range args {
				args[i] = strings.ReplaceAll(args[i], "DIR", dir)
			}
			code, out, errOut := krmBypass("", args...)
			assert.Equal(t, 1, code)
			assert.Empty(t, out)
			assert.Contains(t, errOut, strings.ReplaceAll(test.says, "DIR", dir))
			assert.Equal(t, before, contents(t, dir))
		})
	}
}

func TestRenderInPlace(t *testing.T) {
	dir := folder(t, map[string]string{"web.yaml": webDeployment, "service.yaml": webService, "bypass.yaml": bypassSpec, "values.yaml": "replicas: 2\n", "Kptfile": "a package\n", "built/kustomization.yaml": "resources: [../web.yaml]\n"})
	require.NoError(t, os.Chmod(filepath.Join(dir, "web.yaml"), 0o600))
	before := contents(t, dir)

	code, difference, errOut := krmBypass("", "render", "--diff", dir)
	assert.Zero(t, code, errOut)
	assert.Empty(t, errOut)
	web := filepath.Join(dir, "web.yaml")
	assert.True(t, strings.HasPrefix(difference, "diff a/"+web+" b/"+web+"\n--- a/"+web+"\n+++ b/"+web+"\n@@ -1,9 +1,9 @@\n"), difference)
	assert.Equal(t, before, contents(t, dir))

	code, out, errOut := krmBypass("", "render", "--in-place", dir)
	assert.Zero(t, code, errOut)
	assert.Empty(t, out)
	assert.Equal(t, "info: 1 of 4 files written\n", errOut)
	after := contents(t, dir)
	assert.Contains(t, after["web.yaml"], written)
	before["web.yaml"], after["web.yaml"] = "", ""
	assert.Equal(t, before, after)
	info, err := os.Stat(web)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode())

	code, difference, _ = krmBypass("", "render", "--diff", dir)
	assert.Zero(t, code)
	assert.Empty(t, difference, "once it is rendered there is no difference")
	_, out, errOut = krmBypass("", "render", "--in-place", dir)
	assert.Empty(t, out)
	assert.Equal(t, "info: nothing changes in 4 files\n", errOut)
}

// TestAKustomizationIsComparedAndNotRewritten has what it builds with the spec and
// without, wherever that is listed, and its files rewritten where they are named.
func TestAKustomizationIsComparedAndNotRewritten(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"the root's spec":  {"kustomization.yaml": "resources: [web.yaml]\ntransformers: [bypass.yaml]\n", "web.yaml": webDeployment, "bypass.yaml": bypassSpec},
		"one among":        {"kustomization.yaml": "resources: [web.yaml, bypass.yaml]\n", "web.yaml": webDeployment, "bypass.yaml": bypassSpec},
		"the spec of base": {"kustomization.yaml": "resources: [base]\n", "base/kustomization.yaml": "resources: [web.yaml]\ntransformers: [bypass.yaml]\n", "base/web.yaml": webDeployment, "base/bypass.yaml": bypassSpec},
	} {
		t.Run(name, func(t *testing.T) {
			dir := folder(t, files)
			before := contents(t, dir)
			code, difference, _ := krmBypass("", "render", "--diff", dir)
			assert.Zero(t, code)
			assert.True(t, strings.HasPrefix(difference, "diff a/"+dir+" b/"+dir+"\n"), difference)
			assert.Contains(t, difference, "\n+        "+written+"\n")
			assert.NotContains(t, difference, "\n-  name: web")

			code, out, errOut := krmBypass("", "render", "--in-place", dir)
			assert.Equal(t, 1, code)
			assert.Empty(t, out)
			assert.Equal(t, "error: --in-place: "+dir+" is a kustomization, and what it builds stands in none of its files: render it where it is applied, by krm-bypass render "+dir+", or name the files of the workloads (of an overlay, those of its bases), as in krm-bypass render --in-place "+dir+"/*.yaml\n", errOut)
			assert.Equal(t, before, contents(t, dir))
		})
	}
	dir := kustomized(t, listedSpec, bypassSpec)
	code, out, errOut := krmBypass("", "render", "--in-place", dir+"/bypass.yaml", dir+"/kustomization.yaml", dir+"/web.yaml")
	assert.Zero(t, code, errOut)
	assert.Empty(t, out)
	assert.Equal(t, "info: 1 of 3 files written\n", errOut)
	assert.Contains(t, contents(t, dir)["web.yaml"], written)
}

// outcome is what render --in-place says behind everything else.
var outcome = regexp.MustCompile(`info: (\d+ of \d+ files? written|nothing changes in \d+ files?)\n$`)

func withoutOutcome(errOut string) string { return outcome.ReplaceAllString(errOut, "") }

// TestRenderInPlaceCountsFiles has several documents and lists in them.
func TestRenderInPlaceCountsFiles(t *testing.T) {
	asJSON := func(name, namespace string) string {
		return `{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "` + name + `", "namespace": "` + namespace + `"}, "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "a", "image": "a:1"}]}}}}`
	}
	dir := folder(t, map[string]string{
		"bypass.yaml": bypassSpec, "service.yaml": webService,
		"web.yaml":  webDeployment + "---\n" + strings.ReplaceAll(webDeployment, "web", "api") + "---\n" + webService,
		"list.json": `{"apiVersion": "v1", "kind": "List", "items": [` + asJSON("a", "shop") + ", " + asJSON("b", "kube-system") + ", " + asJSON("c", "shop") + "]}\n",
	})
	code, _, errOut := krmBypass("", "render", "--in-place", dir)
	assert.Zero(t, code)
	assert.Equal(t, "info: 2 of 4 files written\n", errOut)
	code, _, errOut = krmBypass("", "render", "--remove", "cluster", "--in-place", dir)
	assert.Zero(t, code)
	assert.Equal(t, "warning: "+dir+"/bypass.yaml:1: ClusterBypass cluster: this ClusterBypass is still here, and writes all of it again: remove it too\ntakes away what ClusterBypass cluster wrote: 4 objects\ninfo: 2 of 4 files written\n", errOut)
}
