package fn_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/revise"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// TestASuspendedRuleIsAsIfItWereRemoved suspends each rule of each golden, and takes it away.
func TestASuspendedRuleIsAsIfItWereRemoved(t *testing.T) {
	var folders []string
	for _, subject := range []string{"ambient", "enforcement", "init-containers", "meshconfig", "namespaces", "port-names", "scopes", "suspend"} {
		some, err := filepath.Glob(goldens + "/" + subject + "/*")
		require.NoError(t, err)
		folders = append(folders, some...)
	}
	compared := 0
	for _, folder := range folders {
		if !exists(folder, "spec.yaml") {
			continue
		}
		spec := yamltext.File{Path: "spec.yaml", Text: read(t, folder, "spec.yaml")}
		input := []fn.Manifest{{Path: "input.yaml", Text: read(t, folder, "input.yaml")}}
		rows, err := revise.Rows(spec)
		if err != nil {
			continue
		}
		for _, row := range rows {
			without, err := revise.Apply(spec, revise.Remove{Path: row.Path})
			suspended, failed := revise.Apply(spec, revise.Put{Path: row.Path, Rule: revise.Rule{"suspend": revise.Says("true")}})
			if err != nil || failed != nil {
				continue // shared by an anchor, or no rule
			}
			want, _, refused := fn.Manifests(fn.SpecIn(fn.Manifest{Path: "spec.yaml", Text: without}), input, fn.Options{})
			got, _, err := fn.Manifests(fn.SpecIn(fn.Manifest{Path: "spec.yaml", Text: suspended}), input, fn.Options{})
			if refused != nil { // such as an acceptance of the rule
				continue
			}
			compared++
			require.NoError(t, err, "%s %s", folder, row.Path)
			assert.Equal(t, string(want[0].Text), string(got[0].Text), "%s %s", folder, row.Path)
		}
	}
	assert.Greater(t, compared, 50)
}

func TestASuspendedRuleIsListedAndTellsNothing(t *testing.T) {
	const rules = "namespaces: [{match: {names: [shpo]}, name: late, suspend: true, expires: 2026-01-01, excludeOutboundPorts: [1]}, {match: {names: [shop]}, excludeOutboundPorts: [2]}], " +
		"workloads: [{match: {names: [gone]}, suspend: SUSPEND, excludeOutboundPorts: [3]}], lint: {accept: [{check: expired, rule: late, reason: known}]}"
	files := filesOf(workloadIn("shop", "web", "", "app: x"))
	spec := bypassOf(strings.Replace(rules, "SUSPEND", "true", 1))
	explained, err := fn.Explain(spec, files, fn.Options{}, "2026-11-28")
	require.NoError(t, err)
	assert.Equal(t, []fn.Reach{
		{Path: "spec.namespaces[0]", File: "bypass.yaml", Line: 5, Name: "late", Expires: "2026-01-01", Suspended: true},
		{Path: "spec.namespaces[1]", File: "bypass.yaml", Line: 5, Workloads: 1, Decided: 1, Some: []string{"Deployment shop/web"}},
		{Path: "spec.workloads[0]", File: "bypass.yaml", Line: 5, Suspended: true},
	}, anywhere(explained.Reach))
	assert.Empty(t, explained.Results)

	for suspend, want := range map[string]int{"true": 0, "false": 1} {
		checked, err := fn.Check(bypassOf(strings.Replace(rules, "SUSPEND", suspend, 1)), files, fn.Options{Complete: true}, fn.Expiry{Today: "2026-11-28"})
		require.NoError(t, err)
		assert.Len(t, of("unreached-rule", checked.Results), want)
		assert.Empty(t, of("expired", checked.Results))
		assert.Empty(t, of("unused-acceptance", checked.Results))
	}

	all := bypassOf("global: {suspend: true, excludeOutboundPorts: [1]}")
	explained, err = fn.Explain(all, files, fn.Options{}, "")
	require.NoError(t, err)
	assert.Equal(t, []fn.Reach{{Path: "spec.global", File: "bypass.yaml", Line: 5, Suspended: true}}, explained.Reach)
}
