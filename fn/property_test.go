package fn_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/fn/kiofilter"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// The properties draw a spec and workloads from a small world, so that rules
// meet, sets overlap and a run finds what an earlier one left.

// drawnScope is one scope of a drawn spec.
type drawnScope struct {
	// match is "" for the global scope, a namespace, or a workload's name.
	namespace, name string
	merge, mode     string
	fields          map[traffic.Field][]string
	// initial are those for the time in which init containers run.
	initial map[traffic.Field][]string
}

type drawnSpec struct {
	merge, mode  string
	pullSecrets  []string
	meshDefaults map[traffic.Field][]string
	scopes       []drawnScope
}

// Excluded and included ports are from different pools, since a scope must not
// contradict itself.
var (
	excludedPorts = []string{"3306", "5432", "9000-9003", "9002-9010", "4789/UDP", "53/TCP", "8081/TCP", "7001-7005"}
	includedPorts = []string{"7006", "7008", "8080", "8082-8084"}
	ranges        = []string{"10.0.0.0/8", "10.1.0.0/16", "192.0.2.7", "192.0.2.0/24", "fd00::/8", "2001:db8::1"}
	pairs         = []string{"10.1.0.0/16@5432", "10.0.0.0/8@6000-6010/TCP", "fd00::/8@53"}
	namespaces    = []string{"shop", "team-a"}
	names         = []string{"web", "api", "worker"}
	secrets       = []string{"registry", "mirror", "depot"}
)

var entryPools = map[traffic.Field][]string{
	traffic.ExcludeInboundPorts:     excludedPorts,
	traffic.IncludeInboundPorts:     includedPorts,
	traffic.ExcludeOutboundPorts:    excludedPorts,
	traffic.IncludeOutboundPorts:    includedPorts,
	traffic.ExcludeOutboundIPRanges: ranges,
	traffic.IncludeOutboundIPRanges: ranges,
	traffic.ExcludeOutbound:         pairs,
}

func chance(t *rapid.T, oneIn int, label string) bool {
	return rapid.IntRange(1, oneIn).Draw(t, label) == 1
}

func drawFields(t *rapid.T, label string) map[traffic.Field][]string {
	fields := map[traffic.Field][]string{}
	for _, f := range traffic.Fields {
		if !chance(t, 3, label+" says "+string(f)) {
			continue
		}
		if (f == traffic.IncludeInboundPorts || f == traffic.IncludeOutboundIPRanges) && chance(t, 3, "everything") {
			fields[f] = []string{traffic.Everything}
			continue
		}
		fields[f] = rapid.SliceOfNDistinct(rapid.SampledFrom(entryPools[f]), 0, 3, rapid.ID).Draw(t, string(f))
	}
	return fields
}

// drawInitial draws what a scope says for the time in which init containers run: mostly
// nothing.
func drawInitial(t *rapid.T, label string) map[traffic.Field][]string {
	if !chance(t, 4, label+" for init containers") {
		return nil
	}
	fields := drawFields(t, label)
	for _, f := range traffic.Fields {
		if !slices.Contains(transform.InitialFields, f) {
			delete(fields, f)
		}
	}
	return fields
}

func drawSpec(t *rapid.T, label string) drawnSpec {
	merges := rapid.SampledFrom([]string{"", "Override", "Union"})
	modes := rapid.SampledFrom([]string{"", "", "InitContainer", "WhereNeeded", "AnnotationsOnly"})
	s := drawnSpec{merge: merges.Draw(t, label+" merge"), mode: modes.Draw(t, label+" mode"), meshDefaults: map[traffic.Field][]string{}}
	s.pullSecrets = rapid.SliceOfNDistinct(rapid.SampledFrom(secrets), 0, 2, rapid.ID).Draw(t, label+" pull secrets")
	if chance(t, 2, "mesh defaults") {
		s.meshDefaults = drawFields(t, "meshDefaults")
		delete(s.meshDefaults, traffic.ExcludeOutbound) // no mesh has such a thing
	}
	if chance(t, 2, "global") {
		s.scopes = append(s.scopes, drawnScope{fields: drawFields(t, "global"), initial: drawInitial(t, "global")})
	}
	for range rapid.IntRange(0, 2).Draw(t, "namespace rules") {
		s.scopes = append(s.scopes, drawnScope{
			namespace: rapid.SampledFrom(namespaces).Draw(t, "namespace"),
			merge:     merges.Draw(t, "merge"), mode: modes.Draw(t, "mode"), fields: drawFields(t, "namespace rule"), initial: drawInitial(t, "namespace rule"),
		})
	}
	for range rapid.IntRange(0, 2).Draw(t, "workload rules") {
		s.scopes = append(s.scopes, drawnScope{
			name:  rapid.SampledFrom(names).Draw(t, "name"),
			merge: merges.Draw(t, "merge"), mode: modes.Draw(t, "mode"), fields: drawFields(t, "workload rule"), initial: drawInitial(t, "workload rule"),
		})
	}
	return s
}

