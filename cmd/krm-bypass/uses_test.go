package main

import (
	"maps"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A patch beside its base: a rule that selects by labels speaks of the base alone,
// so that what is written into the patch would take it away again in the build.
const (
	usesSpec = `apiVersion: krm-bypass.dev/v1alpha1
kind: ClusterBypass
metadata: {name: cluster}
spec:
  enforcement: {mode: AnnotationsOnly}
  global: {excludeOutboundPorts: [3306]}
  workloads:
  - {match: {labelSelector: {matchLabels: {app: web}}}, excludeOutboundPorts: [5432]}
`
	imagePatch = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    spec: {containers: [{name: web, image: "web:2"}]}
`
	patchPlugin = "apiVersion: builtin\nkind: PatchTransformer\nmetadata: {name: a}\npath: p.yaml\n"
	bareBase    = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec: {template: {spec: {containers: [{name: web, image: "web:1"}]}}}
`
)

// TestAPatchThatReplacesWhatIsWrittenIsTold renders a base in place beside its patches.
func TestAPatchThatReplacesWhatIsWrittenIsTold(t *testing.T) {
	const spec = "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec:\n  enforcement: {mode: AnnotationsOnly}\n  global: {excludeOutboundPorts: [3306]}\n"
	const says = `web: spec.template.metadata.annotations["traffic.sidecar.istio.io/excludeOutboundPorts"]: this patch replaces "3306", which krm-bypass writes for Deployment shop/web: `
	other := map[string]string{"other/kustomization.yaml": "resources: [web.yaml]\n", "other/web.yaml": strings.Replace(webDeployment, "labels: {", `annotations: {traffic.sidecar.istio.io/excludeOutboundPorts: ""}, labels: {`, 1)}
	for name, test := range map[string]struct {
		patch string
		more  map[string]string
		told  bool
	}{
		"another value":             {patchOf(ports + `: "9999"`), nil, true},
		"without a namespace":       {strings.Replace(patchOf(ports+`: "9999"`), ", namespace: shop", "", 1), nil, true},
		"the same value":            {patchOf(ports + `: "3306"`), nil, false},
		"another annotation":        {patchOf(`example.com/a: "1"`), nil, false},
		"another workload":          {strings.Replace(patchOf(ports+`: "9999"`), "name: web", "name: api", 1), nil, false},
		"another namespace":         {strings.Replace(patchOf(ports+`: "9999"`), "shop", "bank", 1), nil, false},
		"a namesake that says none": {patchOf(ports + `: "9999"`), other, false},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{"spec.yaml": spec, "k/base/kustomization.yaml": "resources: [web.yaml]\n", "k/base/web.yaml": webDeployment, "k/prod/kustomization.yaml": "resources: [../base]\npatches: [{path: p.yaml}]\n", "k/prod/p.yaml": test.patch}
			for path, text := range test.more {
				files["k/"+path] = text
			}
			dir := folder(t, files)
			told := func(out string) {
				assert.Equal(t, test.told, strings.Contains(strings.ReplaceAll(out, "warning: changed-after: ", ""), says), out)
			}
			in := func(command ...string) string {
				_, out, errOut := krmBypass("", append(command, dir+"/k", "--spec", dir+"/spec.yaml")...)
				return out + errOut
			}
			assert.NotContains(t, in("lint"), "changed-after", "where the kustomization lists the spec, it comes behind the patch")
			told(in("render", "--in-place"))
			told(in("check"))
			told(in("lint"))
			told(in("explain"))
		})
	}
}

