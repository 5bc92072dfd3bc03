package fn_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/fn"
)

// TestAGoValueIsValidatedAsATextIs has a Go program make mistakes that the types
// of Go let pass.
func TestAGoValueIsValidatedAsATextIs(t *testing.T) {
	rule := func(r v1alpha1.WorkloadRule) v1alpha1.Spec {
		return v1alpha1.Spec{Workloads: []v1alpha1.WorkloadRule{r}}
	}
	for name, test := range map[string]struct {
		spec v1alpha1.Spec
		says string
	}{
		"a mode": {v1alpha1.Spec{Enforcement: &v1alpha1.Enforcement{Mode: "initcontainer"}},
			`spec.enforcement.mode: "initcontainer" is not valid: did you mean InitContainer?`},
		"a backend": {v1alpha1.Spec{Enforcement: &v1alpha1.Enforcement{Backend: "nft"}},
			`spec.enforcement.backend: "nft" is not valid: did you mean nftables?`},
		"a severity": {v1alpha1.Spec{Lint: &v1alpha1.Lint{StrictMTLS: "error"}},
			`spec.lint.strict-mtls: "error" is not valid: did you mean Error?`},
		"a mesh":  {v1alpha1.Spec{Mesh: "istio"}, `spec.mesh: "istio" is Istio here: write Istio`},
		"a merge": {rule(v1alpha1.WorkloadRule{Match: v1alpha1.WorkloadMatch{Names: []string{"web"}}, Merge: "union"}), `spec.workloads[0].merge: "union" is not valid: `},
		"an operator": {rule(v1alpha1.WorkloadRule{Match: v1alpha1.WorkloadMatch{LabelSelector: &v1alpha1.LabelSelector{
			MatchExpressions: []v1alpha1.LabelRequirement{{Key: "app", Operator: "in"}},
		}}}), `spec.workloads[0].match.labelSelector.matchExpressions[0].operator: "in" is not valid: `},
		"a port":       {v1alpha1.Spec{Global: &v1alpha1.GlobalRule{Traffic: v1alpha1.Traffic{ExcludeOutboundPorts: v1alpha1.PortList{"70000"}}}}, `spec.global.excludeOutboundPorts[0]: "70000" is a port outside 1-65535`},
		"an empty one": {rule(v1alpha1.WorkloadRule{Match: v1alpha1.WorkloadMatch{Names: []string{}}}), `spec.workloads[0].match.names: an empty list matches nothing`},
		"a built-in kind": {v1alpha1.Spec{PodTemplates: []v1alpha1.PodTemplate{{APIVersion: "apps/v1", Kind: "Deployment", Path: "spec.pods"}}},
			`spec.podTemplates[0]: Deployment of apps/v1 is built in, and its pod template is spec.template: remove this entry`},
	} {
		t.Run(name, func(t *testing.T) {
			var object yaml.Node
			require.NoError(t, yaml.Unmarshal([]byte(deployment), &object))
			_, err := fn.Nodes(fn.SpecOf(v1alpha1.ClusterBypass{Metadata: v1alpha1.Metadata{Name: "cluster"}, Spec: test.spec}), []*yaml.Node{&object}, fn.Options{})
			require.ErrorIs(t, err, fn.ErrFailed)
			var failed *fn.FailedError
			require.ErrorAs(t, err, &failed)
			require.NotEmpty(t, failed.Results)
			assert.Contains(t, failed.Results.Report(), "error: ClusterBypass cluster: "+test.says)
			assert.Contains(t, err.Error(), "\nerror: ClusterBypass cluster: "+test.says, "and the error says so")
			text, err := yaml.Marshal(&object)
			require.NoError(t, err)
			assert.YAMLEq(t, deployment, string(text))
		})
	}
}

// TestTheCallersSpecStays has everything filled in that has a default, and
// options go before the spec.
func TestTheCallersSpecStays(t *testing.T) {
	given := v1alpha1.ClusterBypass{Spec: v1alpha1.Spec{
		Enforcement: &v1alpha1.Enforcement{Mode: "WhereNeeded", Image: "a/b:c"},
		Global:      &v1alpha1.GlobalRule{Traffic: v1alpha1.Traffic{ExcludeOutboundPorts: v1alpha1.PortList{"3306"}, ExcludeInboundPorts: v1alpha1.InboundPortList{}}},
	}}
	before, err := yaml.Marshal(given)
	require.NoError(t, err)
	var object yaml.Node
	require.NoError(t, yaml.Unmarshal([]byte(deployment), &object))
	_, err = fn.Nodes(fn.SpecOf(given), []*yaml.Node{&object}, fn.Options{Image: "d/e:f", Mesh: "Linkerd"})
	require.NoError(t, err)
	after, err := yaml.Marshal(given)
	require.NoError(t, err)
	assert.Equal(t, string(before), string(after))
}

