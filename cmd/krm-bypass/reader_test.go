package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const limitedSpec = `apiVersion: krm-bypass.dev/v1alpha1
kind: ClusterBypass
metadata: {name: cluster}
spec:
  enforcement: {mode: AnnotationsOnly}
  global: {excludeOutboundPorts: [3306]}
  limits: {forbiddenInboundPorts: [22]}
`

// smuggled is what a Deployment is beside its type; MARK stands for the
// annotation that a limit forbids.
const smuggled = `metadata: {name: web, namespace: shop}
spec: {template: {metadata: {annotations: {MARK}}, spec: {containers: [{name: web, image: "web:1"}]}}}
`

const forbidden = `traffic.sidecar.istio.io/excludeInboundPorts: "22"`

// inFlow is a Deployment on one line.
const inFlow = `{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: shop}, spec: {template: {metadata: {annotations: {MARK}}, spec: {containers: [{name: web, image: "web:1"}]}}}}`

// inJSON is it as JSON.
const inJSON = `{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"web","namespace":"shop"},"spec":{"template":{"metadata":{"annotations":{MARK}},"spec":{"containers":[{"name":"web","image":"web:1"}]}}}}`

// asItems gives a list with the documents as items, each indented as it stands.
func asItems(spec string, documents ...string) string {
	list := "apiVersion: config.kubernetes.io/v1\nkind: ResourceList\nitems:\n"
	for _, d := range append([]string{spec}, documents...) {
		list += "- " + strings.TrimPrefix(strings.ReplaceAll("\n"+strings.TrimSuffix(d, "\n"), "\n", "\n  "), "\n  ") + "\n"
	}
	return list
}