// fieldsOf gives traffic fields as they stand in a spec.
func fieldsOf(fields map[traffic.Field][]string) map[string]any {
	out := map[string]any{}
	for f, entries := range fields {
		list := []any{}
		for _, e := range entries {
			if address, port, pair := strings.Cut(e, "@"); pair {
				list = append(list, map[string]any{"ipRanges": []string{address}, "ports": []string{port}})
				continue
			}
			list = append(list, e)
		}
		out[string(f)] = list
	}
	return out
}

// text gives the spec as a ClusterBypass.
func (s drawnSpec) text(t require.TestingT) []byte {
	enforcement := map[string]any{"image": "ghcr.io/krm-bypass/init:v0.1.0"}
	spec := map[string]any{"enforcement": enforcement}
	if s.merge != "" {
		spec["merge"] = s.merge
	}
	if s.mode != "" {
		enforcement["mode"] = s.mode
	}
	for _, name := range s.pullSecrets {
		listed, _ := enforcement["imagePullSecrets"].([]any)
		enforcement["imagePullSecrets"] = append(listed, map[string]any{"name": name})
	}
	if len(s.meshDefaults) > 0 {
		spec["meshDefaults"] = fieldsOf(s.meshDefaults)
	}
	var byNamespace, byWorkload []any
	for _, scope := range s.scopes {
		rule := fieldsOf(scope.fields)
		if scope.initial != nil {
			rule["forInitContainers"] = fieldsOf(scope.initial)
		}
		if scope.merge != "" {
			rule["merge"] = scope.merge
		}
		if scope.mode != "" {
			rule["enforcement"] = map[string]any{"mode": scope.mode}
		}
		switch {
		case scope.namespace != "":
			rule["match"] = map[string]any{"names": []string{scope.namespace}}
			byNamespace = append(byNamespace, rule)
		case scope.name != "":
			rule["match"] = map[string]any{"names": []string{scope.name}}
			byWorkload = append(byWorkload, rule)
		default:
			spec["global"] = rule
		}
	}
	if byNamespace != nil {
		spec["namespaces"] = byNamespace
	}
	if byWorkload != nil {
		spec["workloads"] = byWorkload
	}
	text, err := yaml.Marshal(map[string]any{"apiVersion": v1alpha1.APIVersion, "kind": v1alpha1.Kind, "metadata": map[string]any{"name": "cluster"}, "spec": spec})
	require.NoError(t, err)
	return text
}

// drawnItem is one item and what the expectation needs to know of it.
type drawnItem struct {
	text            string
	name, namespace string
	template        []string // nil where it is no workload
	untouchable     bool
	// annotations are the user's on the template, pullSecrets those of its pod.
	annotations map[string]string
	pullSecrets []string
}

// workloadKinds are some kinds and where their templates are.
var workloadKinds = []struct {
	apiVersion, kind string
	template         []string
}{
	{"apps/v1", "Deployment", []string{"spec", "template"}},
	{"apps/v1", "StatefulSet", []string{"spec", "template"}},
	{"batch/v1", "CronJob", []string{"spec", "jobTemplate", "spec", "template"}},
	{"v1", "PodTemplate", []string{"template"}},
	{"v1", "Pod", []string{}},
}

// userValues are annotations as users write them.
var userValues = map[traffic.Field][]string{
	traffic.ExcludeOutboundPorts:    {"3306", "9000, 3306", "5432,5432", ""},
	traffic.IncludeOutboundPorts:    {"8080", "7006"},
	traffic.ExcludeInboundPorts:     {"9090,9091", "5432"},
	traffic.IncludeInboundPorts:     {"*", "8080,8443", ""},
	traffic.ExcludeOutboundIPRanges: {"10.2.0.0/16", "10.0.0.9/8,10.1.0.0/16"},
	traffic.IncludeOutboundIPRanges: {"*", "172.16.0.0/12", ""},
}

