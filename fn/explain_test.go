package fn_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

const explainedSpec = `apiVersion: krm-bypass.dev/v1alpha1
kind: ClusterBypass
metadata: {name: cluster}
spec:
  meshDefaults:
    excludeInboundPorts: [15020]
  global:
    excludeOutboundIPRanges:
    - 169.254.169.254
    - 10.0.0.0/8
    reason: the cloud's metadata
  namespaces:
  - match: {names: [shop]}
    merge: Union
    excludeOutboundPorts: [3306, "9000-9010"]
    expires: 2026-12-31
  workloads:
  - match: {names: [web]}
    merge: Union
    includeOutboundPorts: [9005]
    excludeOutbound: [{ipRanges: [10.1.0.0/16], ports: [5432, 5433]}]
    owner: team-a
    enforcement: {mode: WhereNeeded}
  enforcement: {image: ghcr.io/krm-bypass/init:v0.1.0}
`

const explained = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    metadata:
      annotations:
        traffic.sidecar.istio.io/excludeInboundPorts: "9090"
    spec: {containers: []}
---
apiVersion: batch/v1
kind: Job
metadata: {name: proxy, namespace: elsewhere}
spec:
  template:
    metadata:
      annotations:
        traffic.sidecar.istio.io/excludeInboundPorts: "9091"
    spec: {containers: []}