// Whatever kubectl would apply is judged and written, or it is refused.
func TestNoWorkloadPasses(t *testing.T) {
	spec := filepath.Join(folder(t, map[string]string{"spec.yaml": limitedSpec}), "spec.yaml")
	for name, test := range map[string]struct {
		stream string
		// refused is why it is refused in any case; where that is "", the limit
		// refuses it with the mark, and it is written without.
		refused string
		// stream alone: no item of a ResourceList can be like that.
		alone bool
	}{
		"as it should be":           {stream: "apiVersion: apps/v1\nkind: Deployment\n" + smuggled},
		"the type again at the end": {stream: "apiVersion: v1\nkind: ConfigMap\n" + smuggled + "apiVersion: apps/v1\nkind: Deployment\n", refused: `the key "apiVersion" appears twice, on lines 1 and `},
		"apiVersion twice":          {stream: "apiVersion: v1\nkind: Deployment\napiVersion: apps/v1\n" + smuggled, refused: `the key "apiVersion" appears twice, on lines 1 and 3`},
		"any kind with items":       {stream: "apiVersion: x/v1\nkind: Bundle\nitems: [" + inFlow + "]\n"},
		"items twice":               {stream: "apiVersion: v1\nkind: List\nitems: []\nitems: [" + inFlow + "]\n", refused: `the key "items" appears twice, on lines 3 and 4`},
		"a list in a list":          {stream: "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Pack\n  items: [" + inFlow + "]\n"},
		"a typed list":              {stream: "apiVersion: apps/v1\nkind: DeploymentList\nitems:\n- " + strings.Replace(smuggled, "\nspec", "\n  spec", 1)},
		"? kind":                    {stream: "apiVersion: apps/v1\n? kind\n: Deployment\n" + smuggled},
		"an escape":                 {stream: "apiVersion: apps/v1\n\"\\x6bind\": Deployment\n" + smuggled},
		"an escape, twice":          {stream: "apiVersion: apps/v1\nkind: ConfigMap\n\"\\x6bind\": Deployment\n" + smuggled, refused: `the key "kind" appears twice, on lines 2 and 3`},
		"a key in base64":           {stream: "apiVersion: apps/v1\n!!binary a2luZA==: Deployment\n" + smuggled, refused: `the key "kind" is written as !!binary`},
		"a value in base64":         {stream: "apiVersion: apps/v1\nkind: !!binary RGVwbG95bWVudA==\n" + smuggled},
		"annotations in base64":     {stream: "apiVersion: apps/v1\nkind: Deployment\n" + strings.Replace(smuggled, "annotations:", "!!binary YW5ub3RhdGlvbnM= :", 1), refused: `the key "annotations" is written as !!binary`},
		"a key by an alias":         {stream: "apiVersion: apps/v1\nx: &k kind\n*k : Deployment\n" + smuggled, refused: `the key "kind" is written as !!binary or as an alias`},
		"<< behind the key":         {stream: "x: &x {kind: Deployment}\napiVersion: apps/v1\nkind: ConfigMap\n<<: *x\n" + smuggled, refused: `the key "kind" on line 3 is also merged in by << on line 4`},
		"<< before the key":         {stream: "x: &x {kind: ConfigMap}\n<<: *x\napiVersion: apps/v1\nkind: Deployment\n" + smuggled},
		"<< among annotations": {stream: "x: &x {traffic.sidecar.istio.io/excludeOutboundPorts: \"22\"}\napiVersion: apps/v1\nkind: Deployment\n" +
			strings.Replace(smuggled, "MARK", `traffic.sidecar.istio.io/excludeOutboundPorts: "1", <<: *x`, 1), refused: "is also merged in by <<"},
		"a key twice in what << brings in": {stream: "x: &s {template: {}, template: {metadata: {annotations: {MARK}}, spec: {containers: []}}}\napiVersion: apps/v1\nkind: Deployment\n" +
			"metadata: {name: web, namespace: shop}\nspec: {<<: *s}\n", refused: `the key "template" appears twice, both on line`},
		"the kind twice in what << brings in": {stream: "x: &x {kind: ConfigMap, kind: Deployment}\napiVersion: apps/v1\n<<: *x\n" + smuggled, refused: `the key "kind" appears twice, both on line`},
		"<< within what << brings in":         {stream: "x: &x {kind: Deployment}\ny: &y {kind: ConfigMap, <<: *x}\napiVersion: apps/v1\n<<: *y\n" + smuggled, refused: "is also merged in by <<"},
		"spec twice":                          {stream: "apiVersion: apps/v1\nkind: Deployment\nspec: {template: {spec: {containers: []}}}\n" + smuggled, refused: `the key "spec" appears twice, on lines 3 and 5`},
		"containers twice":                    {stream: "apiVersion: apps/v1\nkind: Deployment\n" + strings.Replace(smuggled, "spec: {containers", "spec: {containers: [], containers", 1), refused: `the key "containers" appears twice`},
		"a name twice":                        {stream: "apiVersion: apps/v1\nkind: Deployment\n" + strings.Replace(smuggled, "name: web, image", "name: x, name: web, image", 1), refused: `the key "name" appears twice`},
		"metadata by an alias, a key twice": {stream: "x: &m {annotations: {}, annotations: {MARK}}\napiVersion: apps/v1\nkind: Deployment\n" +
			strings.Replace(smuggled, "metadata: {annotations: {MARK}}", "metadata: *m", 1), refused: `the key "annotations" appears twice`},
		"a workload with items":  {stream: "apiVersion: apps/v1\nkind: Deployment\nitems: []\n" + smuggled, refused: "kubectl takes an object with items for a list"},
		"a reference to nothing": {stream: "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\n" + strings.Replace(smuggled, "spec: {template", "spec: {workloadRef: null, template", 1)},
		"---#":                   {stream: "apiVersion: v1\nkind: ConfigMap\n---#x: |\n apiVersion: apps/v1\n kind: Deployment\n " + strings.Replace(smuggled, "\nspec", "\n spec", 1), refused: "begins with ---, where kubectl ends a document", alone: true},
		"JSON behind JSON":       {stream: `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"}}` + "\n" + inJSON + "\n", alone: true},
		"YAML behind JSON":       {stream: `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"}}` + "\napiVersion: apps/v1\nkind: Deployment\n" + smuggled, alone: true},
		"behind ...":             {stream: "apiVersion: v1\nkind: ConfigMap\n...\napiVersion: apps/v1\nkind: Deployment\n" + smuggled, alone: true},
		"behind a BOM":           {stream: "apiVersion: v1\nkind: ConfigMap\n---\n\ufeffapiVersion: apps/v1\nkind: Deployment\n" + smuggled, alone: true},
		"JSON, a key twice":      {stream: strings.Replace(inJSON, `"kind":"Deployment"`, `"kind":"ConfigMap","kind":"Deployment"`, 1), refused: `the key "kind" appears twice`},
	} {
		t.Run(name, func(t *testing.T) {
			mark := forbidden
			if strings.Contains(test.stream, `"apiVersion":"apps/v1"`) {
				mark = `"traffic.sidecar.istio.io/excludeInboundPorts":"22"`
			}
			with, without := strings.Replace(test.stream, "MARK", mark, 1), strings.Replace(test.stream, "MARK", "", 1)
			refused := test.refused
			if refused == "" {
				refused = "22"
			}
			runs := map[string]func(string) (int, string, string){
				"render": func(stream string) (int, string, string) { return krmBypass(stream, "render", "--spec", spec, "-") },
				"check":  func(stream string) (int, string, string) { return krmBypass(stream, "check", "--spec", spec, "-") },
			}
			if !test.alone {
				runs["function"] = func(stream string) (int, string, string) { return krmBypass(asItems(limitedSpec, stream)) }
			}
			for way, run := range runs {
				code, out, errOut := run(with)
				assert.NotZero(t, code, "%s: %s%s", way, out, errOut)
				assert.Contains(t, errOut+out, refused, way)
				code, out, errOut = run(without)
				switch {
				case test.refused != "":
					assert.NotZero(t, code, "%s: %s%s", way, out, errOut)
				case way == "check":
					assert.Equal(t, 1, code, out)
					assert.Contains(t, out, "excludeOutboundPorts")
				default:
					assert.Zero(t, code, errOut)
					assert.Equal(t, 1, strings.Count(out, `"3306"`), "%s: %s", way, out)
				}
			}
		})
	}
}

