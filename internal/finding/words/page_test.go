package words_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/finding/words"
)

const root = "../../../"

// TestEveryKindHasWords also holds the description in the schema equal to the first
// sentence of the text.
func TestEveryKindHasWords(t *testing.T) {
	var schema struct {
		Defs map[string]struct {
			Properties map[string]struct{ Description string }
		} `json:"$defs"`
	}
	text, err := os.ReadFile(root + "internal/spec/schema.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &schema))
	files, err := filepath.Glob("text/*.md")
	require.NoError(t, err)
	assert.Len(t, files, len(finding.All()), "each text is that of a kind")
	for _, k := range finding.All() {
		_, described, _ := strings.Cut(schema.Defs["Lint"].Properties[k.ID].Description, " ")
		assert.Equal(t, "F"+strings.TrimPrefix(described, "f"), words.Finds(k), "internal/finding/words/text/%s.md begins with what v1alpha1.Lint says of the field", k.ID)
		_, mend, _ := strings.Cut(words.Text(k), "\n\nWhat to do: ")
		assert.NotEmpty(t, mend, "%s names a mend", k.ID)
	}
}

// TestExample holds the example in a text equal to what is really printed.
func TestExample(t *testing.T) {
	printed, err := os.ReadFile(root + "testdata/golden/lint/lint-auto-mtls/stderr.txt")
	require.NoError(t, err)
	assert.Contains(t, words.Text(finding.AutoMTLS), "\n    "+string(printed))
	expected, err := os.ReadFile(root + "testdata/golden/lint/lint-auto-mtls/expected.yaml")
	require.NoError(t, err)
	_, proposed, found := strings.Cut(string(expected), "proposedValue: |\n")
	require.True(t, found)
	proposed, _, _ = strings.Cut(proposed, "\n  tags:")
	assert.Contains(t, words.Text(finding.AutoMTLS), "\n"+strings.ReplaceAll("\n"+proposed, "\n      ", "\n    ")+"\n\n")
}

// TestLintNamesEveryKind holds the fields of spec.lint equal to the kinds of
// findings.
func TestLintNamesEveryKind(t *testing.T) {
	var named, have []string
	of := reflect.TypeFor[v1alpha1.Lint]()
	for i := range of.NumField() {
		if tag := of.Field(i).Tag.Get("schema"); strings.HasPrefix(tag, "enum=") {
			name, _, _ := strings.Cut(of.Field(i).Tag.Get("json"), ",")
			named = append(named, name+" "+tag)
		}
	}
	severities := make([]string, len(finding.Severities))
	for i, s := range finding.Severities {
		severities[i] = string(s)
	}
	for _, k := range finding.All() {
		have = append(have, fmt.Sprintf("%s enum=%s;default=%s", k.ID, strings.Join(severities, "|"), k.Severity))
	}
	assert.Equal(t, have, named, "api/v1alpha1.Lint has a field for each kind, in the order of internal/finding/kinds.go")
}

// TestEveryKindIsFound demands of each kind a golden, or a test, in which it is found.
func TestEveryKindIsFound(t *testing.T) {
	var found strings.Builder
	for _, pattern := range []string{"testdata/golden/*/*/stderr.txt", "internal/lint/*_test.go", "fn/*_test.go", "cmd/krm-bypass/*_test.go", "cmd/krm-bypass/testdata/*/*", "internal/*/*_test.go"} {
		files, err := filepath.Glob(root + pattern)
		require.NoError(t, err)
		for _, file := range files {
			if text, err := os.ReadFile(file); err == nil {
				found.Write(text)
			}
		}
	}
	for _, k := range finding.All() {
		text := found.String()
		assert.True(t, strings.Contains(text, "["+k.ID+"]") || strings.Contains(text, `"`+k.ID+`"`), "no golden and no test finds %s", k.ID)
	}
}