const istioPrefix = "traffic.sidecar.istio.io/"

func drawItem(t *rapid.T) drawnItem {
	item := drawnItem{
		name:      rapid.SampledFrom(names).Draw(t, "item name"),
		namespace: rapid.SampledFrom(namespaces).Draw(t, "item namespace"),
	}
	style := styler{t: t, spread: rapid.IntRange(3, 12).Draw(t, "flow collections, one in")}
	metadata := style.mapping("name", style.scalar(item.name), "namespace", style.scalar(item.namespace))
	if chance(t, 6, "no workload") {
		object := style.mapping("apiVersion", style.scalar("v1"), "kind", style.scalar("ConfigMap"), "metadata", metadata,
			"data", style.mapping("a", style.scalar("b"), "traffic.sidecar.istio.io/excludeOutboundPorts", style.scalar("text: # of a kind\n")))
		item.text = style.render(object)
		return item
	}

	k := rapid.SampledFrom(workloadKinds).Draw(t, "kind")
	item.template = k.template
	item.annotations = map[string]string{}
	pod := metadata // of a Pod, which is its own template
	if len(k.template) > 0 {
		style.annotate(metadata, map[string]string{"team": "storefront"})
		pod = style.mapping()
	} else {
		// A Pod is touched where it is made anew each time.
		item.annotations["helm.sh/hook"] = "test"
	}
	if chance(t, 8, "opted out") {
		item.untouchable = true
		put(pod, "labels", style.mapping("sidecar.istio.io/inject", quoted("false")))
	}
	for _, f := range traffic.Fields {
		if values := userValues[f]; values != nil && chance(t, 5, "user's "+string(f)) {
			item.annotations[istioPrefix+string(f)] = rapid.SampledFrom(values).Draw(t, "value")
		}
	}
	if chance(t, 2, "other annotation") {
		item.annotations["note"] = rapid.SampledFrom([]string{"plain", "it's \"quoted\"", "several\nlines\n", " # no comment", "true"}).Draw(t, "note")
	}
	style.annotate(pod, item.annotations)

	spec := style.mapping("containers", style.list(style.mapping("name", style.scalar("app"), "image", style.scalar("app:1"))))
	switch rapid.IntRange(0, 4).Draw(t, "init containers") {
	case 0:
		put(spec, "initContainers", &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle})
	case 1:
		put(spec, "initContainers", &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"})
	case 2:
		put(spec, "initContainers", style.list(
			style.mapping("name", style.scalar("migrate"), "image", style.scalar("migrate:1")),
			style.mapping("name", style.scalar("wait"), "image", style.scalar("wait:1"))))
	}
	switch rapid.IntRange(0, 5).Draw(t, "pull secrets") {
	case 0:
		put(spec, "imagePullSecrets", &yaml.Node{Kind: yaml.SequenceNode, Style: yaml.FlowStyle})
	case 1:
		put(spec, "imagePullSecrets", &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"})
	case 2, 3:
		var listed []*yaml.Node
		item.pullSecrets = rapid.SliceOfNDistinct(rapid.SampledFrom(secrets), 1, 2, rapid.ID).Draw(t, "user's pull secrets")
		for _, name := range item.pullSecrets {
			listed = append(listed, style.mapping("name", style.scalar(name)))
		}
		put(spec, "imagePullSecrets", style.list(listed...))
	}
	object := style.mapping("apiVersion", style.scalar(k.apiVersion), "kind", style.scalar(k.kind), "metadata", metadata)
	if len(k.template) == 0 {
		put(object, "spec", spec)
	} else {
		inner := style.mapping()
		if len(pod.Content) > 0 || chance(t, 2, "empty metadata") {
			put(inner, "metadata", pod)
		}
		put(inner, "spec", spec)
		for i := len(k.template) - 1; i >= 0; i-- {
			if i == 0 {
				put(object, k.template[0], inner)
			} else {
				inner = style.mapping(k.template[i], inner)
			}
		}
	}
	item.text = style.render(object)
	return item
}

// styler draws how a text is written.
type styler struct {
	t      *rapid.T
	spread int
}

func (s styler) mapping(entries ...any) *yaml.Node {
	m := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	if chance(s.t, s.spread, "flow") {
		m.Style = yaml.FlowStyle
	}
	for i := 0; i < len(entries); i += 2 {
		put(m, entries[i].(string), entries[i+1].(*yaml.Node))
	}
	return m
}

func (s styler) list(items ...*yaml.Node) *yaml.Node {
	l := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: items}
	if chance(s.t, s.spread, "flow") {
		l.Style = yaml.FlowStyle
	}
	return l
}

