package setup_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/internal/setup"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// folder reads files behind lines "-- NAME --".
func folder(text string) *setup.Folder {
	f := &setup.Folder{Path: "shop", Shown: func(path string) string { return path }, Below: "."}
	parts := regexp.MustCompile(`(?m)^-- (\S+) --\n`).FindAllStringSubmatchIndex(text, -1)
	for i, at := range parts {
		end := len(text)
		if i+1 < len(parts) {
			end = parts[i+1][0]
		}
		f.Files = append(f.Files, yamltext.File{Path: text[at[2]:at[3]], Text: []byte(text[at[1]:end])})
	}
	return f
}

const web = `-- web.yaml --
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "web:1"}]}
`

func TestEntries(t *testing.T) {
	for name, c := range map[string]struct{ was, is, way string }{
		"a kustomization": {
			was: "-- kustomization.yaml --\n# ours\nresources:\n- web.yaml # the shop\nnamespace: shop\n",
			is:  "# ours\nresources:\n- web.yaml # the shop\nnamespace: shop\ntransformers:\n- bypass.yaml\n",
		},
		"a kustomization with transformers": {
			was: "-- kustomization.yml --\ntransformers:\n# first\n- labels.yaml\nresources: [web.yaml]\n",
			is:  "transformers:\n# first\n- labels.yaml\n- bypass.yaml\nresources: [web.yaml]\n",
		},
		"in flow style": {
			was: "-- Kustomization --\n{resources: [web.yaml], transformers: []}\n",
			is:  "{resources: [web.yaml], transformers: [bypass.yaml]}\n",
		},
		"a null list": {
			was: "-- kustomization.yaml --\ntransformers:\nresources:\n- web.yaml\n",
			is:  "transformers:\n- bypass.yaml\nresources:\n- web.yaml\n",
		},
		"lines that end as on Windows": {
			was: "-- kustomization.yaml --\nresources:\r\n- web.yaml\r\n",
			is:  "resources:\r\n- web.yaml\r\ntransformers:\r\n- bypass.yaml\r\n",
		},
		"a kpt package": {
			was: "-- Kptfile --\napiVersion: kpt.dev/v1\nkind: Kptfile\nmetadata:\n  name: shop\npipeline:\n  mutators:\n    - image: labels:v1\n",
			is:  "apiVersion: kpt.dev/v1\nkind: Kptfile\nmetadata:\n  name: shop\npipeline:\n  mutators:\n    - image: labels:v1\n    - exec: krm-bypass\n      configPath: bypass.yaml\n",
		},
		"a kpt package without a pipeline": {
			was: "-- Kptfile --\napiVersion: kpt.dev/v1\nkind: Kptfile\nmetadata:\n  name: shop\n",
			is:  "apiVersion: kpt.dev/v1\nkind: Kptfile\nmetadata:\n  name: shop\npipeline:\n  mutators:\n  - exec: krm-bypass\n    configPath: bypass.yaml\n",
		},
		"one of both": {
			way: "kpt",
			was: "-- Kptfile --\nkind: Kptfile\n-- kustomization.yaml --\nresources: [web.yaml]\n",
			is:  "kind: Kptfile\npipeline:\n  mutators:\n  - exec: krm-bypass\n    configPath: bypass.yaml\n",
		},
		"an Application": {
			was: "-- apps/shop.yaml --\napiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: shop\n  annotations:\n    argocd.argoproj.io/manifest-generate-paths: .\nspec:\n  source:\n    path: teams/shop\n  project: default\n-- teams/shop/a.yaml --\nkind: ConfigMap\n",
			is:  "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  name: shop\n  annotations:\n    argocd.argoproj.io/manifest-generate-paths: \".;../../bypass.yaml\"\nspec:\n  source:\n    path: teams/shop\n    plugin:\n      name: krm-bypass\n      parameters:\n      - name: spec\n        string: \"../../bypass.yaml\"\n  project: default\n",
		},
		"two Applications in a file, one of a chart": {
			was: "-- apps.yaml --\napiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: a}\nspec:\n  source: {path: a}\n---\napiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: b}\nspec:\n  source:\n    path: b\n    plugin:\n      name: krm-bypass-helm\n-- a/x.yaml --\n{}\n-- b/Chart.yaml --\nname: b\n",
			is:  "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: a}\nspec:\n  source: {path: a, plugin: {name: krm-bypass, parameters: [{name: spec, string: \"../bypass.yaml\"}]}}\n---\napiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: b}\nspec:\n  source:\n    path: b\n    plugin:\n      name: krm-bypass-helm\n      parameters:\n      - name: spec\n        string: \"../bypass.yaml\"\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := folder(c.was + web)
			plan, err := setup.Of(f, setup.Choice{Way: c.way})
			require.NoError(t, err)
			require.Len(t, plan.Changes, 1)
			assert.Equal(t, c.is, string(plan.Changes[0].Is))
			assert.NotEmpty(t, plan.Commands)

			// Twice is once: with the spec there, nothing is left to do.
			for i := range f.Files {
				if f.Files[i].Path == plan.Changes[0].Path {
					f.Files[i].Text = plan.Changes[0].Is
				}
			}
			f.Files = append(f.Files, yamltext.File{Path: setup.SpecFile, Text: plan.Spec})
			again, err := setup.Of(f, setup.Choice{Way: c.way})
			require.NoError(t, err)
			assert.True(t, again.Done(), "%s", again.Changes)
		})
	}
}

