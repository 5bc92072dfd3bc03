package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const suggestTrees = "../../testdata/suggest"

// suggested are the trees, each with what is asked of it.
var suggested = map[string][]string{
	"cert-manager":                  {"cert-manager"},
	"database-operator":             {"database-operator"},
	"database-operator-with-a-spec": {"database-operator", "--spec", "database-operator-with-a-spec.yaml"},
	"kafka":                         {"kafka"},
	"kafka-consul":                  {"kafka", "--mesh", "Consul"},
	"kafka-linkerd":                 {"kafka", "--mesh", "Linkerd", "--image", "registry.example.com/mesh/init:v0.1.0"},
	"prometheus-stack":              {"prometheus-stack"},
	"vault":                         {"vault"},
	"web-shop":                      {"web-shop"},
	"web-shop-with-a-spec":          {"web-shop", "--spec", "web-shop-with-a-spec.yaml"},
}

func TestSuggest(t *testing.T) {
	t.Chdir(suggestTrees)
	for name, args := range suggested {
		t.Run(name, func(t *testing.T) {
			code, out, errOut := krmBypass("", append([]string{"suggest"}, args...)...)
			require.Zero(t, code, errOut)
			_, again, _ := krmBypass("", append([]string{"suggest"}, args...)...)
			assert.Equal(t, out, again, "the same bytes every time")
			for file, is := range map[string]string{"expected/" + name + ".txt": out, "expected/" + name + ".stderr.txt": errOut} {
				was, err := os.ReadFile(file)
				if *update && (err != nil || string(was) != is) {
					require.NoError(t, os.WriteFile(file, []byte(is), 0o600))
					t.Errorf("%s is rewritten: read what has changed", file)
					continue
				}
				require.NoError(t, err)
				assert.Equal(t, string(was), is, "go test ./cmd/krm-bypass -update rewrites it")
			}
		})
	}
}

// mark is the comment mark of a rule that may be needed.
var mark = regexp.MustCompile(`(?m)^(\+? *)# ?`)

// uncommented takes one comment mark away from the rules that may be needed.
func uncommented(text string) string {
	head, rest, found := strings.Cut(text, "# # You may need these")
	if !found {
		return text
	}
	head = regexp.MustCompile(`\n  # (workloads:.*\n)`).ReplaceAllString(head, "\n  $1")
	rules, tail, _ := strings.Cut("  # # You may need these"+rest, "\n  enforcement:")
	return strings.TrimRight(head, " ") + mark.ReplaceAllString(rules, "$1") + "\n  enforcement:" + tail
}

// TestARuleThatMayBeNeededIsOne takes the comment marks away.
func TestARuleThatMayBeNeededIsOne(t *testing.T) {
	t.Chdir(suggestTrees)
	perhaps := 0
	for name, args := range suggested {
		if len(args) != 1 {
			continue
		}
		t.Run(name, func(t *testing.T) {
			_, out, _ := krmBypass("", "suggest", args[0])
			perhaps += strings.Count(out, "\n  # - match:")
			whole := uncommented(out)
			assert.NotContains(t, whole, "\n  # - match:")
			_, err := compiled("spec", []byte(whole))
			if strings.Contains(out, "ADDRESS-OF-THE-API-SERVER") {
				assert.ErrorContains(t, err, "ADDRESS-OF-THE-API-SERVER", "nobody forgets to fill it in")
				_, err = compiled("spec", []byte(strings.ReplaceAll(whole, "ADDRESS-OF-THE-API-SERVER", "10.96.0.1")))
			}
			assert.NoError(t, err)
		})
	}
	assert.Greater(t, perhaps, 5)
}

// TestWhatIsAddedIsNotSuggestedAgain applies the difference.
func TestWhatIsAddedIsNotSuggestedAgain(t *testing.T) {
	for _, test := range []struct{ name, tree, change, to string }{
		{name: "web-shop-with-a-spec", tree: "web-shop"},
		{name: "database-operator-with-a-spec", tree: "database-operator"},
		{name: "database-operator-with-a-spec", tree: "database-operator", change: "  limits:\n    forbiddenInboundPorts: [9443]\n", to: "  workloads: []\n"},
		{name: "database-operator-with-a-spec", tree: "database-operator", change: "\n", to: "\r\n"},
		{name: "web-shop-with-a-spec", tree: "web-shop", change: "    - match: {names: [mail]}\n      reason: \"the provider takes no mTLS\"\n      excludeOutboundPorts: [25]\n", to: "    - match: {names: [mail]}\n      reason: |\n        the provider\n        # takes no mTLS"},
	} {
		t.Run(test.name+" "+test.to, func(t *testing.T) {
			text, err := os.ReadFile(filepath.Join(suggestTrees, test.name+".yaml"))
			require.NoError(t, err)
			dir := folder(t, map[string]string{"spec.yaml": strings.ReplaceAll(string(text), test.change, test.to)})
			require.NoError(t, os.CopyFS(filepath.Join(dir, "tree"), os.DirFS(filepath.Join(suggestTrees, test.tree))))
			t.Chdir(dir)
			code, out, errOut := krmBypass("", "suggest", "tree", "--spec", "spec.yaml")
			require.Zero(t, code, errOut)
			require.NotEmpty(t, out)
			apply := exec.Command("git", "apply", "--whitespace=nowarn", "-")
			apply.Stdin = strings.NewReader(out)
			said, err := apply.CombinedOutput()
			require.NoError(t, err, "%s\n%s", said, out)

			code, out, errOut = krmBypass("", "suggest", "tree", "--spec", "spec.yaml")
			assert.Zero(t, code, errOut)
			assert.Empty(t, out)
			assert.Contains(t, errOut, "info: there is nothing to add to spec.yaml\n")
		})
	}
}

