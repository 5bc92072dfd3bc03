package pipelines

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/test/ways"
)

// hook is what pre-commit finds in .pre-commit-hooks.yaml.
type hook struct {
	ID, Name, Description, Entry, Language string
	Args                                   []string
	AlwaysRun                              bool  `yaml:"always_run"`
	PassFilenames                          *bool `yaml:"pass_filenames"`
}

func hooks(t *testing.T) map[string]hook {
	t.Helper()
	file, err := os.Open(filepath.Join(ways.Repository(), ".pre-commit-hooks.yaml"))
	require.NoError(t, err)
	defer file.Close()
	decoder := yaml.NewDecoder(file)
	decoder.KnownFields(true)
	var all []hook
	require.NoError(t, decoder.Decode(&all))
	found := map[string]hook{}
	for _, h := range all {
		require.NotNil(t, h.PassFilenames, h.ID)
		require.True(t, h.AlwaysRun, "%s: pre-commit counts no file that a commit removes", h.ID)
		require.False(t, *h.PassFilenames, "%s: what bypasses is decided by several files together", h.ID)
		found[h.ID] = h
	}
	return found
}

// TestHooks runs the entry of each hook as pre-commit does, with the arguments that
// docs/pre-commit.md shows.
func TestHooks(t *testing.T) {
	all := hooks(t)
	require.Len(t, all, 3)
	c := newChange(t, nil, nil)
	try := func(id string) (string, error) {
		require.Contains(t, all, id)
		cmd := exec.Command("sh", "-c", all[id].Entry+` "$@"`, "sh", "templates", "--spec=bypass.yaml")
		cmd.Dir, cmd.Env = c.dir, clean(t)
		said, err := cmd.CombinedOutput()
		return string(said), err
	}
	said, err := try("krm-bypass-check")
	require.Error(t, err)
	assert.Contains(t, said, "3 of 3 objects differ")
	said, err = try("krm-bypass-lint")
	require.NoError(t, err, said)

	said, err = try("krm-bypass-render")
	require.NoError(t, err, said)
	changed := git(t, c.dir, "diff", "--name-only")
	assert.Equal(t, "templates/orders.yaml\ntemplates/web.yaml", changed)
	ways.Compare(t, []byte(readText(t, filepath.Join(c.dir, "templates/web.yaml"))+"---\n"+readText(t, filepath.Join(c.dir, "templates/orders.yaml"))))

	git(t, c.dir, "add", "--all")
	for id := range all {
		said, err = try(id)
		require.NoError(t, err, "%s\n%s", id, said)
	}
	assert.Empty(t, git(t, c.dir, "diff", "--name-only"))
}

// TestPreCommit has the real pre-commit run the hooks of docs/pre-commit.md at a commit: the
// first is refused because the hook has changed the files, the second passes, and so does no
// commit of a change by hand.
func TestPreCommit(t *testing.T) {
	_, err := exec.LookPath("pre-commit")
	require.NoError(t, err, "missing: pre-commit (Debian package pre-commit)")
	source := t.TempDir()
	text, err := os.ReadFile(filepath.Join(ways.Repository(), ".pre-commit-hooks.yaml"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(source, ".pre-commit-hooks.yaml"), text, 0o600))
	git(t, source, "init", "--quiet")
	git(t, source, "add", "--all")
	git(t, source, "commit", "--quiet", "--message=hooks")

	c := newChange(t, nil, nil)
	page := readText(t, filepath.Join(ways.Repository(), "docs/pre-commit.md"))
	_, after, _ := strings.Cut(page, "```yaml\n")
	config, _, found := strings.Cut(after, "```")
	require.True(t, found)
	config = strings.NewReplacer("https://git.example.com/YOUR-ORGANISATION/krm-bypass", source, "YOUR-COMMIT", git(t, source, "rev-parse", "HEAD"), "manifests", "templates").Replace(config)
	// What pre-commit builds itself takes minutes, and a network.
	config = strings.ReplaceAll(config, "\n    args:", "\n    language: system\n    args:")
	require.Contains(t, config, "language: system")
	require.NoError(t, os.WriteFile(filepath.Join(c.dir, ".pre-commit-config.yaml"), []byte(config), 0o600))

	env := append(os.Environ(), "HOME="+t.TempDir(), "PATH="+tools+":"+os.Getenv("PATH"),
		"GIT_AUTHOR_NAME=x", "GIT_AUTHOR_EMAIL=x@example.com", "GIT_COMMITTER_NAME=x", "GIT_COMMITTER_EMAIL=x@example.com")
	sh := func(script string) (string, error) {
		cmd := exec.Command("sh", "-e", "-c", script)
		cmd.Dir, cmd.Env = c.dir, env
		said, err := cmd.CombinedOutput()
		return string(said), err
	}
	said, err := sh("pre-commit install; git add --all; git commit --message=first")
	require.Error(t, err, said)
	assert.Regexp(t, `krm-bypass render --in-place\.+Failed\n- hook id: krm-bypass-render\n- files were modified by this hook`, said)
	said, err = sh("git add --all; git commit --message=second")
	require.NoError(t, err, said)
	for _, name := range []string{"krm-bypass render --in-place", "krm-bypass check"} {
		assert.Regexp(t, fmt.Sprintf(`(?m)^%s\.+Passed$`, name), said)
	}
	ways.Compare(t, []byte(readText(t, filepath.Join(c.dir, "templates/web.yaml"))+"---\n"+readText(t, filepath.Join(c.dir, "templates/orders.yaml"))))
	said, err = sh("echo '[]' >unrelated.json; sed -i 's/excludeOutboundPorts: \\[3306\\]/excludeOutboundPort: [3306]/' bypass.yaml; git add --all; git commit --message=third")
	require.Error(t, err, said)
	assert.Contains(t, said, `unknown field "excludeOutboundPort"`)
}