func (s styler) scalar(value string) *yaml.Node {
	styles := []yaml.Style{0, 0, yaml.SingleQuotedStyle, yaml.DoubleQuotedStyle, yaml.LiteralStyle, yaml.FoldedStyle}
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value, Style: rapid.SampledFrom(styles).Draw(s.t, "style")}
	if n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) == 0 && chance(s.t, s.spread, "comment") {
		n.LineComment = "# said so"
	}
	return n
}

func quoted(value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value, Style: yaml.SingleQuotedStyle}
}

func put(mapping *yaml.Node, key string, value *yaml.Node) {
	mapping.Content = append(mapping.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key}, value)
}

// annotate gives metadata the annotations, or one of the ways to have none.
func (s styler) annotate(metadata *yaml.Node, annotations map[string]string) {
	if len(annotations) == 0 {
		switch rapid.IntRange(0, 3).Draw(s.t, "no annotations") {
		case 0:
			put(metadata, "annotations", &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle})
		case 1:
			put(metadata, "annotations", &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"})
		}
		return
	}
	m := s.mapping()
	for _, key := range slices.Sorted(maps.Keys(annotations)) {
		put(m, key, s.scalar(annotations[key]))
	}
	put(metadata, "annotations", m)
}

// render writes the object as somebody's tool would.
func (s styler) render(object *yaml.Node) string {
	if chance(s.t, 6, "JSON") {
		var value any
		if err := object.Decode(&value); err != nil {
			s.t.Fatalf("decoding: %v", err)
		}
		text, err := json.MarshalIndent(value, "", rapid.SampledFrom([]string{"", "  ", "    "}).Draw(s.t, "indentation"))
		if err != nil {
			s.t.Fatalf("encoding: %v", err)
		}
		return string(text) + "\n"
	}
	var b strings.Builder
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(rapid.SampledFrom([]int{2, 4}).Draw(s.t, "indentation"))
	if rapid.Bool().Draw(s.t, "compact") {
		enc.CompactSeqIndent()
	}
	if err := enc.Encode(object); err != nil {
		s.t.Fatalf("encoding: %v", err)
	}
	return b.String()
}

func drawItems(t *rapid.T) []drawnItem {
	return rapid.SliceOfN(rapid.Custom(drawItem), 1, 4).Draw(t, "items")
}

func textsOf(items []drawnItem) []string {
	texts := make([]string, len(items))
	for i, item := range items {
		texts[i] = item.text
	}
	return texts
}

const sayNothing = "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata:\n  name: nothing\nspec: {formerNames: [cluster, bypass]}\n"

// process runs the function. Where a result is an error it holds it to having
// changed nothing, and gives false.
func process(t *rapid.T, list []byte) ([]byte, fn.Results, bool) {
	output, results, err := fn.Process(list, fn.Options{})
	if err != nil {
		require.ErrorIs(t, err, fn.ErrFailed)
		require.Equal(t, itemTexts(t, list), itemTexts(t, output))
		return nil, results, false
	}
	return output, results, true
}

func TestDrawnRunsAreIdempotentOrderlessAndReversible(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spec, items := drawSpec(t, "spec"), drawItems(t)
		config := spec.text(t)
		list := resourceList(config, textsOf(items))
		output, results, ok := process(t, list)
		if !ok {
			return
		}
		before, after := itemTexts(t, list), itemTexts(t, output)
		require.Len(t, after, len(items))
		for i, item := range items {
			if item.template == nil {
				require.Equal(t, before[i], after[i], "an item that is no workload keeps its bytes")
			}
		}

		again, _, ok := process(t, output)
		require.True(t, ok)
		require.Equal(t, string(output), string(again), "the function on its own output changes no byte")

		order := rapid.Permutation(indexes(len(items))).Draw(t, "order")
		shuffled := make([]string, len(items))
		for i, from := range order {
			shuffled[i] = items[from].text
		}
		other, otherResults, ok := process(t, resourceList(config, shuffled))
		require.True(t, ok)
		for i, text := range itemTexts(t, other) {
			require.Equal(t, after[order[i]], text, "the order of the items does not matter to any of them")
		}
		require.Equal(t, results, otherResults)

		taken, _, ok := process(t, resourceList([]byte(sayNothing), after))
		require.True(t, ok)
		require.Equal(t, before, itemTexts(t, taken), "taking everything away gives back the bytes")
	})
}

