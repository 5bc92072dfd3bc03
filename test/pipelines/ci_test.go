package pipelines

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/test/ways"
)

// TestCommandsForAnyCI runs those that docs/ci.md shows, and once more where somebody
// changes in between what was rendered.
func TestCommandsForAnyCI(t *testing.T) {
	page := readText(t, filepath.Join(ways.Repository(), "docs/ci.md"))
	block := regexp.MustCompile("(?s)```sh\n(.*?)```").FindStringSubmatch(page)
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
