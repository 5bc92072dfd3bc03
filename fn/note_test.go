package fn_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/fn"
)

func specOf(t *testing.T, body string) (*fn.ClusterBypass, error) {
	t.Helper()
	var node yaml.Node
	require.NoError(t, yaml.Unmarshal([]byte("apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec: "+body+"\n"), &node))
	return fn.ReadSpec(&node, "bypass.yaml")
}

func TestRulesGiveTheirNotes(t *testing.T) {
	spec, err := specOf(t, `{
  global: {reason: node metadata, excludeOutboundIPRanges: [169.254.169.254]},
  namespaces: [
    {match: {names: [shop]}, excludeInboundPorts: [9090]},
    {match: {names: [team-a]}, owner: team-a@example.com, expires: 2026-12-31, excludeInboundPorts: [9090]}],
  workloads: [{match: {names: [web]}, reason: "  ", expires: "2027-01-01", excludeInboundPorts: [9091]}]}`)
	require.NoError(t, err)
	assert.Equal(t, []fn.Rule{
		{Path: "spec.global", Note: fn.Note{Reason: "node metadata"}},
		{Path: "spec.namespaces[0]"},
		{Path: "spec.namespaces[1]", Note: fn.Note{Owner: "team-a@example.com", Expires: "2026-12-31"}},
		{Path: "spec.workloads[0]", Note: fn.Note{Reason: "  ", Expires: "2027-01-01"}},
	}, spec.Rules())
}

func TestARuleExpiresAfterItsLastDay(t *testing.T) {
	note := fn.Note{Expires: "2026-12-31"}
	assert.False(t, note.Expired("2026-12-30"))
	assert.False(t, note.Expired("2026-12-31"), "on its last day it still holds")
	assert.True(t, note.Expired("2027-01-01"))
	assert.False(t, fn.Note{}.Expired("9999-12-31"), "no day is the last one")
}

func TestNotesThatAreRefused(t *testing.T) {
	tests := []struct{ name, spec, want string }{
		{"no reason in any rule", `{requireReason: true, global: {excludeInboundPorts: [1]}, workloads: [{match: {names: [a]}, owner: me, excludeInboundPorts: [1]}]}`,
			"bypass.yaml: spec.global.reason: missing: spec.requireReason is true, so say what the rule is for\n" +
				"bypass.yaml: spec.workloads[0].reason: missing: spec.requireReason is true, so say what the rule is for"},
		{"a reason of blanks", `{requireReason: true, namespaces: [{match: {names: [a]}, reason: " ", excludeInboundPorts: [1]}]}`,
			"bypass.yaml: spec.namespaces[0].reason: missing: spec.requireReason is true, so say what the rule is for"},
		{"no day of the calendar", `{global: {expires: 2026-02-30}}`,
			`bypass.yaml: spec.global.expires: "2026-02-30" is not a day: write it as RFC 3339 does, such as 2026-12-31`},
		{"a day as other people write it", `{global: {expires: 31.12.2026}}`,
			`bypass.yaml: spec.global.expires: "31.12.2026" is not a day: write it as RFC 3339 does, such as 2026-12-31`},
		{"a time", `{global: {expires: 2026-12-31T00:00:00Z}}`,
			`bypass.yaml: spec.global.expires: "2026-12-31T00:00:00Z" is not a day: write it as RFC 3339 does, such as 2026-12-31`},
		{"a note on what is no rule", `{meshDefaults: {reason: a}}`,
			`bypass.yaml: spec.meshDefaults.reason: unknown field "reason": the fields here are excludeInboundPorts, includeInboundPorts, excludeOutboundPorts, includeOutboundPorts, excludeOutboundIPRanges, includeOutboundIPRanges, excludeOutbound`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := specOf(t, test.spec)
			assert.EqualError(t, err, test.want)
		})
	}
}

func TestWithAReasonTheSpecIsTaken(t *testing.T) {
	_, err := specOf(t, `{requireReason: true, meshDefaults: {excludeInboundPorts: [15020]},
  global: {reason: metrics, excludeInboundPorts: [9090]}, workloads: [{match: {names: [a]}, reason: health, excludeInboundPorts: []}]}`)
	assert.NoError(t, err)
}
