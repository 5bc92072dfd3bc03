//go:build unix

package inplace

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestBelowAFolder writes only the file that it was given, and only if that is what it was.
func TestBelowAFolder(t *testing.T) {
	for name, test := range map[string]struct {
		spoil func(t *testing.T, dir, outside string)
		says  string
	}{
		"a file":              {func(*testing.T, string, string) {}, ""},
		"a file that changed": {func(t *testing.T, dir, _ string) { write(t, filepath.Join(dir, "a/spec"), "theirs") }, ErrChanged.Error()},
		"a file that is gone": {func(t *testing.T, dir, _ string) { require.NoError(t, os.Remove(filepath.Join(dir, "a/spec"))) }, "no such file"},
		"a link out of the folder": {func(t *testing.T, dir, outside string) {
			link(t, filepath.Join(outside, "spec"), filepath.Join(dir, "a/spec"))
		}, "not a regular file"},
		"a link within it": {func(t *testing.T, dir, _ string) {
			write(t, filepath.Join(dir, "b"), "was")
			link(t, filepath.Join(dir, "b"), filepath.Join(dir, "a/spec"))
		}, "not a regular file"},
		"a folder that is a link out": {func(t *testing.T, dir, outside string) { link(t, outside, filepath.Join(dir, "a")) }, "path escapes from parent"},
		"a folder in the file's place": {func(t *testing.T, dir, _ string) {
			require.NoError(t, os.Remove(filepath.Join(dir, "a/spec")))
			require.NoError(t, os.Mkdir(filepath.Join(dir, "a/spec"), 0o755))
		}, "not a regular file"},
		"a file that nobody may write": {func(t *testing.T, dir, _ string) { require.NoError(t, os.Chmod(filepath.Join(dir, "a/spec"), 0o444)) }, "nobody may write it"},
	} {
		t.Run(name, func(t *testing.T) {
			dir, outside := t.TempDir(), t.TempDir()
			require.NoError(t, os.Mkdir(filepath.Join(dir, "a"), 0o755))
			write(t, filepath.Join(dir, "a/spec"), "was")
			write(t, filepath.Join(outside, "spec"), "was")
			require.NoError(t, os.Chmod(filepath.Join(dir, "a/spec"), 0o640))
			test.spoil(t, dir, outside)
			folder, err := os.OpenRoot(dir)
			require.NoError(t, err)
			defer func() { require.NoError(t, folder.Close()) }()
			err = Writable(folder, "a/spec")
			if err == nil {
				err = replace(folder, "a/spec")
			}
			assert.Equal(t, "was", read(t, filepath.Join(outside, "spec")), "what is outside")
			left, _ := filepath.Glob(filepath.Join(dir, "a", ".krm-bypass-*"))
			assert.Empty(t, left)
			if test.says != "" {
				require.ErrorContains(t, err, test.says)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, "is", read(t, filepath.Join(dir, "a/spec")))
			info, err := os.Stat(filepath.Join(dir, "a/spec"))
			require.NoError(t, err)
			assert.Equal(t, os.FileMode(0o640), info.Mode().Perm())
		})
	}
}

// TestBelowAFolderAMomentLater has links be told by the writing too, which looks a moment later.
func TestBelowAFolderAMomentLater(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	write(t, filepath.Join(outside, "spec"), "was")
	link(t, outside, filepath.Join(dir, "a"))
	link(t, filepath.Join(outside, "spec"), filepath.Join(dir, "spec"))
	folder, err := os.OpenRoot(dir)
	require.NoError(t, err)
	defer func() { require.NoError(t, folder.Close()) }()
	require.ErrorContains(t, replace(folder, "a/spec"), "path escapes from parent")
	require.ErrorContains(t, replace(folder, "spec"), "not a regular file")
	assert.Equal(t, "was", read(t, filepath.Join(outside, "spec")))
}

func replace(folder *os.Root, path string) error {
	return Rewrite([]File{{Path: path, Was: []byte("was"), Is: []byte("is"), Folder: folder}}, func([]string) error { return nil })
}

func write(t *testing.T, path, text string) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
}

// link puts a link in the place of whatever is there.
func link(t *testing.T, to, at string) {
	t.Helper()
	require.NoError(t, os.RemoveAll(at))
	require.NoError(t, os.Symlink(to, at))
}
