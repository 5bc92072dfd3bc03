package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func textOf(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}

// TestAFolderIsReadWithinItself has what a folder that somebody else filled may
// hold to have other files read, or rewritten, or to have us wait.
func TestAFolderIsReadWithinItself(t *testing.T) {
	dir := folder(t, map[string]string{"app/bypass.yaml": bypassSpec, "app/web.yaml": webDeployment, "out/real.yaml": strings.ReplaceAll(webDeployment, "web", "out")})
	app, out := filepath.Join(dir, "app"), filepath.Join(dir, "out", "real.yaml")
	link := func(target, name string) { require.NoError(t, os.Symlink(target, filepath.Join(app, name))) }
	link("/dev/zero", "zero.yaml")
	link("../out/real.yaml", "out.yaml")
	link("../out", "folder")
	link("web.yaml", "within.yaml")
	link(filepath.Join(app, "web.yaml"), "absolute.yaml")
	require.NoError(t, syscall.Mkfifo(filepath.Join(app, "pipe.yaml"), 0o600))
	link("pipe.yaml", "piped.yaml")
	told := "warning: " + app + "/folder: skipped, because it is a link to a folder: name the folder itself\n" +
		"warning: " + app + "/out.yaml: skipped, because it is a link that leads out of the folder: name the file itself\n" +
		"warning: " + app + "/pipe.yaml: skipped, because it is not a regular file\n" +
		"warning: " + app + "/zero.yaml: skipped, because it is a link that leads out of the folder: name the file itself\n"

	for _, command := range [][]string{{"render"}, {"check"}, {"explain"}, {"render", "--diff"}, {"render", "--in-place"}} {
		code, _, errOut := krmBypass("", append(command, app)...)
		assert.Equal(t, command[0] == "check", code == 1, "%v: %s", command, errOut)
		assert.Equal(t, told, errOut, "%v", command)
	}
	assert.Contains(t, textOf(t, filepath.Join(app, "web.yaml")), written, "by whichever name it was found")
	assert.NotContains(t, textOf(t, out), written)
	info, err := os.Lstat(filepath.Join(app, "absolute.yaml"))
	require.NoError(t, err)
	assert.NotZero(t, info.Mode()&os.ModeSymlink, "a link stays one")

	code, _, errOut := krmBypass("", "render", "--in-place", "--spec", filepath.Join(app, "bypass.yaml"), filepath.Join(app, "out.yaml"))
	assert.Zero(t, code, errOut)
	assert.Empty(t, errOut, "a link that the user names may lead anywhere")
	assert.NotContains(t, textOf(t, out), "app: web")
}

// TestNamesControlNoTerminal has names that would clear the screen, or pass for a
// line of ours.
func TestNamesControlNoTerminal(t *testing.T) {
	const evil = "web\x1b[2J\nerror: forged"
	object := strings.NewReplacer("name: web,", `name: "web\e[2J\nerror: forged",`, "{app: web}}", `{app: web}, annotations: {traffic.sidecar.istio.io/excludeOutboundPorts: "no"}}`).Replace(webDeployment)
	for _, name := range []string{"web.yaml", evil + ".yaml"} {
		dir := folder(t, map[string]string{"bypass.yaml": bypassSpec, name: object})
		for _, command := range []string{"render", "check", "explain"} {
			_, out, errOut := krmBypass("", command, dir)
			assert.Contains(t, errOut+out, `web\x1b[2J\nerror: forged`, "%s", command)
			assert.NotContains(t, errOut+out, "\x1b", "%s", command)
			assert.NotContains(t, errOut+out, "\nerror: forged", "%s", command)
		}
	}
	_, _, errOut := krmBypass("", "render", evil)
	assert.NotContains(t, errOut, "\x1b")
}

func TestADiffQuotesNamesAsGitDoes(t *testing.T) {
	for name, want := range map[string]string{
		"plain.yaml":           "a/plain.yaml",
		"with blanks and é":    "a/with blanks and é",
		"two\nlines\t\"x\"\\.": `"a/two\nlines\t\"x\"\\."`,
		"é\x01":                `"a/\303\251\001"`,
	} {
		assert.Equal(t, want, quoted("a/"+name))
	}

	const name = "we\nb.yaml"
	dir := folder(t, map[string]string{"bypass.yaml": bypassSpec, name: webDeployment})
	t.Chdir(dir)
	code, patch, errOut := krmBypass("", "render", "--diff", "--spec", "bypass.yaml", name)
	require.Zero(t, code, errOut)
	git := exec.Command("git", "apply", "-")
	git.Stdin = strings.NewReader(patch)
	said, err := git.CombinedOutput()
	require.NoError(t, err, string(said))
	assert.Contains(t, textOf(t, name), written)
}
