package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/internal/admission"
)

// resourceList has one Deployment; annotations stand on its template.
func resourceList(annotations string) string {
	return `apiVersion: config.kubernetes.io/v1
kind: ResourceList
items:
- apiVersion: apps/v1
  kind: Deployment
  metadata:
    name: web # the front door
  spec:
    template:
      metadata:
        annotations: {` + annotations + `}
      spec:
        containers: []
functionConfig:
  apiVersion: krm-bypass.dev/v1alpha1
  kind: ClusterBypass
  spec:
    global:
      excludeOutboundPorts: [3306]
    namespaces:
    - match: {names: [shop]}
      excludeOutboundPorts: [5432]
    defaultNamespace: elsewhere
    enforcement: {image: registry.example.com/mesh/init:v0.1.0}
`
}

// krmBypass runs the command on a text.
func krmBypass(in string, args ...string) (code int, out, errOut string) {
	return krmBypassOn(strings.NewReader(in), args...)
}

func krmBypassOn(in io.Reader, args ...string) (code int, out, errOut string) {
	var stdout, stderr bytes.Buffer
	code = run(args, in, &stdout, &stderr)
	return code, stdout.String(), stderr.String()
}

func TestHelpGoesToStandardOutput(t *testing.T) {
	for _, args := range [][]string{{"--help"}, {"-h"}, {"help"}, {"schema", "--help"}} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			// kpt fn doc asks for help with an empty ResourceList at the input.
			code, out, errOut := krmBypass("apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems: []\n", args...)
			assert.Zero(t, code)
			assert.Contains(t, out, "Usage:")
			assert.Empty(t, errOut)
		})
	}
}

func TestVersion(t *testing.T) {
	for command, want := range map[string]string{"--version": "krm-bypass version dev\n", "version": "dev\n"} {
		code, out, errOut := krmBypass("", command)
		assert.Zero(t, code)
		assert.Equal(t, want, out)
		assert.Empty(t, errOut)
	}
}

func TestSchema(t *testing.T) {
	code, out, errOut := krmBypass("", "schema")
	assert.Zero(t, code)
	assert.True(t, json.Valid([]byte(out)), "the schema is JSON")
	assert.Empty(t, errOut)
}

func TestWrongCommandLines(t *testing.T) {
	tests := []struct {
		args []string
		says string
	}{
		{[]string{"transform"}, `error: "transform" is not a command of krm-bypass: see krm-bypass --help`},
		{[]string{"--naemspace=shop"}, "error: --naemspace is not a flag of krm-bypass: did you mean --namespace? see krm-bypass --help"},
		{[]string{"chek", "--help"}, `error: "chek" is not a command of krm-bypass: did you mean check? see krm-bypass --help`},
		{[]string{"help", "chek"}, `error: "chek" is not a command of krm-bypass: did you mean check? see krm-bypass --help`},
		{[]string{"--namespace", "shop", "chek"}, `error: "chek" is not a command of krm-bypass: did you mean check? see krm-bypass --help`},
		{[]string{"-n"}, "error: -n is not a flag of krm-bypass: did you mean --namespace? see krm-bypass --help"},
		{[]string{"--namespace"}, "error: --namespace needs a value: see krm-bypass --help"},
		{[]string{"completion"}, "error: completion needs the name of one shell, bash, fish, powershell, zsh, as in krm-bypass completion bash"},
		{[]string{"completion", "bahs"}, `error: completion: "bahs" is not valid: did you mean bash?`},
		{[]string{"version", "now"}, `error: "now" is an argument too many: krm-bypass version takes none: see krm-bypass version --help`},
		{[]string{"schema", "all"}, `error: "all" is an argument too many: krm-bypass schema takes none: see krm-bypass schema --help`},
	}
	for _, test := range tests {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			code, out, errOut := krmBypass(resourceList(""), test.args...)
			assert.Equal(t, 1, code)
			assert.Empty(t, out)
			assert.Equal(t, test.says+"\n", errOut)
		})
	}
}

