package pack

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var files = []File{
	{Path: "/top/b", Mode: 0o755, Content: []byte("b")},
	{Path: "/top/a/c", Mode: 0o644, Content: []byte("c")},
}

func TestTar(t *testing.T) {
	var text bytes.Buffer
	require.NoError(t, Tar(&text, files, time.Unix(1700000000, 0)))
	archive := tar.NewReader(&text)
	for _, want := range []string{"top/ -rwxr-xr-x", "top/a/ -rwxr-xr-x", "top/a/c -rw-r--r--", "top/b -rwxr-xr-x"} {
		header, err := archive.Next()
		require.NoError(t, err)
		assert.Equal(t, want, header.Name+" "+header.FileInfo().Mode().Perm().String())
		assert.EqualValues(t, 1700000000, header.ModTime.Unix())
	}
}

func TestZip(t *testing.T) {
	for given, want := range map[int64]string{1700000000: "2023-11-14 22:13:20", 0: "1980-01-01 00:00:00"} {
		var text bytes.Buffer
		require.NoError(t, Zip(&text, files, time.Unix(given, 0)))
		archive, err := zip.NewReader(bytes.NewReader(text.Bytes()), int64(text.Len()))
		require.NoError(t, err)
		var names []string
		for _, f := range archive.File {
			names = append(names, f.Name+" "+f.Mode().String())
			assert.Equal(t, want, f.Modified.UTC().Format(time.DateTime))
		}
		assert.Equal(t, []string{"top/ drwxr-xr-x", "top/a/ drwxr-xr-x", "top/a/c -rw-r--r--", "top/b -rwxr-xr-x"}, names)
	}
}

func TestReplace(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "made")
	write := func(name string) func(string) error {
		return func(in string) error { return os.WriteFile(filepath.Join(in, name), nil, 0o600) }
	}
	require.NoError(t, Replace(folder, "mark", write("mark")))
	require.NoError(t, Replace(folder, "mark", write("other")))
	assert.NoFileExists(t, filepath.Join(folder, "mark"))
	require.ErrorContains(t, Replace(folder, "mark", write("mark")), "something else is there")
	assert.FileExists(t, filepath.Join(folder, "other"))

	failed := errors.New("no")
	require.ErrorIs(t, Replace(folder, "other", func(string) error { return failed }), failed)
	assert.FileExists(t, filepath.Join(folder, "other"), "what was there stays")
	beside, err := os.ReadDir(filepath.Dir(folder))
	require.NoError(t, err)
	assert.Len(t, beside, 1, "nothing is left beside it")
}
