package fn_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/fn"
)

const refusingSpec = `apiVersion: krm-bypass.dev/v1alpha1
kind: ClusterBypass
metadata: {name: cluster}
spec:
  enforcement: {mode: AnnotationsOnly}
  workloads:
  - match: {names: [web]}
    excludeOutboundPorts: [5432]
  - match: {labelSelector: {matchLabels: {tier: back}}}
    excludeOutboundPorts: [6379]
`

// refusable is a workload with the places at which the tests break it.
const refusable = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: shop
spec:
  selector: {matchLabels: {tier: back}}
  template:
    metadata:
      labels: {tier: back}
      annotations: {note: here}
    spec:
      containers: [{name: web, image: "web:1"}]
`

const beside = `apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, namespace: data}
spec:
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: db, image: "db:1"}]}
`

// TestWhatCannotBeReadIsCounted has a workload that cannot be read stand among the others,
// and the rules reach it that name it: a rule that is needed must not seem idle.
func TestWhatCannotBeReadIsCounted(t *testing.T) {
	for name, test := range map[string]struct {
		old, new, why string
		// unsure says that it cannot be told by labels whether a rule reaches it.
		unsure bool
	}{
		"a number for an annotation": {"note: here", "note: 80", "spec.template.metadata.annotations.note: expected a string, but found the number 80: put it into quotes", false},
		"no mapping of annotations":  {"{note: here}", "x", "spec.template.metadata.annotations: expected a mapping of strings", false},
		"an annotation twice":        {"note: here", "note: here, note: there", `the key "note" appears twice`, false},
		"the spec twice":             {"kind: Deployment", "kind: Deployment\nspec: {}", `the key "spec" appears twice`, true},
		"a number for a pod's label": {"{tier: back}\n      ann", "{tier: back, a: 1}\n      ann", "spec.template.metadata.labels.a: expected a string", true},
		"no list of init containers": {"    spec:\n", "    spec:\n      initContainers: {}\n", "spec.template.spec.initContainers: expected a list of containers", false},
		"a line break in a value":    {"note: here", `note: "a\Nb"`, "a line break (U+0085, U+2028 or U+2029)", false},
		"a number for a label":       {"  namespace: shop", "  namespace: shop\n  labels: {a: 1}", "metadata.labels.a: expected a string", false},
	} {
		t.Run(name, func(t *testing.T) {
			broken := strings.Replace(refusable, test.old, test.new, 1)
			require.NotEqual(t, refusable, broken)
			inList := "apiVersion: v1\nkind: List\nitems:\n"
			for _, text := range []string{broken, beside} {
				inList += "- " + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n  ") + "\n"
			}
			for form, text := range map[string]string{"documents": broken + "---\n" + beside, "a list": inList} {
				files := []fn.Manifest{{Path: "all.yaml", Text: []byte(text)}}
				spec := func() *fn.Spec { return fn.SpecIn(fn.Manifest{Path: "spec.yaml", Text: []byte(refusingSpec)}) }
				x, err := fn.Explain(spec(), files, fn.Options{}, "2026-11-25")
				require.NoError(t, err, form)
				require.Len(t, x.Workloads, 2, form)
				web := x.Workloads[0]
				assert.Equal(t, fn.ResourceRef{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "shop", Name: "web"}, web.ResourceRef, form)
				assert.Equal(t, fn.RefusedOutcome, web.Outcome, form)
				assert.Contains(t, web.Reason, test.why, form)
				assert.NotContains(t, web.Reason, "items[", form)
				assert.Empty(t, web.Fields, form)
				assert.NotEqual(t, fn.RefusedOutcome, x.Workloads[1].Outcome, form)
				require.Len(t, x.Reach, 2, form)
				byName, byLabel := x.Reach[0], x.Reach[1]
				assert.Equal(t, []any{1, 1, false}, []any{byName.Workloads, byName.Decided, byName.Unreached}, form)
				assert.Equal(t, []any{test.unsure, false}, []any{byLabel.Unsure, byLabel.Unreached}, form)
				if !test.unsure {
					assert.Equal(t, []any{1, 1}, []any{byLabel.Workloads, byLabel.Decided}, form)
				}

				checked, err := fn.Check(spec(), files, fn.Options{}, fn.Expiry{Today: "2026-11-25"})
				require.ErrorIs(t, err, fn.ErrFailed, form)
				require.Len(t, checked.Objects, 2, form)
				assert.Equal(t, []any{web.ResourceRef, web.File, web.Line}, []any{checked.Objects[0].ResourceRef, checked.Objects[0].File, checked.Objects[0].Line}, form)
				assert.NotContains(t, checked.Results.Report(), "reaches no", form)
				assert.Contains(t, checked.Results.Report(), ": Deployment shop/web: ", form)
			}
		})
	}
}

// TestWhatCannotBeReadIsCountedByTemplate has an object with several templates stand there
// once for each, as it does when it can be read.
func TestWhatCannotBeReadIsCountedByTemplate(t *testing.T) {
	text := `apiVersion: ray.io/v1
kind: RayCluster
metadata: {name: web, namespace: shop}
spec:
  headGroupSpec:
    template:
      metadata: {annotations: {note: 80}}
      spec: {containers: [{name: head, image: "ray:1"}]}
  workerGroupSpecs:
  - groupName: small
    template:
      metadata: {labels: {tier: back}}
      spec: {containers: [{name: worker, image: "ray:1"}]}
`
	x, err := fn.Explain(fn.SpecIn(fn.Manifest{Path: "spec.yaml", Text: []byte(refusingSpec)}), []fn.Manifest{{Path: "ray.yaml", Text: []byte(text)}}, fn.Options{}, "")
	require.NoError(t, err)
	var refused []string
	for _, w := range x.Workloads {
		assert.Equal(t, fn.RefusedOutcome, w.Outcome)
		refused = append(refused, w.Template)
	}
	assert.Equal(t, []string{"spec.headGroupSpec.template", "spec.workerGroupSpecs[small].template"}, refused)
}

// TestWhatCannotBeReadHidesNoRuleThatReachesNobody has the slip told at once, and not in the
// run after the refused one is mended.
func TestWhatCannotBeReadHidesNoRuleThatReachesNobody(t *testing.T) {
	broken := strings.Replace(refusable, "note: here", "note: 80", 1)
	spec := bypassOf("workloads: [{match: {names: [ledgre]}, excludeOutboundPorts: [1]}, {match: {names: [nobody]}, excludeOutboundPorts: [1]}, {match: {names: [web]}, excludeOutboundPorts: [1]}]")
	for complete, want := range map[bool][]string{
		false: {"warning: spec.workloads[0].match.names[0]: it reaches no workload here, and there is StatefulSet data/ledger: did you mean ledger?", "info: spec.workloads[1]: it reaches no workload here, which is right if it is meant for other manifests"},
		true:  {"error: spec.workloads[0].match.names[0]: it reaches no workload here, and there is StatefulSet data/ledger: did you mean ledger?", "error: spec.workloads[1]: it reaches no workload: correct it or remove it, since all workloads are here"},
	} {
		checked, err := fn.Check(spec, filesOf(broken+"---\n"+strings.ReplaceAll(beside, "name: db", "name: ledger")), fn.Options{Complete: complete}, fn.Expiry{})
		require.ErrorIs(t, err, fn.ErrFailed)
		assert.Equal(t, want, of("unreached-rule", checked.Results))
	}
}
