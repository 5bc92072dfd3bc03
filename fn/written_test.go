package fn_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/krm-bypass/krm-bypass/fn"
)

// A written file is a Deployment as somebody may have written it: parents that
// are missing, null or empty, any style, any line breaks, any end.
type writtenFile struct{ t *rapid.T }

func (w writtenFile) one(label string, of ...string) string {
	return rapid.SampledFrom(of).Draw(w.t, label)
}

// flow writes the file as one flow mapping, or as JSON.
func (w writtenFile) flow() string {
	text := "{apiVersion: apps/v1, kind: Deployment, " +
		w.one("metadata", "", "metadata: , ", "metadata: {}, ", "metadata: null, ", "metadata: {name: a}, ") +
		"spec: {template: {" +
		w.one("template", "", "metadata: , ", "metadata: {}, ", "metadata: {labels: {a: b}}, ", "metadata: {annotations: }, ") +
		"spec: {containers: [{name: a, image: x}]" +
		w.one("secrets", "", ", imagePullSecrets: ", ", imagePullSecrets: []", ", imagePullSecrets: [{name: other}]") +
		w.one("init", "", ", initContainers: ", ", initContainers: []", ", initContainers: [{name: i, image: x}]", ", initContainers: ,") +
		"}}}}"
	if w.one("json", "yaml", "json") == "yaml" {
		return text
	}
	for _, change := range [][2]string{{": ,", ": null,"}, {": }", ": null}"}, {",}", "}"}, {"null,}", "null}"}} {
		text = strings.ReplaceAll(text, change[0], change[1])
	}
	return regexp.MustCompile(`[A-Za-z][\w/.]*`).ReplaceAllStringFunc(text, func(word string) string {
		if word == "null" {
			return word
		}
		return `"` + word + `"`
	})
}

// block writes the file in block style, line by line.
func (w writtenFile) block() string {
	lines := []string{"apiVersion: apps/v1", "kind: Deployment"}
	add := func(label string, choices ...string) {
		if text := w.one(label, choices...); text != "" {
			lines = append(lines, strings.Split(text, "\n")...)
		}
	}
	add("metadata", "", "metadata:", "metadata: {}", "metadata: # why", "metadata:\n  name: a", "metadata:\n  annotations:\n  name: a")
	add("spec", "spec:\n  template:")
	first := w.one("template metadata", "first", "last")
	metadata := func() {
		add("template", "", "    metadata:", "    metadata: {}", "    metadata:\n      labels:\n        a: b", "    metadata:\n      annotations: ~",
			"    metadata:\n      annotations:\n        a: |+\n          x\n", "    metadata:\n      annotations:\n        a: |\n          x")
	}
	if first == "first" {
		metadata()
	}
	add("containers", "    spec:\n      containers:\n      - name: a\n        image: x", "    spec:\n      containers:\n        -   name: a\n            image: x")
	add("secrets", "", "      imagePullSecrets:", "      imagePullSecrets: []", "      imagePullSecrets:\n      # other\n      - name: other")
	add("init", "", "      initContainers:", "      initContainers: []", "      initContainers:\n      # first\n      - name: i\n        image: x")
	if first == "last" {
		metadata()
	}
	var b strings.Builder
	breaks := rapid.SampledFrom([][]string{{"\n"}, {"\r\n"}, {"\n", "\r\n", "\r"}}).Draw(w.t, "line breaks")
	for i, line := range lines {
		if b.WriteString(line); i < len(lines)-1 {
			b.WriteString(rapid.SampledFrom(breaks).Draw(w.t, "line break"))
		}
	}
	return b.String()
}

// However a file is written, it is written into, and taking that back gives its
// bytes.
func TestDrawnFilesAreTakenBackByteForByte(t *testing.T) {
	render := func(t *rapid.T, spec, text string) string {
		const head = "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: c}\n"
		files, results, err := fn.Manifests(fn.SpecIn(fn.Manifest{Path: "bypass.yaml", Text: []byte(head + spec)}), []fn.Manifest{{Path: "a.yaml", Text: []byte(text)}}, fn.Options{})
		require.NoError(t, err, "%q: %v", text, results)
		return string(files[0].Text)
	}
	rapid.Check(t, func(t *rapid.T) {
		w := writtenFile{t}
		text := w.one("head", "", "---\n", "# old editor\r", "# old editor\r\n")
		if w.one("style", "block", "flow") == "block" {
			text += w.block()
		} else {
			text += w.flow()
		}
		text += w.one("end", "", "\n", "\r\n", "\n\n", "\n  ", "\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n")
		out := render(t, "spec: {enforcement: {image: example.com/init:v1, imagePullSecrets: [{name: registry}]}, global: {excludeOutboundPorts: [3306]}}\n", text)
		require.NotEqual(t, text, out)
		require.Equal(t, strings.Count(text, "\n---\n"), strings.Count(out, "\n---\n"), "%q: documents stay apart for readers that know LF alone", out)
		require.Equal(t, text, render(t, "spec: {}\n", out), "%q", out)
	})
}

// In the host's network the rules would change the node.
func TestAWorkloadOnTheHostsNetworkLosesWhatWasWritten(t *testing.T) {
	const text = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec:\n  template:\n    spec:\n      containers: [{name: app, image: app:1}]\n"
	onHost := func(text string) string {
		return strings.Replace(text, "      containers:", "      hostNetwork: true\n      containers:", 1)
	}
	run := func(text string) string {
		out, results, err := rendered(t, containedText, manifest("a.yaml", text))
		require.NoError(t, err, results.Report())
		return string(out[0].Text)
	}
	written := run(text)
	require.Contains(t, written, "name: krm-bypass-init")
	require.Equal(t, onHost(text), run(onHost(written)))
	require.Equal(t, onHost(text), run(onHost(text)))
}

const containedText = `apiVersion: krm-bypass.dev/v1alpha1
kind: ClusterBypass
metadata: {name: cluster}
spec:
  global: {excludeOutboundPorts: [3306]}
  enforcement: {mode: InitContainer, image: "registry.example.com/init:v1"}
`
