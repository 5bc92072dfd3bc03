package pipelines

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/test/built"
	"github.com/krm-bypass/krm-bypass/test/ways"
)

// tools are the programs that a pipeline's scripts find, and no others: git, a shell,
// GNU's coreutils, grep and gzip, and krm-bypass, built from today's source.
var tools string

func TestMain(m *testing.M) {
	built.Main(m, func(folder string) error {
		tools = folder
		for name := range strings.FieldsSeq("bash sh git mktemp id cat head cut sha256sum base64 mkdir rm grep gzip sed") {
			found, err := exec.LookPath(name)
			if err != nil {
				return fmt.Errorf("finding what a pipeline has: %w", err)
			}
			if err := os.Symlink(found, filepath.Join(folder, name)); err != nil {
				return err
			}
		}
		return nil
	})
}

// clean is the environment of a script: the tools, and a home in which nothing is.
func clean(t *testing.T, more ...string) []string {
	t.Helper()
	return append([]string{"PATH=" + tools, "HOME=" + t.TempDir(), "LANG=C.UTF-8"}, more...)
}

// A change is a branch with one commit, as a pipeline checks it out: the folder holds the
// last commit of the branch alone, and its remote has main too.
type change struct{ dir, base, head string }

// text replaces a text in a file.
type text struct{ file, old, new string }

// before is what the base of every change has: another port in the rule of a namespace.
var before = text{"bypass.yaml", "excludeOutboundPorts: [3306]", "excludeOutboundPorts: [3305]"}

// newChange commits the tree of examples/every-way twice: to main with the first texts
// replaced, and to the branch with the second.
func newChange(t *testing.T, base, head []text) change {
	t.Helper()
	source := t.TempDir()
	commit := func(texts []text) string {
		require.NoError(t, exec.Command("cp", "-rT", filepath.Join(ways.Repository(), ways.Example), source).Run())
		for _, r := range texts {
			path := filepath.Join(source, r.file)
			was, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Contains(t, string(was), r.old)
			require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(was), r.old, r.new, 1)), 0o600))
		}
		git(t, source, "add", "--all")
		git(t, source, "commit", "--quiet", "--allow-empty", "--message=change")
		return git(t, source, "rev-parse", "HEAD")
	}
	git(t, source, "init", "--quiet")
	c := change{base: commit(base), dir: filepath.Join(t.TempDir(), "checkout")}
	git(t, source, "checkout", "--quiet", "-b", "change")
	c.head = commit(head)
	git(t, source, "clone", "--quiet", "--depth=1", "file://"+source, c.dir)
	return c
}

func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=x", "-c", "user.email=x@example.com", "-c", "init.defaultBranch=main"}, args...)...)
	said, err := cmd.CombinedOutput()
	require.NoError(t, err, "git %s\n%s", args, said)
	return strings.TrimSpace(string(said))
}
