package fn_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/fn"
)

// The annotations for all pods of a workflow are for those of its templates, whose init
// containers say what no annotation can, and for no others unless it takes some from
// elsewhere.
func TestAnnotationsForThePodsOfOtherTemplates(t *testing.T) {
	const spec = "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: c}\nspec:\n" +
		"  global: {excludeOutbound: [{ipRanges: [10.1.0.0/16], ports: [5432]}]}\n  enforcement: {image: a}\n"
	const echo = "  - {name: echo, container: {image: a}, inputs: {artefacts: [{name: a, path: /a, http: {url: b}}]}}\n"
	for name, test := range map[string]struct {
		templates string
		warns     bool
	}{
		"its own":        {echo, false},
		"steps of them":  {echo + "  - {name: main, steps: [[{name: a, template: echo}]]}\n", false},
		"of a reference": {echo + "  - {name: main, dag: {tasks: [{name: a, templateRef: {name: b, template: c}}]}}\n", true},
		"of an agent":    {echo + "  - {name: call, http: {url: b}}\n", true},
		"written inline": {echo + "  - {name: main, steps: [[{name: a, inline: {container: {image: a}}}]]}\n", true},
		"none":           {"  - {name: main, suspend: {}}\n", true},
	} {
		t.Run(name, func(t *testing.T) {
			workflow := "apiVersion: argoproj.io/v1alpha1\nkind: WorkflowTemplate\nmetadata: {name: web, namespace: shop}\nspec:\n  templates:\n" + test.templates
			x, err := fn.Explain(fn.SpecIn(fn.Manifest{Path: "spec.yaml", Text: []byte(spec)}), []fn.Manifest{{Path: "web.yaml", Text: []byte(workflow)}}, fn.Options{}, "2027-01-01")
			require.NoError(t, err)
			assert.Equal(t, test.warns, strings.Contains(x.Results.Report(), "[no-place]"), x.Results.Report())
			all := x.Workloads[0].Fields[0].Entries[0]
			assert.Equal(t, "spec.podMetadata", x.Workloads[0].Template)
			assert.Equal(t, !test.warns, all.InForce)
			if !test.warns {
				assert.Equal(t, []string{fn.ByInitContainer}, all.CarriedBy)
			}
		})
	}
}

// What counts in several templates of an object is refused where it stands, once.
func TestAnnotationsAreRefusedWhereTheyStand(t *testing.T) {
	const spec = "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: c}\nspec:\n" +
		"  global: {excludeOutboundPorts: [5432]}\n  limits: {podAnnotations: {namespaces: []}, forbiddenOutboundPorts: [443]}\n  enforcement: {mode: AnnotationsOnly}\n"
	const key = "traffic.sidecar.istio.io/excludeOutboundPorts"
	const annotated = "{annotations: {" + key + ": \"443\"}}"
	for name, test := range map[string]struct {
		manifest string
		at       []string
	}{
		"beside the only template": {"apiVersion: argoproj.io/v1alpha1\nkind: WorkflowTemplate\nmetadata: {name: web}\nspec: {podMetadata: " + annotated + ", templates: [{name: a, container: {image: b}}]}\n", []string{"spec.podMetadata"}},
		"and in a template": {"apiVersion: argoproj.io/v1alpha1\nkind: WorkflowTemplate\nmetadata: {name: web}\nspec: {podMetadata: " + annotated + ", templates: [{name: a, metadata: " + annotated + ", container: {image: b}}]}\n",
			[]string{"spec.podMetadata", "spec.templates[0].metadata"}},
		"of the object": {"apiVersion: serving.kserve.io/v1beta1\nkind: InferenceService\nmetadata: {name: web, annotations: {" + key + ": \"443\"}}\nspec: {predictor: {model: {}}, transformer: {containers: []}}\n", []string{"metadata"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, results, err := fn.Manifests(fn.SpecIn(fn.Manifest{Path: "spec.yaml", Text: []byte(spec)}), []fn.Manifest{{Path: "web.yaml", Text: []byte(test.manifest)}}, fn.Options{})
			require.Error(t, err)
			var limit, carried []string
			for _, line := range strings.Split(results.Report(), "\n") {
				_, rest, _ := strings.Cut(line, "web: ")
				at, _, found := strings.Cut(rest, ".annotations[")
				switch {
				case !found:
				case strings.Contains(line, "forbiddenOutboundPorts"):
					limit = append(limit, at)
				case strings.Contains(line, "podAnnotations"):
					carried = append(carried, at)
				}
			}
			assert.Equal(t, [][]string{test.at, test.at}, [][]string{limit, carried}, results.Report())
		})
	}
}
