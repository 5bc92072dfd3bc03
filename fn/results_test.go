package fn_test

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/fn"
)

// TestReportSaysWhatIsTheSameOfManyObjectsOfAFew also wants every error, since each
// of them has to be mended.
func TestReportSaysWhatIsTheSameOfManyObjectsOfAFew(t *testing.T) {
	var results fn.Results
	for _, severity := range []fn.Severity{fn.Error, fn.Warning, fn.Info} {
		for i := range 5 {
			results = append(results, fn.Result{
				Severity: severity, Message: "m", ResourceRef: &fn.ResourceRef{APIVersion: "v1", Kind: "Pod", Name: strconv.Itoa(i)},
				Field: &fn.Field{Path: map[bool]string{true: "spec", false: fmt.Sprintf("items[%d].spec", i)}[i < 3]}, Tags: map[string]string{fn.CheckTag: "kind"},
			})
		}
	}
	results = append(results, fn.Result{Severity: fn.Warning, Message: "other", ResourceRef: &fn.ResourceRef{APIVersion: "v1", Kind: "Pod", Name: "5"}})
	assert.Equal(t, `error: Pod 0: spec: m [kind]
error: Pod 1: spec: m [kind]
error: Pod 2: spec: m [kind]
error: Pod 3: items[3].spec: m [kind]
error: Pod 4: items[4].spec: m [kind]
warning: Pod 0: spec: m [kind]
warning: Pod 1: spec: m [kind]
warning: Pod 2: spec: m [kind] (and 2 more like it: krm-bypass lint lists them all)
warning: Pod 5: other
`, results.Report())
}

// The results come behind the items: also behind what is added to the end of the last one.
func TestResultsBehindTheLastItem(t *testing.T) {
	const spec = "functionConfig: {apiVersion: krm-bypass.dev/v1alpha1, kind: ClusterBypass, metadata: {name: c}, spec: {global: {excludeOutboundPorts: [3306]}, namespaces: [{match: {names: [a]}, excludeOutboundPorts: [80]}], enforcement: {mode: AnnotationsOnly}}}\n"
	const item = "items:\n- apiVersion: apps/v1\n  kind: Deployment\n  metadata: {name: web}\n  spec:\n    selector: {}\n    template:\n      spec: {containers: [{name: a, image: a}]}"
	const before = "results:\n- {message: before}\n"
	for _, list := range []string{
		spec + item, spec + item + "\n", spec + item + "\n" + before, spec + before + item,
	} {
		output, results, err := fn.Process([]byte("apiVersion: config.kubernetes.io/v1\nkind: ResourceList\n"+list), fn.Options{})
		require.NoError(t, err, results.Report())
		require.NotEmpty(t, results)
		var read struct {
			Items   []map[string]any
			Results []struct{ Message string }
		}
		require.NoError(t, yaml.Unmarshal(output, &read), string(output))
		require.Len(t, read.Items, 1)
		require.NotEmpty(t, read.Results)
		assert.Equal(t, results[0].Message, read.Results[0].Message)
		assert.Contains(t, fmt.Sprint(read.Items[0]["spec"]), "traffic.sidecar.istio.io/excludeOutboundPorts:3306")
	}
}
