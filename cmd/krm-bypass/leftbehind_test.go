package main

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestExplainTellsWhatABypassLeavesBehind takes the rule away for which a DestinationRule was
// added.
func TestExplainTellsWhatABypassLeavesBehind(t *testing.T) {
	read := func(name string) string {
		text, err := os.ReadFile("../../testdata/golden/lint/lint-plain-text/" + name)
		require.NoError(t, err)
		return string(text)
	}
	spec := read("spec.yaml")
	t.Chdir(folder(t, map[string]string{"bank.yaml": read("input.yaml"), "bypass.yaml": strings.Replace(spec, "[ledger]", "[ledger, store]", 1)}))
	committed(t, ".")
	explain := []string{"explain", "bank.yaml", "--spec", "bypass.yaml", "--before", "main"}
	_, _, errOut := krmBypass("", explain...)
	assert.Empty(t, errOut)

	require.NoError(t, os.WriteFile("bypass.yaml", []byte(spec), 0o600))
	code, out, errOut := krmBypass("", explain...)
	assert.Zero(t, code)
	assert.Contains(t, out, "1 of 2 workloads changed")
	assert.Contains(t, errOut, "warning, new: bank.yaml:55: DestinationRule bank/store-bypass: ")
	for _, format := range []string{"markdown", "html"} {
		_, out, _ := krmBypass("", append(explain, "-o", format)...)
		assert.Contains(t, out, "store-bypass", format)
	}
	require.NoError(t, os.Remove("bypass.yaml"))
	_, _, errOut = krmBypass("", explain...)
	assert.Contains(t, errOut, "DestinationRule bank/store-bypass: ")
	assert.Contains(t, errOut, "DestinationRule bank/ledger-bypass: ")
}