// Of a document that stands behind "..." kubectl would see nothing.
func TestRenderSeparatesWhatItPrints(t *testing.T) {
	configMap := func(name string) string {
		return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: " + name + "}\n"
	}
	for name, test := range map[string]struct{ stream, want string }{
		"behind a spec that ends":  {configMap("a") + "---\n" + limitedSpec + "...\n" + configMap("b"), configMap("a") + "---\n" + configMap("b")},
		"behind another that ends": {limitedSpec + "---\n" + configMap("a") + "...\n" + configMap("b"), "---\n" + configMap("a") + "...\n---\n" + configMap("b")},
		"JSON":                     {`{"apiVersion":"v1","kind":"A"}{"apiVersion":"v1","kind":"B"}` + "\n---\n" + limitedSpec, "---\n{\"apiVersion\":\"v1\",\"kind\":\"A\"}\n---\n{\"apiVersion\":\"v1\",\"kind\":\"B\"}\n"},
		"as it came":               {configMap("a") + "--- # b\n" + configMap("b") + "---\n" + limitedSpec, configMap("a") + "--- # b\n" + configMap("b")},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, errOut := krmBypass(test.stream, "render", "-")
			require.Zero(t, code, errOut)
			assert.Equal(t, test.want, out)
		})
	}

	dir := folder(t, map[string]string{"a.yaml": "\ufeff" + webDeployment, "b.yaml": "\ufeff" + webService, "c.yaml": "\ufeff---\n" + configMap("c"), "spec.yaml": bypassSpec})
	path := func(name string) string { return filepath.Join(dir, name) }
	code, first, errOut := krmBypass("", "render", "--spec", path("spec.yaml"), path("a.yaml"), path("b.yaml"), path("c.yaml"))
	require.Zero(t, code, errOut)
	assert.Equal(t, 0, strings.LastIndex(first, "\ufeff"), "at the beginning alone: %q", first)
	code, again, errOut := krmBypass(first, "render", "--spec", path("spec.yaml"), "-")
	require.Zero(t, code, errOut)
	assert.Equal(t, first, again)

	joined := "\ufeff" + webDeployment + "---\n\ufeff" + webService
	code, out, errOut := krmBypass(joined, "render", "--spec", path("spec.yaml"), "-")
	require.Zero(t, code, errOut)
	assert.Equal(t, 0, strings.LastIndex(out, "\ufeff"))
	assert.Contains(t, out, "---\n"+webService)
}

// Where kubectl refuses a value that is no string, so does every command; a null
// and a date are no fault to it. A date as an annotation is one, since kustomize
// writes it in another form.
func TestMetadataThatIsNoString(t *testing.T) {
	spec := filepath.Join(folder(t, map[string]string{"spec.yaml": limitedSpec}), "spec.yaml")
	const workload = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  namespace: shop\n  labels: {a: b}\n  annotations: {c: d}\n" +
		"spec:\n  template:\n    metadata:\n      labels: {e: f}\n      annotations: {g: h}\n    spec: {containers: [{name: web, image: \"web:1\"}]}\n"
	dates := map[string]string{"c": "the date 2026-01-07", "g": "the date 2026-01-07"}
	for place, field := range map[string]string{
		"name: web": "4: FIELD metadata.name: ", "namespace: shop": "5: FIELD metadata.namespace: ", "a: b": "6: FIELD metadata.labels.a: ", "c: d": "7: FIELD metadata.annotations.c: ",
		"e: f": "11: FIELD spec.template.metadata.labels.e: ", "g: h": "12: FIELD spec.template.metadata.annotations.g: ",
	} {
		key, _, _ := strings.Cut(place, ":")
		for value, is := range map[string]string{
			"yes": "the boolean yes", "n": "the boolean n", "true": "the boolean true", "12": "the number 12", "1e3": "the number 1e3", "[]": "a list",
			"": "", "~": "", "2026-01-07": dates[key], `"yes"`: "", "!!str no": "", "on-call": "",
		} {
			text := strings.Replace(workload, place, key+": "+value, 1)
			before, after, _ := strings.Cut(field, " FIELD ")
			for _, command := range []string{"render", "check", "explain"} {
				code, out, errOut := krmBypass(text, command, "--spec", spec, "-")
				if is == "" {
					assert.NotContains(t, out+errOut, "expected a string", "%s %s", command, text)
					assert.Equal(t, command == "check", code != 0, "%s %s: %s", command, text, errOut)
					continue
				}
				want := 1
				if command == "check" {
					want = couldNotTell
				}
				assert.Equal(t, want, code, "%s %s", command, text)
				assert.Contains(t, out+errOut, "standard input:"+before, "%s %s", command, text)
				assert.Contains(t, out+errOut, after+"expected a string, but found "+is+": ", "%s %s", command, text)
				assert.Equal(t, command == "render", out == "", "%s %s", command, text)
			}
		}
	}
}
