package pipelines

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/test/ways"
)

var shown = regexp.MustCompile("(?s)```sh\n(.*?)```")

// TestCommandsForAnyCI runs those that docs/ci.md shows, and once more where somebody
// changes in between what was rendered.
func TestCommandsForAnyCI(t *testing.T) {
	page := readText(t, filepath.Join(ways.Repository(), "docs/ci.md"))
	block := shown.FindStringSubmatch(page)
	require.NotNil(t, block)
	fetch := regexp.MustCompile("`(git fetch [^`]+)`").FindStringSubmatch(page)
	require.NotNil(t, fetch)
	script := fetch[1] + "\n" + strings.ReplaceAll(block[1], "manifests/", "templates/")
	require.Contains(t, script, "\nkrm-bypass check ")

	inFolder := func(script string) (string, error) {
		c := newChange(t, []text{before}, nil)
		cmd := exec.Command("sh", "-e", "-c", script)
		cmd.Dir, cmd.Env = c.dir, clean(t)
		said, err := cmd.CombinedOutput()
		t.Log(string(said))
		return c.dir, err
	}
	dir, err := inFolder(script)
	require.NoError(t, err)
	ways.Compare(t, []byte(readText(t, filepath.Join(dir, "rendered.yaml"))))
	assert.Contains(t, readText(t, filepath.Join(dir, "bypass.html")), "3305", "what was before")
	assert.Contains(t, readText(t, filepath.Join(dir, "krm-bypass.xml")), "<testsuite")

	dir, err = inFolder(strings.Replace(script, "\nkrm-bypass check ", "\nrendered=$(cat rendered.yaml); echo \"${rendered%%3306*}3307${rendered#*3306}\" >rendered.yaml\nkrm-bypass check ", 1))
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit)
	assert.Equal(t, 1, exit.ExitCode())
	assert.Contains(t, readText(t, filepath.Join(dir, "krm-bypass.xml")), "<failure")
}

// TestCommandsForOverlays runs those that docs/ci.md shows for a tree of overlays: in the
// change that takes an overlay away, in the one that takes the spec out, and in the next.
func TestCommandsForOverlays(t *testing.T) {
	page := readText(t, filepath.Join(ways.Repository(), "docs/ci.md"))
	blocks := shown.FindAllStringSubmatch(page, -1)
	require.Len(t, blocks, 2)
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS(filepath.Join(ways.Repository(), "examples/overlays"))))
	commit := func() {
		git(t, dir, "add", "--all")
		git(t, dir, "commit", "--quiet", "--message=change")
		git(t, dir, "update-ref", "refs/remotes/origin/main", "HEAD")
	}
	runs := func(script string) (string, error) {
		cmd := exec.Command("sh", "-e", "-c", script)
		cmd.Dir, cmd.Env = dir, clean(t)
		said, err := cmd.CombinedOutput()
		return string(said), err
	}
	git(t, dir, "init", "--quiet")
	commit()
	said, err := runs(blocks[1][1])
	require.NoError(t, err, said)
	assert.Equal(t, 2, strings.Count(readText(t, filepath.Join(dir, "rendered.yaml")), "kind: Deployment"))

	require.NoError(t, os.RemoveAll(filepath.Join(dir, "overlays/staging")))
	said, err = runs(strings.ReplaceAll(blocks[1][1], "--allow-none", ""))
	require.Error(t, err, said)
	said, err = runs(blocks[1][1])
	require.NoError(t, err, said)
	assert.Contains(t, readText(t, filepath.Join(dir, "bypass.html")), "Gone: ")
	commit()

	require.NoError(t, os.RemoveAll(filepath.Join(dir, "bypass")))
	kustomization := filepath.Join(dir, "overlays/production/kustomization.yaml")
	without := regexp.MustCompile(`(?m)^transformers:\n(- .*\n)+`).ReplaceAllString(readText(t, kustomization), "")
	require.NotContains(t, without, "bypass")
	require.NoError(t, os.WriteFile(kustomization, []byte(without), 0o600))
	for range 2 {
		said, err = runs(blocks[1][1])
		require.NoError(t, err, said)
		assert.NotContains(t, readText(t, filepath.Join(dir, "rendered.yaml")), "krm-bypass")
		commit()
	}
}
