package revision

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// own runs git as a user does.
func own(t *testing.T, dir, input string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false", "-c", "init.defaultBranch=main", "-c", "protocol.file.allow=always"}, args...)...)
	cmd.Stdin = strings.NewReader(input)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	return strings.TrimSpace(string(out))
}

// repository has two commits, of which the first is tagged.
func repository(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	run := func(args ...string) { own(t, dir, "", args...) }
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
			for _, here := range []string{dir, filepath.Dir(tree.tree)} {
				t.Chdir(here)
				relative, err := filepath.Rel(here, path)
				require.NoError(t, err)
				for _, path := range []string{path, relative} {
					assert.Equal(t, revision+":app/web.yaml", tree.Name(path))
					assert.Equal(t, "a "+revision+":app/web.yaml:3 b", tree.Named("a "+path+":3 b"))
				}
				is := tree.NamedIn(&os.PathError{Op: "open", Path: path, Err: os.ErrNotExist})
				require.ErrorIs(t, is, os.ErrNotExist)
				require.EqualError(t, is, "open "+revision+":app/web.yaml: file does not exist")
			}
			base, err := tree.Path(filepath.Join(dir, "base"))
			require.NoError(t, err, "what a kustomization refers to is there too")
			assert.DirExists(t, base)

			path, err = tree.Path(filepath.Join(dir, "app", "new.yaml"))
			require.NoError(t, err)
			assert.Equal(t, want == "before\n", path == "", "where it was not there yet")
			_, err = tree.Path(t.TempDir())
			assert.ErrorContains(t, err, "is outside the git repository")
			require.NoError(t, tree.Close())
			assert.NoDirExists(t, tree.tree)
			assert.Equal(t, before, status(), "the repository is as it was")
		})
	}
}

func TestCheckoutOfNoRevision(t *testing.T) {
	dir := repository(t)
	for _, revision := range []string{"v2", "--help", "--upload-pack=x", "HEAD:app/web.yaml", "HEAD:app", ""} {
		_, err := Checkout(t.Context(), dir, revision)
		assert.ErrorContains(t, err, "is neither a file or folder nor a revision of the git repository", "%q", revision)
	}
	_, err := Checkout(t.Context(), t.TempDir(), "main")
	assert.ErrorContains(t, err, "finding the git repository of")
	shallow := filepath.Join(t.TempDir(), "shallow")
	require.NoError(t, exec.Command("git", "clone", "--quiet", "--depth=1", "file://"+dir, shallow).Run())
	_, err = Checkout(t.Context(), shallow, "HEAD~1")
	assert.ErrorContains(t, err, shallow+", which is a shallow clone: git fetch --unshallow gets all revisions")
	require.NoError(t, exec.Command("git", "-C", shallow, "fetch", "--quiet", "--unshallow").Run())
	tree, err := Checkout(t.Context(), shallow, "HEAD~1")
	require.NoError(t, err, "the advice")
	require.NoError(t, tree.Close())
	t.Setenv("PATH", "")
	_, err = Checkout(t.Context(), dir, "main")
	assert.ErrorContains(t, err, "git is not installed")
}

func TestHolds(t *testing.T) {
	dir := repository(t)
	for path, want := range map[string]bool{"app": true, "app/web.yaml": true, "nothere": false, "app/nothere/a": false, "../other": false, "app/new.yaml": false} {
		assert.Equal(t, want, Holds(t.Context(), "v1", filepath.Join(dir, path)), path)
	}
	require.NoError(t, os.RemoveAll(filepath.Join(dir, "app")))
	assert.True(t, Holds(t.Context(), "v1", filepath.Join(dir, "app")), "what is gone")
	assert.False(t, Holds(t.Context(), "--help", filepath.Join(dir, "app")))
	assert.False(t, Holds(t.Context(), "v1", t.TempDir()), "no repository")
}

func TestFullName(t *testing.T) {
	dir := repository(t)
	own(t, dir, "", "branch", "app/eu")
	id := own(t, dir, "", "rev-parse", "v1")
	for revision, want := range map[string]string{"main": "refs/heads/main", "v1": "refs/tags/v1", "app/eu": "refs/heads/app/eu", id[:9]: id, "app": "", "./main": "", "main/": "", "--help": "", "v2": "", dir: ""} {
		assert.Equal(t, want, FullName(t.Context(), filepath.Join(dir, "app"), revision), revision)
	}
	assert.Empty(t, FullName(t.Context(), t.TempDir(), "main"), "no repository")
	assert.Equal(t, id, Commit(t.Context(), filepath.Join(dir, "app"), "v1"))
	assert.Empty(t, Commit(t.Context(), dir, "v2"))
	tree, err := Checkout(t.Context(), dir, "refs/heads/app/eu")
	require.NoError(t, err, "the name is one to give")
	require.NoError(t, tree.Close())
}

