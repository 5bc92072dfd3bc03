package fn_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/fn"
)

// TestItemsThatGoAfterRendering: with an item went all that was written into it, whichever
// parts of a template stood there.
func TestItemsThatGoAfterRendering(t *testing.T) {
	const spec = "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec:\n  global: {excludeOutboundPorts: [3306]}\n  enforcement: {image: \"example.com/init:1\", mode: InitContainer, imagePullSecrets: [{name: pull}]}\n" +
		"  podTemplates:\n  - {apiVersion: example.com/v1, kind: Farm, annotations: \"spec.sets[*].annotations\", initContainers: \"spec.sets[*].pod.init\", imagePullSecrets: \"spec.sets[*].pod.secrets\", create: true}\n" +
		"  - {apiVersion: example.com/v1, kind: Barn, annotations: spec.annotations, initContainers: spec.pod.deep.init}\n"
	given := fn.SpecIn(fn.Manifest{Path: "bypass.yaml", Text: []byte(spec)})
	render := func(text string) string {
		files, results, err := fn.Manifests(given, []fn.Manifest{{Path: "in.yaml", Text: []byte(text)}}, fn.Options{})
		require.NoError(t, err, results.Report())
		return string(files[0].Text)
	}
	for _, head := range []string{
		"apiVersion: argoproj.io/v1alpha1\nkind: WorkflowTemplate\nmetadata: {name: w, namespace: shop}\nspec:\n  templates:\n",
		"apiVersion: elasticsearch.k8s.elastic.co/v1\nkind: Elasticsearch\nmetadata: {name: e, namespace: shop}\nspec:\n  nodeSets:\n",
		"apiVersion: example.com/v1\nkind: Farm\nmetadata: {name: f, namespace: shop}\nspec:\n  sets:\n",
	} {
		item := func(name string) string { return "  - name: " + name + "\n    container: {image: x}\n" }
		rendered := render(head + item("a") + item("b") + item("c"))
		from, to := strings.Index(rendered, "  - name: b\n"), strings.Index(rendered, "  - name: c\n")
		fewer := rendered[:from] + rendered[to:]
		assert.Equal(t, render(head+item("a")+item("c")), render(fewer))
		checked, err := fn.Check(given, []fn.Manifest{{Path: "in.yaml", Text: []byte(fewer)}}, fn.Options{}, fn.Expiry{})
		require.NoError(t, err)
		for _, o := range checked.Objects {
			for _, d := range o.Differences {
				assert.Contains(t, d.Message, "the record", "nothing else is to be done")
			}
		}
		taken, _, err := fn.Remove("cluster", given, []fn.Manifest{{Path: "in.yaml", Text: []byte(fewer)}})
		require.NoError(t, err)
		assert.Equal(t, head+item("a")+item("c"), string(taken[0].Text))
	}
	const barn = "apiVersion: example.com/v1\nkind: Barn\nmetadata: {name: b, namespace: shop}\nspec:\n  annotations: {a: b}\n"
	assert.NotContains(t, render(barn), "pod:", "nobody asked to have it made")
	// A broken record is told once, and check goes on.
	broken := strings.Replace(render("apiVersion: example.com/v1\nkind: Farm\nmetadata: {name: f, namespace: shop}\nspec:\n  sets:\n  - {name: a}\n  - {name: b}\n"), `"sum":"`, `"sum":"0`, 1)
	checked, err := fn.Check(given, []fn.Manifest{{Path: "in.yaml", Text: []byte(broken)}}, fn.Options{}, fn.Expiry{})
	require.NoError(t, err)
	assert.False(t, checked.Passed())
}

// TestANullSpecIsAbsent: so it is to the API server, and Helm writes it.
func TestANullSpecIsAbsent(t *testing.T) {
	const text = "apiVersion: elasticsearch.k8s.elastic.co/v1\nkind: Elasticsearch\nmetadata: {name: e, namespace: shop}\nspec:\n  nodeSets:\n  - {name: a, podTemplate: {metadata: null, spec: null}}\n"
	given := fn.SpecIn(fn.Manifest{Path: "bypass.yaml", Text: []byte("apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec:\n  global: {excludeOutboundPorts: [3306]}\n  enforcement: {image: \"example.com/init:1\", mode: InitContainer}\n")})
	files, results, err := fn.Manifests(given, []fn.Manifest{{Path: "in.yaml", Text: []byte(text)}}, fn.Options{})
	require.NoError(t, err, results.Report())
	assert.Contains(t, string(files[0].Text), "initContainers: [{name: krm-bypass-init")
	taken, _, err := fn.Remove("cluster", nil, files)
	require.NoError(t, err)
	assert.Equal(t, text, string(taken[0].Text))
}

