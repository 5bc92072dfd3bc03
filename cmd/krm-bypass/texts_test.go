package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAFileIsReadOncePerChange(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a")
	var kept texts
	reads := 0
	says := func(want string) {
		t.Helper()
		text, err := kept.text(path, func() ([]byte, error) { reads++; return os.ReadFile(path) })
		require.NoError(t, err)
		assert.Equal(t, want, string(text))
	}
	write := func(text string, ago time.Duration) {
		t.Helper()
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		require.NoError(t, os.Chtimes(path, time.Time{}, time.Now().Add(-ago)))
	}
	write("one", time.Hour)
	says("one")
	says("one")
	assert.Equal(t, 1, reads)

	write("two", time.Minute)
	says("two")
	says("two")
	assert.Equal(t, 2, reads, "it was changed")

	write("new", 0)
	says("new")
	says("new")
	assert.Equal(t, 4, reads, "it may change again within the same tick")

	require.NoError(t, os.Remove(path))
	_, err := kept.text(path, func() ([]byte, error) { return os.ReadFile(path) })
	assert.ErrorIs(t, err, os.ErrNotExist)
}

// TestDraftsReadTheFilesOnce has a tree look at two texts of the specification.
func TestDraftsReadTheFilesOnce(t *testing.T) {
	for name, more := range map[string]string{"in a folder": "", "in a build": "resources: [web.yaml]\n"} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{"bypass.yaml": treeSpec, "m/web.yaml": treePod}
			if more != "" {
				files["m/kustomization.yaml"] = more
			}
			laidOut(t, files)
			for path := range files {
				require.NoError(t, os.Chtimes(path, time.Time{}, time.Now().Add(-time.Hour)))
			}
			tree, err := newTree(inputs{specs: []string{"bypass.yaml"}}, []string{"m"}, "", "2026-11-28")
			require.NoError(t, err)
			real, err := realPath("m/web.yaml")
			require.NoError(t, err)
			var first []byte
			for _, text := range [][]byte{nil, []byte(treeSpec + "  meshDefaults: {excludeInboundPorts: [15020]}\n")} {
				seen, err := tree.See(t.Context(), text)
				require.NoError(t, err)
				require.Empty(t, seen.Problems)
				require.Len(t, seen.Explanation.Workloads, 1)
				_ = seen.Rendering()
				kept := tree.in.reading.kept.known[real].text
				require.Equal(t, treePod, string(kept), "nobody changes it")
				if first == nil {
					first = kept
				}
				assert.Same(t, &first[0], &kept[0])
			}
		})
	}
}