// then gives a file as it was.
func then(t *testing.T, path, revision string) string {
	t.Helper()
	tree, err := Checkout(t.Context(), filepath.Dir(path), revision)
	require.NoError(t, err)
	defer func() { assert.NoError(t, tree.Close()) }()
	at, err := tree.Path(path)
	require.NoError(t, err)
	text, err := os.ReadFile(at)
	require.NoError(t, err)
	return string(text)
}

func TestEveryKindOfWorktree(t *testing.T) {
	dir := repository(t)
	other := func(name string) string { return filepath.Join(t.TempDir(), name) }
	linked, bare, ofBare, outer := other("linked"), other("bare"), other("of-bare"), repository(t)
	own(t, dir, "", "worktree", "add", "--quiet", linked)
	own(t, dir, "", "clone", "--quiet", "--bare", dir, bare)
	own(t, bare, "", "worktree", "add", "--quiet", ofBare)
	own(t, outer, "", "submodule", "--quiet", "add", dir, "app/module")
	for name, top := range map[string]string{"linked": linked, "of a bare repository": ofBare, "a submodule": filepath.Join(outer, "app/module")} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, "before\n", then(t, filepath.Join(top, "app/web.yaml"), own(t, dir, "", "rev-parse", "HEAD~1")))
			assert.Equal(t, "after\n", then(t, filepath.Join(top, "app/web.yaml"), "HEAD"))
		})
	}
}

// TestFilesAreWrittenAsTheyAre has links, a submodule, a pointer of git-lfs and
// files that git would convert.
func TestFilesAreWrittenAsTheyAre(t *testing.T) {
	dir := repository(t)
	pointer := "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 1\n"
	files := map[string]string{".gitattributes": "*.lfs filter=lfs\n*.crlf eol=crlf\n*.id ident\n", "a.lfs": pointer, "a.crlf": "a\n", "a.id": "$Id$\n", "new\nline\tå": "", "large": strings.Repeat("x", 1<<20)}
	for name, text := range files {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
	}
	own(t, dir, "", "config", "filter.lfs.smudge", "tr a-z A-Z")
	require.NoError(t, os.Symlink("../base", filepath.Join(dir, "app/link")))
	own(t, dir, "", "update-index", "--add", "--cacheinfo", "160000,"+own(t, dir, "", "rev-parse", "HEAD")+",module")
	own(t, dir, "", "add", ".gitattributes", "app", "a.lfs", "a.crlf", "a.id", "large", "new\nline\tå")
	own(t, dir, "", "commit", "--quiet", "--message=third")
	for name, text := range files {
		assert.Equal(t, text, then(t, filepath.Join(dir, name), "HEAD"))
	}
	tree, err := Checkout(t.Context(), dir, "HEAD")
	require.NoError(t, err)
	defer func() { assert.NoError(t, tree.Close()) }()
	to, err := os.Readlink(filepath.Join(tree.tree, "app/link"))
	require.NoError(t, err)
	assert.Equal(t, "../base", to)
	assert.DirExists(t, filepath.Join(tree.tree, "module"))
	require.NoError(t, os.RemoveAll(filepath.Join(dir, "app")))
	empty := own(t, dir, "", "commit-tree", "-m", "empty", own(t, dir, "", "mktree"))
	none, err := Checkout(t.Context(), dir, empty)
	require.NoError(t, err)
	assert.NoError(t, none.Close())
}

func TestATreeThatLeadsOutIsRefused(t *testing.T) {
	dir := repository(t)
	blob := own(t, dir, "x", "hash-object", "-w", "--stdin")
	place := t.TempDir()
	to := own(t, dir, place, "hash-object", "-w", "--stdin")
	inner := own(t, dir, "100644 blob "+blob+"\tx\n", "mktree")
	for name, tree := range map[string]string{
		"above":          "040000 tree " + inner + "\t..\n",
		"through a link": "120000 blob " + to + "\ta\n040000 tree " + inner + "\ta\n",
		"a file twice":   "100644 blob " + blob + "\ta\n100644 blob " + to + "\ta\n",
	} {
		commit := own(t, dir, "", "commit-tree", "-m", name, own(t, dir, tree, "mktree"))
		_, err := Checkout(t.Context(), dir, commit)
		require.Error(t, err, name)
		assert.NoFileExists(t, filepath.Join(place, "x"))
	}
}

