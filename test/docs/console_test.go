package docs

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite what the pages show, and fail")

// console is a block that shows commands, each behind "$ ", and what they print.
var console = regexp.MustCompile("(?s)```console\n(.*?)```")

// TestConsoles runs every command of such a block from the top of the repository,
// with bin/ in PATH as make build leaves it, and holds what is shown to what is
// printed, on both streams.
func TestConsoles(t *testing.T) {
	path, err := filepath.Abs(root)
	require.NoError(t, err)
	t.Setenv("PATH", filepath.Join(path, "bin")+":"+os.Getenv("PATH"))
	t.Setenv("SCRATCH", t.TempDir())
	shown := 0
	for name, text := range pages(t) {
		written := console.ReplaceAllStringFunc(text, func(block string) string {
			shown++
			return "```console\n" + session(t, path, console.FindStringSubmatch(block)[1]) + "```"
		})
		if written == text {
			continue
		}
		if *update {
			require.NoError(t, os.WriteFile(filepath.Join(root, name), []byte(written), 0o644))
			t.Errorf("%s was rewritten: read the difference, then run without -update", name)
			continue
		}
		assert.Equal(t, text, written, "%s (make build first; go test ./test/docs -update writes it)", name)
	}
	assert.Positive(t, shown, "the documentation shows sessions")
}

// session gives the commands of a block with what they print now.
func session(t *testing.T, dir, block string) string {
	t.Helper()
	var b strings.Builder
	for line := range strings.Lines(block) {
		command, found := strings.CutPrefix(line, "$ ")
		if !found {
			continue
		}
		cmd := exec.Command("bash", "-o", "pipefail", "-c", command)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if differs := strings.HasPrefix(command, "diff "); !differs { // which is no failure
			require.NoError(t, err, "%s%s\nshow a failure by its exit code, as in: COMMAND; echo \"exit code $?\"", command, out)
		}
		b.WriteString(line)
		b.Write(out)
	}
	return b.String()
}