func indexes(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}

// TestDrawnRunsForgetWhatWasBefore has one spec applied after another make what
// it makes by itself.
func TestDrawnRunsForgetWhatWasBefore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		items := drawItems(t)
		first, ok := drawnRun(t, "first", textsOf(items))
		if !ok {
			return
		}
		second := drawSpec(t, "second").text(t)
		alone, results, ok := process(t, resourceList(second, textsOf(items)))
		after, otherResults, okAfter := process(t, resourceList(second, first))
		require.Equal(t, ok, okAfter)
		if !ok {
			return
		}
		require.Equal(t, decodedItems(t, alone), decodedItems(t, after))
		require.Equal(t, withoutValues(results), withoutValues(otherResults))
	})
}

func drawnRun(t *rapid.T, label string, items []string) ([]string, bool) {
	output, _, ok := process(t, resourceList(drawSpec(t, label).text(t), items))
	if !ok {
		return nil, false
	}
	return itemTexts(t, output), true
}

// withoutValues gives results without what stands in the fields, which is the
// text of an earlier run.
func withoutValues(results fn.Results) fn.Results {
	out := slices.Clone(results)
	for i, r := range out {
		if r.Field != nil {
			out[i].Field = &fn.Field{Path: r.Field.Path}
		}
	}
	return out
}

// TestDrawnFilterIsAsProcess has the filter on nodes make what Process makes of
// their text.
func TestDrawnFilterIsAsProcess(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		config, items := drawSpec(t, "spec").text(t), drawItems(t)
		if chance(t, 2, "limits") {
			config = drawLimits(t).with(t, config)
		}
		texts := textsOf(items)
		output, results, processed := process(t, resourceList(config, texts))

		spec, err := specIn(string(config))
		if err != nil { // an entry of its own breaks a limit
			require.False(t, processed)
			return
		}
		filter := &kiofilter.Filter{Spec: fn.SpecOf(spec)}
		nodes := make([]*kyaml.RNode, len(texts))
		for i, text := range texts {
			nodes[i], err = kyaml.Parse(text)
			require.NoError(t, err)
		}
		filtered, err := filter.Filter(nodes)
		require.Equal(t, results, filter.Results)
		if !processed {
			require.ErrorIs(t, err, fn.ErrFailed)
			for i, text := range texts {
				unchanged, err := kyaml.Parse(text)
				require.NoError(t, err)
				require.Equal(t, unchanged.MustString(), nodes[i].MustString())
			}
			return
		}
		require.NoError(t, err)
		want := decodedItems(t, output)
		require.Len(t, filtered, len(want))
		for i, node := range filtered {
			require.Equal(t, want[i], decoded(t, node.MustString()))
		}
	})
}

// decodedItems gives what the items of a ResourceList say.
func decodedItems(t require.TestingT, list []byte) []any {
	var items []any
	for _, text := range itemTexts(t, list) {
		items = append(items, decoded(t, text))
	}
	return items
}

const recordAnnotation = "krm-bypass.dev/last-applied"

// decoded gives what an object says. Of the record it gives what the texts in
// it say: nodes do not know how a value was written, so that their record
// differs there, and in the sum over it.
func decoded(t require.TestingT, text string) any {
	var object map[string]any
	require.NoError(t, yaml.Unmarshal([]byte(text), &object))
	metadata, _ := object["metadata"].(map[string]any)
	annotations, _ := metadata["annotations"].(map[string]any)
	record, recorded := annotations[recordAnnotation].(string)
	if !recorded {
		return object
	}
	var fields map[string]any
	require.NoError(t, json.Unmarshal([]byte(record), &fields))
	delete(fields, "sum")
	for _, part := range []string{"replaced", "nulls"} {
		sources, _ := fields[part].(map[string]any)
		for key, source := range sources {
			var value struct{ V any }
			require.NoError(t, yaml.Unmarshal([]byte("v: "+source.(string)+"\n"), &value), "what stood under %s", key)
			sources[key] = value.V
		}
	}
	annotations[recordAnnotation] = fields
	return object
}

