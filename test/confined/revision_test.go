package confined

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	ports    = "apiVersion: krm-bypass.dev/v1alpha1\nkind: ClusterBypass\nmetadata: {name: cluster}\nspec: {mesh: Istio, enforcement: {mode: AnnotationsOnly}, namespaces: [{match: {names: [shop]}, excludeOutboundPorts: [PORTS]}]}\n"
	workload = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{name: c, image: x}]}}}\n"
	// changed is what explain begins with where it has compared the two commits.
	changed = "1 of 1 workloads changed, and the pods of 1 restart\n"
)

// git runs git with nothing above the filter.
func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", append([]string{"-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false", "-c", "init.defaultBranch=main"}, args...)...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "git %v: %s", args, out)
	return strings.TrimSpace(string(out))
}

func write(t *testing.T, path, text string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o755))
}

// commit commits the folder web in a new repository: before with one port, and in
// main with two.
func commit(t *testing.T, more ...string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "repository")
	write(t, filepath.Join(dir, "web/web.yaml"), workload)
	git(t, filepath.Dir(dir), "init", "--quiet", dir)
	for i := 0; i < len(more); i += 2 {
		write(t, filepath.Join(dir, more[i]), more[i+1])
	}
	for _, list := range []string{"5432", "5432, 9999"} {
		write(t, filepath.Join(dir, "web/bypass.yaml"), strings.Replace(ports, "PORTS", list, 1))
		git(t, dir, "add", "--all")
		git(t, dir, "commit", "--quiet", "--message", list)
	}
	git(t, dir, "tag", "before", "main~1")
	return dir
}

// embed makes the folder web a git directory of its own, and commits it with its
// configuration. Its main has no difference from now.
func embed(t *testing.T, config string, attributes string) string {
	t.Helper()
	dir, inner := commit(t), filepath.Join(t.TempDir(), "inner")
	web := filepath.Join(dir, "web")
	git(t, filepath.Dir(inner), "clone", "--quiet", dir, inner)
	git(t, inner, "mv", "web/web.yaml", "web/bypass.yaml", ".")
	write(t, filepath.Join(inner, ".gitattributes"), attributes)
	git(t, inner, "add", ".")
	git(t, inner, "commit", "--quiet", "--message=inner")
	for _, name := range []string{"HEAD", "objects", "refs"} {
		require.NoError(t, exec.Command("cp", "-r", filepath.Join(inner, ".git", name), web).Run())
	}
	write(t, filepath.Join(web, "config"), "[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tworktree = .\n"+config)
	git(t, dir, "add", "--all", "--force", "web")
	git(t, dir, "commit", "--quiet", "--message=harmless")
	return dir
}

// isMissing takes a file's content out of a repository.
func isMissing(t *testing.T, dir, name string) {
	t.Helper()
	id := git(t, dir, "rev-parse", name)
	require.NoError(t, os.Remove(filepath.Join(git(t, dir, "rev-parse", "--absolute-git-dir"), "objects", id[:2], id[2:])))
}

const (
	filters = "[filter \"x\"]\n\tsmudge = /bin/touch smudged\n\tclean = /bin/touch cleaned\n\tprocess = /bin/touch processed\n\trequired = true\n[diff \"x\"]\n\ttextconv = /bin/touch converted\n\tcommand = /bin/touch compared\n"
	promise = "[core]\n\trepositoryformatversion = 1\n\tsshCommand = /bin/touch ssh\n[extensions]\n\tpartialClone = origin\n[remote \"origin\"]\n\tpromisor = true\n"
	applied = "* filter=x diff=x\n"
)