func TestFunctionSaysNothingWhereThereIsNothingToSay(t *testing.T) {
	code, out, errOut := krmBypass(resourceList(""))
	assert.Zero(t, code)
	assert.Contains(t, out, "--exclude-outbound-ports=3306")
	assert.Contains(t, out, "name: web # the front door\n")
	assert.Empty(t, errOut)

	code, again, errOut := krmBypass(out)
	assert.Zero(t, code)
	assert.Equal(t, out, again)
	assert.Empty(t, errOut)
}

func TestFunctionWarnsOnStandardErrorToo(t *testing.T) {
	const includes = `traffic.sidecar.istio.io/includeInboundPorts: "80", traffic.sidecar.istio.io/excludeInboundPorts: "81"`
	code, out, errOut := krmBypass(resourceList(includes))
	assert.Zero(t, code)
	assert.Contains(t, out, "severity: warning")
	assert.Contains(t, out, "krm-bypass-init")
	assert.Regexp(t, `^warning: Deployment web: spec\.template\.metadata\.annotations\["traffic\.sidecar\.istio\.io/excludeInboundPorts"\]: .*\n$`, errOut)
}

func TestFunctionChangesNothingWhereThereIsAnError(t *testing.T) {
	in := resourceList(`traffic.sidecar.istio.io/excludeOutboundPorts: "80-90"`)
	code, out, errOut := krmBypass(in)
	assert.Equal(t, 1, code)
	assert.True(t, strings.HasPrefix(out, in), "the list is as it came")
	assert.Contains(t, strings.TrimPrefix(out, in), "severity: error")
	assert.Regexp(t, `^error: Deployment web: .*80-90.*\n$`, errOut)
}

func TestFunctionWritesNothingWhereThereIsNoList(t *testing.T) {
	tests := []struct{ name, in, says string }{
		{"empty", "", "standard input is empty"},
		{"blank", "\n \n", "standard input is empty"},
		{"not YAML", "a: [", "not valid YAML"},
		{"text", "hello", "holds no mapping"},
		{"another kind", "apiVersion: v1\nkind: List\nitems: []\n", `an object of kind "List"`},
		{"two documents", resourceList("") + "---\n" + resourceList(""), "2 YAML documents"},
		{"items of another kind", "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems: web\n", "items of the ResourceList: expected a list, but found a single value: write a list"},
		{"not text", "\x00\x01\xff", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			code, out, errOut := krmBypass(test.in)
			assert.Equal(t, 1, code)
			assert.Empty(t, out, "kustomize takes what is written for the whole of its resources")
			assert.Regexp(t, `^error: .*\n$`, errOut)
			assert.Contains(t, errOut, test.says)
		})
	}
}

// TestEverythingOrNothingIsWritten has the output in one piece: one cut short
// would be one with fewer resources.
func TestEverythingOrNothingIsWritten(t *testing.T) {
	var writes countingWriter
	require.Zero(t, run(nil, strings.NewReader(resourceList("")), &writes, io.Discard))
	assert.Equal(t, 1, writes.calls)
}

type countingWriter struct{ calls int }

func (w *countingWriter) Write(p []byte) (int, error) {
	w.calls++
	return len(p), nil
}

