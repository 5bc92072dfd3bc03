package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// begun runs init in a folder and gives what it prints, and says.
func begun(t *testing.T, folder string, flags ...string) (code int, printed, said string) {
	t.Helper()
	t.Chdir(folder)
	var out, errOut bytes.Buffer
	code = run(append([]string{"init"}, flags...), strings.NewReader(""), &out, &errOut)
	return code, out.String(), errOut.String()
}

func copied(t *testing.T, example string) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "shop")
	require.NoError(t, os.CopyFS(folder, os.DirFS(filepath.Join("../../examples", example))))
	return folder
}

// TestInitShowsAndThenWrites runs init twice: what the first shows, the second does.
func TestInitShowsAndThenWrites(t *testing.T) {
	folder := copied(t, "asm-ports/base")
	was, err := os.ReadFile(filepath.Join(folder, "kustomization.yaml"))
	require.NoError(t, err)

	code, printed, said := begun(t, folder)
	assert.Zero(t, code)
	assert.Contains(t, printed, "+transformers:\n+- bypass.yaml\n")
	assert.Contains(t, said, "info: next, to add what the diff on standard output shows: krm-bypass init --write .\n")
	assert.Contains(t, said, "info: then, to render: krm-bypass render .\n")
	is, err := os.ReadFile("kustomization.yaml")
	require.NoError(t, err)
	assert.Equal(t, string(was), string(is), "the diff alone was asked for")
	spec, err := os.ReadFile("bypass.yaml")
	require.NoError(t, err)

	code, printed, said = begun(t, folder, "--write")
	assert.Zero(t, code)
	assert.Empty(t, printed)
	assert.Contains(t, said, "info: bypass.yaml is there already, and stays as it is\n")
	assert.Contains(t, said, "info: kustomization.yaml is changed\n")
	again, err := os.ReadFile("bypass.yaml")
	require.NoError(t, err)
	assert.Equal(t, string(spec), string(again))

	code, _, said = begun(t, folder)
	assert.Equal(t, 1, code)
	assert.Contains(t, said, "init writes over nothing")

	code, _, said = begun(t, folder, "--write")
	assert.Zero(t, code, "it is as asked for")
	assert.Contains(t, said, "info: bypass.yaml is there already, and stays as it is\n")
	assert.NotContains(t, said, "is changed")
}

// TestInitOfAPlainFolder: the commands that it names work where the spec stands, and where
// it tells to move it.
func TestInitOfAPlainFolder(t *testing.T) {
	folder := copied(t, "every-way/templates")
	code, _, said := begun(t, folder)
	require.Zero(t, code, said)
	assert.Contains(t, said, "as by kubectl apply -f ., move bypass.yaml out of it and add --spec to the commands below, as in krm-bypass render --in-place . --spec FOLDER/bypass.yaml\n")
	code, _, said = begun(t, folder, "--write")
	assert.Zero(t, code, said)
	assert.Contains(t, said, "info: bypass.yaml is there already, and stays as it is\n")

	for _, args := range [][]string{{"suggest", ".", "--spec", "bypass.yaml"}, {"render", "--in-place", "."}} {
		code, _, said := krmBypass("", args...)
		assert.Zero(t, code, said)
	}
	moved := filepath.Join(t.TempDir(), "bypass.yaml")
	require.NoError(t, os.Rename("bypass.yaml", moved))
	for _, args := range [][]string{{"suggest", ".", "--spec", moved}, {"render", "--in-place", ".", "--spec", moved}} {
		code, _, said := krmBypass("", args...)
		assert.Zero(t, code, said)
	}
}

// What init leaves renders with the next command, with an image and without one, as it
// is and with every rule that it shows without its comment exampleMark.
func TestWhatInitLeavesRenders(t *testing.T) {
	for _, flags := range [][]string{nil, {"--image", "registry.example.com/mesh/init:v1"}} {
		for _, example := range []string{"asm-ports/base", "every-way/templates"} {
			t.Run(strings.Join(append(flags, example), " "), func(t *testing.T) {
				folder := copied(t, example)
				code, _, said := begun(t, folder, append(flags, "--write")...)
				require.Zero(t, code, said)
				for _, rules := range []bool{false, true} {
					if rules {
						uncomment(t, "bypass.yaml")
					}
					var out, errOut bytes.Buffer
					assert.Zero(t, run([]string{"render", "."}, strings.NewReader(""), &out, &errOut), errOut.String())
					assert.Equal(t, rules, strings.Contains(out.String(), "krm-bypass.dev/policy"), out.String())
					assert.Equal(t, rules && flags != nil, strings.Contains(out.String(), "krm-bypass-init"))
				}
			})
		}
	}
}