// TestDrawnOutputReadsBack holds what is written to the fold of the scopes: the
// arguments of the init container are the effective settings, and what the
// sidecar reads from the annotations, on top of the mesh's defaults, is all of
// them that the annotations can say.
func TestDrawnOutputReadsBack(t *testing.T) {
	istio, _ := mesh.ByName("Istio")
	rapid.Check(t, func(t *rapid.T) {
		spec, items := drawSpec(t, "spec"), drawItems(t)
		output, _, ok := process(t, resourceList(spec.text(t), textsOf(items)))
		if !ok {
			return
		}
		for i, text := range itemTexts(t, output) {
			item := items[i]
			if item.template == nil {
				continue
			}
			annotations, arguments := podOf(t, text, item.template)
			settings, initially, mode, applies := spec.expected(t, item)
			if !applies {
				require.Empty(t, arguments)
				require.Equal(t, item.annotations, annotations)
				require.Equal(t, item.pullSecrets, pullSecretsOf(t, text, item.template))
				continue
			}
			sayable, gaps := istio.Express(settings, traffic.Layer{})
			closed := !initially.Equal(settings)
			contained := mode != "AnnotationsOnly" && (mode != "WhereNeeded" || len(gaps) > 0 || closed) && !initially.BypassNothing()
			require.Equal(t, contained, arguments["krm-bypass-init"] != nil, "the init container is there where it is to be")
			require.Equal(t, contained && closed, arguments["krm-bypass-close"] != nil, "and the last where something ends")
			secrets := item.pullSecrets
			for _, name := range spec.pullSecrets {
				if contained && !slices.Contains(secrets, name) {
					secrets = append(secrets[:len(secrets):len(secrets)], name)
				}
			}
			require.Equal(t, secrets, pullSecretsOf(t, text, item.template), "the user's, then those that the init container needs besides")
			for name, arguments := range arguments {
				settings := map[string]traffic.Settings{"krm-bypass-init": initially, "krm-bypass-close": settings}[name]
				values := map[traffic.Field][]string{}
				for _, argument := range arguments {
					if argument == "apply" || argument == "--end-connections" {
						continue
					}
					flag, value, _ := strings.Cut(strings.TrimPrefix(argument, "--"), "=")
					at := slices.IndexFunc(traffic.Fields, func(f traffic.Field) bool { return f.Flag() == flag })
					require.GreaterOrEqual(t, at, 0, argument)
					values[traffic.Fields[at]] = append(values[traffic.Fields[at]], value)
				}
				parsed, err := traffic.ParseArguments(values)
				require.NoError(t, err)
				require.True(t, settings.Equal(parsed), "the arguments say\n%s\nnot\n%s", parsed, settings)
			}
			said, problems := istio.Read(annotations)
			require.Empty(t, problems, "the injector takes every annotation")
			effective := layerOf(t, spec.meshDefaults)
			for _, f := range traffic.Fields {
				if entries, says := said.Entries(f); says {
					require.NoError(t, effective.Set(f, entries))
				}
			}
			for _, k := range istio.Keys {
				require.Equal(t, k.Write(sayable.Settings()), k.Write(effective.Settings()), "%s of\n%s", k.Field, settings)
			}
			if annotations["krm-bypass.dev/policy"] != "" {
				require.Regexp(t, `^v1:[0-9a-f]{16}$`, annotations["krm-bypass.dev/policy"])
			}
		}
	})
}

