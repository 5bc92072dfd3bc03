package probe

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite the tables of docs/probe.md, and fail")

const page = "../../docs/probe.md"

// TestThePageListsTheMarks holds the last part of docs/probe.md to the tables.
func TestThePageListsTheMarks(t *testing.T) {
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	before, _, found := strings.Cut(string(text), "| header | left by |")
	require.True(t, found)
	want := before + tables()
	if *update && want != string(text) {
		require.NoError(t, os.WriteFile(page, []byte(want), 0o644))
		t.Fatal("docs/probe.md was rewritten: read the difference, then run without -update")
	}
	assert.Equal(t, want, string(text), "go test ./internal/probe -update rewrites it")
}

func tables() string {
	var b strings.Builder
	row := func(cells ...string) { b.WriteString("| " + strings.Join(cells, " | ") + " |\n") }
	row("header", "left by", "source")
	b.WriteString("|---|---|---|\n")
	for _, m := range Marks {
		header := m.Header
		if m.Value != "" {
			header += ": " + m.Value
		}
		row("`"+header+"`", m.By, m.Source)
	}
	b.WriteString("\n")
	row("certificate", "issued by", "source")
	b.WriteString("|---|---|---|\n")
	for _, i := range Identities {
		row("`"+pattern(i)+"`", i.By, i.Source)
	}
	return b.String()
}

// pattern gives the pattern of the names, with "*" for anything.
func pattern(i Identity) string {
	names := i.Prefix + "*"
	if i.Infix != "" {
		names += i.Infix + "*"
	}
	return string(i.In) + " " + names
}
