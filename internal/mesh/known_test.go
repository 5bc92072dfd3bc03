package mesh_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/internal/mesh"
)

// Each list is in order, and every key of it is under the mesh's domain and no slip
// where it is known.
func TestKnownKeys(t *testing.T) {
	line := regexp.MustCompile(`^(# [a-z-]+/[a-z0-9-]+ .+|(pod|label|else) [a-z0-9.-]+/[A-Za-z0-9-]*\*?( (bool|switch|yesno|number|quantity|list|json|mapping|interfaces))?)$`)
	for _, m := range mesh.All() {
		text, err := os.ReadFile(filepath.Join("known", strings.ToLower(m.Name)+".txt"))
		require.NoError(t, err)
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		assert.True(t, strings.HasPrefix(lines[0], "# "), "%s has a source", m.Name)
		seen := slices.Sorted(slices.Values(lines))
		assert.Len(t, slices.Compact(seen), len(lines), "%s has each key once", m.Name)
		for _, one := range lines {
			require.Regexp(t, line, one, m.Name)
			where, key, _ := strings.Cut(one, " ")
			if where == "#" {
				continue
			}
			key, _, _ = strings.Cut(key, " ")
			prefix, _, _ := strings.Cut(key, "/")
			assert.True(t, prefix == m.Domain || strings.HasSuffix(prefix, "."+m.Domain), "%s in %s", key, m.Name)
			written := map[string]string{strings.Replace(key, "*", "x", 1): ""}
			if where != "label" {
				assert.Empty(t, m.Slips(written), "%s in %s", key, m.Name)
			}
			if where != "pod" {
				assert.Empty(t, m.LabelSlips(written), "%s in %s", key, m.Name)
			}
		}
	}
}
