package bounded

import (
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAFileIsReadUpToTheBound(t *testing.T) {
	folder := t.TempDir()
	for name, size := range map[string]int64{"small": 0, "as large as can be": Most, "larger": Most + 1, "sparse": 3 << 30} {
		path := filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(path, nil, 0o600))
		require.NoError(t, os.Truncate(path, size))
	}
	root, err := os.OpenRoot(folder)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, root.Close()) })
	for name, wrong := range map[string]string{
		"small": "", "as large as can be": "",
		"larger": "has 257 MiB, and more than 256 MiB are refused: cut it into smaller files", "sparse": "has 3072 MiB, and more than 256 MiB",
		"nowhere": "no such file",
	} {
		path := filepath.Join(folder, name)
		for way, read := range map[string]func() ([]byte, error){
			"by its path": func() ([]byte, error) { return File(path) },
			"in a folder": func() ([]byte, error) { return In(root, name, path) },
		} {
			text, err := read()
			if wrong == "" {
				require.NoError(t, err, "%s, %s", name, way)
				info, _ := os.Stat(path)
				assert.Len(t, text, int(info.Size()))
				continue
			}
			require.ErrorContains(t, err, wrong, way)
			assert.ErrorContains(t, err, name)
		}
	}
}

type endless struct{}

func (endless) Read(to []byte) (int, error) { return len(to), nil }

// TestWhatNeverEndsIsRefused: a pipe or a device has no size.
func TestWhatNeverEndsIsRefused(t *testing.T) {
	_, err := Read("/dev/zero", endless{})
	require.EqualError(t, err, "/dev/zero has 257 MiB, and more than 256 MiB are refused: cut it into smaller files, or move it away if it holds no manifests")
	_, err = Read("a pipe", io.MultiReader(strings.NewReader("kind"), iotest.ErrReader(io.ErrClosedPipe)))
	require.ErrorIs(t, err, io.ErrClosedPipe)
	text, err := Read("a pipe", iotest.OneByteReader(strings.NewReader("kind: Pod\n")))
	require.NoError(t, err)
	assert.Equal(t, "kind: Pod\n", string(text))
}

// TestWhatIsRefusedTakesNoMemory: a sparse file is larger than what there is.
func TestWhatIsRefusedTakesNoMemory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sparse")
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	require.NoError(t, os.Truncate(path, 1<<40))
	var was, is runtime.MemStats
	runtime.ReadMemStats(&was)
	_, err := File(path)
	runtime.ReadMemStats(&is)
	require.Error(t, err)
	assert.Less(t, is.TotalAlloc-was.TotalAlloc, uint64(1<<20))
}