// TestAnEarlierRevisionRunsGitOnly asks git too, which runs what each repository
// names.
func TestAnEarlierRevisionRunsGitOnly(t *testing.T) {
	path, err := exec.LookPath("git")
	require.NoError(t, err)
	programs := []string{path, filepath.Join(git(t, ".", "--exec-path"), "git")}
	out, err := filepath.Abs(program)
	require.NoError(t, err)
	t.Setenv("HOME", t.TempDir())
	// index is where git would write what it checks out.
	index := filepath.Join(t.TempDir(), "index")
	checkout := []string{"-c", "core.hooksPath=/dev/null", "checkout-index", "--force", "--all", "--prefix=" + t.TempDir() + "/"}
	read := []string{"cat-file", "blob", "before:web/bypass.yaml"}
	lazy := func(remote string) func(t *testing.T) string {
		return func(t *testing.T) string {
			dir := commit(t)
			write(t, filepath.Join(dir, ".git/config"), promise+remote)
			isMissing(t, dir, "before:web/bypass.yaml")
			return dir
		}
	}
	const lacks = "this clone does not hold it, and nothing is fetched here"
	for name, row := range map[string]struct {
		build func(t *testing.T) string
		// in is where, and git what, runs something.
		in, says string
		git      []string
	}{
		"filters of an embedded repository": {
			build: func(t *testing.T) string { return embed(t, filters, applied) }, in: "web", git: checkout,
		},
		"an embedded repository that lacks an object": {
			build: func(t *testing.T) string {
				dir := embed(t, promise+"\turl = /tmp\n\tuploadpack = /bin/touch fetched\n", "")
				id := git(t, filepath.Join(dir, "web"), "rev-parse", "main:bypass.yaml")
				require.NoError(t, os.Remove(filepath.Join(dir, "web/objects", id[:2], id[2:])))
				return dir
			}, in: "web", git: []string{"cat-file", "blob", "main:bypass.yaml"},
		},
		"filters": {
			build: func(t *testing.T) string {
				dir := commit(t, ".gitattributes", applied)
				write(t, filepath.Join(dir, ".git/config"), filters)
				return dir
			}, git: checkout,
		},
		"filters by included configuration": {
			build: func(t *testing.T) string {
				dir := commit(t, ".gitattributes", applied, "git/config", "", "git/if", filters)
				write(t, filepath.Join(dir, ".git/config"), "[include]\n\tpath = ../git/config\n[includeIf \"gitdir:**\"]\n\tpath = ../git/if\n")
				return dir
			}, git: checkout,
		},
		"a monitor, hooks, a pager and an editor": {
			build: func(t *testing.T) string {
				dir := commit(t, "hooks/post-index-change", "#!/bin/sh\ntouch hooked\n", "hooks/post-checkout", "#!/bin/sh\ntouch hooked\n")
				git(t, dir, "config", "core.fsmonitor", "/bin/touch monitored")
				git(t, dir, "config", "core.hooksPath", "hooks")
				for _, name := range []string{"core.pager", "pager.rev-parse", "pager.ls-tree", "pager.cat-file", "core.editor", "core.alternateRefsCommand", "core.gitProxy", "core.askPass", "gpg.program", "credential.helper", "diff.external", "alias.rev-parse", "alias.cat-file"} {
					git(t, dir, "config", name, "!/bin/touch "+name)
				}
				return dir
			}, git: []string{"status"},
		},
		"an object to fetch by a program": {build: lazy("\turl = /tmp\n\tuploadpack = /bin/touch fetched\n"), git: read, says: lacks},
		"an object to fetch by ssh":       {build: lazy("\turl = ssh://git@127.0.0.1/a\n"), git: read, says: lacks},
		"an object to fetch by http":      {build: lazy("\turl = http://127.0.0.1:1/a\n"), git: read, says: lacks},
		"an object to fetch by git":       {build: lazy("\turl = git://127.0.0.1:1/a\n[protocol]\n\tallow = always\n"), git: read, says: lacks},
		"an object to fetch by a helper":  {build: lazy("\turl = \"ext::/bin/touch fetched\"\n[protocol \"ext\"]\n\tallow = always\n"), git: read, says: lacks},
	} {
		t.Run(name, func(t *testing.T) {
			dir := row.build(t)
			t.Setenv("GIT_INDEX_FILE", index)
			git(t, filepath.Join(dir, row.in), "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "read-tree", "HEAD")
			theirs := confinedTo(t, programs, filepath.Join(dir, row.in), append([]string{path}, row.git...)...)
			assert.NotEmpty(t, theirs.attempts, "git runs nothing, so this is no attack: %s", theirs.stderr)
			ours := confinedTo(t, programs, dir, out, "explain", "web", "--before", "before")
			assert.Empty(t, ours.attempts, "%s", ours.stderr)
			if row.says == "" {
				assert.True(t, strings.HasPrefix(ours.out, changed), "%s%s", ours.out, ours.stderr)
			} else {
				assert.Contains(t, ours.stderr, row.says)
			}
			assert.Equal(t, row.says == "", ours.code == 0, "%s", ours.stderr)
		})
	}
}
