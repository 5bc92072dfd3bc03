package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// saidRow is a row of the page that begins with what the init container says.
var saidRow = regexp.MustCompile("(?m)^\\| `([^`]+)` \\|")

// TestWhatTheInitContainerSays holds the sentences that the page tells people to look
// for to the texts of the program. That it says them is for the tests of the program.
func TestWhatTheInitContainerSays(t *testing.T) {
	_, table, found := strings.Cut(pages(t)["docs/troubleshooting.md"], "| it says | what to do |\n")
	require.True(t, found)
	table, _, _ = strings.Cut(table, "\n\n")
	rows := saidRow.FindAllStringSubmatch(table, -1)
	require.Len(t, rows, strings.Count(table, "\n| "), "every row begins with a sentence")
	var program strings.Builder
	for _, folder := range []string{"images/init", "internal/rules"} {
		require.NoError(t, filepath.WalkDir(filepath.Join(root, folder), func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			program.Write(text)
			return err
		}))
	}
	for _, row := range rows {
		assert.Contains(t, program.String(), row[1])
	}
}
