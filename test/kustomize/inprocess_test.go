package kustomize

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// inProcess is krm-bypass render on a folder of the clone.
func inProcess(t *testing.T, arguments ...string) rendering {
	t.Helper()
	command := exec.Command(filepath.Join(clone, "bin", "krm-bypass"), append([]string{"render"}, arguments...)...)
	command.Dir = clone
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	err := command.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		require.NoError(t, err, "executing krm-bypass")
	}
	return rendering{stdout: stdout.String(), stderr: stderr.String(), failed: err != nil}
}

func TestRenderPrintsWhatKustomizePrints(t *testing.T) {
	for _, folder := range []string{
		"examples/asm-ports", "examples/clusters/clusters/eu", "examples/clusters/clusters/us", "examples/component/shop", "examples/component/warehouse",
		"examples/dce-helloworld/overlays/passthrough", "examples/dce-helloworld/overlays/switched-off", "examples/fsm-ip-range",
		"examples/istio-ambient", "examples/operators", "examples/ports-by-name",
		"examples/overlays/overlays/production", "examples/overlays/overlays/staging", "examples/teams/apps", "examples/two-meshes",
	} {
		t.Run(folder, func(t *testing.T) {
			assert.Equal(t, rendering{stdout: render(t, folder)}, inProcess(t, folder))
		})
	}
}