func TestBrokenStreams(t *testing.T) {
	t.Run("input", func(t *testing.T) {
		in := io.MultiReader(strings.NewReader("apiVersion: config"), iotest.ErrReader(errors.New("the pipe broke")))
		code, out, errOut := krmBypassOn(in)
		assert.Equal(t, 1, code)
		assert.Empty(t, out)
		assert.Equal(t, "error: reading standard input: the pipe broke\n", errOut)
	})
	t.Run("output", func(t *testing.T) {
		for _, args := range [][]string{nil, {"schema"}} {
			var errOut bytes.Buffer
			code := run(args, strings.NewReader(resourceList("")), brokenWriter{}, &errOut)
			assert.Equal(t, 1, code)
			assert.Equal(t, "error: writing standard output: no space left\n", errOut.String())
		}
	})
	t.Run("output, where there are errors too", func(t *testing.T) {
		var errOut bytes.Buffer
		code := run(nil, strings.NewReader(resourceList(`traffic.sidecar.istio.io/excludeOutboundPorts: "80-90"`)), brokenWriter{}, &errOut)
		assert.Equal(t, 1, code)
		assert.Contains(t, errOut.String(), "80-90", "the errors are said all the same")
		assert.Contains(t, errOut.String(), "writing standard output: no space left")
	})
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestNamespace(t *testing.T) {
	withoutDefault := strings.Replace(resourceList(""), "    defaultNamespace: elsewhere\n", "", 1)
	t.Run("unknown", func(t *testing.T) {
		code, _, errOut := krmBypass(withoutDefault)
		assert.Zero(t, code)
		assert.Contains(t, errOut, "warning: Deployment web: metadata.namespace: ")
	})
	t.Run("flag", func(t *testing.T) {
		code, out, errOut := krmBypass(resourceList(""), "--namespace=shop")
		assert.Zero(t, code)
		assert.Contains(t, out, "--exclude-outbound-ports=5432")
		assert.Empty(t, errOut)
	})
	t.Run("Argo CD", func(t *testing.T) {
		t.Setenv("ARGOCD_APP_NAMESPACE", "shop")
		code, out, errOut := krmBypass(withoutDefault)
		assert.Zero(t, code)
		assert.Contains(t, out, "--exclude-outbound-ports=5432")
		assert.Empty(t, errOut)
	})
}

func TestInputDevices(t *testing.T) {
	open := func(t *testing.T, device string) *os.File {
		file, err := os.OpenFile(device, os.O_RDWR, 0)
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, file.Close()) })
		return file
	}
	t.Run("a terminal gets the help", func(t *testing.T) {
		code, out, errOut := krmBypassOn(open(t, "/dev/ptmx"))
		assert.Zero(t, code)
		assert.Contains(t, out, "Usage:")
		assert.Empty(t, errOut)
	})
	t.Run("/dev/null is empty input", func(t *testing.T) {
		code, out, errOut := krmBypassOn(open(t, os.DevNull))
		assert.Equal(t, 1, code)
		assert.Empty(t, out)
		assert.Contains(t, errOut, "standard input is empty")
	})
	t.Run("a file is read", func(t *testing.T) {
		path := t.TempDir() + "/list.yaml"
		require.NoError(t, os.WriteFile(path, []byte(resourceList("")), 0o600))
		code, out, errOut := krmBypassOn(open(t, path))
		assert.Zero(t, code)
		assert.Contains(t, out, "krm-bypass-init")
		assert.Empty(t, errOut)
	})
}

// TestFiveMebibytes has more items than any package should: nothing is lost and
// what is not spoken of keeps its bytes.
func TestFiveMebibytes(t *testing.T) {
	const deployment = `- apiVersion: apps/v1
  kind: Deployment
  metadata:
    name: web-%d
    namespace: shop
  spec:
    template:
      metadata:
        labels: {app: web-%[1]d}
      spec:
        containers:
        - name: app
          image: app:1
`
	const configMap = `- apiVersion: v1
  kind: ConfigMap
  metadata: {name: 'settings-%d',   namespace: shop}
  data:
    text: |
      several lines # of
        text
`
	padding := strings.Repeat("      a line of text: with marks {that mean nothing] here\n", 60)
	var items strings.Builder
	count := 0
	for ; items.Len() < 5<<20; count++ {
		fmt.Fprintf(&items, deployment, count)
		fmt.Fprintf(&items, configMap+"%s", count, padding)
	}
	head, tail, _ := strings.Cut(resourceList(""), "items:\n")
	_, config, _ := strings.Cut(tail, "functionConfig:")
	in := head + "items:\n" + items.String() + "functionConfig:" + config
	code, out, errOut := krmBypass(in)
	require.Zero(t, code)
	assert.Empty(t, errOut)
	assert.Equal(t, count, strings.Count(out, "\n        - name: krm-bypass-init\n"))
	rest := out
	for i := range count {
		_, after, found := strings.Cut(rest, fmt.Sprintf(configMap+"%s", i, padding))
		require.True(t, found, "ConfigMap settings-%d is there as it was, and in its place", i)
		rest = after
	}
	_, again, _ := krmBypass(out)
	//nolint:testifylint // five MiB are no message
	require.True(t, out == again, "the function on its own output changes no byte")
}