// TestARecordOnAKindThatNobodyNamesAnyMore: what was written stays, and that is told.
func TestARecordOnAKindThatNobodyNamesAnyMore(t *testing.T) {
	spec := func(more string) *fn.Spec {
		return fn.SpecIn(fn.Manifest{Path: "bypass.yaml", Text: []byte("apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec:\n  global: {excludeOutboundPorts: [3306]}\n  enforcement: {mode: AnnotationsOnly}\n" + more)})
	}
	const farm = "apiVersion: example.com/v1\nkind: Farm\nmetadata: {name: f, namespace: shop}\nspec: {annotations: {a: b}}\n"
	files, results, err := fn.Manifests(spec("  podTemplates: [{apiVersion: example.com/v1, kind: Farm, annotations: spec.annotations}]\n"), []fn.Manifest{{Path: "in.yaml", Text: []byte(farm)}}, fn.Options{})
	require.NoError(t, err)
	require.Empty(t, results)
	_, results, err = fn.Manifests(spec(""), files, fn.Options{})
	require.NoError(t, err)
	require.NotEmpty(t, results)
	assert.Contains(t, results.Report(), "ClusterBypass cluster wrote here, and it stays")
}

// TestARecordOfOneTemplateWhereThereAreSeveral: what was written before the kind had more
// of them is found where it stands.
func TestARecordOfOneTemplateWhereThereAreSeveral(t *testing.T) {
	spec := func(entries string) *fn.Spec {
		return fn.SpecIn(fn.Manifest{Path: "bypass.yaml", Text: []byte("apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec:\n  global: {excludeOutboundPorts: [3306]}\n  enforcement: {mode: InitContainer, image: \"example.com/init:1\"}\n  podTemplates: [" + entries + "]\n")})
	}
	const one, two = "{apiVersion: example.com/v1, kind: Farm, path: spec.a}", "{apiVersion: example.com/v1, kind: Farm, path: spec.b}"
	const pod = "{metadata: {annotations: {x: z}}, spec: {containers: [{name: c, image: i}]}}"
	const farm = "apiVersion: example.com/v1\nkind: Farm\nmetadata: {name: f, namespace: shop}\nspec:\n  a: " + pod + "\n  b: " + pod + "\n"
	was := []fn.Manifest{{Path: "in.yaml", Text: []byte(farm)}}
	render := func(entries string, files []fn.Manifest) []fn.Manifest {
		after, results, err := fn.Manifests(spec(entries), files, fn.Options{})
		require.NoError(t, err, results.Report())
		return after
	}
	for _, entries := range []string{one + ", " + two, two + ", " + one} {
		direct := render(entries, was)
		assert.Equal(t, string(direct[0].Text), string(render(entries, render(two, was))[0].Text), entries)
		taken, _, err := fn.Remove("cluster", spec(entries), render(two, was))
		require.NoError(t, err)
		assert.Equal(t, farm, string(taken[0].Text), entries)
	}
}

// TestRemoveLeavesTheRecordOfASpecWithoutAName: version 1 of the record names none, and
// whose it is nobody can tell.
func TestRemoveLeavesTheRecordOfASpecWithoutAName(t *testing.T) {
	const nameless = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
  annotations:
    krm-bypass.dev/last-applied: '{"v":1,"wrote":{"krm-bypass.dev/policy":"ee555180a8e7f0f5","traffic.sidecar.istio.io/excludeOutboundPorts":"75b28eb647bd5b3e"},"created":["metadata.annotations"],"sum":"b630e23bf3c087de"}'
spec:
  selector: {}
  template:
    metadata:
      annotations:
        traffic.sidecar.istio.io/excludeOutboundPorts: "3306"
        krm-bypass.dev/policy: "v1:8cffb4afbad282d7"
    spec:
      containers: [{name: a, image: a}]
`
	const named = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api, namespace: shop}\nspec: {selector: {}, template: {spec: {containers: [{name: a, image: a}]}}}\n"
	spec := fn.SpecIn(fn.Manifest{Path: "bypass.yaml", Text: []byte("apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec:\n  global: {excludeOutboundPorts: [3306]}\n  enforcement: {mode: AnnotationsOnly}\n")})
	files, _, err := fn.Manifests(spec, []fn.Manifest{{Path: "api.yaml", Text: []byte(named)}}, fn.Options{})
	require.NoError(t, err)
	taken, _, err := fn.Remove("cluster", nil, append(files, fn.Manifest{Path: "web.yaml", Text: []byte(nameless)}))
	require.NoError(t, err)
	assert.Equal(t, named, string(taken[0].Text))
	assert.Equal(t, nameless, string(taken[1].Text))
}