`

func explain(t *testing.T, spec string, texts ...string) []fn.Explanation {
	t.Helper()
	x, err := fn.Explain(fn.SpecIn(fn.Manifest{Path: "spec.yaml", Text: []byte(spec)}), []fn.Manifest{{Path: "web.yaml", Text: []byte(strings.Join(texts, ""))}}, fn.Options{}, "2027-01-01")
	require.NoError(t, err, x.Results.Report())
	assert.Equal(t, "Istio", x.Mesh)
	return x.Workloads
}

func TestExplainSaysWhereEntriesComeFrom(t *testing.T) {
	workloads := explain(t, explainedSpec, explained)
	require.Len(t, workloads, 2)
	web := workloads[0]
	assert.Equal(t, fn.Written, web.Outcome)
	assert.Equal(t, []any{"web.yaml", 1, "WhereNeeded"}, []any{web.File, web.Line, web.Mode})
	assert.Equal(t, fn.Source{Scope: "spec.workloads[0]", Path: "spec.workloads[0].enforcement.mode", File: "spec.yaml", Line: 23}, web.ModeFrom)

	spec := func(scope, path string, line int) fn.Source {
		return fn.Source{Scope: scope, Path: scope + "." + path, File: "spec.yaml", Line: line}
	}
	annotation := fn.Source{Scope: fn.FromAnnotation, Path: `spec.template.metadata.annotations["traffic.sidecar.istio.io/excludeInboundPorts"]`, File: "web.yaml", Line: 8}
	both := []string{fn.ByAnnotation, fn.ByInitContainer}
	metadata := "the cloud's metadata"
	assert.Equal(t, []fn.ExplainedField{
		{
			Field: "excludeInboundPorts", Effective: []string{"9090"},
			Annotation: &fn.WrittenAnnotation{Key: "traffic.sidecar.istio.io/excludeInboundPorts", Value: "9090"},
			Entries: []fn.ExplainedEntry{
				{Entry: "15020", From: spec("spec.meshDefaults", "excludeInboundPorts[0]", 6), Lost: []fn.Loss{{[]string{"15020"}, annotation}}},
				{Entry: "9090", From: annotation, InForce: true, Holds: []string{"9090"}, CarriedBy: both},
			},
		},
		{
			Field: "excludeOutboundPorts", Effective: []string{"3306", "9000-9004", "9006-9010"},
			Annotation: &fn.WrittenAnnotation{Key: "traffic.sidecar.istio.io/excludeOutboundPorts", Value: "3306,9000,9001,9002,9003,9004,9006,9007,9008,9009,9010"},
			Entries: []fn.ExplainedEntry{
				{Entry: "3306", From: spec("spec.namespaces[0]", "excludeOutboundPorts[0]", 15), Expires: "2026-12-31", Expired: true, InForce: true, Holds: []string{"3306"}, CarriedBy: both},
				{Entry: "9000-9010", From: spec("spec.namespaces[0]", "excludeOutboundPorts[1]", 15), Expires: "2026-12-31", Expired: true, InForce: true, Holds: []string{"9000-9004", "9006-9010"},
					Lost: []fn.Loss{{[]string{"9005"}, spec("spec.workloads[0]", "includeOutboundPorts", 20)}}, CarriedBy: both},
			},
		},
		{
			Field: "includeOutboundPorts", Effective: []string{"9005"},
			Annotation: &fn.WrittenAnnotation{Key: "traffic.sidecar.istio.io/includeOutboundPorts", Value: "9005"},
			Entries:    []fn.ExplainedEntry{{Entry: "9005", From: spec("spec.workloads[0]", "includeOutboundPorts[0]", 20), Owner: "team-a", InForce: true, Holds: []string{"9005"}, CarriedBy: both}},
		},
		{
			Field: "excludeOutboundIPRanges", Effective: []string{"10.0.0.0/8", "169.254.169.254/32"},
			Gap: "in Istio an excluded range wins over includeOutboundPorts, here 9005",
			Entries: []fn.ExplainedEntry{
				{Entry: "169.254.169.254", From: spec("spec.global", "excludeOutboundIPRanges[0]", 9), Reason: metadata, InForce: true, Holds: []string{"169.254.169.254/32"}, CarriedBy: both[1:]},
				{Entry: "10.0.0.0/8", From: spec("spec.global", "excludeOutboundIPRanges[1]", 10), Reason: metadata, InForce: true, Holds: []string{"10.0.0.0/8"}, CarriedBy: both[1:]},
			},
		},
		{
			Field: "excludeOutbound", Effective: []string{"10.1.0.0/16@5432-5433"}, Gap: "no annotation can say an IP range and a port together",
			Entries: []fn.ExplainedEntry{{Entry: "10.1.0.0/16@5432,5433", From: spec("spec.workloads[0]", "excludeOutbound[0]", 21), Owner: "team-a", InForce: true, Holds: []string{"10.1.0.0/16@5432-5433"}, CarriedBy: both[1:]}},
		},
	}, web.Fields)

	proxy := workloads[1]
	assert.Equal(t, fn.LeftAlone, proxy.Outcome)
	assert.Contains(t, proxy.Reason, "a Job cannot be changed once it is in a cluster")
	assert.Equal(t, []fn.ExplainedEntry{
		{Entry: "15020", From: spec("spec.meshDefaults", "excludeInboundPorts[0]", 6), Lost: []fn.Loss{{[]string{"15020"}, fn.Source{Scope: fn.FromAnnotation, Path: annotation.Path, File: "web.yaml", Line: 18}}}},
		{Entry: "9091", From: fn.Source{Scope: fn.FromAnnotation, Path: annotation.Path, File: "web.yaml", Line: 18}, InForce: true, Holds: []string{"9091"}, CarriedBy: []string{fn.ByAnnotation}},
	}, proxy.Fields[0].Entries, "what its annotation says holds all the same")
}

// TestExplainSaysByWhichFieldAnEntryIsLost has a rule that speaks of the same
// field too, and takes nothing away by that.
func TestExplainSaysByWhichFieldAnEntryIsLost(t *testing.T) {
	rule := "  - match: {names: [web]}\n    merge: Union\n    excludeOutboundPorts: [6379]\n    includeOutboundPorts: [3306]\n"
	for merge, field := range map[string]string{"Union": "includeOutboundPorts", "Override": "excludeOutboundPorts"} {
		workloads := explain(t, strings.Replace(explainedSpec, "  enforcement: {image", strings.Replace(rule, "Union", merge, 1)+"  enforcement: {image", 1), explained)
		entries := workloads[0].Fields[1].Entries
		assert.Equal(t, "3306", entries[0].Entry)
		require.Len(t, entries[0].Lost, 1)
		assert.Equal(t, "spec.workloads[1]."+field, entries[0].Lost[0].To.Path)
	}
}

func TestExplainOfWhatIsRefused(t *testing.T) {
	workloads := explain(t, explainedSpec, strings.Replace(explained, `"9090"`, `"9090-9099"`, 1))
	assert.Equal(t, fn.RefusedOutcome, workloads[0].Outcome)
	assert.Contains(t, workloads[0].Reason, `"9090-9099" is a port range`)
	assert.Empty(t, workloads[0].Fields)

	x, err := fn.Explain(fn.SpecIn(fn.Manifest{Path: "spec.yaml", Text: []byte("kind: [")}), nil, fn.Options{}, "")
	require.ErrorIs(t, err, fn.ErrFailed)
	assert.Contains(t, x.Results.Report(), "error: spec.yaml:1: reading the document")

	x, err = fn.Explain(fn.SpecIn(fn.Manifest{Path: "spec.yaml", Text: []byte(explainedSpec)}), []fn.Manifest{{Path: "web.yaml", Text: []byte(explained + "  broken: [\n")}}, fn.Options{}, "")
	require.ErrorIs(t, err, fn.ErrFailed, "what could not be read may be a workload")
	assert.Contains(t, x.Results.Report(), ": reading the document: ")
}

// TestExplainSaysWhenTheTemplateChanges tells what restarts pods from what does
// not, and whose change it is.
func TestExplainSaysWhenTheTemplateChanges(t *testing.T) {
	before := explain(t, explainedSpec, explained)[0].Rendered
	for name, test := range map[string]struct {
		spec, manifests          string
		template, own, container bool // that change
	}{
		"nothing":               {explainedSpec, explained, false, false, false},
		"a reason":              {strings.Replace(explainedSpec, "the cloud's", "our cloud's", 1), explained, false, false, false},
		"another's setting":     {strings.Replace(explainedSpec, "names: [shop]", "names: [shop, elsewhere]", 1), explained, false, false, false},
		"a setting":             {strings.Replace(explainedSpec, "3306", "3307", 1), explained, true, false, false},
		"the image":             {strings.Replace(explainedSpec, "v0.1.0", "v0.2.0", 1), explained, true, false, true},
		"the template itself":   {explainedSpec, strings.Replace(explained, "containers: []", "containers: [{name: web, image: web}]", 1), true, true, false},
		"an annotation of ours": {explainedSpec, renderedText(t, explainedSpec, explained), false, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			after := explain(t, test.spec, test.manifests)[0].Rendered
			assert.Equal(t, test.template, before.Template != after.Template, "template")
			assert.Equal(t, test.own, before.Own != after.Own, "own")
			assert.Equal(t, test.container, before.Container != after.Container, "container")
		})
	}
}

// TestExplainOfAListDependsOnNoNeighbour has workloads that share their annotations
// by an alias, and one that is refused.
func TestExplainOfAListDependsOnNoNeighbour(t *testing.T) {
	item := func(name, annotations string) string {
		return fmt.Sprintf("- apiVersion: apps/v1\n  kind: Deployment\n  metadata: {name: %s}\n  spec: {template: {metadata: {annotations: %s}, spec: {containers: []}}}\n", name, annotations)
	}
	const list = "apiVersion: v1\nkind: List\nitems:\n"
	const silent = "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec: {}\n"
	a := item("a", `&a {traffic.sidecar.istio.io/excludeInboundPorts: "9090"}`)
	b, c := item("b", "*a"), item("c", "*a")
	was, is := explain(t, silent, list, a, b, c), explain(t, silent, list, a, c, b)
	require.Len(t, is, 3)
	assert.Equal(t, []fn.Rendered{was[0].Rendered, was[1].Rendered, was[2].Rendered}, []fn.Rendered{is[0].Rendered, is[2].Rendered, is[1].Rendered})

	web := item("web", "{}")
	alone := explain(t, explainedSpec, list, web)
	beside := explain(t, explainedSpec, list, web, item("refused", `{traffic.sidecar.istio.io/excludeInboundPorts: "9090-9099"}`))
	assert.Equal(t, fn.RefusedOutcome, beside[1].Outcome)
	assert.Equal(t, alone[0].Rendered, beside[0].Rendered)
	assert.NotEmpty(t, alone[0].Rendered.Container)
}

func renderedText(t *testing.T, spec, text string) string {
	t.Helper()
	files, _, err := fn.Manifests(fn.SpecIn(fn.Manifest{Path: "spec.yaml", Text: []byte(spec)}), []fn.Manifest{{Path: "web.yaml", Text: []byte(text)}}, fn.Options{})
	require.NoError(t, err)
	return string(files[0].Text)
}

// TestDrawnExplanationsAreThePlan puts together what is left of every entry: it
// has to be what is in force, and what the output of the function says.
func TestDrawnExplanationsAreThePlan(t *testing.T) {
	written := 0
	rapid.Check(t, func(t *rapid.T) {
		spec := fn.SpecIn(fn.Manifest{Path: "spec.yaml", Text: drawSpec(t, "spec").text(t)})
		files := []fn.Manifest{{Path: "items.yaml", Text: []byte(strings.Join(textsOf(drawItems(t)), "---\n"))}}
		after, _, err := fn.Manifests(spec, files, fn.Options{})
		if err != nil {
			return
		}
		x, err := fn.Explain(spec, files, fn.Options{}, "")
		require.NoError(t, err)
		again, err := fn.Explain(spec, after, fn.Options{}, "")
		require.NoError(t, err)
		require.Len(t, again.Workloads, len(x.Workloads))
		for i, w := range x.Workloads {
			require.Equal(t, w.Rendered, again.Workloads[i].Rendered, "rendering what is rendered restarts nothing")
			require.Equal(t, w.Outcome, again.Workloads[i].Outcome)
			require.Len(t, again.Workloads[i].Fields, len(w.Fields))
			if w.Outcome == fn.Written {
				written++
			}
			for j, f := range w.Fields {
				require.Equal(t, f.Effective, again.Workloads[i].Fields[j].Effective)
				f.Field = strings.TrimPrefix(f.Field, fn.InitialPrefix)
				var sum traffic.Layer
				for _, e := range f.Entries {
					var whole traffic.Layer
					add := func(to *traffic.Layer, entries []string) {
						var l traffic.Layer
						require.NoError(t, l.Set(traffic.Field(f.Field), entries))
						*to = to.Add(l)
					}
					if e.InForce {
						add(&sum, e.Holds)
						add(&whole, e.Holds)
					}
					require.Equal(t, e.Holds != nil, e.InForce && len(e.Holds) > 0)
					if len(e.Holds) > 0 && e.Holds[0] != traffic.Everything { // which is what the mesh does by itself
						require.NotEmpty(t, e.CarriedBy, "%+v", e)
					}
					for _, l := range e.Lost {
						add(&whole, l.Entries)
						require.NotEmpty(t, l.To.Scope)
					}
					require.NotZero(t, e.From.Line)
				}
				require.Equal(t, f.Effective, orNone(sum.Settings().Entries(traffic.Field(f.Field))), "%+v", f)
			}
		}
		checkAgrees(t, spec, files[0], after[0])
	})
	assert.Greater(t, written, 20)
}

func orNone(entries []string) []string {
	if entries == nil {
		return []string{}
	}
	return entries
}

// TestExplainOfAnnotationsByHand: where nothing is written, the mesh's own rules
// decide, and explain and the limits go by them.
func TestExplainOfAnnotationsByHand(t *testing.T) {
	const mesh = "traffic.sidecar.istio.io/"
	tests := []struct {
		name, defaults string
		annotations    map[string]string
		effective      map[string]string
		// forbidden are limits that what bypasses breaks.
		forbidden string
		refused   bool
	}{
		{
			"an excluded inbound port that is included too", "", map[string]string{"includeInboundPorts": "2181,2888", "excludeInboundPorts": "2888"},
			map[string]string{"includeInboundPorts": "2181,2888", "excludeInboundPorts": ""}, "forbiddenInboundPorts: [2888]", false,
		},
		{
			"one that is not", "", map[string]string{"includeInboundPorts": "2181", "excludeInboundPorts": "2888"},
			map[string]string{"includeInboundPorts": "2181", "excludeInboundPorts": "2888"}, "forbiddenInboundPorts: [2888]", true,
		},
		{
			"one that the mesh's own configuration includes", "includeInboundPorts: [2181, 2888]", map[string]string{"excludeInboundPorts": "2888"},
			map[string]string{"includeInboundPorts": "2181,2888", "excludeInboundPorts": ""}, "forbiddenInboundPorts: [2888]", false,
		},
		{
			"an include that an annotation takes back", "includeInboundPorts: [2181, 2888]", map[string]string{"includeInboundPorts": "*", "excludeInboundPorts": "2888"},
			map[string]string{"includeInboundPorts": "*", "excludeInboundPorts": "2888"}, "forbiddenInboundPorts: [2888]", true,
		},
		{
			"an included port outside of the included ranges", "", map[string]string{"includeOutboundIPRanges": "10.0.0.0/8", "includeOutboundPorts": "7001"},
			map[string]string{"includeOutboundIPRanges": "10.0.0.0/8", "includeOutboundPorts": "7001"}, "forbiddenOutboundPorts: [7001]", false,
		},
		{
			"an included port in an excluded range", "", map[string]string{"includeOutboundIPRanges": "10.0.0.0/8", "includeOutboundPorts": "7001", "excludeOutboundIPRanges": "10.1.0.0/16"},
			map[string]string{"includeOutboundPorts": "7001", "excludeOutbound": "10.1.0.0/16@7001/TCP"}, "forbiddenOutboundPorts: [7001]", true,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var annotations strings.Builder
			for key, value := range test.annotations {
				fmt.Fprintf(&annotations, "        %s%s: %q\n", mesh, key, value)
			}
			manifest := "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec:\n  template:\n    metadata:\n      annotations:\n" + annotations.String() + "    spec: {containers: [{name: a, image: a}]}\n"
			spec := "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec:\n  meshDefaults: {" + test.defaults + "}\n"
			web := explain(t, spec, manifest)[0]
			got := map[string]string{}
			for _, f := range web.Fields {
				if _, asked := test.effective[f.Field]; asked {
					got[f.Field] = strings.Join(f.Effective, ",")
				}
				for _, e := range f.Entries {
					assert.Equal(t, len(e.Holds) > 0, e.InForce, "%s %s", f.Field, e.Entry)
					for _, l := range e.Lost {
						assert.Positive(t, l.To.Line, "%s %s", f.Field, e.Entry)
					}
				}
			}
			assert.Equal(t, test.effective, got)
			_, results, _ := fn.Manifests(fn.SpecIn(fn.Manifest{Path: "spec.yaml", Text: []byte(spec + "  limits: {" + test.forbidden + "}\n")}), []fn.Manifest{{Path: "web.yaml", Text: []byte(manifest)}}, fn.Options{})
			assert.Equal(t, test.refused, results.Failed(), results.Report())
		})
	}
}

// An empty list lets nothing bypass, which a mesh does by itself: no configuration is
// needed for that, and none may have been given.
func TestExplainOfAnEmptyList(t *testing.T) {
	const head = "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: c}\nspec:\n  enforcement: {mode: AnnotationsOnly}\n"
	for name, test := range map[string]struct {
		says string
		by   []string
	}{
		"nothing else":        {"  global: {excludeInboundPorts: []}\n", nil},
		"the mesh has some":   {"  meshDefaults: {excludeInboundPorts: [15020]}\n  global: {excludeInboundPorts: []}\n", []string{fn.ByAnnotation}},
		"everything bypasses": {"  global: {includeInboundPorts: []}\n", []string{fn.ByAnnotation}},
	} {
		t.Run(name, func(t *testing.T) {
			w := explain(t, head+test.says, strings.Replace(explained, "        traffic.sidecar.istio.io/excludeInboundPorts: \"9090\"\n", "        a: b\n", 1))[0]
			last := w.Fields[0].Entries[len(w.Fields[0].Entries)-1]
			assert.Equal(t, "[]", last.Entry)
			assert.True(t, last.InForce)
			assert.Equal(t, test.by, last.CarriedBy)
		})
	}
}

// What no annotation can say does not hold in pods that take no init container, whatever
// a rule says, and render warns of it.
func TestExplainOfWhatHasNoPlace(t *testing.T) {
	const spec = "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: c}\nspec:\n" +
		"  global: {excludeOutboundPorts: [3306, 53/UDP], excludeOutbound: [{ipRanges: [10.1.0.0/16], ports: [5432]}]}\n  enforcement: {image: a}\n"
	type part struct{ effective, holds, noPlace, by []string }
	pair, annotation, container := []string{"10.1.0.0/16@5432"}, []string{fn.ByAnnotation}, []string{fn.ByInitContainer}
	for name, test := range map[string]struct {
		manifest string
		outcome  fn.Outcome
		want     map[string]part
	}{
		"annotations alone": {"apiVersion: postgresql.cnpg.io/v1\nkind: Cluster\nmetadata: {name: web}\nspec: {instances: 1}\n", fn.Written, map[string]part{
			"3306": {[]string{"3306"}, []string{"3306"}, nil, annotation}, "53/UDP": {[]string{"3306"}, nil, []string{"53/UDP"}, nil}, pair[0]: {[]string{}, nil, pair, nil},
		}},
		"refused by default": {"apiVersion: serving.kserve.io/v1beta1\nkind: InferenceService\nmetadata: {name: web}\nspec: {predictor: {model: {}}}\n", fn.RefusedOutcome, map[string]part{
			"3306": {[]string{"3306"}, []string{"3306"}, nil, nil}, "53/UDP": {[]string{"3306"}, nil, []string{"53/UDP"}, nil}, pair[0]: {[]string{}, nil, pair, nil},
		}},
		"an init container": {"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: {containers: []}}}\n", fn.Written, map[string]part{
			"3306": {[]string{"53/UDP", "3306"}, []string{"3306"}, nil, append(annotation, container...)}, "53/UDP": {[]string{"53/UDP", "3306"}, []string{"53/UDP"}, nil, container}, pair[0]: {pair, pair, nil, container},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			x, _ := fn.Explain(fn.SpecIn(fn.Manifest{Path: "spec.yaml", Text: []byte(spec)}), []fn.Manifest{{Path: "web.yaml", Text: []byte(test.manifest)}}, fn.Options{}, "2027-01-01")
			require.Len(t, x.Workloads, 1)
			assert.Equal(t, test.outcome, x.Workloads[0].Outcome)
			got := map[string]part{}
			for _, f := range x.Workloads[0].Fields {
				for _, e := range f.Entries {
					assert.Equal(t, len(e.Holds) > 0, e.InForce)
					got[e.Entry] = part{f.Effective, e.Holds, e.NoPlace, e.CarriedBy}
				}
			}
			assert.Equal(t, test.want, got)
		})
	}
}
