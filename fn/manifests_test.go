package fn_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/fn"
)

const specText = `apiVersion: krm-bypass.dev/v1alpha1
kind: ClusterBypass
metadata: {name: cluster}
spec:
  enforcement: {mode: AnnotationsOnly}
  global: {excludeOutboundPorts: [3306]}
`

const service = "apiVersion: v1\nkind: Service # stays\nmetadata: {name:   web}\n"

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  template:
    spec: # the pod
      containers: []
`

func manifest(path, text string) fn.Manifest { return fn.Manifest{Path: path, Text: []byte(text)} }

// rendered applies a spec to files, with its own file if spec is not "".
func rendered(t *testing.T, spec string, files ...fn.Manifest) ([]fn.Manifest, fn.Results, error) {
	t.Helper()
	if spec == "" {
		return fn.Manifests(nil, files, fn.Options{})
	}
	return fn.Manifests(fn.SpecIn(manifest("bypass.yaml", spec)), files, fn.Options{})
}

func TestManifestsChangeNothingElse(t *testing.T) {
	bypassed := "excludeOutboundPorts: \"3306\""
	for name, test := range map[string]struct{ text, added string }{
		"one document":            {deployment, bypassed},
		"among others":            {service + "---\n" + deployment + "--- # the last\n" + service, bypassed},
		"with markers and blanks": {"# a head\n%YAML 1.1\n---\n" + deployment + "...\n# comment\n---\n\n---\n" + service, bypassed},
		"Windows line ends":       {strings.ReplaceAll(service+"---\n"+deployment, "\n", "\r\n"), bypassed + "\r\n"},
		"no final line end":       {strings.TrimSuffix(deployment, "\n"), bypassed},
		"a byte order mark":       {"\ufeff" + deployment, bypassed},
		"JSON":                    {`{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {"template": {"spec": {"containers": []}}}}`, `"traffic.sidecar.istio.io/excludeOutboundPorts": "3306"`},
		"a List":                  {"apiVersion: v1\nkind: List\nitems:\n- " + strings.ReplaceAll(strings.TrimSuffix(deployment, "\n"), "\n", "\n  ") + "\n", bypassed},
	} {
		t.Run(name, func(t *testing.T) {
			files, results, err := rendered(t, specText, manifest("a.yaml", test.text), manifest("b.yaml", service), manifest("c.yaml", "# nothing\n"))
			require.NoError(t, err)
			assert.Empty(t, results.Report())
			assert.Contains(t, string(files[0].Text), test.added)
			assert.Equal(t, service, string(files[1].Text))
			assert.Equal(t, "# nothing\n", string(files[2].Text))

			again, _, err := rendered(t, specText, files...)
			require.NoError(t, err)
			assert.Equal(t, files, again, "on its own output")

			nothing, _, err := rendered(t, strings.Replace(specText, "[3306]", "[]", 1), files...)
			require.NoError(t, err)
			assert.Equal(t, test.text, string(nothing[0].Text), "and taken away again")
		})
	}
}

func TestManifestsFindTheSpec(t *testing.T) {
	other := strings.Replace(specText, "[3306]", "[5432]", 1)
	for name, test := range map[string]struct {
		spec   string
		files  []fn.Manifest
		report string // "" where the workload gets its bypass
	}{
		"among the files": {"", []fn.Manifest{manifest("a.yaml", deployment+"---\n"+specText)}, ""},
		"in a file of its own, whatever is among the files": {specText, []fn.Manifest{manifest("a.yaml", deployment+"---\n"+other)}, ""},
		"behind other documents":                            {service + "---\n" + specText, []fn.Manifest{manifest("a.yaml", deployment)}, ""},
		"as a ConfigMap":                                    {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {excludeOutboundPorts: '3306', image: 'a/b:c'}\n", []fn.Manifest{manifest("a.yaml", deployment)}, ""},
		"nowhere": {"", []fn.Manifest{manifest("a.yaml", deployment)},
			"error: there is no ClusterBypass: give one with --spec, or put one (apiVersion krm-bypass.dev/v1alpha1) among the resources\n"},
		"twice among the files": {"", []fn.Manifest{manifest("a.yaml", deployment+"---\n"+specText), manifest("b.yaml", specText)},
			"error: there are 2 objects of kind ClusterBypass (a.yaml, b.yaml), and nothing says which one to use: keep one, or give one with --spec\n"},
		"twice in its file": {specText + "---\n" + other, []fn.Manifest{manifest("a.yaml", deployment)},
			"error: bypass.yaml:7: there are 2 objects of kind ClusterBypass in this file, and nothing says which one to use: keep one\n"},
		"not in its file": {service, []fn.Manifest{manifest("a.yaml", deployment)},
			"error: bypass.yaml: there is no ClusterBypass in this file, which holds Service web: name the file that has one (apiVersion krm-bypass.dev/v1alpha1)\n"},
		"in a file that is no YAML": {"[", []fn.Manifest{manifest("a.yaml", deployment)},
			"error: bypass.yaml:1: reading the document: not valid YAML: brackets that are not closed\n"},
	} {
		t.Run(name, func(t *testing.T) {
			files, results, err := rendered(t, test.spec, test.files...)
			if test.report != "" {
				require.ErrorIs(t, err, fn.ErrFailed)
				assert.Equal(t, test.report, results.Report())
				assert.Equal(t, test.files, files)
				return
			}
			require.NoError(t, err)
			assert.Contains(t, string(files[0].Text), `excludeOutboundPorts: "3306"`)
		})
	}
}

func TestManifestsNameFileAndLine(t *testing.T) {
	bad := service + "---\n" + strings.Replace(specText, "[3306]", "[70000]", 1)
	_, results, err := rendered(t, bad, manifest("a.yaml", deployment))
	require.ErrorIs(t, err, fn.ErrFailed)
	assert.Contains(t, results.Report(), "error: bypass.yaml:10: ClusterBypass cluster: spec.global.excludeOutboundPorts[0]: ")

	_, results, err = rendered(t, strings.Replace(specText, "global:", "glabal:", 1), manifest("a.yaml", deployment))
	require.ErrorIs(t, err, fn.ErrFailed)
	assert.Contains(t, results.Report(), "error: bypass.yaml:6: ClusterBypass cluster: spec.glabal: unknown field")

	wrong := service + "---\n" + strings.Replace(deployment, "containers: []", "containers: none", 1)
	_, results, err = rendered(t, specText, manifest("a.yaml", wrong))
	require.ErrorIs(t, err, fn.ErrFailed)
	assert.Contains(t, results.Report(), "error: a.yaml:12: Deployment web: spec.template.spec.containers: ")

	_, results, err = rendered(t, specText, manifest("a.yaml", service+"---\n"+deployment+"a: [\n"))
	require.ErrorIs(t, err, fn.ErrFailed)
	assert.Contains(t, results.Report(), "error: a.yaml:13: reading the document: not valid YAML: ")

	_, results, err = rendered(t, specText, manifest("a.yaml", deployment+"{{- if .Values.a }}\n"))
	require.ErrorIs(t, err, fn.ErrFailed)
	assert.Contains(t, results.Report(), "; it looks like a template of a Helm chart: render the chart first, as in helm template DIR | krm-bypass render -\n")

	const chart = "; it looks like a template of a Helm chart: render the chart first, as in helm template DIR | krm-bypass render -\n"
	for text, says := range map[string]string{
		"{{- if .Values.a }}\n" + deployment + "{{- end }}\n":                                   "error: a.yaml:1: reading the document: not valid YAML: '-' cannot begin a value" + chart,
		strings.Replace(deployment, "name: web", "name: {{ include \"a\" . }}-web", 1):          chart,
		strings.Replace(deployment, "name: web", "name: @web # ${A}", 1):                        "put the value in quotes; it looks like a template with variables",
		strings.Replace(deployment, "name: web", "name: @web", 1) + "note: '{{ .Values.a }}'\n": "put the value in quotes" + chart,
		strings.Replace(deployment, "name: web", "name: @web", 1):                               "put the value in quotes\n",
	} {
		_, results, err = rendered(t, specText, manifest("a.yaml", text))
		require.ErrorIs(t, err, fn.ErrFailed)
		assert.Contains(t, results.Report(), says, text)
	}

	_, results, err = rendered(t, strings.Replace(specText, "[3306]", "[3306], excludeOutbound: [{ipRanges: [10.0.0.0/8], ports: [1]}]", 1), manifest("a.yaml", service+"---\n"+deployment))
	require.ErrorIs(t, err, fn.ErrFailed)
	assert.Contains(t, results.Report(), "error: a.yaml:5: Deployment web: excludeOutbound does not fit")
}
