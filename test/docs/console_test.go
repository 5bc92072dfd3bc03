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

// block is one of a page that the reader acts on: a session, which shows commands, each
// behind "$ ", and what they print; or the text of a file, under a comment that says
// which file the reader writes with it, or adds it to.
var block = regexp.MustCompile("(?s)(?:<!-- (write|add to): (\\S+) -->\n)?```(console|yaml)\n(.*?)```")

// TestConsoles goes through the blocks of each page as its reader does, from the top of
// the repository, with the programs of make build and make tools in PATH, and holds what
// is shown to what is printed, on both streams.
func TestConsoles(t *testing.T) {
	shown := 0
	for name, text := range pages(t) {
		at := newReader(t)
		written := block.ReplaceAllStringFunc(text, func(whole string) string {
			parts := block.FindStringSubmatch(whole)
			verb, file, language, body := parts[1], parts[2], parts[3], parts[4]
			switch {
			case file != "":
				at.writes(t, file, body, verb == "add to")
			case language == "console":
				shown++
				return "```console\n" + at.session(t, body) + "```"
			}
			return whole
		})
		if written == text {
			continue
		}
		if *update {
			require.NoError(t, os.WriteFile(filepath.Join(root, name), []byte(written), 0o644))
			t.Errorf("%s was rewritten: read the difference, then run without -update", name)
			continue
		}
		assert.Equal(t, text, written, "%s (make build tools first; go test ./test/docs -update writes it)", name)
	}
	assert.Positive(t, shown, "the documentation shows sessions")
}

// reader is somebody who types what a page shows into one terminal: cd holds until the
// end of the page. The home folder, also called $SCRATCH, is empty at its beginning.
type reader struct {
	dir, home string
	moved     string // the file by which a command tells where it ended
}

func newReader(t *testing.T) *reader {
	t.Helper()
	top, err := filepath.Abs(root)
	require.NoError(t, err)
	return &reader{dir: top, home: t.TempDir(), moved: filepath.Join(t.TempDir(), "pwd")}
}

// session gives the commands of a block with what they print now.
func (r *reader) session(t *testing.T, block string) string {
	t.Helper()
	top, err := filepath.Abs(root)
	require.NoError(t, err)
	var b strings.Builder
	for line := range strings.Lines(block) {
		command, found := strings.CutPrefix(line, "$ ")
		if !found {
			continue
		}
		cmd := exec.Command("bash", "-o", "pipefail", "-c", "trap 'pwd >"+r.moved+"' EXIT\n"+command)
		cmd.Dir = r.dir
		cmd.Env = append(os.Environ(),
			"PATH="+filepath.Join(top, "bin")+":"+filepath.Join(top, ".cache/bin")+":"+os.Getenv("PATH"),
			"HOME="+r.home, "SCRATCH="+r.home,
			"GIT_AUTHOR_NAME=Reader", "GIT_AUTHOR_EMAIL=reader@example.com",
			"GIT_COMMITTER_NAME=Reader", "GIT_COMMITTER_EMAIL=reader@example.com")
		out, err := cmd.CombinedOutput()
		if differs := strings.HasPrefix(command, "diff "); !differs { // which is no failure
			require.NoError(t, err, "%s%s\nshow a failure by its exit code, as in: COMMAND; echo \"exit code $?\"", command, out)
		}
		dir, err := os.ReadFile(r.moved)
		require.NoError(t, err)
		r.dir = strings.TrimSpace(string(dir))
		b.WriteString(line)
		b.Write(out)
	}
	return b.String()
}

// writes puts a block into a file in the folder where the reader is.
func (r *reader) writes(t *testing.T, name, text string, add bool) {
	t.Helper()
	path := filepath.Join(r.dir, name)
	require.True(t, strings.HasPrefix(path, r.home+"/"), "%s is outside of the reader's home folder", path)
	if add {
		before, err := os.ReadFile(path)
		require.NoError(t, err)
		text = string(before) + text
	}
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
}