func TestWhatAFolderIs(t *testing.T) {
	for name, c := range map[string]struct{ files, way, is, fails string }{
		"manifests":                   {files: web, is: "a folder of manifests"},
		"a chart":                     {files: "-- Chart.yaml --\nname: web\n-- templates/a.yaml --\n{{ if .Values.x }}\na: b\n{{ end }}\n", is: "a Helm chart"},
		"nothing but a chart":         {files: "-- web/Chart.yaml --\nname: web\n-- web/charts/db/Chart.yaml --\nname: db\n-- web/templates/a.yaml --\n" + web[len("-- web.yaml --\n"):], fails: "shop has no manifests of its own, and holds the Helm chart web: name it, as in krm-bypass init shop/web"},
		"nothing but charts":          {files: "-- api/Chart.yaml --\nname: api\n-- web/Chart.yaml --\nname: web\n", fails: "shop has no manifests of its own, and holds the Helm charts api, web: name it, as in krm-bypass init shop/api, or krm-bypass init shop/web"},
		"manifests and a chart":       {files: web + "-- api/Chart.yaml --\nname: api\n", is: "a folder of manifests"},
		"a kustomization of others":   {files: "-- kustomization.yaml --\nresources: [base]\n-- base/kustomization.yaml --\nresources: []\n", is: "a kustomization"},
		"with an Application in it":   {files: "-- kustomization.yaml --\nresources: [app.yaml]\n-- app.yaml --\napiVersion: argoproj.io/v1alpha1\nkind: Application\n", is: "a kustomization"},
		"two tools":                   {files: "-- kustomization.yaml --\nresources: []\n-- Kptfile --\nkind: Kptfile\n", fails: "shop is a kustomization and a kpt package: choose with --for kustomize or --for kpt"},
		"overlays":                    {files: "-- base/kustomization.yaml --\nresources: []\n-- eu/kustomization.yaml --\nresources: [../base]\n-- us/kustomization.yaml --\nresources: [../base]\n", is: "a folder of several kustomizations"},
		"an overlay with a component": {files: "-- part/kustomization.yaml --\nresources: []\n-- eu/kustomization.yaml --\ncomponents: [../part]\n", fails: "holds that of eu: name it, as in krm-bypass init shop/eu;"},
		"overlays, taken as a folder": {files: "-- eu/kustomization.yaml --\nresources: []\n", way: "folder", is: "a folder of manifests"},
		"no such tool":                {files: web, way: "flux", fails: "--for flux: write one of kustomize, kpt, helm, argocd, overlays, folder"},
		"not that tool":               {files: web, way: "kpt", fails: "it is a folder of manifests"},
		"a spec elsewhere":            {files: web + "-- mesh/cluster.yaml --\napiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nspec: {}\n", fails: "shop/mesh/cluster.yaml has a ClusterBypass already"},
		"another file of that name":   {files: web + "-- bypass.yaml --\nkind: ConfigMap\n", fails: "shop/bypass.yaml is there already and holds no ClusterBypass"},
		"transformers of one text":    {files: "-- kustomization.yaml --\nresources: []\ntransformers: labels.yaml\n", fails: `shop/kustomization.yaml:2: transformers: a list of files is needed here, and this is "labels.yaml"`},
		"a broken kustomization":      {files: "-- kustomization.yaml --\nresources: [\n", fails: "shop/kustomization.yaml:1: "},
		"two kustomizations":          {files: "-- kustomization.yaml --\nresources: []\n-- kustomization.yml --\nresources: []\n", fails: "shop holds several kustomizations, of which kustomize reads none: keep one of kustomization.yaml and kustomization.yml"},
		"two documents":               {files: "-- kustomization.yaml --\nresources: []\n---\nresources: []\n", fails: "kustomization.yaml: it holds 2 documents instead of one"},
	} {
		t.Run(name, func(t *testing.T) {
			plan, err := setup.Of(folder(c.files), setup.Choice{Way: c.way})
			if c.fails != "" {
				require.ErrorContains(t, err, c.fails)
				return
			}
			require.NoError(t, err)
			if c.is != "" {
				assert.Equal(t, c.is, plan.Title)
			}
		})
	}
}