// expected folds the scopes over a workload. initially are the settings while init
// containers run.
func (s drawnSpec) expected(t require.TestingT, item drawnItem) (settings, initially traffic.Settings, mode string, applies bool) {
	merges := map[string]traffic.Merge{"Override": traffic.Override, "Union": traffic.Union}
	or := func(value, otherwise string) string {
		if value == "" {
			return otherwise
		}
		return value
	}
	merge := or(s.merge, "Override")
	mode = or(s.mode, "InitContainer")
	layer, initial, said := layerOf(t, s.meshDefaults), traffic.Layer{}, traffic.Layer{}
	for _, scope := range s.scopes {
		if scope.namespace != "" && scope.namespace != item.namespace || scope.name != "" && scope.name != item.name {
			continue
		}
		said = said.Merge(layerOf(t, scope.fields), merges[or(scope.merge, merge)]).Merge(layerOf(t, scope.initial), merges[or(scope.merge, merge)])
		initial = initial.Merge(layerOf(t, scope.initial), merges[or(scope.merge, merge)])
		layer = layer.Merge(layerOf(t, scope.fields), merges[or(scope.merge, merge)])
		mode = or(scope.mode, mode)
	}
	istio, _ := mesh.ByName("Istio")
	user, problems := istio.Read(item.annotations)
	require.Empty(t, problems)
	layer = layer.Merge(user, merges[merge])
	return layer.Settings(), layer.Merge(initial, traffic.Union).Settings(), mode, !said.IsZero() && !item.untouchable
}

func layerOf(t require.TestingT, fields map[traffic.Field][]string) traffic.Layer {
	var l traffic.Layer
	for _, f := range traffic.Fields {
		if entries, says := fields[f]; says {
			require.NoError(t, l.Set(f, entries))
		}
	}
	return l
}

// podOf gives the template's annotations, and the arguments of our init containers by their
// names.
func podOf(t require.TestingT, text string, template []string) (annotations map[string]string, arguments map[string][]string) {
	var object map[string]any
	require.NoError(t, yaml.Unmarshal([]byte(text), &object))
	for _, step := range template {
		object, _ = object[step].(map[string]any)
	}
	metadata, _ := object["metadata"].(map[string]any)
	annotated, _ := metadata["annotations"].(map[string]any)
	annotations = map[string]string{}
	for key, value := range annotated {
		if key != recordAnnotation {
			annotations[key] = fmt.Sprint(value)
		}
	}
	spec, _ := object["spec"].(map[string]any)
	containers, _ := spec["initContainers"].([]any)
	arguments = map[string][]string{}
	for i, each := range containers {
		container := each.(map[string]any)
		name := container["name"].(string)
		place, ours := map[string]int{"krm-bypass-init": 0, "krm-bypass-close": len(containers) - 1}[name]
		if !ours {
			continue
		}
		require.Equal(t, place, i, "the one is the first, the other the last")
		arguments[name] = []string{}
		for _, argument := range container["args"].([]any) {
			arguments[name] = append(arguments[name], argument.(string))
		}
	}
	return annotations, arguments
}

// pullSecretsOf gives the names of a pod's image pull secrets.
func pullSecretsOf(t require.TestingT, text string, template []string) (names []string) {
	var object map[string]any
	require.NoError(t, yaml.Unmarshal([]byte(text), &object))
	for _, step := range append(slices.Clone(template), "spec") {
		object, _ = object[step].(map[string]any)
	}
	listed, _ := object["imagePullSecrets"].([]any)
	for _, each := range listed {
		names = append(names, each.(map[string]any)["name"].(string))
	}
	return names
}

// TestItemsAreProcessedTogether has enough items for several goroutines, whose
// plans share what the policy holds. With the race detector it shows that they
// only read it.
func TestItemsAreProcessedTogether(t *testing.T) {
	const spec = `apiVersion: krm-bypass.dev/v1alpha1
kind: ClusterBypass
spec:
  merge: Union
  global:
    excludeOutboundPorts: [3306]
    excludeOutbound:
    - {ipRanges: [10.1.0.0/16], ports: [5432]}
  enforcement:
    image: ghcr.io/krm-bypass/init:v0.1.0
    resources:
      limits: {memory: 32Mi}
`
	const item = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web-%d\n  namespace: shop\nspec:\n  template:\n    metadata:\n      annotations: {traffic.sidecar.istio.io/excludeOutboundPorts: '%[1]d'}\n    spec:\n      containers: []\n"
	var items []string
	for i := range 400 {
		items = append(items, fmt.Sprintf(item, 1000+i))
	}
	output, results, err := fn.Process(resourceList([]byte(spec), items), fn.Options{})
	require.NoError(t, err)
	assert.Len(t, results, len(items), "each workload has the result about the pair")
	for i, text := range itemTexts(t, output) {
		alone, _, err := fn.Process(resourceList([]byte(spec), items[i:i+1]), fn.Options{})
		require.NoError(t, err)
		require.Equal(t, itemTexts(t, alone)[0], text)
	}
}
