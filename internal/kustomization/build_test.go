package kustomization

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/test/attacks"
)

// tree lays out files below a folder.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	}
	return dir
}

// marking is a stand-in for the function: a Mark has every ConfigMap say its
// name.
var marking = Options{
	IsSpec: func(object *yaml.Node) bool {
		var head struct{ Kind string }
		return object.Decode(&head) == nil && head.Kind == "Mark"
	},
	Apply: func(spec Spec, resources []byte, _ Source) ([]byte, error) {
		var mark struct{ Metadata struct{ Name string } }
		if err := yaml.Unmarshal(spec.Text, &mark); err != nil {
			return nil, err
		}
		return bytes.ReplaceAll(resources, []byte("\ndata:\n"), []byte("\ndata:\n  "+mark.Metadata.Name+": seen\n")), nil
	},
}

const (
	mark = "apiVersion: example.com/v1\nkind: Mark\nmetadata: {name: mark, annotations: {config.kubernetes.io/local-config: 'true'}}\n"
)

func TestSpecsOfTheRootAreForTheCaller(t *testing.T) {
	dir := tree(t, map[string]string{
		"kustomization.yaml": "resources: [a.yaml]\ntransformers: [mark.yaml]\n", "a.yaml": attacks.ConfigMap, "mark.yaml": "# above\n---\n" + mark,
	})
	built, err := Build(dir, marking)
	require.NoError(t, err)
	assert.Equal(t, "apiVersion: v1\ndata:\n  a: b\nkind: ConfigMap\nmetadata:\n  name: NAME\n", string(built.Text))
	require.Len(t, built.Specs, 1)
	assert.Equal(t, "# above\n---\n"+mark, string(built.Specs[0].Text), "in the line in which it stands")
	assert.True(t, built.Listed)
	assert.Empty(t, built.Among)
}

func TestSpecsOfABaseAreAppliedThere(t *testing.T) {
	dir := tree(t, map[string]string{
		"kustomization.yaml":      "resources: [base, other.yaml]\n",
		"base/kustomization.yaml": "resources: [a.yaml]\ntransformers: [mark.yaml]\n",
		"base/a.yaml":             attacks.ConfigMap, "base/mark.yaml": mark, "other.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\ndata: {c: d}\n",
	})
	built, err := Build(dir, marking)
	require.NoError(t, err)
	assert.Equal(t, "apiVersion: v1\ndata:\n  a: b\n  mark: seen\nkind: ConfigMap\nmetadata:\n  name: NAME\n---\napiVersion: v1\ndata:\n  c: d\nkind: ConfigMap\nmetadata:\n  name: other\n", string(built.Text))
	assert.Empty(t, built.Specs)
	assert.True(t, built.Listed)
}

// TestSpecsOfAComponentsFolderAreApplied has a component share a spec by a
// folder, as examples/component does.
func TestSpecsOfAComponentsFolderAreApplied(t *testing.T) {
	dir := tree(t, map[string]string{
		"kustomization.yaml": "resources: [a.yaml]\ncomponents: [c]\n", "a.yaml": attacks.ConfigMap,
		"c/kustomization.yaml": attacks.Component + "transformers: [spec]\n", "c/spec/kustomization.yaml": "resources: [mark.yaml]\n", "c/spec/mark.yaml": mark,
	})
	built, err := Build(dir, marking)
	require.NoError(t, err)
	assert.True(t, built.Listed)
	assert.Empty(t, built.Specs)
	assert.Empty(t, built.Among)
	assert.Equal(t, "apiVersion: v1\ndata:\n  a: b\n  mark: seen\nkind: ConfigMap\nmetadata:\n  name: NAME\n", string(built.Text))

	options := marking
	options.Ignore = true
	built, err = Build(dir, options)
	require.NoError(t, err)
	require.Len(t, built.Ignored, 1)
	assert.Equal(t, "apiVersion: v1\ndata:\n  a: b\nkind: ConfigMap\nmetadata:\n  name: NAME\n", string(built.Text))
}

