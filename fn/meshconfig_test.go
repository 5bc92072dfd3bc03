package fn_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"github.com/krm-bypass/krm-bypass/fn"
)

// fsmList is a list of FSM's MeshConfig, the field that it says, and entries to
// draw from as one who says them would write them.
type fsmList struct {
	name, field string
	numbers     bool
	pool        []string
}

var fsmLists = []fsmList{
	{"inboundPortExclusionList", "excludeInboundPorts", true, []string{"7001", "7002", "9090", "9091"}},
	{"outboundPortExclusionList", "excludeOutboundPorts", true, []string{"3306", "5432", "6379", "9000"}},
	{"outboundIPRangeExclusionList", "excludeOutboundIPRanges", false, []string{"10.0.0.0/8", "192.0.2.0/24", "198.51.100.7/32"}},
	{"outboundIPRangeInclusionList", "includeOutboundIPRanges", false, []string{"10.0.0.0/8", "172.16.0.0/12"}},
}

func (l fsmList) draw(t *rapid.T, label string) []string {
	return rapid.SliceOfNDistinct(rapid.SampledFrom(l.pool), 0, len(l.pool), rapid.ID).Draw(t, label)
}

// drawMeshConfig draws a MeshConfig and what its lists hold.
func drawMeshConfig(t *rapid.T) (text string, lists map[string][]string) {
	style := styler{t: t, spread: rapid.IntRange(3, 12).Draw(t, "flow collections, one in")}
	lists = map[string][]string{}
	traffic := style.mapping()
	if rapid.Bool().Draw(t, "egress") {
		put(traffic, "enableEgress", &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: "false", LineComment: "# not yet"})
	}
	for _, l := range fsmLists {
		switch rapid.IntRange(0, 3).Draw(t, l.name) {
		case 0:
			put(traffic, l.name, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: rapid.SampledFrom([]string{"null", "~"}).Draw(t, "null")})
		case 1, 2:
			lists[l.name] = l.draw(t, "entries of "+l.name)
			list := style.list()
			for _, entry := range lists[l.name] {
				item := style.scalar(entry)
				if l.numbers {
					item = &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: entry}
				}
				list.Content = append(list.Content, item)
			}
			if len(list.Content) == 0 {
				list.Style = yaml.FlowStyle
			}
			put(traffic, l.name, list)
		}
	}
	metadata := style.mapping("name", style.scalar("fsm-mesh-config"), "namespace", style.scalar("fsm-system"))
	style.annotate(metadata, nil)
	object := style.mapping("apiVersion", style.scalar("config.flomesh.io/v1alpha3"), "kind", style.scalar("MeshConfig"), "metadata", metadata)
	spec := style.mapping("sidecar", style.mapping("logLevel", style.scalar("error")))
	if len(traffic.Content) > 0 || chance(t, 3, "empty traffic") {
		put(spec, "traffic", traffic)
	}
	if len(spec.Content) > 2 || !chance(t, 3, "no spec") {
		put(object, "spec", spec)
	}
	return style.render(object), lists
}

// drawGlobal draws a spec for FSM that is written into its MeshConfig, and the
// entries of its global scope by the list that they belong into.
func drawGlobal(t *rapid.T, label string) (spec []byte, wanted map[string][]string) {
	wanted = map[string][]string{}
	var b strings.Builder
	b.WriteString("apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata:\n  name: cluster\nspec:\n  mesh: FSM\n  meshConfig: Update\n  enforcement: {image: ghcr.io/krm-bypass/init:v0.1.0}\n  global:\n    excludeOutbound: []\n")
	for _, l := range fsmLists {
		if entries := l.draw(t, label+" "+l.field); len(entries) > 0 {
			wanted[l.name] = entries
			fmt.Fprintf(&b, "    %s: [%s]\n", l.field, strings.Join(entries, ", "))
		}
	}
	return []byte(b.String()), wanted
}

const nothingForFSM = "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata:\n  name: nothing\nspec:\n  formerNames: [cluster]\n  mesh: FSM\n"

const fsmWorkload = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  namespace: shop\nspec:\n  template:\n    spec:\n      containers:\n      - name: app\n        image: app:1\n"

// TestDrawnMeshConfig writes drawn scopes into drawn MeshConfigs.
func TestDrawnMeshConfig(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		config, lists := drawMeshConfig(t)
		first, wanted := drawGlobal(t, "first")
		run := func(spec []byte, items ...string) []string {
			output, results, err := fn.Process(resourceList(spec, items), fn.Options{})
			require.NoError(t, err, results)
			return itemTexts(t, output)
		}

		once := run(first, config, fsmWorkload)
		require.Equal(t, once, run(first, once...), "the function on its own output changes no byte")
		require.Equal(t, run(first, fsmWorkload)[0], once[1], "what is written for a workload does not depend on a MeshConfig")
		for _, l := range fsmLists {
			requireUnited(t, lists[l.name], wanted[l.name], entriesOf(t, once[0], l.name))
		}

		as := run([]byte(nothingForFSM), config)
		require.Equal(t, as, run([]byte(nothingForFSM), once[0]), "taking everything away gives back the bytes")

		second, _ := drawGlobal(t, "second")
		require.Equal(t, decoded(t, run(second, config)[0]), decoded(t, run(second, once[0])[0]), "an earlier run is forgotten")

		_, results, err := fn.Process(resourceList(first, []string{config, fsmWorkload}), fn.Options{})
		require.NoError(t, err)
		var node, workload yaml.Node
		spec, err := specIn(string(first))
		require.NoError(t, err)
		require.NoError(t, yaml.Unmarshal([]byte(config), &node))
		require.NoError(t, yaml.Unmarshal([]byte(fsmWorkload), &workload))
		ofNodes, err := fn.Nodes(fn.SpecOf(spec), []*yaml.Node{&workload, &node}, fn.Options{})
		require.NoError(t, err)
		require.Equal(t, results, ofNodes)
		asNode, err := yaml.Marshal(&node)
		require.NoError(t, err)
		require.Equal(t, decoded(t, once[0]), decoded(t, string(asNode)), "nodes become what their text becomes")
	})
}

// requireUnited wants the user's entries as they were, and behind them what is
// not among them.
func requireUnited(t require.TestingT, users, wanted, got []string) {
	require.GreaterOrEqual(t, len(got), len(users))
	require.Equal(t, append([]string{}, users...), append([]string{}, got[:len(users)]...))
	var missing []string
	for _, entry := range wanted {
		if !slices.Contains(users, entry) {
			missing = append(missing, entry)
		}
	}
	require.ElementsMatch(t, missing, got[len(users):])
}

// entriesOf reads a list as the mesh would, whose fields are numbers and strings.
func entriesOf(t require.TestingT, text, list string) []string {
	var object struct {
		Spec struct{ Traffic map[string]any }
	}
	require.NoError(t, yaml.Unmarshal([]byte(text), &object))
	var entries []string
	items, _ := object.Spec.Traffic[list].([]any)
	for _, item := range items {
		switch v := item.(type) {
		case int:
			require.Contains(t, list, "Port")
			entries = append(entries, fmt.Sprint(v))
		case string:
			_, err := netip.ParsePrefix(v)
			require.NoError(t, err)
			entries = append(entries, v)
		default:
			require.Fail(t, "neither a number nor a string", "%v", item)
		}
	}
	return entries
}
