package spec_test

import (
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/internal/spec"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

func TestRulesGiveTheirNotes(t *testing.T) {
	read, err := specOf(t, `{
  global: {reason: node metadata, excludeOutboundIPRanges: [169.254.169.254]},
  namespaces: [
    {match: {names: [shop]}, excludeInboundPorts: [9090]},
    {match: {names: [team-a]}, owner: team-a@example.com, expires: 2026-12-31, excludeInboundPorts: [9090]}],
  workloads: [{match: {names: [web]}, reason: "  ", expires: 2027-01-01T00:00:00Z, excludeInboundPorts: [9091]}]}`) // as kustomize hands it on
	require.NoError(t, err)
	inbound := func(port v1alpha1.InboundPort) v1alpha1.Traffic {
		return v1alpha1.Traffic{ExcludeInboundPorts: v1alpha1.InboundPortList{port}}
	}
	assert.Equal(t, []spec.Rule{
		{"spec.global", v1alpha1.Note{Reason: "node metadata"}, v1alpha1.Traffic{ExcludeOutboundIPRanges: v1alpha1.IPRangeList{"169.254.169.254"}}, v1alpha1.Starting{}, v1alpha1.Switch{}},
		{"spec.namespaces[0]", v1alpha1.Note{}, inbound("9090"), v1alpha1.Starting{}, v1alpha1.Switch{}},
		{"spec.namespaces[1]", v1alpha1.Note{Owner: "team-a@example.com", Expires: "2026-12-31"}, inbound("9090"), v1alpha1.Starting{}, v1alpha1.Switch{}},
		{"spec.workloads[0]", v1alpha1.Note{Reason: "  ", Expires: "2027-01-01"}, inbound("9091"), v1alpha1.Starting{}, v1alpha1.Switch{}},
	}, spec.Rules(read.ClusterBypass))
}

func TestARuleExpiresAfterItsLastDay(t *testing.T) {
	note := v1alpha1.Note{Expires: "2026-12-31"}
	assert.False(t, note.Expired("2026-12-30"))
	assert.False(t, note.Expired("2026-12-31"), "on its last day it still holds")
	assert.True(t, note.Expired("2027-01-01"))
	assert.False(t, v1alpha1.Note{}.Expired("9999-12-31"), "no day is the last one")
}

func TestNotesThatAreRefused(t *testing.T) {
	tests := []struct{ name, spec, want string }{
		{"no reason in any rule", `{requireReason: true, global: {excludeInboundPorts: [1]}, workloads: [{match: {names: [a]}, owner: me, excludeInboundPorts: [1]}]}`,
			"bypass.yaml:4: spec.global.reason: missing: spec.requireReason is true, so say what the rule is for\n" +
				"bypass.yaml:4: spec.workloads[0].reason: missing: spec.requireReason is true, so say what the rule is for"},
		{"a reason of blanks", `{requireReason: true, namespaces: [{match: {names: [a]}, reason: " ", excludeInboundPorts: [1]}]}`,
			"bypass.yaml:4: spec.namespaces[0].reason: missing: spec.requireReason is true, so say what the rule is for"},
		{"no day of the calendar", `{global: {expires: 2026-02-30}}`,
			`bypass.yaml:4: spec.global.expires: "2026-02-30" is not a day: write year, month and day, as in 2026-12-31`},
		{"a day as other people write it", `{global: {expires: 31.12.2026}}`,
			`bypass.yaml:4: spec.global.expires: "31.12.2026" is not a day: write year, month and day, as in 2026-12-31`},
		{"a time", `{global: {expires: 2026-12-31T12:00:00Z}}`,
			`bypass.yaml:4: spec.global.expires: "2026-12-31T12:00:00Z" is not a day: write year, month and day, as in 2026-12-31`},
		{"a name twice", `{global: {name: a, excludeInboundPorts: [1]}, namespaces: [{name: b, match: {names: [a]}}], workloads: [{name: a, match: {names: [a]}}]}`,
			`bypass.yaml:4: spec.workloads[0].name: "a" is the name of spec.global already: give each rule its own`},
		{"a name with a blank", `{global: {name: to db}}`, `bypass.yaml:4: spec.global.name: "to db" is not a valid name of a rule: use up to 63 letters, digits, "-", "_" and "."`},
		{"an empty name", `{global: {name: ""}}`, `bypass.yaml:4: spec.global.name: empty: write a value, or remove the line`},
		{"a note on what is no rule", `{meshDefaults: {reason: a}}`,
			`bypass.yaml:4: spec.meshDefaults.reason: unknown field "reason": the fields here are excludeInboundPorts, includeInboundPorts, excludeOutboundPorts, includeOutboundPorts, excludeOutboundIPRanges, includeOutboundIPRanges, excludeOutbound`},
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

// TestARuleTakesLittleMemory, since there may be thousands: what a rule does not use
// costs it nothing.
func TestARuleTakesLittleMemory(t *testing.T) {
	const rules, most = 2000, 4200 // bytes that are asked for, for each
	text := head + "spec:\n  enforcement: {image: ghcr.io/krm-bypass/init:v0.1.0}\n  namespaces:\n" + strings.Repeat("  - {match: {names: [shop]}, excludeOutboundPorts: [3306]}\n", rules)
	source, err := spec.In(yamltext.File{Path: "bypass.yaml", Text: []byte(text)})
	require.NoError(t, err)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err = source.Read(spec.Given{})
	runtime.ReadMemStats(&after)
	require.NoError(t, err)
	assert.Less(t, (after.TotalAlloc-before.TotalAlloc)/rules, uint64(most))
}