// TestASpecBesideLocalConfigurationIsGivenThat has kustomize print nothing of what the
// function gets.
func TestASpecBesideLocalConfigurationIsGivenThat(t *testing.T) {
	local := strings.Replace(attacks.ConfigMap, "name: NAME", "name: NAME, annotations: {config.kubernetes.io/local-config: 'true'}", 1)
	require.NotEqual(t, attacks.ConfigMap, local)
	_, err := Build(tree(t, map[string]string{"kustomization.yaml": "resources: [a.yaml]\ntransformers: [mark.yaml]\n", "a.yaml": local, "mark.yaml": mark}), marking)
	require.NoError(t, err)
}

func TestSpecsAmongTheResourcesAreFound(t *testing.T) {
	dir := tree(t, map[string]string{"kustomization.yaml": "resources: [a.yaml, mark.yaml]\n", "a.yaml": attacks.ConfigMap, "mark.yaml": mark})
	built, err := Build(dir, marking)
	require.NoError(t, err)
	assert.False(t, built.Listed)
	require.Len(t, built.Among, 1)
	assert.Equal(t, mark, string(built.Among[0].Text))
}

func TestWhatCannotBeBuiltIsAnError(t *testing.T) {
	for name, test := range map[string]struct {
		files map[string]string
		says  string
	}{
		"no kustomization":               {map[string]string{"a.yaml": attacks.ConfigMap}, "holds no kustomization: it needs a file kustomization.yaml"},
		"no mapping":                     {map[string]string{"kustomization.yaml": "- a\n"}, "expected fields such as resources, but found a list"},
		"no YAML":                        {map[string]string{"kustomization.yaml": "["}, "kustomization.yaml:1: not valid YAML: brackets that are not closed"},
		"no such resource":               {map[string]string{"kustomization.yaml": "resources: [none.yaml]\n"}, `resources[0]: "none.yaml": no such file or folder`},
		"a remote base":                  {map[string]string{"kustomization.yaml": "resources: ['github.com/example/base?ref=v1']\n"}, "what is remote is not fetched"},
		"a remote component":             {map[string]string{"kustomization.yaml": "resources: [a.yaml]\ncomponents: ['https://github.com/example/base?ref=v1']\n", "a.yaml": attacks.ConfigMap}, "what is remote is not fetched"},
		"a remote file":                  {map[string]string{"kustomization.yaml": "resources: [a.yaml]\npatches: [{path: 'http://127.0.0.1:9/p.yaml'}]\n", "a.yaml": attacks.ConfigMap}, `patches[0].path: "http://127.0.0.1:9/p.yaml" is remote, and what is remote is not fetched: put a copy of it beside the kustomization, or write kustomize build `},
		"a remote spec":                  {map[string]string{"kustomization.yaml": "resources: [a.yaml]\ntransformers: ['https://github.com/example/bypass?ref=v1']\n", "a.yaml": attacks.ConfigMap}, "what is remote is not fetched: put a copy of it beside the kustomization, or write kustomize build --enable-alpha-plugins --enable-exec "},
		"a remote base, and a spec":      {map[string]string{"kustomization.yaml": "resources: ['https://github.com/example/base?ref=v1']\ntransformers: [mark.yaml]\n", "mark.yaml": mark}, "what is remote is not fetched: put a copy of it beside the kustomization, or write kustomize build --enable-alpha-plugins --enable-exec "},
		"a chart, and a spec":            {map[string]string{"kustomization.yaml": "helmCharts: [{name: a}]\ntransformers: [mark.yaml]\n", "mark.yaml": mark}, "a build here runs nothing: write kustomize build --enable-alpha-plugins --enable-exec --enable-helm "},
		"a base without one":             {map[string]string{"kustomization.yaml": "resources: [base]\n", "base/a.yaml": attacks.ConfigMap}, "base holds no kustomization"},
		"a chart":                        {map[string]string{"kustomization.yaml": "helmCharts: [{name: a}]\n"}, "helmCharts: rendering a chart runs helm, and a build here runs nothing: write kustomize build --enable-helm "},
		"another's function":             {map[string]string{"kustomization.yaml": "resources: [a.yaml]\ngenerators: [fn.yaml]\n", "a.yaml": attacks.ConfigMap, "fn.yaml": "apiVersion: e.com/v1\nkind: Fn\nmetadata: {name: x, annotations: {config.kubernetes.io/function: 'exec: {path: ./x.sh}'}}\n"}, "nothing that the repository holds: write kustomize build --enable-alpha-plugins --enable-exec DIR | krm-bypass "},
		"another's function, and a spec": {map[string]string{"kustomization.yaml": "resources: [a.yaml]\ntransformers: [mark.yaml, fn.yaml]\n", "a.yaml": attacks.ConfigMap, "mark.yaml": mark, "fn.yaml": "apiVersion: e.com/v1\nkind: Fn\nmetadata: {name: x, annotations: {config.kubernetes.io/function: 'exec: {path: ./x.sh}'}}\n"}, "nothing that the repository holds: write kustomize build --enable-alpha-plugins --enable-exec DIR, which runs the function too. Without "},
		"a spec beside another":          {map[string]string{"kustomization.yaml": "resources: [a.yaml]\ntransformers: [s]\n", "a.yaml": attacks.ConfigMap, "s/kustomization.yaml": "resources: [mark.yaml, b.yaml]\nnamePrefix: x-\n", "s/mark.yaml": mark, "s/b.yaml": attacks.ConfigMap}, "s makes ConfigMap x-NAME beside a spec: put it into another folder, and list that under transformers too"},
		"a spec within a List":           {map[string]string{"kustomization.yaml": "resources: [a.yaml]\ntransformers: [l.yaml]\n", "a.yaml": attacks.ConfigMap, "l.yaml": "apiVersion: v1\nkind: List\nitems: [{apiVersion: krm-bypass.dev/v1alpha1, kind: ClusterBypass, metadata: {name: x, annotations: {config.kubernetes.io/function: 'exec: {path: krm-bypass}'}}}]\n"}, "and not one within a List"},
		"a spec for nobody":              {map[string]string{"kustomization.yaml": "resources: [b, c]\n", "b/kustomization.yaml": "transformers: [mark.yaml]\n", "b/mark.yaml": mark, "c/kustomization.yaml": "resources: [a.yaml]\n", "c/a.yaml": attacks.ConfigMap}, "b/kustomization.yaml: transformers[0]: there are no resources here to apply the spec to, and the kustomize CLI refuses the build: "},
		"a function by patching":         {map[string]string{"kustomization.yaml": "resources: [a.yaml]\ntransformers: [fns]\n", "a.yaml": attacks.ConfigMap, "fns/kustomization.yaml": "resources: [fn.yaml]\ncommonAnnotations: {config.kubernetes.io/function: 'exec: {path: /bin/sh}'}\n", "fns/fn.yaml": "apiVersion: e.com/v1\nkind: Fn\nmetadata: {name: x}\n"}, "only kustomize's builtin plugins run here"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := tree(t, test.files)
			built, err := Build(dir, marking)
			require.ErrorContains(t, err, strings.ReplaceAll(test.says, "DIR", dir))
			assert.Nil(t, built)
		})
	}
}