// An empty list clears what a broader scope says, and nil says nothing.
func TestAnEmptyListOfAGoValueClears(t *testing.T) {
	for name, test := range map[string]struct {
		ports v1alpha1.PortList
		wants string
	}{
		"nil":   {nil, `excludeOutboundPorts: "3306"`},
		"empty": {v1alpha1.PortList{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var object yaml.Node
			require.NoError(t, yaml.Unmarshal([]byte(deployment), &object))
			_, err := fn.Nodes(fn.SpecOf(v1alpha1.ClusterBypass{Spec: v1alpha1.Spec{
				Enforcement: &v1alpha1.Enforcement{Mode: "AnnotationsOnly"},
				Global:      &v1alpha1.GlobalRule{Traffic: v1alpha1.Traffic{ExcludeOutboundPorts: v1alpha1.PortList{"3306"}}},
				Workloads: []v1alpha1.WorkloadRule{{
					Match:   v1alpha1.WorkloadMatch{Names: []string{"web"}},
					Traffic: v1alpha1.Traffic{ExcludeOutboundPorts: test.ports},
				}},
			}}), []*yaml.Node{&object}, fn.Options{})
			require.NoError(t, err)
			text, err := yaml.Marshal(&object)
			require.NoError(t, err)
			if test.wants == "" {
				assert.NotContains(t, string(text), "excludeOutboundPorts")
			} else {
				assert.Contains(t, string(text), test.wants)
			}
		})
	}
}

// TestTheSpecAmongTheNodes applies the one that is there, as everywhere else.
func TestTheSpecAmongTheNodes(t *testing.T) {
	var object, spec yaml.Node
	require.NoError(t, yaml.Unmarshal([]byte(deployment), &object))
	_, err := fn.Nodes(nil, []*yaml.Node{&object}, fn.Options{})
	require.ErrorContains(t, err, "there is no ClusterBypass: give a Spec, or put one")
	require.NoError(t, yaml.Unmarshal([]byte(specText), &spec))
	_, err = fn.Nodes(nil, []*yaml.Node{&object, &spec}, fn.Options{})
	require.NoError(t, err)
	text, err := yaml.Marshal(&object)
	require.NoError(t, err)
	assert.Contains(t, string(text), "excludeOutboundPorts")
}

func TestNodesThatNoTextGivesAreErrors(t *testing.T) {
	loop := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	loop.Content = []*yaml.Node{{Kind: yaml.ScalarNode, Value: "items"}, loop}
	within := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Anchor: "a"}
	within.Content = []*yaml.Node{{Kind: yaml.AliasNode, Value: "a", Alias: within}}
	laughs := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
	for range 30 {
		alias := &yaml.Node{Kind: yaml.AliasNode, Value: "l", Alias: laughs}
		laughs = &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: []*yaml.Node{alias, alias}}
	}
	for name, test := range map[string]struct {
		object *yaml.Node
		says   string
	}{
		"an alias within":       {within, "a node contains itself"},
		"aliases of aliases":    {laughs, "write it out, or put each object into a document of its own"},
		"nil":                   {nil, "objects[0]: a node is nil"},
		"a nil key":             {&yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{nil, {Kind: yaml.ScalarNode}}}, "a node is nil"},
		"a key without a value": {&yaml.Node{Kind: yaml.MappingNode, Content: []*yaml.Node{{Kind: yaml.ScalarNode, Value: "kind"}}}, "a key without a value"},
		"a loop":                {loop, "a node contains itself"},
	} {
		t.Run(name, func(t *testing.T) {
			results, err := fn.Nodes(nil, []*yaml.Node{test.object}, fn.Options{})
			require.ErrorIs(t, err, fn.ErrFailed)
			assert.Contains(t, results.Report(), test.says)
		})
	}
}
