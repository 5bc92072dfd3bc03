package lint_test

import (
	"flag"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/lint"
)

var update = flag.Bool("update", false, "rewrite the generated parts of docs/lint.md, and fail")

const (
	page    = "../../docs/lint.md"
	example = "../../testdata/golden/lint/lint-auto-mtls/stderr.txt"
)

var (
	generated = regexp.MustCompile(`(?s)<!-- (generated: checks|example) -->\n(.*?)<!-- end -->`)
	headings  = regexp.MustCompile(`(?m)^### (.*)$`)
)

// TestPage holds docs/lint.md equal to the table of checks: each has its section,
// in the order of the table, and the example is what is really printed.
func TestPage(t *testing.T) {
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	printed, err := os.ReadFile(example)
	require.NoError(t, err)
	parts := map[string]string{
		"generated: checks": checkTable(),
		"example":           "    " + strings.ReplaceAll(strings.TrimSuffix(string(printed), "\n"), "\n", "\n    ") + "\n",
	}
	seen := 0
	want := generated.ReplaceAllStringFunc(string(text), func(block string) string {
		name := generated.FindStringSubmatch(block)[1]
		seen++
		return "<!-- " + name + " -->\n" + parts[name] + "<!-- end -->"
	})
	require.Len(t, parts, seen, "each part stands there once")
	if want != string(text) && *update {
		require.NoError(t, os.WriteFile(page, []byte(want), 0o644))
		t.Fatal("docs/lint.md was rewritten: read the difference, then run without -update")
	}
	assert.Equal(t, want, string(text), "go test ./internal/lint -run TestPage -update rewrites it")

	var names, sections []string
	for _, c := range lint.Checks() {
		names = append(names, c.ID)
	}
	for _, heading := range headings.FindAllStringSubmatch(string(text), -1) {
		sections = append(sections, heading[1])
	}
	assert.Equal(t, names, sections, "each check has a section")
}

// configurations are the kinds that hold Istio's MeshConfig.
var configurations = []string{"ConfigMap", "IstioOperator", "Istio"}

func checkTable() string {
	var rows strings.Builder
	rows.WriteString("| check | default | mesh | looks at workloads and |\n|---|---|---|---|\n")
	for _, c := range lint.Checks() {
		mesh, beside := "every", "nothing else"
		if c.Domain != "" {
			mesh = "Istio"
		}
		var kinds []string
		for _, k := range c.Kinds() {
			name, _, _ := strings.Cut(k, ".")
			if slices.Contains(configurations, name) {
				name = "MeshConfig"
			}
			if !slices.Contains(kinds, name) {
				kinds = append(kinds, name)
			}
		}
		if len(kinds) > 0 {
			beside = strings.Join(kinds, ", ")
		}
		fmt.Fprintf(&rows, "| [%[1]s](#%[1]s) | %[2]s | %[3]s | %[4]s |\n", c.ID, c.Severity, mesh, beside)
	}
	return rows.String()
}

// TestLintNamesEveryKind holds the fields of spec.lint equal to the kinds of
// findings.
func TestLintNamesEveryKind(t *testing.T) {
	var named, have []string
	of := reflect.TypeFor[v1alpha1.Lint]()
	for i := range of.NumField() {
		name, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
		named = append(named, name+" "+of.Field(i).Tag.Get("schema"))
	}
	severities := make([]string, len(finding.Severities))
	for i, s := range finding.Severities {
		severities[i] = string(s)
	}
	for _, k := range finding.All() {
		have = append(have, fmt.Sprintf("%s enum=%s;default=%s", k.ID, strings.Join(severities, "|"), k.Severity))
	}
	assert.Equal(t, have, named)
}