const (
	spec = `apiVersion: krm-bypass.dev/v1alpha1
kind: ClusterBypass
metadata:
  name: NAME
  annotations:
    config.kubernetes.io/local-config: "true"
    config.kubernetes.io/function: "exec: {path: krm-bypass}"
spec:
  defaultNamespace: nowhere
  global: {excludeOutboundPorts: [3306]}
  workloads:
  - {match: {names: [web]}, excludeInboundPorts: [8081]}
  - {match: {names: ["eu-*"]}, excludeInboundPorts: [8082]}
  - {match: {namespaces: [shop]}, excludeOutboundPorts: [5432]}
  - {match: {labelSelector: {matchLabels: {tier: front}}}, excludeOutboundIPRanges: [192.0.2.0/24]}
  enforcement: {image: registry.example.com/mesh/init:v0.1.0}
`
	web = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      initContainers: [{name: migrate, image: "web:1", envFrom: [{configMapRef: {name: settings}}]}]
      containers: [{name: web, image: "web:1"}]
`
)

// TestRenderAppliesASpecWhereKustomizeWouldRunIt draws up trees in which it
// matters at which point the function sees a workload, and with which name,
// namespace and labels.
func TestRenderAppliesASpecWhereKustomizeWouldRunIt(t *testing.T) {
	second := strings.NewReplacer("NAME", "second", "spec:\n", "spec:\n  formerNames: [NAME]\n", "3306", "6379", "8081", "9091", "8082", "9092").Replace(spec)
	for name, files := range map[string]map[string]string{
		"in a base whose names, namespace and labels an overlay changes": {
			"kustomization.yaml": "resources: [base, other.yaml]\nnamePrefix: eu-\nnamespace: shop\nlabels: [{pairs: {tier: front}, includeTemplates: true}]\nconfigMapGenerator: [{name: settings, behavior: merge, literals: [b=2]}]\n", //nolint:misspell // kustomize spells it so
			"base":               "resources: [web.yaml]\ntransformers: [spec.yaml]\nconfigMapGenerator: [{name: settings, literals: [a=1]}]\n",
			"other.yaml":         strings.ReplaceAll(web, "web", "other"),
			"base/web.yaml":      web, "base/spec.yaml": spec,
		},
		"in a base and in the overlay": {
			"kustomization.yaml": "resources: [base]\nnamePrefix: eu-\ntransformers: [second.yaml]\n",
			"base":               "resources: [web.yaml]\ntransformers: [spec.yaml]\n",
			"second.yaml":        second, "base/web.yaml": web, "base/spec.yaml": spec,
		},
		"in a component of an application that changes names": {
			"kustomization.yaml": "resources: [web.yaml]\nnamePrefix: eu-\nnamespace: shop\ncomponents: [component]\nlabels: [{pairs: {tier: front}, includeTemplates: true}]\n",
			"component":          "kind: Component\ntransformers: [spec.yaml]\n",
			"web.yaml":           web, "component/spec.yaml": spec,
		},
		"in a component of a component, behind another that labels": {
			"kustomization.yaml": "resources: [web.yaml]\nnamespace: shop\ncomponents: [front, outer]\n",
			"front":              "kind: Component\nlabels: [{pairs: {tier: front}, includeTemplates: true}]\n",
			"outer":              "kind: Component\nresources: [more.yaml]\nnamePrefix: eu-\ncomponents: [inner]\n",
			"outer/inner":        "kind: Component\ntransformers: [spec.yaml]\n",
			"web.yaml":           web, "outer/more.yaml": strings.ReplaceAll(web, "web", "more"), "outer/inner/spec.yaml": spec,
		},
		"in a component of two bases": {
			"kustomization.yaml":  "resources: [a, b]\n",
			"a":                   "resources: [web.yaml]\nnamespace: shop\ncomponents: [../component]\n",
			"b":                   "resources: [web.yaml]\nnamespace: other\ncomponents: [../component]\n",
			"component":           "kind: Component\ntransformers: [spec.yaml]\n",
			"a/web.yaml":          strings.Replace(web, "name: web}", "name: web, namespace: shop}", 1),
			"b/web.yaml":          strings.Replace(web, "name: web}", "name: web, namespace: other}", 1),
			"component/spec.yaml": spec,
		},
		"before another transformer": {
			"kustomization.yaml": "resources: [web.yaml]\ntransformers: [spec.yaml, prefix.yaml, second.yaml]\n",
			"prefix.yaml":        "apiVersion: builtin\nkind: PrefixTransformer\nmetadata: {name: prefix}\nprefix: eu-\nfieldSpecs: [{path: metadata/name}]\n",
			"web.yaml":           web, "spec.yaml": spec, "second.yaml": second,
		},
		"in a base, behind another transformer": {
			"kustomization.yaml": "resources: [base]\nlabels: [{pairs: {tier: front}}]\n",
			"base":               "resources: [web.yaml]\ntransformers: [prefix.yaml, spec.yaml]\n",
			"base/prefix.yaml":   "apiVersion: builtin\nkind: PrefixTransformer\nmetadata: {name: prefix}\nprefix: eu-\nfieldSpecs: [{path: metadata/name}]\n",
			"base/web.yaml":      web, "base/spec.yaml": spec,
		},
		"written into a base, which kustomize runs before what it names": {
			"kustomization.yaml": "resources: [base]\n",
			"base":               "resources: [web.yaml]\ntransformers:\n- prefix.yaml\n- |\n  " + strings.ReplaceAll(strings.TrimSuffix(spec, "\n"), "\n", "\n  ") + "\n",
			"base/prefix.yaml":   "apiVersion: builtin\nkind: PrefixTransformer\nmetadata: {name: prefix}\nprefix: eu-\nfieldSpecs: [{path: metadata/name}]\n",
			"base/web.yaml":      web,
		},
		"in the kustomization itself, written into it": {
			"kustomization.yaml": "resources: [web.yaml]\nsortOptions: {order: fifo}\nconfigMapGenerator: [{name: settings, literals: [a=1]}]\ntransformers:\n- |\n  " + strings.ReplaceAll(strings.TrimSuffix(spec, "\n"), "\n", "\n  ") + "\n",
			"web.yaml":           web,
		},
		"in a base, below a patch of what it writes": {
			"kustomization.yaml": "resources: [base]\npatches: [{path: patch.yaml}]\n",
			"base":               "resources: [web.yaml]\ntransformers: [spec.yaml]\n",
			"patch.yaml":         "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {metadata: {annotations: {traffic.sidecar.istio.io/excludeOutboundPorts: '1'}}}}\n",
			"base/web.yaml":      web, "base/spec.yaml": spec,
		},
	} {
		t.Run(name, func(t *testing.T) {
			folder := treeOf(t, files)
			built := build(t, folder, withFunction...)
			require.False(t, built.failed, built.stderr)
			require.Contains(t, built.stdout, "krm-bypass.dev/policy")
			rendered := inProcess(t, folder)
			assert.False(t, rendered.failed, rendered.stderr)
			assert.Equal(t, built.stdout, rendered.stdout)
			if _, patched := files["patch.yaml"]; patched {
				assert.Equal(t, 1, strings.Count(rendered.stderr, "\n"), rendered.stderr)
				assert.Contains(t, rendered.stderr, `changed after krm-bypass wrote it: it wrote "3306", and here is "1"`)
				return
			}
			assert.Empty(t, prefixed.ReplaceAllString(rendered.stderr, ""))
		})
	}
}

// prefixed is told where the prefix stands before the name already when the spec is applied.
var prefixed = regexp.MustCompile(`(?m)^warning: \S+ ClusterBypass \w+: spec\.workloads\[0\]\.match\.names\[0\]: it reaches no workload here, and there is Deployment nowhere/eu-web: did you mean eu-web\? \[unreached-rule\]\n`)

// treeOf lays a tree into the clone; a name without an extension is a folder,
// and its text the kustomization in it.
func treeOf(t *testing.T, files map[string]string) string {
	t.Helper()
	folder := layOut(t, ".", nil)
	for name, text := range files {
		path := filepath.Join(clone, folder, name)
		if filepath.Ext(name) == "" {
			path = filepath.Join(path, "kustomization.yaml")
		}
		if strings.HasPrefix(text, "kind: Component") {
			text = "apiVersion: kustomize.config.k8s.io/v1alpha1\n" + text
		}
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	return folder
}

// TestRenderRefusesWhatItCannotTellApart has one component do different things
// to resources of one name.
func TestRenderRefusesWhatItCannotTellApart(t *testing.T) {
	folder := treeOf(t, map[string]string{
		"kustomization.yaml": "resources: [a, b]\n",
		"a":                  "resources: [web.yaml]\nnamePrefix: a-\ncomponents: [../component]\n",
		"b":                  "resources: [web.yaml]\nnamePrefix: b-\nlabels: [{pairs: {tier: front}, includeTemplates: true}]\ncomponents: [../front, ../component]\n",
		"front":              "kind: Component\nlabels: [{pairs: {tier: front}, includeTemplates: true}]\n",
		"component":          "kind: Component\ntransformers: [spec.yaml]\n",
		"a/web.yaml":         web, "b/web.yaml": web, "component/spec.yaml": spec,
	})
	rendered := inProcess(t, folder)
	assert.True(t, rendered.failed)
	assert.Empty(t, rendered.stdout)
	assert.Contains(t, rendered.stderr, "component/kustomization.yaml: transformers[0]: ")
	assert.Contains(t, rendered.stderr, "is a resource of two kustomizations that use this component, and each needs another bypass: list the spec in the kustomizations that use this one, or give it with --spec\n")
}

// TestRenderTakesTheSpecOfTheCommandLine has that one count instead of those
// that are listed, and says so.
func TestRenderTakesTheSpecOfTheCommandLine(t *testing.T) {
	folder := treeOf(t, map[string]string{
		"kustomization.yaml": "resources: [web.yaml]\ntransformers: [spec.yaml]\n",
		"web.yaml":           web, "spec.yaml": spec, "other.yaml": strings.Replace(spec, "3306", "6379", 1),
	})
	rendered := inProcess(t, folder, "--spec", folder+"/other.yaml")
	assert.False(t, rendered.failed)
	assert.Contains(t, rendered.stdout, `excludeOutboundPorts: "6379"`)
	assert.NotContains(t, rendered.stdout, "3306")
	assert.Equal(t, "warning: "+folder+"/spec.yaml: not applied although the kustomization "+folder+" lists it, because --spec gives "+folder+"/other.yaml\n", rendered.stderr)

	same := inProcess(t, folder, "--spec", folder+"/spec.yaml")
	assert.Equal(t, rendering{stdout: inProcess(t, folder).stdout}, same)
}

// TestRenderStaysInTheRepository has a symbolic link and a base lead out of it.
func TestRenderStaysInTheRepository(t *testing.T) {
	outside := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(outside, "kustomization.yaml"), []byte("resources: [secret.yaml]\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(outside, "secret.yaml"), []byte("apiVersion: v1\nkind: Secret\nmetadata: {name: theirs}\n"), 0o600))
	for name, resource := range map[string]string{"a folder": outside, "a link": "link"} {
		t.Run(name, func(t *testing.T) {
			repository := t.TempDir()
			require.NoError(t, os.Mkdir(filepath.Join(repository, ".git"), 0o755))
			require.NoError(t, os.Symlink(outside, filepath.Join(repository, "link")))
			require.NoError(t, os.WriteFile(filepath.Join(repository, "kustomization.yaml"), []byte("resources: ["+resource+"]\n"), 0o600))
			rendered := inProcess(t, repository)
			assert.True(t, rendered.failed)
			assert.Empty(t, rendered.stdout)
			assert.NotContains(t, rendered.stderr, "theirs")
		})
	}
}