// TestWhatAPatchIs has what a kustomization in a folder makes of a file there, in all
// the ways in which one can name it.
func TestWhatAPatchIs(t *testing.T) {
	base := map[string]string{"base/kustomization.yaml": "resources: [web.yaml]\n", "base/web.yaml": webDeployment}
	envPatch := strings.Replace(imagePatch, `image: "web:2"`, "env: [{name: A, value: b}]", 1)
	jsonPatch := "- {op: add, path: /metadata/labels, value: {a: b}}\n"
	for name, test := range map[string]struct {
		files map[string]string
		file  string
		alone string // the reason why the file is left alone, "" where it is written
		warns string
	}{
		"patches":                {map[string]string{"prod/kustomization.yaml": "resources: [../base]\npatches: [{path: p.yaml}]\n", "prod/p.yaml": imagePatch}, "prod/p.yaml", "its file is a patch, by DIR/prod/kustomization.yaml: patches[0].path", ""},
		"a kustomization.yml":    {map[string]string{"prod/kustomization.yml": "resources: [../base]\npatches: [{path: p.yaml}]\n", "prod/p.yaml": imagePatch}, "prod/p.yaml", "its file is a patch, by DIR/prod/kustomization.yml: patches[0].path", ""},
		"a Kustomization":        {map[string]string{"prod/Kustomization": "resources: [../base]\npatches: [{path: p.yaml}]\n", "prod/p.yaml": imagePatch}, "prod/p.yaml", "its file is a patch, by DIR/prod/Kustomization: patches[0].path", ""},
		"patchesStrategicMerge":  {map[string]string{"prod/kustomization.yaml": "resources: [../base]\npatchesStrategicMerge: [inner/p.yaml]\n", "prod/inner/p.yaml": imagePatch}, "prod/inner/p.yaml", "its file is a patch, by DIR/prod/kustomization.yaml: patchesStrategicMerge[0]", ""},
		"a component":            {map[string]string{"c/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\npatches: [{path: ./p.yaml}]\n", "c/p.yaml": imagePatch}, "c/p.yaml", "its file is a patch, by DIR/c/kustomization.yaml: patches[0].path", ""},
		"in JSON":                {map[string]string{"prod/kustomization.yaml": `{"resources": ["../base"], "patches": [{"path": "p.json"}]}`, "prod/p.json": `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web","namespace":"shop"},"spec":{"template":{"spec":{"containers":[{"name":"web","image":"web:2"}]}}}}`}, "prod/p.json", "its file is a patch", ""},
		"above the file":         {map[string]string{"prod/a/kustomization.yaml": "resources: [../../base]\npatches: [{path: ../p.yaml}]\n", "prod/p.yaml": imagePatch}, "prod/p.yaml", "its file is a patch", ""},
		"of two documents":       {map[string]string{"prod/kustomization.yaml": "resources: [../base]\npatches: [{path: p.yaml}]\n", "prod/p.yaml": webService + "---\n" + imagePatch}, "prod/p.yaml", "its file is a patch", ""},
		"a JSON patch":           {map[string]string{"prod/kustomization.yaml": "resources: [../base]\npatchesJson6902: [{target: {version: v1, kind: Deployment, name: web}, path: p.yaml}]\n", "prod/p.yaml": jsonPatch}, "prod/p.yaml", "", ""},
		"that nobody names":      {map[string]string{"prod/kustomization.yaml": "resources: [../base]\n", "prod/p.yaml": envPatch}, "prod/p.yaml", "none of its containers has an image, as in a patch; no cluster takes a Deployment like that", ""},
		"without containers":     {map[string]string{"p.yaml": strings.Replace(imagePatch, "containers: [{name: web, image: \"web:2\"}]", "serviceAccountName: web", 1)}, "p.yaml", "none of its containers has an image", ""},
		"with an init container": {map[string]string{"p.yaml": strings.Replace(envPatch, "containers:", "initContainers: [{name: a, image: a}], containers:", 1)}, "p.yaml", "none of its containers has an image", ""},
		"of a CronJob": {map[string]string{"p.yaml": "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: web, namespace: shop}\nspec: {jobTemplate: {spec: {template: {spec: {containers: [{name: web}]}}}}}\n"}, "p.yaml",
			"none of its containers has an image, as in a patch; no cluster takes a CronJob like that", ""},

		"a base, by commonLabels": {map[string]string{"b/kustomization.yaml": "resources: [web.yaml]\ncommonLabels: {app: web}\n", "b/web.yaml": bareBase}, "b/web.yaml", "", ""},
		"a base without images":   {map[string]string{"b/kustomization.yaml": "resources: [web.yaml]\n", "b/web.yaml": envPatch}, "b/web.yaml", "", ""},
		"without a selector": {map[string]string{"web.yaml": bareBase}, "web.yaml", "",
			"spec.selector: a Deployment without a selector is written as a workload, but no cluster takes one: if it is a patch, name the folder of the kustomization that says so; else add spec.selector [no-selector]"},
		"a CronJob needs none":   {map[string]string{"c.yaml": "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: web, namespace: shop}\nspec: {jobTemplate: {spec: {template: {spec: {containers: [{name: web, image: web}]}}}}}\n"}, "c.yaml", "", ""},
		"an old API fills it in": {map[string]string{"web.yaml": strings.Replace(bareBase, "apps/v1", "apps/v1beta1", 1)}, "web.yaml", "", ""},
		"an inline patch":        {map[string]string{"prod/kustomization.yaml": "resources: [../base]\npatchesStrategicMerge:\n- |\n" + "  " + strings.ReplaceAll(strings.TrimSpace(imagePatch), "\n", "\n  ") + "\n"}, "base/web.yaml", "", ""},
		"of a plugin": {map[string]string{"prod/kustomization.yaml": "resources: [../base]\ntransformers: [t/pt.yaml]\n", "prod/t/pt.yaml": patchPlugin, "prod/p.yaml": imagePatch}, "prod/p.yaml",
			"its file is a patch, by DIR/prod/kustomization.yaml: transformers[0]", ""},
		"of a plugin in the kustomization": {map[string]string{"prod/kustomization.yaml": "resources: [../base]\ntransformers:\n- |\n  " + strings.ReplaceAll(strings.TrimSpace(patchPlugin), "\n", "\n  ") + "\n", "prod/p.yaml": imagePatch}, "prod/p.yaml",
			"its file is a patch, by DIR/prod/kustomization.yaml: transformers[0]", ""},
		"of a plugin that nobody lists": {map[string]string{"prod/kustomization.yaml": "resources: [../base]\n", "prod/pt.yaml": patchPlugin, "prod/p.yaml": bareBase}, "prod/p.yaml", "", "[no-selector]"},
		"a patch and a resource": {map[string]string{"a/kustomization.yaml": "resources: [w.yaml]\n", "b/kustomization.yaml": "resources: [../base]\npatches: [{path: ../a/w.yaml}]\n", "a/w.yaml": bareBase}, "a/w.yaml", "",
			"DIR/b/kustomization.yaml: patches[0].path names this file as a patch, and DIR/a/kustomization.yaml: resources[0] lists it as a resource: what is written here for the resource goes wherever the patch does; give each a file of its own [patch-and-resource]"},
		"a kustomization that kustomize refuses": {map[string]string{"prod/kustomization.yaml": "resource: [p.yaml]\n", "prod/p.yaml": bareBase}, "prod/p.yaml", "",
			"prod/kustomization.yaml: which files are patches is not known here, because kustomize cannot read it"},
	} {
		t.Run(name, func(t *testing.T) {
			files := maps.Clone(base)
			maps.Copy(files, test.files)
			files["bypass.yaml"] = usesSpec
			dir := folder(t, files)
			file := filepath.Join(dir, test.file)
			in := func(text string) string { return strings.ReplaceAll(text, "DIR", dir) }

			code, diff, errOut := krmBypass("", "render", "--diff", dir)
			require.Zero(t, code, errOut)
			code, table, errOut := krmBypass("", "explain", dir, "-o", "wide")
			require.Zero(t, code, errOut)
			code, _, inPlaceSays := krmBypass("", "render", "--in-place", dir)
			require.Zero(t, code, inPlaceSays)
			code, _, errOut2 := krmBypass("", "check", dir)
			assert.Zero(t, code, errOut2)

			changed := textOf(t, file) != files[test.file]
			assert.Equal(t, changed, strings.Contains(diff, "+++ b/"+file), diff)
			assert.Contains(t, contents(t, dir)["base/web.yaml"], `"5432"`)
			if test.warns == "" {
				assert.Empty(t, withoutOutcome(inPlaceSays))
				assert.Empty(t, errOut)
			} else {
				assert.Contains(t, inPlaceSays, in(test.warns))
				assert.Contains(t, errOut, in(test.warns))
			}
			if test.alone == "" {
				assert.Equal(t, test.file != "prod/p.yaml" || test.files["prod/p.yaml"] != jsonPatch, changed)
				return
			}
			assert.False(t, changed, textOf(t, file))
			assert.Contains(t, table, "left alone: "+in(test.alone))
		})
	}
}

