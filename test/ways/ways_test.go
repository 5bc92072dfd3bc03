package ways

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/test/page"
)

var update = flag.Bool("update", false, "rewrite testdata/expected.yaml from krm-bypass render, and the table of docs/running.md, and fail")

// way is a way of running krm-bypass on the tree.
type way struct {
	name string
	// command runs in a copy of the tree, with krm-bypass, kustomize and Helm in PATH.
	command string
	// then prints what the command made, where it prints none of it.
	then string
	// tells is what it says beside, on standard error.
	tells string
	// note is what else a reader does.
	note string
	// elsewhere is the folder of the tests that run it and call Compare, where it takes
	// more than a command.
	elsewhere string
}

const ofFiles = "cat templates/web.yaml; echo ---; cat templates/orders.yaml"

var ways = []way{
	{name: "kustomize, [executed function](layouts.md)", command: "kustomize build --enable-alpha-plugins --enable-exec ."},
	{
		name: "kustomize, function in a container", command: "kustomize build --enable-alpha-plugins .",
		note: "with `container:` for `exec:` in the spec", elsewhere: "test/containers",
	},
	{name: "kustomize in process: nothing in it can be skipped", command: "krm-bypass render ."},
	{name: "kustomize, then a pipe", command: "kustomize build --enable-alpha-plugins . | krm-bypass render - --spec bypass.yaml"},
	{name: "a folder of manifests", command: "krm-bypass render templates --spec bypass.yaml"},
	{name: "a spec among the manifests", command: "krm-bypass render templates bypass.yaml"},
	{
		name: "files, in place", command: "krm-bypass render --in-place templates --spec bypass.yaml", then: ofFiles,
		tells: "info: 2 of 2 files written\n",
	},
	{name: "files, as a patch", command: "krm-bypass render --diff templates --spec bypass.yaml | git apply -", then: ofFiles},
	{name: "Helm, then a pipe", command: "helm template every-way . | krm-bypass render - --spec bypass.yaml"},
	{
		name:    "Helm 3, post-renderer",
		command: "helm template every-way . --post-renderer krm-bypass --post-renderer-args render --post-renderer-args - --post-renderer-args --spec=bypass.yaml",
	},
	{
		name:    "[Helm 4](helm.md), post-renderer",
		command: "helm template every-way . --post-renderer krm-bypass --post-renderer-args --spec=bypass.yaml", elsewhere: "test/helm",
	},
	{name: "[Argo CD](argocd.md), plugin", command: "ARGOCD_APP_NAME=every-way krm-bypass render ."},
	{name: "[Flux](flux.md), rendered and pushed by CI", command: "krm-bypass render .", elsewhere: "test/flux"},
	{name: "[Flux](flux.md), files in Git", command: "krm-bypass render --in-place templates --spec bypass.yaml", elsewhere: "test/flux"},
	{name: "kpt ([exec](../examples/kpt-exec), [image](../examples/kpt-image))", command: "kpt fn render --allow-exec .", elsewhere: "test/kpt"},
	{name: "[GitHub action](github.md)", command: "uses: YOUR-ORGANISATION/krm-bypass@YOUR-COMMIT", note: "with `path:`", elsewhere: "test/pipelines"},
	{name: "[GitLab component](gitlab.md)", command: "include:", note: "with `path:`", elsewhere: "test/pipelines"},
	{name: "[any other CI](ci.md)", command: "krm-bypass render .", elsewhere: "test/pipelines"},
	{name: "[pre-commit](pre-commit.md)", command: "id: krm-bypass-render", note: "with `args: [templates, --spec=bypass.yaml]`", elsewhere: "test/pipelines"},
}

// TestRunningPage keeps the table of docs/running.md that of the ways.
func TestRunningPage(t *testing.T) {
	var table strings.Builder
	table.WriteString("| way | command |\n|---|---|\n")
	for _, w := range ways {
		cell := "`" + strings.ReplaceAll(w.command, "|", `\|`) + "`"
		if w.note != "" {
			cell += ", " + w.note
		}
		fmt.Fprintf(&table, "| %s | %s |\n", w.name, cell)
	}
	page.Holds(t, filepath.Join(Repository(), "docs/running.md"), map[string]string{"ways": table.String()}, *update, "go test ./test/ways -run TestRunningPage -update")
}

// TestEveryWayMakesTheSameOfTheTree runs the commands, with what make build and make tools
// leave in PATH. Tests elsewhere have to call Compare, and hack/test.sh has to run them.
//
// Helm's commands are a test of their own, since building Helm takes minutes.
func TestEveryWayMakesTheSameOfTheTree(t *testing.T) {
	everyWay(t, 5, func(w way) bool { return !strings.Contains(w.command, "helm ") })
}

// TestHelmMakesTheSameOfTheTree runs the rows that need Helm.
func TestHelmMakesTheSameOfTheTree(t *testing.T) {
	everyWay(t, 2, func(w way) bool { return strings.Contains(w.command, "helm ") })
}

func everyWay(t *testing.T, atLeast int, wanted func(way) bool) {
	repository := Repository()
	stages, err := os.ReadFile(filepath.Join(repository, "hack/test.sh"))
	require.NoError(t, err)
	bin := t.TempDir()
	build := exec.Command("go", "build", "-o", bin, "./cmd/krm-bypass")
	build.Dir = repository
	said, err := build.CombinedOutput()
	require.NoError(t, err, "%s", said)
	t.Setenv("PATH", strings.Join([]string{bin, filepath.Join(repository, ".cache/bin"), os.Getenv("PATH")}, string(os.PathListSeparator)))

	ran := 0
	for _, w := range ways {
		if !wanted(w) {
			continue
		}
		t.Run(w.name, func(t *testing.T) {
			if w.elsewhere != "" {
				assert.Regexp(t, `[./ ]`+w.elsewhere+`[/ ]`, string(stages), "a stage runs it")
				assert.True(t, calls(t, filepath.Join(repository, w.elsewhere)), "%s has to call ways.Compare", w.elsewhere)
				return
			}
			ran++
			command := exec.Command("bash", "-e", "-o", "pipefail", "-c", w.command+"\n"+w.then)
			command.Dir = t.TempDir()
			require.NoError(t, os.CopyFS(command.Dir, os.DirFS(filepath.Join(repository, Example))))
			var stdout, stderr bytes.Buffer
			command.Stdout, command.Stderr = &stdout, &stderr
			require.NoError(t, command.Run(), "%s\n%s", w.command, stderr.String())
			assert.Equal(t, w.tells, stderr.String())
			golden := filepath.Join("testdata", "expected.yaml")
			if *update && w.command == "krm-bypass render ." {
				require.NoError(t, os.WriteFile(golden, stdout.Bytes(), 0o644))
				t.Fatalf("%s is rewritten: read the difference, then run without -update", golden)
			}
			Compare(t, stdout.Bytes())
		})
	}
	assert.GreaterOrEqual(t, ran, atLeast)
}

// calls reports whether a test below a folder asks for the verdict.
func calls(t *testing.T, folder string) bool {
	t.Helper()
	found := false
	require.NoError(t, filepath.WalkDir(folder, func(path string, _ os.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		found = found || bytes.Contains(text, []byte("ways.Compare("))
		return err
	}))
	return found
}