func TestApplicationsThatAreLeft(t *testing.T) {
	const app = "-- app.yaml --\napiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: a}\nspec:\n"
	plan, err := setup.Of(folder("-- set.yaml --\napiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: all}\n"), setup.Choice{})
	require.NoError(t, err)
	assert.Equal(t, []string{"shop/set.yaml:1: ApplicationSet all is left as it is: name the plugin in its spec.template.spec.source, as docs/argocd.md says"}, plan.Left)
	for source, why := range map[string]string{
		"  source: {path: web, helm: {values: x}}\n":                    "spec.source.helm",
		"  source: {path: web, directory: {recurse: true}}\n":           "refuses a plugin beside spec.source.directory",
		"  source: {path: web, plugin: {env: [{name: A, value: b}]}}\n": "has no name, so Argo CD looks for a plugin that discovers it, and krm-bypass does not: for krm-bypass write name: krm-bypass there",
		"  source: {path: web, plugin: {name: other}}\n":                `the plugin "other" renders it`,
		"  source: {chart: web, repoURL: https://example.com}\n":        "its source is no folder",
		"  sources: [{path: web}]\n":                                    "several sources",
		"  source: {path: nowhere}\n":                                   "the folder nowhere that it renders is not among these files",
	} {
		plan, err := setup.Of(folder(app+source+"-- web/a.yaml --\nkind: ConfigMap\n"), setup.Choice{})
		require.NoError(t, err)
		assert.Empty(t, plan.Changes)
		require.Len(t, plan.Left, 1)
		assert.Contains(t, plan.Left[0], why)
	}
}

// TestOneSpecForSeveralKustomizations has overlays and a component of a base, beside a
// kustomization that kustomize does not read.
func TestOneSpecForSeveralKustomizations(t *testing.T) {
	const (
		base  = "-- base/kustomization.yaml --\nresources: [web.yaml]\n-- part/kustomization.yaml --\nkind: Component\n"
		eu    = "-- eu/kustomization.yaml --\nresources: [../base]\n"
		us    = "-- clusters/us/kustomization.yml --\nresources: [../../base]\ntransformers: [labels.yaml]\n"
		other = "-- flux/kustomization.yaml --\nsourceRef: {}\n"
	)
	f := folder("-- base/" + web[len("-- "):] + base + eu + us + other)
	plan, err := setup.Of(f, setup.Choice{})
	require.NoError(t, err)
	assert.Equal(t, "bypass/bypass.yaml", plan.File)
	assert.Equal(t, yamltext.File{Path: "bypass/kustomization.yaml", Text: []byte("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n- bypass.yaml\n")}, plan.Lists)
	is := map[string]string{}
	for _, c := range plan.Changes {
		is[c.Path] = string(c.Is)
	}
	assert.Equal(t, map[string]string{
		"eu/kustomization.yaml":         "resources: [../base]\ntransformers:\n- \"../bypass\"\n",
		"clusters/us/kustomization.yml": "resources: [../../base]\ntransformers: [labels.yaml, \"../../bypass\"]\n",
	}, is)
	require.Len(t, plan.Left, 1)
	assert.Contains(t, plan.Left[0], "shop/flux/kustomization.yaml is left as it is: kustomize does not read it: ")
	assert.Contains(t, plan.Commands, "krm-bypass render shop/clusters/us")

	f.Files = append(f.Files, plan.New()...)
	again, err := setup.Of(f, setup.Choice{})
	require.NoError(t, err)
	assert.Equal(t, plan.Changes, again.Changes, "they are still to be written")
	assert.Empty(t, again.New())
	for i := range f.Files {
		if text, changed := is[f.Files[i].Path]; changed {
			f.Files[i].Text = []byte(text)
		}
		if f.Files[i].Path == plan.Lists.Path {
			f.Files[i].Text = []byte("resources: []\n")
		}
	}
	again, err = setup.Of(f, setup.Choice{})
	require.NoError(t, err)
	require.Len(t, again.Changes, 1)
	assert.Equal(t, "resources: [bypass.yaml]\n", string(again.Changes[0].Is))
}