func TestTheRepositoryIsWhereDotGitIs(t *testing.T) {
	dir, elsewhere := repository(t), repository(t)
	t.Setenv("HOME", t.TempDir())
	own(t, elsewhere, "", "tag", "--force", "v1", "HEAD")
	t.Run("the caller's environment", func(t *testing.T) {
		for name, value := range map[string]string{
			"GIT_DIR": filepath.Join(elsewhere, ".git"), "GIT_WORK_TREE": elsewhere, "GIT_OBJECT_DIRECTORY": filepath.Join(elsewhere, ".git/objects"),
			"GIT_COMMON_DIR": filepath.Join(elsewhere, ".git"), "GIT_EXEC_PATH": elsewhere, "GIT_NAMESPACE": "x", "GIT_INDEX_FILE": "x", "GIT_TRACE": filepath.Join(elsewhere, "trace"),
		} {
			t.Setenv(name, value)
		}
		assert.Equal(t, "before\n", then(t, filepath.Join(dir, "app/web.yaml"), "v1"))
		assert.NoFileExists(t, filepath.Join(elsewhere, "trace"))
	})
	t.Run("somebody else's", func(t *testing.T) {
		if os.Geteuid() != 0 {
			t.Skip("giving files away needs root")
		}
		theirs := repository(t)
		for _, path := range []string{theirs, filepath.Join(theirs, ".git")} {
			require.NoError(t, os.Chown(path, 1000, -1))
		}
		_, err := Checkout(t.Context(), theirs, "v1")
		assert.ErrorContains(t, err, "dubious ownership")
		t.Setenv("GIT_CONFIG_COUNT", "1")
		t.Setenv("GIT_CONFIG_KEY_0", "safe.directory")
		t.Setenv("GIT_CONFIG_VALUE_0", theirs)
		assert.Equal(t, "before\n", then(t, filepath.Join(theirs, "app/web.yaml"), "v1"))
	})
	for name, value := range map[string]string{"core.worktree": elsewhere, "core.bare": "true"} {
		own(t, dir, "", "config", name, value)
		_, err := Checkout(t.Context(), dir, "v1")
		assert.ErrorContains(t, err, "says that the worktree is not "+dir+": look at core.worktree and core.bare")
		require.NoError(t, exec.Command("git", "config", "--file", filepath.Join(dir, ".git/config"), "--unset", name).Run())
	}
}

// TestARevisionIsBounded has a commit of ten million files in eight objects.
func TestARevisionIsBounded(t *testing.T) {
	dir := repository(t)
	entry, id := "100644 blob", own(t, dir, "a\n", "hash-object", "-w", "--stdin")
	for range 7 {
		var tree strings.Builder
		for i := range 10 {
			tree.WriteString(entry + " " + strings.TrimSpace(id) + "\t" + string(rune('a'+i)) + ".yaml\n")
		}
		entry, id = "040000 tree", own(t, dir, tree.String(), "mktree")
	}
	commit := own(t, dir, "", "commit-tree", "-m", "bomb", strings.TrimSpace(id))
	_, err := Checkout(t.Context(), dir, strings.TrimSpace(commit))
	assert.ErrorContains(t, err, "git ls-tree answers with more than 64 MiB")
}

func TestALinkThatLeadsOutIsNoEarlierState(t *testing.T) {
	dir, outside := repository(t), t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(outside, "web.yaml"), []byte("today\n"), 0o600))
	require.NoError(t, os.Symlink(outside, filepath.Join(dir, "out")))
	require.NoError(t, os.Symlink("app", filepath.Join(dir, "in")))
	own(t, dir, "", "add", "out", "in")
	own(t, dir, "", "commit", "--quiet", "--message=links")
	tree, err := Checkout(t.Context(), dir, "HEAD")
	require.NoError(t, err)
	defer func() { assert.NoError(t, tree.Close()) }()
	for _, link := range []string{"out", "in"} { // today they are folders
		require.NoError(t, os.Remove(filepath.Join(dir, link)))
		require.NoError(t, os.Mkdir(filepath.Join(dir, link), 0o700))
	}
	_, err = tree.Path(filepath.Join(dir, "out"))
	assert.ErrorContains(t, err, "HEAD:out is a link there that leads out of the repository")
	_, err = tree.Path(filepath.Join(dir, "in"))
	assert.NoError(t, err)
}
