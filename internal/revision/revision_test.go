package revision

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// repository has two commits, of which the first is tagged.
func repository(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	run := func(args ...string) {
		cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false", "-c", "init.defaultBranch=main"}, args...)...)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
	write := func(path, text string) {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, filepath.Dir(path)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, path), []byte(text), 0o644))
	}
	run("init", "--quiet")
	write("app/web.yaml", "before\n")
	write("base/base.yaml", "base\n")
	run("add", ".")
	run("commit", "--quiet", "--message=first")
	run("tag", "v1")
	write("app/web.yaml", "after\n")
	write("app/new.yaml", "new\n")
	run("add", ".")
	run("commit", "--quiet", "--message=second")
	write("app/web.yaml", "not committed\n")
	return dir
}

func TestCheckout(t *testing.T) {
	dir := repository(t)
	status := func() string {
		out, err := exec.Command("git", "-C", dir, "status", "--porcelain=v2", "--branch").Output()
		require.NoError(t, err)
		return string(out)
	}
	before := status()
	for revision, want := range map[string]string{"v1": "before\n", "HEAD~1": "before\n", "HEAD": "after\n", "main": "after\n"} {
		t.Run(revision, func(t *testing.T) {
			tree, err := Checkout(t.Context(), filepath.Join(dir, "app"), revision)
			require.NoError(t, err)
			path, err := tree.Path(filepath.Join(dir, "app", "web.yaml"))
			require.NoError(t, err)
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			assert.Equal(t, want, string(text))
			assert.Equal(t, revision+":app/web.yaml", tree.Name(path))
			base, err := tree.Path(filepath.Join(dir, "base"))
			require.NoError(t, err, "what a kustomization refers to is there too")
			assert.DirExists(t, base)

			path, err = tree.Path(filepath.Join(dir, "app", "new.yaml"))
			require.NoError(t, err)
			assert.Equal(t, want == "before\n", path == "", "where it was not there yet")
			_, err = tree.Path(t.TempDir())
			assert.ErrorContains(t, err, "is outside the git repository")
			require.NoError(t, tree.Close())
			assert.NoDirExists(t, tree.folder)
			assert.Equal(t, before, status(), "the repository is as it was")
		})
	}
}

func TestCheckoutOfNoRevision(t *testing.T) {
	dir := repository(t)
	for _, revision := range []string{"v2", "--help", "HEAD:app/web.yaml", ""} {
		_, err := Checkout(t.Context(), dir, revision)
		assert.ErrorContains(t, err, "is neither a file or folder nor a revision of the git repository", "%q", revision)
	}
	_, err := Checkout(t.Context(), t.TempDir(), "main")
	assert.ErrorContains(t, err, "finding the git repository of")
	t.Setenv("PATH", "")
	_, err = Checkout(t.Context(), dir, "main")
	assert.ErrorContains(t, err, "git is not installed")
}