// What it is, internal/admission and test/cluster say.
func TestAdmissionPolicy(t *testing.T) {
	code, out, errOut := krmBypass("", "schema", "--admission-policy")
	assert.Zero(t, code)
	assert.Equal(t, admission.Policy(), out)
	assert.Empty(t, errOut)
}

func TestAdmissionPolicyWithKinds(t *testing.T) {
	const spec = "../../testdata/golden/workloads/pod-templates-add-kinds/spec.yaml"
	code, out, errOut := krmBypass("", "schema", "--admission-policy", "--spec", spec)
	assert.Zero(t, code)
	assert.Contains(t, out, `o[?"spec"][?"pods"][?"template"]`)
	assert.Empty(t, errOut)

	text, err := os.ReadFile(spec)
	require.NoError(t, err)
	two := filepath.Join(t.TempDir(), "two.yaml")
	require.NoError(t, os.WriteFile(two, slices.Concat([]byte("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: first}\n---\n"), text), 0o600))
	_, ofSecond, _ := krmBypass("", "schema", "--admission-policy", "--spec", two)
	assert.Equal(t, out, ofSecond, "of several documents, the ClusterBypass counts")

	two = folder(t, map[string]string{"kustomization.yaml": "resources: [spec.yaml]\n", "spec.yaml": string(text)})
	_, ofFolder, errOut := krmBypass("", "schema", "--admission-policy", "--spec", two)
	assert.Equal(t, out, ofFolder, errOut)
	two = filepath.Join(t.TempDir(), "two.yaml")
	require.NoError(t, os.WriteFile(two, slices.Concat(text, []byte("---\n"), text), 0o600))

	for _, test := range []struct {
		args []string
		says string
	}{
		{[]string{"schema", "--admission-policy", "--spec", two}, "there are 2 objects of kind ClusterBypass in this file"},
		{[]string{"schema", "--spec", spec}, "error: the schema is the same for every spec: --spec goes with --admission-policy alone\n"},
		{[]string{"schema", "--admission-policy", "--spec", "none.yaml"}, "error: reading the spec: none.yaml: there is no such file or folder: correct the path\n"},
		{[]string{"schema", "--admission-policy", "--spec", "main_test.go"}, "reading the document: not valid YAML"},
		{[]string{"schema", "--admission-policy", "--spec", "../../examples/asm-ports/base/orders.yaml"}, "error: ../../examples/asm-ports/base/orders.yaml: "},
	} {
		code, out, errOut := krmBypass("", test.args...)
		assert.Equal(t, 1, code, test.args)
		assert.Empty(t, out)
		assert.Contains(t, errOut, test.says)
	}
}

// Of a flag that is given twice the first would be forgotten, and with a spec its limits.
func TestEveryFlagIsGivenOnce(t *testing.T) {
	for _, args := range []string{
		"--namespace a --namespace b", "check . --mesh a --mesh b", "explain . --before a --before=b", "import . --mesh Kuma --mesh Istio",
		"pin a --check --check", "probe http://a --expect bypassed --expect intercepted", "probe http://a -o json --output text",
		"render . --image a --image a", "schema --admission-policy --admission-policy",
	} {
		t.Run(args, func(t *testing.T) {
			code, out, errOut := krmBypass("", strings.Fields(args)...)
			assert.NotZero(t, code)
			assert.Empty(t, out)
			assert.Contains(t, errOut, "it is given twice, and ")
		})
	}
}