// TestBuildsDoNotMixUp runs several at a time, each with a schema of its own
// (kubernetes-sigs/kustomize#3659).
func TestBuildsDoNotMixUp(t *testing.T) {
	for _, name := range []string{"one", "two", "three", "four"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := tree(t, map[string]string{"kustomization.yaml": "resources: [a.yaml]\nnameSuffix: -" + name + "\n", "a.yaml": attacks.ConfigMap})
			for range 5 {
				built, err := Build(dir, marking)
				require.NoError(t, err)
				assert.Contains(t, string(built.Text), "name: NAME-"+name)
			}
		})
	}
}

func TestFilesStayWithinTheRoot(t *testing.T) {
	outside := tree(t, map[string]string{"secret": "theirs"})
	dir := tree(t, map[string]string{"ours": "ours"})
	require.NoError(t, os.Symlink(outside, filepath.Join(dir, "link")))
	f := filesOnDisk(dir)

	text, err := f.ReadFile(filepath.Join(dir, "ours"))
	require.NoError(t, err)
	assert.Equal(t, "ours", string(text))
	for _, path := range []string{filepath.Join(outside, "secret"), filepath.Join(dir, "link/secret"), filepath.Dir(dir), filepath.Join(outside, "none")} {
		_, err := f.ReadFile(path)
		require.Error(t, err)
		_, _, err = f.CleanedAbs(path)
		require.ErrorContains(t, err, "no such file or folder in "+dir+", the repository that is built")
	}
	require.NoError(t, f.RemoveAll(dir), "in memory")
	require.FileExists(t, filepath.Join(dir, "ours"))
}
