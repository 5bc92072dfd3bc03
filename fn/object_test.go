package fn_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/krm-bypass/krm-bypass/fn"
)

// nothingText is a spec that asks for nothing.
var nothingText = strings.Replace(specText, "[3306]", "[]", 1)

// An object needs no metadata, and metadata no name, for its pods to run by it.
func TestWhatIsTakenBackHasItsMetadataAgain(t *testing.T) {
	shapes := []string{
		"", "metadata:\n", "metadata: ~\n", "metadata: null # none\n", "metadata: {}\n", "metadata: # none\nx: y\n",
		"metadata:\n  name: web\n", "metadata:\n  name: web\n  annotations:\n",
		"metadata:\n  annotations: {}\n", "metadata:\n  annotations:\n    a: b\n",
	}
	indented := func(text, by string) string {
		return strings.ReplaceAll(by+strings.TrimSuffix(text, "\n"), "\n", "\n"+by) + "\n"
	}
	rapid.Check(t, func(t *rapid.T) {
		metadata := func(of string) string { return rapid.SampledFrom(shapes).Draw(t, of) }
		text := "apiVersion: apps/v1\nkind: Deployment\n"
		own, spec := metadata("own"), "spec:\n  template:\n    spec: {containers: []}\n"
		if template := metadata("template"); template != "" && !strings.Contains(template, "x: y") {
			spec += indented(template, "    ")
		}
		if rapid.Bool().Draw(t, "metadata last") {
			text += spec + own
		} else {
			text += own + spec
		}
		if rapid.IntRange(0, 4).Draw(t, "in a list") == 0 {
			text = "apiVersion: v1\nkind: List\nitems:\n- " + strings.TrimPrefix(indented(text, "  "), "  ")
		}
		written, results, err := fn.Manifests(fn.SpecIn(fn.Manifest{Path: "bypass.yaml", Text: []byte(specText)}), []fn.Manifest{manifest("a.yaml", text)}, fn.Options{})
		require.NoError(t, err, "%s\n%s", results.Report(), text)
		require.Contains(t, string(written[0].Text), `excludeOutboundPorts: "3306"`, text)
		back, _, err := fn.Manifests(fn.SpecIn(fn.Manifest{Path: "bypass.yaml", Text: []byte(nothingText)}), written, fn.Options{})
		require.NoError(t, err)
		require.Equal(t, text, string(back[0].Text), "%s", written[0].Text)
	})
}

func TestWhatNoClusterTakesIsLeftAlone(t *testing.T) {
	pod := func(metadata, more string) string {
		return "apiVersion: v1\nkind: Pod\n" + metadata + "spec: {containers: [{name: a, image: a}]" + more + "}\n"
	}
	job := "apiVersion: batch/v1\nkind: Job\nspec: {template: {spec: {containers: [{name: a, image: a}]}}}\n"
	for name, test := range map[string]struct{ text, reason string }{
		"a Pod without metadata": {pod("", ""), "it has neither a name nor a generateName"},
		"with labels alone":      {pod("metadata: {labels: {a: b}}\n", ""), "it has neither a name nor a generateName"},
		"with an empty name":     {pod("metadata: {name: \"\", generateName: }\n", ""), "it has neither a name nor a generateName"},
		"a hook":                 {pod("metadata: {annotations: {helm.sh/hook: test}}\n", ""), "it has neither a name nor a generateName"},
		"a Job":                  {job, "it has neither a name nor a generateName"},
		"a name to be made up":   {pod("metadata: {generateName: a-}\n", ""), ""},
		"a Deployment":           {deployment, ""},
		"Windows":                {strings.Replace(deployment, "containers: []", "containers: []\n      nodeSelector: {kubernetes.io/os: windows}", 1), "it runs on Windows"},
		"Windows, the old label": {strings.Replace(deployment, "containers: []", "containers: []\n      nodeSelector: {beta.kubernetes.io/os: windows}", 1), "it runs on Windows"},
		"Linux, the old label":   {strings.Replace(deployment, "containers: []", "containers: []\n      nodeSelector: {beta.kubernetes.io/os: linux}", 1), ""},
		"the host's network":     {strings.Replace(deployment, "containers: []", "containers: []\n      hostNetwork: yes", 1), "it uses the host's network"},
	} {
		t.Run(name, func(t *testing.T) {
			// Also where a rule speaks of the kind.
			spec := specText + "  workloads: [{match: {kinds: [Pod, Job]}, excludeOutboundPorts: [3306]}]\n"
			files, results, err := rendered(t, spec, manifest("a.yaml", test.text))
			require.NoError(t, err, results.Report())
			if test.reason == "" {
				assert.NotEqual(t, test.text, string(files[0].Text))
				return
			}
			assert.Equal(t, test.text, string(files[0].Text))
			require.Len(t, results, 1)
			assert.Equal(t, fn.Info, results[0].Severity)
			assert.Contains(t, results[0].Message, "left alone: "+test.reason)
		})
	}
}

