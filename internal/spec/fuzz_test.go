package spec_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/spec"
)

// FuzzReadSpec holds the decoder to never panicking, to naming field and matter
// in all that it refuses, and to accepting only what the schema accepts too.
func FuzzReadSpec(f *testing.F) {
	for _, seed := range []string{
		"", "- a list", "apiVersion: krm-bypass.dev/v1", "spec: {}\nspec: {}", "[", "a: &a {<<: *a}", "{'': 1}",
		head + "spec: {}",
		head + "spec: &s {<<: *s}",
		head + "spec: {global: &g {excludeOutboundPorts: [3306, 9000-9010/UDP]}, namespaces: [{match: {names: [a]}, <<: *g}]}",
		head + "spec: {global: {includeInboundPorts: '*', includeOutboundIPRanges: ['*'], excludeOutboundIPRanges: [10.1, fd00::/8]}}",
		head + "spec: {global: {excludeOutbound: [{ipRanges: [10.0.0.0/8], ports: [1, '']}, {}]}}",
		head + "spec: {workloads: [{match: {kinds: [Deployment], labelSelector: {matchLabels: {a: b}, matchExpressions: [{key: a, operator: In}]}}}]}",
		head + "spec: {enforcement: {image: '', mode: X, resources: {limits: {cpu: 1}}}, podTemplates: [{apiVersion: a/v1, kind: A, path: .a}]}",
		head + "spec: {mesh: Itsio, merge: ~, enrolment: {namespaces: ['[', a]}, meshDefaults: {excludeInboundPorts: [15020]}}",
	} {
		f.Add([]byte(seed))
	}
	schema := compiledSchema(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		var node yaml.Node
		if yaml.Unmarshal(text, &node) != nil {
			return
		}
		_, err := spec.Source{Node: &node, File: "spec.yaml", Line: 1}.Read(spec.Given{})
		if err != nil {
			var problems spec.Problems
			require.ErrorAs(t, err, &problems)
			require.NotEmpty(t, problems)
			for _, p := range problems {
				assert.NotEmpty(t, p.Message)
				assert.Equal(t, "spec.yaml", p.File)
				if len(node.Content) == 1 && node.Content[0].Kind == yaml.MappingNode {
					assert.NotEmpty(t, p.Path, p.Message)
				}
			}
			return
		}
		var value any
		if yaml.Unmarshal(text, &value) != nil {
			return // in the metadata, which is not judged
		}
		if _, err := json.Marshal(value); err != nil {
			return // has no JSON, which the schema is for
		}
		assert.NoError(t, schema.Validate(value))
	})
}
