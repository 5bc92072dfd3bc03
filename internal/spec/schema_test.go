package spec_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/spec"
)

func compiledSchema(t testing.TB) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(spec.Schema()))
	require.NoError(t, err)
	compiler := jsonschema.NewCompiler()
	require.NoError(t, compiler.AddResource("clusterbypass.json", document))
	schema, err := compiler.Compile("clusterbypass.json")
	require.NoError(t, err)
	return schema
}

// asJSON decodes YAML into the values that a JSON document would have.
func asJSON(t *testing.T, text []byte) any {
	t.Helper()
	var node yaml.Node
	require.NoError(t, yaml.Unmarshal(text, &node))
	datesAsText(&node)
	var value any
	require.NoError(t, node.Decode(&value))
	return value
}

// datesAsText reads a day without quotes as editors do, by YAML 1.2, which has no
// timestamps.
func datesAsText(node *yaml.Node) {
	if node.Tag == "!!timestamp" {
		node.Tag = "!!str"
	}
	for _, child := range node.Content {
		datesAsText(child)
	}
}

func TestSchemaTakesTheExamples(t *testing.T) {
	schema := compiledSchema(t)
	var seen int
	require.NoError(t, filepath.WalkDir("../../examples", func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".yaml" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if !strings.Contains(string(text), "\nkind: ClusterBypass\n") {
			return nil
		}
		seen++
		assert.NoError(t, schema.Validate(asJSON(t, text)), path)
		return nil
	}))
	assert.GreaterOrEqual(t, seen, 3, "each of the three systems has an example")
}

func TestSchemaAgreesWithTheDecoder(t *testing.T) {
	schema := compiledSchema(t)
	tests := []struct {
		name string
		spec string
		fine bool
	}{
		{"nothing said", `{}`, true},
		{"ports of every form", `{global: {excludeInboundPorts: [80, "8000-8010", "53/UDP", "1-14999/TCP"]}}`, true},
		{"everything selected", `{global: {includeInboundPorts: "*", includeOutboundIPRanges: ["*"]}}`, true},
		{"a pair", `{global: {excludeOutbound: [{ipRanges: [10.0.0.0/8], ports: [1]}]}}`, true},
		{"a rule", `{namespaces: [{match: {names: [a]}, excludeInboundPorts: []}]}`, true},
		{"a rule with a note", `{requireReason: true, global: {reason: metrics, owner: team-a, expires: "2026-12-31"}}`, true},
		{"limits", `{limits: {forbiddenInboundPorts: [1, "2-3"], forbiddenOutboundPorts: [443/TCP], widestPrefix: {ipv4: 0, ipv6: 128}, forbiddenNamespaces: ["a*"], podAnnotations: {namespaces: []}, meshOptOut: {namespaces: ["team-*"]}}}`, true},
		{"no limits", `{limits: {}}`, true},
		{"resources", `{enforcement: {resources: {limits: {cpu: 1, memory: 64Mi}}}}`, true},
		{"an unknown field", `{globl: {}}`, false},
		{"an unknown traffic field", `{global: {excludeInbondPorts: []}}`, false},
		{"an unknown mesh", `{mesh: Itsio}`, false},
		{"port 0", `{global: {excludeInboundPorts: [0]}}`, false},
		{"ports by name", `{global: {excludeInboundPorts: [http-metrics, 80, 8080-tcp, a, "0x50"], includeInboundPorts: [web]}}`, true},
		{"a name in a list of ports of others", `{global: {excludeOutboundPorts: [http]}}`, false},
		{"a name in a pair", `{global: {excludeOutbound: [{ipRanges: [10.0.0.0/8], ports: [http]}]}}`, false},
		{"a name in a limit", `{limits: {forbiddenInboundPorts: [http]}}`, false},
		{"a name that is too long", `{global: {excludeInboundPorts: [seventeen-letters]}}`, false},
		{"a name with two hyphens", `{global: {excludeInboundPorts: [http--metrics]}}`, false},
		{"a name that ends with one", `{global: {excludeInboundPorts: [http-]}}`, false},
		{"a name in capitals", `{global: {includeInboundPorts: [HTTP]}}`, false},
		{"a name beside everything", `{global: {includeInboundPorts: [http, "*"]}}`, false},
		{"a port outside of a list", `{global: {excludeInboundPorts: 80}}`, false},
		{"half a pair", `{global: {excludeOutbound: [{ports: [1]}]}}`, false},
		{"a rule without a match", `{workloads: [{excludeInboundPorts: [80]}]}`, false},
		{"a number where a string is needed", `{enforcement: {image: 1}}`, false},
		{"a key without a value", `{global: {excludeInboundPorts: }}`, false},
		{"a prefix that is too long", `{limits: {widestPrefix: {ipv4: 33}}}`, false},
		{"a prefix in quotes", `{limits: {widestPrefix: {ipv6: "48"}}}`, false},
		{"a prefix with its slash", `{limits: {widestPrefix: {ipv6: /48}}}`, false},
		{"annotations for nobody named", `{limits: {podAnnotations: {}}}`, false},
		{"opt-outs of nobody named", `{limits: {meshOptOut: {}}}`, false},
		{"a month for a day", `{global: {expires: 2026-12}}`, false},
		{"no day at all", `{global: {expires: ""}}`, false},
		{"a note on the mesh's own defaults", `{meshDefaults: {reason: a}}`, false},
		{"an unknown mode", `{workloads: [{match: {names: [a]}, enforcement: {mode: Always}}]}`, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			text := []byte("apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster, uid: x}\nspec: " + test.spec + "\n")
			_, decodeErr := read(string(text))
			schemaErr := schema.Validate(asJSON(t, text))
			assert.Equal(t, test.fine, decodeErr == nil, "the decoder says: %v", decodeErr)
			assert.Equal(t, test.fine, schemaErr == nil, "the schema says: %v", schemaErr)
		})
	}
}

func TestSchemaNamesEveryMesh(t *testing.T) {
	schema := asJSON(t, []byte(spec.Schema()))
	defined := schema.(map[string]any)["$defs"].(map[string]any)["Spec"].(map[string]any)
	property := defined["properties"].(map[string]any)["mesh"].(map[string]any)
	var named []string
	for _, name := range property["enum"].([]any) {
		named = append(named, name.(string))
	}
	assert.Equal(t, mesh.Names(), named, "the schema tag of Spec.Mesh lists the meshes of internal/mesh")
}
