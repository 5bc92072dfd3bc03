// Package page keeps the generated tables of a page of the documentation what the code
// says.
package page

import (
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var generated = regexp.MustCompile(`(?s)<!-- generated: (\w+) -->\n(.*?)<!-- end -->`)

// Holds holds each table that is marked as generated in the page at a path to the one of
// its name. With update it rewrites the page, and fails, so that somebody reads the
// difference. command is the one that does so.
func Holds(t *testing.T, path string, tables map[string]string, update bool, command string) {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	var seen []string
	want := generated.ReplaceAllStringFunc(string(text), func(block string) string {
		name := generated.FindStringSubmatch(block)[1]
		seen = append(seen, name)
		require.Contains(t, tables, name)
		return "<!-- generated: " + name + " -->\n" + tables[name] + "<!-- end -->"
	})
	require.Len(t, seen, len(tables), "every table stands there once")
	if want == string(text) {
		return
	}
	if update {
		require.NoError(t, os.WriteFile(path, []byte(want), 0o644))
		t.Fatalf("%s was rewritten: read the difference, then run without -update", path)
	}
	assert.Equal(t, want, string(text), "%s rewrites it", command)
}
