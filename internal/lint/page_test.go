package lint_test

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/finding/words"
	"github.com/krm-bypass/krm-bypass/internal/lint"
)

var update = flag.Bool("update", false, "rewrite docs/lint.md, and fail")

// TestPage holds docs/lint.md equal to the kinds of findings and their texts.
func TestPage(t *testing.T) {
	const page = "../../docs/lint.md"
	intro, err := os.ReadFile("testdata/intro.md")
	require.NoError(t, err)
	want := string(intro) + "\n## Kinds\n\n" + table() + sections()
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	if want != string(text) && *update {
		require.NoError(t, os.WriteFile(page, []byte(want), 0o644))
		t.Fatal("docs/lint.md was rewritten: read the difference, then run without -update")
	}
	assert.Equal(t, want, string(text), "go test ./internal/lint -run TestPage -update rewrites it")
}

func table() string {
	var rows strings.Builder
	rows.WriteString("| kind | default | mesh | also looks at | told by |\n|---|---|---|---|---|\n")
	for _, k := range finding.All() {
		mesh, by := "every", "every run"
		if k.Domain != "" {
			mesh = "Istio"
		}
		switch {
		case k.Unexplained:
			by = "check, lint"
		case k.Asked:
			by = "check, explain, lint"
		}
		fmt.Fprintf(&rows, "| [%[1]s](#%[1]s) | %[2]s | %[3]s | %[4]s | %[5]s |\n", k.ID, k.Severity, mesh, readsOf(k), by)
	}
	return rows.String()
}

// configurations are the kinds of objects that hold Istio's MeshConfig.
var configurations = []string{"ConfigMap", "IstioOperator", "Istio"}

func readsOf(k *finding.Kind) string {
	var kinds []string
	for _, name := range lint.Reads(k) {
		if slices.Contains(configurations, name) {
			name = "MeshConfig"
		}
		if !slices.Contains(kinds, name) {
			kinds = append(kinds, name)
		}
	}
	return strings.Join(kinds, ", ")
}

func sections() string {
	var b strings.Builder
	groups := words.Groups
	for _, k := range finding.All() {
		if len(groups) > 0 && groups[0].First == k {
			fmt.Fprintf(&b, "\n## %s\n", groups[0].Title)
			if groups[0].Intro != "" {
				fmt.Fprintf(&b, "\n%s\n", groups[0].Intro)
			}
			groups = groups[1:]
		}
		fmt.Fprintf(&b, "\n### %s\n\n%s", k.ID, words.Text(k))
	}
	return b.String()
}
