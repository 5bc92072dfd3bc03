package probe

import (
	"flag"
	"strings"
	"testing"

	"github.com/krm-bypass/krm-bypass/test/page"
)

var update = flag.Bool("update", false, "rewrite the tables of docs/probe.md, and fail")

// TestPage holds the last part of docs/probe.md to the tables.
func TestPage(t *testing.T) {
	page.Holds(t, "../../docs/probe.md", map[string]string{"marks": tables()}, *update, "go test ./internal/probe -run TestPage -update")
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