const (
	fill  = "write the name of your release for RELEASE, and its namespace for NAMESPACE: without --namespace, rules for namespaces do not find what a chart renders to"
	loose = " is in no kustomization, and stays without rules: to render it, krm-bypass render --in-place "
)

func TestWhatIsInNoKustomizationIsNamed(t *testing.T) {
	const (
		overlays = "-- base/kustomization.yaml --\nresources: [w.yaml, ../common/listed.yaml]\n-- overlays/eu/kustomization.yaml --\nresources: [../../base]\n-- overlays/us/kustomization.yaml --\nresources: [../../base]\n"
		chart    = "-- charts/web/Chart.yaml --\nname: web\n-- charts/web/charts/db/Chart.yaml --\nname: db\n"
	)
	at := func(path string) string { return "-- " + path + " --\n" + web[len("-- web.yaml --\n"):] }
	for name, c := range map[string]struct {
		files string
		left  []string
	}{
		"all of it is":                  {overlays + at("base/w.yaml") + at("common/listed.yaml") + at("base/unused/w.yaml") + "-- ci.yaml --\nstages: [a]\n-- more/config.yaml --\napiVersion: v1\nkind: ConfigMap\n", nil},
		"a folder":                      {overlays + at("plain/a/w.yaml") + at("plain/w.yaml"), []string{"shop/plain" + loose + "shop/plain --spec shop/bypass/bypass.yaml"}},
		"a file at the top":             {overlays + at("w.yaml"), []string{"shop/w.yaml" + loose + "shop/w.yaml --spec shop/bypass/bypass.yaml"}},
		"a folder beside an overlay":    {overlays + at("overlays/old/w.yaml"), []string{"shop/overlays/old" + loose + "shop/overlays/old --spec shop/bypass/bypass.yaml"}},
		"a chart with one within":       {overlays + chart + at("charts/web/templates/w.yaml"), []string{"shop/charts/web is a Helm chart, and stays without rules: to render it, helm template RELEASE shop/charts/web --namespace NAMESPACE | krm-bypass render - --spec shop/bypass/bypass.yaml --namespace NAMESPACE", fill}},
		"a chart among plain manifests": {chart + at("w.yaml"), []string{"shop/charts/web is a Helm chart, and stays without rules: to render it, helm template RELEASE shop/charts/web --namespace NAMESPACE | krm-bypass render - --spec shop/bypass.yaml --namespace NAMESPACE", fill}},
	} {
		t.Run(name, func(t *testing.T) {
			plan, err := setup.Of(folder(c.files), setup.Choice{})
			require.NoError(t, err)
			assert.Subset(t, plan.Left, c.left)
			for _, one := range plan.Left {
				assert.Equal(t, slices.Contains(c.left, one), strings.Contains(one, "without rules") || one == fill, one)
			}
		})
	}
}

func TestAChartHasItsOwnCommands(t *testing.T) {
	f := folder("-- Chart.yaml --\nname: web\n")
	plan, err := setup.Of(f, setup.Choice{})
	require.NoError(t, err)
	assert.Equal(t, []string{"helm template RELEASE shop --namespace NAMESPACE | krm-bypass render - --spec shop/bypass.yaml --namespace NAMESPACE"}, plan.Commands)
	assert.Equal(t, "helm template RELEASE shop --namespace NAMESPACE | krm-bypass suggest - --spec shop/bypass.yaml --namespace NAMESPACE", plan.Suggest)
	assert.Equal(t, []string{fill}, plan.Left)

	f.Outside = []setup.Outside{{File: "bypass.yaml"}}
	_, err = setup.Of(f, setup.Choice{})
	require.EqualError(t, err, "bypass.yaml has a ClusterBypass already, and one is enough: add rules to it, and name it, as in helm template RELEASE shop --namespace NAMESPACE | krm-bypass render - --spec bypass.yaml --namespace NAMESPACE")
}