var exampleMark = regexp.MustCompile(`(?m)^  # ((?:  |- )*[a-z])`)

// uncomment takes the comment mark from every rule that a spec shows.
func uncomment(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	end := strings.LastIndex(string(text), "\n\n") // behind it, prose
	is := exampleMark.ReplaceAllString(string(text[:end]), "  $1") + string(text[end:])
	require.NotEqual(t, string(text), is)
	require.NoError(t, os.WriteFile(path, []byte(is), 0o600))
}

// A diff has paths that git and patch take, wherever the file is.
func TestDiffsAreForGit(t *testing.T) {
	top := copied(t, "asm-ports")
	require.NoError(t, os.MkdirAll(filepath.Join(top, ".git"), 0o755))
	require.NoError(t, os.Remove(filepath.Join(top, "bypass.yaml")))
	require.NoError(t, os.MkdirAll(filepath.Join(top, "elsewhere"), 0o755))
	code, printed, said := begun(t, filepath.Join(top, "elsewhere"), "../base")
	assert.Zero(t, code)
	assert.Contains(t, printed, "--- a/base/kustomization.yaml\n+++ b/base/kustomization.yaml\n")
	assert.Contains(t, said, "the paths in the diff begin at ")
}

// A link inside the folder is read as kustomize reads it; what leads out is refused.
func TestInitReadsALinkInsideTheFolder(t *testing.T) {
	for to, want := range map[string]string{
		"real.yaml":       "is a kustomization",
		"../outside.yaml": "dir/kustomization.yaml is a link that leads to nothing in the folder: put a copy in its place",
	} {
		t.Chdir(folder(t, map[string]string{"dir/real.yaml": "resources: [a.yaml]\n", "outside.yaml": "resources: []\n", "dir/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"}))
		require.NoError(t, os.Symlink(to, "dir/kustomization.yaml"))
		code, _, said := krmBypass("", "init", "--write", "dir")
		assert.Contains(t, said, want)
		text, err := os.ReadFile("dir/real.yaml")
		require.NoError(t, err)
		assert.Equal(t, code == 0, strings.Contains(string(text), "transformers:\n- bypass.yaml") || strings.Contains(string(text), "transformers: [bypass.yaml]"), "%s", text)
		info, err := os.Lstat("dir/kustomization.yaml")
		require.NoError(t, err)
		assert.NotZero(t, info.Mode()&os.ModeSymlink)
	}
}

func TestInitWritesAllOrNothing(t *testing.T) {
	folder := copied(t, "asm-ports/base")
	require.NoError(t, os.Remove(filepath.Join(folder, "kustomization.yaml")))
	require.NoError(t, os.WriteFile(filepath.Join(folder, "kustomization.yaml"), []byte("resources: [ledger.yaml]\ntransformers: x\n"), 0o600))
	code, printed, said := begun(t, folder, "--write")
	assert.Equal(t, 1, code)
	assert.Empty(t, printed)
	assert.Contains(t, said, "kustomization.yaml:2: transformers: a list of files is needed here")
	assert.NoFileExists(t, filepath.Join(folder, "bypass.yaml"))
}

// TestInitNamesWhatItsCommandsCanRead has a chart among other folders: each command that init
// prints works, and suggest gets all that is rendered.
func TestInitNamesWhatItsCommandsCanRead(t *testing.T) {
	files := map[string]string{
		"chart/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 0.1.0\n", "chart/templates/api.yaml": strings.ReplaceAll(webDeployment, "name: web", "name: {{ .Release.Name }}"),
		"base/web.yaml": webDeployment, "base/kustomization.yaml": "resources: [web.yaml]\n", "plain/deep/web.yaml": webDeployment,
		"overlays/a/kustomization.yaml": "resources: [../../base]\n", "overlays/b/kustomization.yaml": "resources: [../../base]\n",
	}
	for args, want := range map[string][]string{
		"init":              {"krm-bypass suggest overlays/a overlays/b plain --spec bypass/bypass.yaml"},
		"init --for folder": {"krm-bypass suggest base/web.yaml plain --spec bypass.yaml", "krm-bypass render --diff base/web.yaml plain --spec bypass.yaml", "krm-bypass render --in-place base/web.yaml plain --spec bypass.yaml"},
	} {
		t.Chdir(folder(t, files))
		code, _, errOut := krmBypass("", append(strings.Fields(args), "--write", "--mesh", "Istio")...)
		require.Zero(t, code, errOut)
		for _, command := range want {
			assert.Contains(t, errOut, ": "+command+"\n", args)
			code, _, said := krmBypass("", strings.Fields(strings.TrimPrefix(command, "krm-bypass "))...)
			assert.Zero(t, code, "%s: %s", command, said)
		}
	}
}