// A file that is named by itself is what the kustomization beside it says.
func TestWhatAPatchIsByItself(t *testing.T) {
	dir := folder(t, map[string]string{"kustomization.yaml": "resources: [web.yaml]\npatches: [{path: p.yaml}]\n", "p.yaml": imagePatch, "web.yaml": bareBase, "bypass.yaml": usesSpec})
	spec := filepath.Join(dir, "bypass.yaml")
	for _, file := range []string{"p.yaml", "web.yaml"} {
		code, _, errOut := krmBypass("", "render", "--in-place", "--spec", spec, filepath.Join(dir, file))
		assert.Zero(t, code, errOut)
		assert.Empty(t, withoutOutcome(errOut))
	}
	assert.Equal(t, imagePatch, textOf(t, filepath.Join(dir, "p.yaml")))
	assert.NotEqual(t, bareBase, textOf(t, filepath.Join(dir, "web.yaml")))
}

// What an earlier version wrote into a patch is taken away again.
func TestAPatchThatWasWrittenIsWholeAgain(t *testing.T) {
	dir := folder(t, map[string]string{"p.yaml": imagePatch, "bypass.yaml": usesSpec})
	file := filepath.Join(dir, "p.yaml")
	code, _, errOut := krmBypass("", "render", "--in-place", dir)
	require.Zero(t, code, errOut)
	require.NotEqual(t, imagePatch, textOf(t, file))
	named := folder(t, map[string]string{"kustomization.yaml": "resources: [b]\npatches: [{path: p.yaml}]\n", "p.yaml": textOf(t, file), "bypass.yaml": usesSpec})
	code, _, errOut = krmBypass("", "render", "--in-place", "--spec", filepath.Join(named, "bypass.yaml"), filepath.Join(named, "p.yaml"))
	require.Zero(t, code, errOut)
	assert.Empty(t, withoutOutcome(errOut))
	assert.Equal(t, imagePatch, textOf(t, filepath.Join(named, "p.yaml")))
}

// A patch is nothing to import: rules would speak of the workload it belongs to.
func TestImportLeavesPatchesAlone(t *testing.T) {
	annotated := strings.Replace(imagePatch, "template:\n", "template:\n    metadata: {annotations: {"+ports+": \"3306\"}}\n", 1)
	dir := folder(t, map[string]string{
		"kustomization.yaml": "resources: [web.yaml]\npatches: [{path: p.yaml}]\n", "p.yaml": annotated,
		"web.yaml": strings.Replace(webDeployment, "labels:", "annotations: {"+ports+": \"5432\"}, labels:", 1),
	})
	code, out, errOut := krmBypass("", "import", dir)
	require.Zero(t, code, errOut)
	assert.Contains(t, out, "3306", "as the kustomization builds it")
	code, out, errOut = krmBypass("", "import", filepath.Join(dir, "p.yaml"), filepath.Join(dir, "web.yaml"))
	require.Zero(t, code, errOut)
	assert.Contains(t, out, "5432")
	assert.NotContains(t, out, "3306")
	assert.Contains(t, errOut, "left as it is, since krm-bypass leaves this workload alone: its file is a patch, by "+dir+"/kustomization.yaml: patches[0].path")
}