// TestSuggestNamesWhereAKustomizationHasItFrom builds one, whose objects have other names
// than their files.
func TestSuggestNamesWhereAKustomizationHasItFrom(t *testing.T) {
	dir := folder(t, map[string]string{
		"base/kustomization.yaml": "resources: [operator.yaml, monitoring.yaml]\n",
		"kustomization.yaml":      "namePrefix: my-\nresources: [base]\n",
	})
	require.NoError(t, os.CopyFS(filepath.Join(dir, "base"), os.DirFS(filepath.Join(suggestTrees, "database-operator"))))
	t.Chdir(dir)
	code, out, errOut := krmBypass("", "suggest", ".")
	require.Zero(t, code, errOut)
	assert.Contains(t, out, "names: [my-database-operator]")
	assert.Contains(t, out, "reason: PodMonitor database/my-database-operator (base/operator.yaml:88) has Prometheus monitoring/my-k8s (base/monitoring.yaml:8), outside the mesh, scrape port 8080")

	text, err := os.ReadFile("base/operator.yaml")
	require.NoError(t, err)
	code, out, errOut = krmBypass(string(text), "suggest", "-")
	require.Zero(t, code, errOut)
	assert.Contains(t, out, "reason: 'ValidatingWebhookConfiguration database (standard input:54): the API server, outside the mesh, validates by port 9443")

	require.NoError(t, os.WriteFile("bypass.yaml", []byte("apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: a}\nspec: {enforcement: {mode: AnnotationsOnly}}\n"), 0o600))
	require.NoError(t, os.WriteFile("kustomization.yaml", []byte("namePrefix: my-\nresources: [base]\ntransformers: [bypass.yaml]\n"), 0o600))
	code, out, errOut = krmBypass("", "suggest", ".", "--spec", "bypass.yaml")
	assert.Zero(t, code, errOut)
	assert.Contains(t, out, "+spec: {enforcement: {mode: AnnotationsOnly}, workloads: [{match:")
	assert.NotContains(t, errOut, "is the specification here")
	code, found, errOut := krmBypass("", "suggest", ".")
	assert.Zero(t, code, errOut)
	assert.Equal(t, out, found, "it finds the file that the kustomization lists")
	assert.Contains(t, errOut, "info: bypass.yaml is the specification here: what it lacks is shown as a difference from it\n")

	require.NoError(t, os.WriteFile("other.yaml", []byte("apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: b}\nspec: {mesh: Linkerd}\n"), 0o600))
	code, _, errOut = krmBypass("", "suggest", "base", "bypass.yaml", "other.yaml")
	assert.Equal(t, 1, code)
	assert.Equal(t, "error: bypass.yaml has a ClusterBypass already, and which file to add to is not clear: name it, as in krm-bypass suggest base bypass.yaml other.yaml --spec FILE\n", errOut)
}

// TestSuggestTakesTheMeshOfWhichTheFilesSpeak: a rule for another mesh would be for pods
// that are in none.
func TestSuggestTakesTheMeshOfWhichTheFilesSpeak(t *testing.T) {
	const hook = "apiVersion: v1\nkind: Namespace\nmetadata: {name: app, annotations: {NOTE}}\n---\n" +
		"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: hook, namespace: app}\nspec:\n  template:\n    metadata: {labels: {app: hook}}\n    spec: {containers: [{name: a, image: a}]}\n---\n" +
		"apiVersion: v1\nkind: Service\nmetadata: {name: hook, namespace: app}\nspec: {selector: {app: hook}, ports: [{port: 443, targetPort: 9443}]}\n---\n" +
		"apiVersion: admissionregistration.k8s.io/v1\nkind: ValidatingWebhookConfiguration\nmetadata: {name: hook}\nwebhooks: [{name: a, clientConfig: {service: {name: hook, namespace: app}}}]\n"
	for note, test := range map[string]struct {
		args           []string
		out, err, fail string
	}{
		"linkerd.io/inject: enabled": {out: "  mesh: Linkerd # as a.yaml:3 says\n"},
		"a: b":                       {out: "  mesh: Istio\n", err: "info: no file here names a mesh, so Istio is taken: name another with --mesh\n"},
		"b: c":                       {args: []string{"--mesh", "Linkerd"}, out: "  mesh: Linkerd\n"},
		"linkerd.io/inject: enabled, kuma.io/mesh: a": {fail: "error: the files speak of 2 meshes (a.yaml:3 of Linkerd, a.yaml:3 of Kuma): choose with --mesh Linkerd or --mesh Kuma;"},
	} {
		t.Run(note, func(t *testing.T) {
			t.Chdir(folder(t, map[string]string{"a.yaml": strings.Replace(hook, "NOTE", note, 1), "kustomization.yaml": "resources: [a.yaml]\n"}))
			code, out, errOut := krmBypass("", append([]string{"suggest", "a.yaml"}, test.args...)...)
			if test.fail != "" {
				assert.Equal(t, 1, code)
				assert.Contains(t, errOut, test.fail)
				return
			}
			require.Zero(t, code, errOut)
			assert.Contains(t, out, test.out)
			assert.Equal(t, test.err != "", strings.Contains(errOut, "no file here names a mesh"))
			assert.Contains(t, errOut, test.err)
			if test.err == "" && test.args == nil {
				assert.Contains(t, out, "excludeInboundPorts: [9443]")
				_, out, _ = krmBypass("", "suggest", ".")
				assert.Contains(t, out, "  mesh: Linkerd # as the rendering of .:")
			}
		})
	}
}
