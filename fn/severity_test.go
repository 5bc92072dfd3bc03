package fn_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/finding"
)

// TestSeverities takes each golden in which something is found, and sets the
// severity of that kind: Ignore says nothing of it, Error writes nothing, and what
// is written does not depend on it.
func TestSeverities(t *testing.T) {
	folders, err := filepath.Glob(goldens + "/*/*")
	require.NoError(t, err)
	seen := map[string]bool{}
	for _, folder := range folders {
		stderr := string(read(t, folder, "stderr.txt"))
		if !exists(folder, "spec.yaml") || strings.Contains(stderr, "error: ") {
			continue
		}
		for _, kind := range finding.All() {
			if !strings.Contains(stderr, " ["+kind.ID+"]\n") {
				continue
			}
			seen[kind.ID] = true
			t.Run(kind.ID+"/"+filepath.Base(folder), func(t *testing.T) {
				items := documentsOf(read(t, folder, "input.yaml"))
				config := read(t, folder, "spec.yaml")
				told, _, err := fn.Process(resourceList(config, items), fn.Options{})
				require.NoError(t, err)

				ignored, results, err := fn.Process(resourceList(graded(t, config, kind.ID, "Ignore"), items), fn.Options{})
				require.NoError(t, err)
				assert.NotContains(t, results.Report(), "["+kind.ID+"]")
				assert.Equal(t, itemTexts(t, told), itemTexts(t, ignored), "what is written does not depend on it")

				refused, results, err := fn.Process(resourceList(graded(t, config, kind.ID, "Error"), items), fn.Options{})
				require.ErrorIs(t, err, fn.ErrFailed)
				assert.Regexp(t, `(?m)^error: .* \[`+kind.ID+`\]$`, results.Report())
				assert.Equal(t, items, itemTexts(t, refused), "nothing is written")
			})
		}
	}
	// A build alone sees what was changed after it, and where the spec stands. Keys that stand twice, and what is
	// too large, are no input
	// for a golden: fn and internal/lint have tables of them.
	elsewhere := []*finding.Kind{finding.ChangedAfter, finding.MisplacedSpec, finding.DuplicateKey, finding.AnnotationSize, finding.ArgumentSize, finding.ObjectSize}
	for _, kind := range finding.All() {
		if !kind.Asked && !slices.Contains(elsewhere, kind) {
			assert.True(t, seen[kind.ID], "a golden finds %s", kind.ID)
		}
	}
}

// graded gives a spec with the severity of a kind.
func graded(t *testing.T, spec []byte, id, severity string) []byte {
	t.Helper()
	var object map[string]any
	require.NoError(t, yaml.Unmarshal(spec, &object))
	body, _ := object["spec"].(map[string]any)
	lint, _ := body["lint"].(map[string]any)
	if lint == nil {
		lint = map[string]any{}
	}
	lint[id] = severity
	body["lint"] = lint
	text, err := yaml.Marshal(object)
	require.NoError(t, err)
	return text
}