// What a chart says twice somewhere in a container is its author's affair.
func TestAKeyThatStandsTwiceIsToldByWhereItStands(t *testing.T) {
	probed := strings.Replace(deployment, "containers: []\n", `containers:
      - name: web
        image: web
        readinessProbe:
          failureThreshold: 3
          periodSeconds: 5
          failureThreshold: 6
`, 1)
	named := strings.Replace(deployment, "containers: []\n", "containers:\n      - name: web\n        image: web\n", 1)
	for name, test := range map[string]struct {
		text, says string
		severity   fn.Severity
	}{
		"of a container's probe":      {probed, `the key "failureThreshold" appears twice, on lines 15 and 17, and kubectl takes the later: krm-bypass leaves both as they are`, fn.Warning},
		"of a container":              {strings.Replace(named, "- name: web\n", "- name: web\n        workingDir: a\n        workingDir: b\n", 1), `the key "workingDir" appears twice, on lines 13 and 14`, fn.Warning},
		"of a container, its name":    {strings.Replace(named, "- name: web\n", "- name: web\n        name: b\n", 1), `the key "name" appears twice, on lines 12 and 13: remove one`, fn.Error},
		"of the selector":             {strings.Replace(deployment, "spec:\n", "spec:\n  selector: {matchLabels: {a: b, a: c}}\n", 1), `the key "a" appears twice, both on line 9`, fn.Warning},
		"of the metadata":             {strings.Replace(deployment, "  name: web\n", "  name: web\n  labels: {a: b}\n  labels: {}\n", 1), `the key "labels" appears twice, on lines 8 and 9: remove one`, fn.Error},
		"of the labels":               {strings.Replace(deployment, "  name: web\n", "  name: web\n  labels: {a: b, a: b}\n", 1), `the key "a" appears twice, both on line 8: remove one`, fn.Error},
		"of the spec":                 {strings.Replace(deployment, "spec:\n", "spec:\n  replicas: 1\n  replicas: 2\n", 1), `the key "replicas" appears twice, on lines 9 and 10: remove one`, fn.Error},
		"of the root":                 {deployment + "kind: Deployment\n", `the key "kind" appears twice, on lines 5 and 12: remove one`, fn.Error},
		"of another object's data":    {"apiVersion: v1\nkind: ConfigMap\ndata: {a: b, a: c}\n", "", ""},
		"of another object's root":    {"apiVersion: v1\nkind: ConfigMap\ndata: {}\ndata: {}\n", `the key "data" appears twice, on lines 6 and 7: remove one`, fn.Error},
		"by a merge that comes first": {strings.Replace(deployment, "  name: web\n", "  name: web\n  labels: {<<: {a: b}, a: c}\n", 1), "", ""},
		"by a merge that comes last":  {strings.Replace(deployment, "  name: web\n", "  name: web\n  labels: {a: c, <<: {a: b}}\n", 1), `the key "a" on line 8 is also merged in by << on line 8`, fn.Error},
	} {
		t.Run(name, func(t *testing.T) {
			// Behind another document: lines are those of the file.
			text := "apiVersion: v1\nkind: Service\n---\n" + test.text
			files, results, err := rendered(t, specText, manifest("a.yaml", text))
			if test.severity == "" {
				require.NoError(t, err, results.Report())
				assert.Empty(t, results.Report())
				return
			}
			require.Len(t, results, 1, results.Report())
			assert.Equal(t, test.severity, results[0].Severity)
			assert.Contains(t, results[0].Message, test.says)
			if test.severity == fn.Error {
				assert.ErrorIs(t, err, fn.ErrFailed)
				return
			}
			assert.Contains(t, results[0].String(), "[duplicate-key]")
			require.NoError(t, err)
			assert.Contains(t, string(files[0].Text), `excludeOutboundPorts: "3306"`)
			back, _, err := rendered(t, nothingText, files...)
			require.NoError(t, err)
			assert.Equal(t, text, string(back[0].Text))
		})
	}
}

// Wherever a key is put a second time, it is told: by an error, or by a warning
// and the bytes stay.
func TestNoKeyStandsTwiceUnseen(t *testing.T) {
	lines := strings.SplitAfter(`apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels:
    app: web
  annotations:
    a: b
spec:
  replicas: 2
  selector:
    matchLabels:
      app: web
  template:
    metadata:
      labels:
        app: web
      annotations:
        c: d
    spec:
      serviceAccountName: web
      nodeSelector:
        kubernetes.io/os: linux
      containers:
      - image: web:1
        name: web
        ports:
        - containerPort: 80
          name: http
      imagePullSecrets:
      - name: pull
`, "\n")
	rapid.Check(t, func(t *rapid.T) {
		at := rapid.IntRange(0, len(lines)-2).Draw(t, "line")
		key, _, _ := strings.Cut(strings.TrimLeft(lines[at], " -"), ":")
		column := len(lines[at]) - len(strings.TrimLeft(lines[at], " -"))
		// Behind all that is in the same mapping.
		end := at + 1
		for end < len(lines)-1 && len(lines[end])-len(strings.TrimLeft(lines[end], " ")) >= column {
			end++
		}
		written := rapid.SampledFrom([]string{key, fmt.Sprintf("%q", key), "'" + key + "'", fmt.Sprintf(`"\x%02x%s"`, key[0], key[1:])}).Draw(t, "written")
		again := strings.Repeat(" ", column) + written + ": " + rapid.SampledFrom([]string{"x", "{}", "[]", "null"}).Draw(t, "value") + "\n"
		if strings.HasPrefix(lines[end-1], strings.Repeat(" ", column)+"-") {
			return // a list's item has no more entries there
		}
		text := strings.Join(lines[:end], "") + again + strings.Join(lines[end:], "")
		_, results, err := fn.Manifests(fn.SpecIn(fn.Manifest{Path: "bypass.yaml", Text: []byte(specText)}), []fn.Manifest{manifest("a.yaml", text)}, fn.Options{})
		report := results.Report()
		require.Contains(t, report, fmt.Sprintf("the key %q appears twice, on lines %d and %d", key, at+1, end+1), text)
		deep := map[string]bool{"ports": true, "containerPort": true}[key] || column >= 10 || key == "app" && at == 12 || key == "matchLabels"
		if deep {
			require.NoError(t, err, report)
		} else {
			require.ErrorIs(t, err, fn.ErrFailed, report)
		}
	})
}