// TestASpecWithoutAFunction: kustomize takes it for a plugin of its own, which it cannot find.
func TestASpecWithoutAFunction(t *testing.T) {
	const left = "shop/bypass.yaml:1: kustomize does not know by what to run it: add the annotation config.kubernetes.io/function to its metadata, as krm-bypass init writes it into a new file"
	const spec = "-- bypass.yaml --\napiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: a, annotations: {ANNOTATION}}\nspec: {}\n"
	const tree = "-- kustomization.yaml --\nresources: []\n"
	for name, c := range map[string]struct {
		files, annotation string
		left              []string
	}{
		"without": {tree, "a: b", []string{left}},
		"with it": {tree, `config.kubernetes.io/function: "exec: {path: krm-bypass}"`, nil},
		"for kpt": {"-- Kptfile --\nkind: Kptfile\n", "a: b", nil},
	} {
		t.Run(name, func(t *testing.T) {
			plan, err := setup.Of(folder(c.files+strings.Replace(spec, "ANNOTATION", c.annotation, 1)), setup.Choice{})
			require.NoError(t, err)
			assert.Equal(t, c.left, plan.Left)
			assert.Len(t, plan.Changes, 1)
		})
	}
}

// TestAmbientIsRecognised: rules for pods without a sidecar say so, and annotations alone
// do nothing for them.
func TestAmbientIsRecognised(t *testing.T) {
	const namespace = "-- ns.yaml --\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\n  labels:\n    "
	for label, at := range map[string]string{
		"istio.io/dataplane-mode: ambient":       "ns.yaml:6",
		`"istio.io/dataplane-mode": "ambient"`:   "ns.yaml:6",
		"istio.io/dataplane-mode: none":          "",
		"# istio.io/dataplane-mode: ambient":     "",
		"istio-injection: enabled":               "",
		"linkerd.io/inject: enabled # ambient":   "",
		"istio.io/rev: istio.io-dataplane-mode ": "",
	} {
		plan, err := setup.Of(folder(web+namespace+label+"\n"), setup.Choice{})
		require.NoError(t, err)
		said := strings.Join(plan.Left, "\n")
		assert.Equal(t, at != "", strings.Contains(said, "shop/"+at+": these pods are in ambient mode, without a sidecar: write dataPlane: Ambient in the rules for them"), "%s: %s", label, said)
		assert.Equal(t, at != "", strings.Contains(string(plan.Spec), "\n  # Pods in ambient mode, as "+at+" has them: "), "%s: %s", label, plan.Spec)
		assert.Equal(t, at != "", strings.Contains(string(plan.Spec), "dataPlane"), label)
	}
}

func TestTheMeshIsRecognised(t *testing.T) {
	for name, c := range map[string]struct{ files, mesh, is, fails string }{
		"a Namespace's label":       {files: "-- ns.yaml --\nkind: Namespace\nmetadata:\n  labels:\n    istio-injection: enabled\n", is: "mesh: Istio # as ns.yaml:4 says"},
		"a template's annotation":   {files: "-- a.yaml --\nmetadata:\n  annotations: {linkerd.io/inject: enabled}\n", is: "mesh: Linkerd # as a.yaml:2 says"},
		"an API group":              {files: "-- a.yaml --\napiVersion: kuma.io/v1alpha1\nkind: Mesh\n", is: "mesh: Kuma # as a.yaml:1 says"},
		"a template of a chart":     {files: "-- Chart.yaml --\nname: a\n-- templates/a.yaml --\n{{ if .x }}\n  consul.hashicorp.com/connect-inject: \"true\"\n{{ end }}\n", is: "mesh: Consul # as templates/a.yaml:2 says"},
		"a comment, and an address": {files: "-- a.yaml --\n# see linkerd.io/inject\nurl: https://istio.io/latest\nimage: docker.io/istio/pilot\n", is: "mesh: Istio # no file here names a mesh: check this"},
		"two of them":               {files: "-- a.yaml --\nlinkerd.io/inject: enabled\n-- b.yaml --\nistio-injection: enabled\n", fails: "(b.yaml:1 of Istio, a.yaml:1 of Linkerd): choose with --mesh Istio or --mesh Linkerd"},
		"one of two, chosen":        {files: "-- a.yaml --\nlinkerd.io/inject: enabled\nistio-injection: enabled\n", mesh: "Linkerd", is: "mesh: Linkerd\n"},
		"one that is none":          {files: web, mesh: "ASM", fails: `--mesh: "ASM" is Istio here: write Istio`},
	} {
		t.Run(name, func(t *testing.T) {
			plan, err := setup.Of(folder(c.files), setup.Choice{Mesh: c.mesh})
			if c.fails != "" {
				require.ErrorContains(t, err, c.fails)
				return
			}
			require.NoError(t, err)
			assert.Contains(t, string(plan.Spec), "\n  "+c.is)
			assert.Equal(t, 1, strings.Count(string(plan.Spec), "\n  mesh: "))
		})
	}
}
