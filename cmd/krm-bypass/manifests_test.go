package main

import (
	"maps"
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

func TestManifestsInHiddenFoldersAreToldOf(t *testing.T) {
	dir := folder(t, map[string]string{
		"web.yaml": webDeployment, "bypass.yaml": bypassSpec, ".h/a/x.json": `{"apiVersion": "v1", "kind": "ConfigMap"}`, ".h/y.yml": webDeployment, ".z.yaml": webService,
		".h/values.yaml": "a: 1\n", ".h/README.md": webDeployment, ".git/x.yaml": webDeployment, ".github/workflows/ci.yaml": "on: push\n",
	})
	require.NoError(t, os.Symlink("/dev/zero", filepath.Join(dir, ".h", "zero.yaml")))
	require.NoError(t, syscall.Mkfifo(filepath.Join(dir, ".h", "pipe.yaml"), 0o600))
	warned := "warning: " + dir + "/.h/a/x.json: not read, because its folder is hidden (and 1 more like it); kubectl apply -R reads it: name the folder itself too, or remove it\n"
	for _, command := range []string{"render", "check", "explain"} {
		_, _, errOut := krmBypass("", command, dir)
		assert.Equal(t, warned, errOut, command)
	}
	_, out, errOut := krmBypass("", "render", dir, filepath.Join(dir, ".h", "a"), filepath.Join(dir, ".h", "y.yml"))
	assert.Empty(t, errOut, "they are named too")
	assert.Contains(t, out, "ConfigMap")
	_, _, errOut = krmBypass("", "render", filepath.Join(dir, ".h", "a"), "--spec", filepath.Join(dir, "bypass.yaml"))
	assert.Empty(t, errOut)
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
	link("nowhere", "gone.yaml")
	folderLink := app + "/folder: skipped, because it is a link to a folder: name the folder itself\n"
	unread := []string{
		app + "/gone.yaml: not read, because it is a link to nowhere, which cannot be followed (lstat " + app + "/nowhere: no such file or directory): mend or remove it\n",
		app + "/out.yaml: not read, because it is a link to " + out + ", outside the folder " + app + ": name " + app + "/out.yaml itself too, or remove it\n",
		app + "/pipe.yaml: not read, because it is not a regular file: name it itself too, or remove it\n",
		app + "/piped.yaml: not read, because it is not a regular file: name it itself too, or remove it\n",
		app + "/zero.yaml: not read, because it is a link to /dev/zero, outside the folder " + app + ": name " + app + "/zero.yaml itself too, or remove it\n",
	}
	refused := "error: reading manifests: " + strings.Join(unread, "reading manifests: ")

	before := textOf(t, filepath.Join(app, "web.yaml"))
	for command, want := range map[string]int{"render": 1, "check": couldNotTell, "lint": couldNotTell, "explain": 1, "import": 1, "render --diff": 1, "render --in-place": 1} {
		code, stdout, errOut := krmBypass("", append(strings.Fields(command), app)...)
		assert.Equal(t, want, code, command)
		assert.Equal(t, refused, errOut, command)
		assert.Empty(t, stdout, command)
	}
	assert.Equal(t, before, textOf(t, filepath.Join(app, "web.yaml")))
	for _, name := range []string{"gone.yaml", "pipe.yaml", "piped.yaml", "zero.yaml"} {
		require.NoError(t, os.Remove(filepath.Join(app, name)))
	}
	require.NoError(t, os.Rename(filepath.Join(app, "out.yaml"), filepath.Join(app, "out.txt")))
	code, _, errOut := krmBypass("", "render", "--in-place", app)
	assert.Zero(t, code, errOut)
	require.NoError(t, os.Rename(filepath.Join(app, "out.txt"), filepath.Join(app, "out.yaml")))
	assert.Contains(t, textOf(t, filepath.Join(app, "web.yaml")), written, "by whichever name it was found")
	assert.NotContains(t, textOf(t, out), written)
	info, err := os.Lstat(filepath.Join(app, "absolute.yaml"))
	require.NoError(t, err)
	assert.NotZero(t, info.Mode()&os.ModeSymlink, "a link stays one")

	code, _, errOut = krmBypass("", "render", "--in-place", "--spec", filepath.Join(app, "bypass.yaml"), filepath.Join(app, "out.yaml"))
	assert.Zero(t, code, errOut)
	assert.Equal(t, "info: 1 of 1 file written\n", errOut, "a link that the user names may lead anywhere")
	assert.NotContains(t, textOf(t, out), "app: web")

	for _, paths := range [][]string{{app, filepath.Join(app, "out.yaml")}, {out, app}} {
		code, stdout, errOut := krmBypass("", append([]string{"render"}, paths...)...)
		assert.Zero(t, code, errOut)
		assert.Equal(t, "warning: "+folderLink, errOut)
		assert.Equal(t, 2, strings.Count(stdout, "kind: Deployment"), stdout)
	}
}

// TestHiddenFilesAreRead has what kubectl apply -f reads of a folder.
func TestHiddenFilesAreRead(t *testing.T) {
	for _, name := range []string{".web.yaml", ".web.yml", ".yaml", "sub/.web.yaml", "WEB.YAML", "a/.git.yaml"} {
		dir := folder(t, map[string]string{"bypass.yaml": bypassSpec, name: webDeployment, ".git/web.yaml": "[", ".git.d/sub/web.yaml": "["})
		code, out, errOut := krmBypass("", "render", dir)
		assert.Zero(t, code, errOut)
		assert.Contains(t, out, written, name)
		code, out, _ = krmBypass("", "check", dir)
		assert.Equal(t, 1, code, name)
		assert.Contains(t, out, "excludeOutboundPorts", name)
		code, _, errOut = krmBypass("", "render", "--in-place", dir)
		assert.Zero(t, code, errOut)
		assert.Contains(t, textOf(t, filepath.Join(dir, name)), written, name)
	}
}

// TestAFolderWithoutManifests is told from standard input that is empty, which Helm
// may send, and from a file that says nothing.
func TestAFolderWithoutManifests(t *testing.T) {
	dir := folder(t, map[string]string{"bypass.yaml": bypassSpec, "empty/README.md": "", "empty/.git/web.yaml": webDeployment, "blank/web.yaml": "\n"})
	spec, empty := filepath.Join(dir, "bypass.yaml"), filepath.Join(dir, "empty")
	for _, command := range []string{"render", "render --in-place", "render --diff", "explain", "check"} {
		for _, paths := range [][]string{{empty}, {spec, empty}} {
			code, out, errOut := krmBypass("", append(append(strings.Fields(command), "--spec", spec), paths...)...)
			assert.Equal(t, command == "check", code == couldNotTell, command)
			assert.NotZero(t, code, command)
			assert.Empty(t, out)
			assert.Equal(t, "error: reading manifests: "+empty+": the folder holds no .yaml, .yml or .json file: correct the path\n", errOut, command)
		}
	}
	code, _, errOut := krmBypass("", "render", "--spec", spec, filepath.Join(dir, "blank"))
	assert.Zero(t, code, errOut)
	code, _, errOut = krmBypass("", "explain", "--spec", spec, filepath.Join(dir, "blank"), "--before", empty)
	assert.Zero(t, code, "nothing was there yet: %s", errOut)
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

// GNU patch takes a space for the end of a name where no tab stands behind it.
func TestADiffOfANameWithASpaceApplies(t *testing.T) {
	const spaced = "my shop/web.yaml"
	t.Chdir(folder(t, map[string]string{spaced: "was\n"}))
	shown := string(difference(spaced, []byte("was\n"), []byte("is\n")))
	assert.Contains(t, shown, "\n--- a/my shop/web.yaml\t\n+++ b/my shop/web.yaml\t\n", "patch needs the tab")
	apply := exec.Command("git", "apply", "-")
	apply.Stdin = strings.NewReader(shown)
	said, err := apply.CombinedOutput()
	require.NoError(t, err, "%s", said)
	assert.Equal(t, "is\n", textOf(t, spaced))
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

// TestFilesThatAreTooLargeAreRefused: a sparse file holds more than there is memory for.
func TestFilesThatAreTooLargeAreRefused(t *testing.T) {
	dir := folder(t, map[string]string{"m/web.yaml": webDeployment, "bypass.yaml": bypassSpec, "m/large.yaml": "", "k/kustomization.yaml": "resources: [large.yaml]\n", "k/large.yaml": "", "large.yaml": ""})
	for _, name := range []string{"m/large.yaml", "k/large.yaml", "large.yaml"} {
		require.NoError(t, os.Truncate(filepath.Join(dir, name), 3<<30))
	}
	t.Chdir(dir)
	const file, spec, all = "m/large.yaml", "large.yaml", "--spec bypass.yaml"
	for args, path := range map[string]string{
		"explain m " + all: file, "check m " + all: file, "lint m " + all: file, "render m " + all: file, "render --in-place m " + all: file,
		"explain m/large.yaml " + all: file, "import m": file, "suggest m " + all: file, "init m": file, "ui m/web.yaml --spec large.yaml": spec,
		"explain m/web.yaml --spec large.yaml": spec, "explain m/web.yaml --before large.yaml " + all: spec, "render k " + all: "k/large.yaml",
	} {
		code, _, errOut := krmBypass("", strings.Fields(args)...)
		assert.NotZero(t, code, args)
		assert.Contains(t, errOut, path+" has 3072 MiB, and more than ", args)
		assert.Contains(t, errOut, " MiB are refused: cut it into smaller files, or move it away if it holds no manifests", args)
	}
	seen := mustSee(t, func() *tree {
		tree, err := newTree(inputs{specs: []string{"bypass.yaml"}}, []string{"m"}, "", "2026-11-28")
		require.NoError(t, err)
		return tree
	}())
	assert.Contains(t, strings.Join(seen.Problems, "\n"), file+" has 3072 MiB, and more than 256 MiB are refused")
}

// TestATemplateWithoutAWorkloadIsTold has what printing refuses, since the chart was not
// rendered, and what others pass over.
func TestATemplateWithoutAWorkloadIsTold(t *testing.T) {
	const why = "unsupported YAML: a value that begins with {{ and is not in quotes; it looks like a template of a Helm chart: render the chart first, as in helm template DIR | krm-bypass render -\n"
	files := map[string]string{"bypass.yaml": bypassSpec, "web.yaml": webDeployment, "50%s.yaml": "a: {{ .Values.a }}\n", "notes.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: \"{{ .b }}\"}\n"}
	for name, test := range map[string]struct{ more, says string }{
		"one": {"", "50%s.yaml:1: not read: " + why},
		"two": {"apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {{ .Values.b }}\n", "50%s.yaml:1: not read (and 1 more like it): " + why},
	} {
		t.Run(name, func(t *testing.T) {
			files := maps.Clone(files)
			if test.more != "" {
				files["service.yaml"] = test.more
			}
			for _, command := range []string{"render --diff", "explain", "check", "lint", "render --in-place"} {
				dir := folder(t, files)
				_, _, errOut := krmBypass("", append(strings.Fields(command), dir)...)
				assert.Equal(t, "warning: "+dir+"/"+test.says, withoutOutcome(errOut), command)
			}
			code, _, errOut := krmBypass("", "render", folder(t, files))
			assert.Equal(t, 1, code)
			assert.NotContains(t, errOut, "warning: ")
		})
	}
}

// TestAKustomizationIsReadOnce names one twice, in other words.
func TestAKustomizationIsReadOnce(t *testing.T) {
	dir := folder(t, map[string]string{"base/web.yaml": webDeployment, "base/kustomization.yaml": "resources: [web.yaml]\n", "bypass.yaml": bypassSpec})
	t.Chdir(dir)
	require.NoError(t, os.Symlink("base", "link"))
	for _, command := range []string{"render", "explain", "explain -o json", "check", "lint", "render --diff"} {
		command := append(strings.Fields(command), "--spec", "bypass.yaml", "base")
		code, once, said := krmBypass("", command...)
		for _, again := range []string{"base", "base/", "./base", dir + "/base", "link"} {
			is, out, errOut := krmBypass("", append(command, again)...)
			assert.Equal(t, []any{code, once, said}, []any{is, out, errOut}, "%v %s", command, again)
		}
	}
}

// TestASpecMayBeALinkOutOfItsFolder names the spec of a folder, which several folders share.
func TestASpecMayBeALinkOutOfItsFolder(t *testing.T) {
	t.Chdir(folder(t, map[string]string{"m/web.yaml": webDeployment, "real/spec.yaml": bypassSpec + "---\n" + webService}))
	require.NoError(t, os.Symlink("../real/spec.yaml", "m/spec.yaml"))
	code, want, errOut := krmBypass("", "render", "m", "m/spec.yaml", "--spec", "m/spec.yaml")
	require.Zero(t, code, errOut)
	for _, spec := range []string{"m/spec.yaml", "./m/../m/spec.yaml", "real/spec.yaml"} {
		code, out, errOut := krmBypass("", "render", "m", "--spec", spec)
		assert.Zero(t, code, errOut)
		assert.ElementsMatch(t, strings.SplitAfter(want, "\n"), strings.SplitAfter(out, "\n"), "what stands beside the spec is rendered, too")
		for _, command := range []string{"lint", "explain"} {
			code, _, errOut = krmBypass("", command, "m", "--spec", spec)
			assert.Zero(t, code, errOut)
		}
	}
	code, _, errOut = krmBypass("", "lint", "m", "--spec", "m/web.yaml")
	assert.Equal(t, 2, code)
	assert.NotEmpty(t, errOut)
	code, _, errOut = krmBypass("", "lint", "m")
	assert.Equal(t, 2, code)
	assert.Contains(t, errOut, "m/spec.yaml: not read, because it is a link to ")
}
