package kustomize

import (
	"bytes"
	"debug/buildinfo"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/test/built"
)

var update = flag.Bool("update", false, "rewrite the expected files, then fail")

// The repository, seen from this package, where go test runs its tests.
const repository = "../.."

// clone is a folder laid out as the repository is, with examples/ and a
// bin/krm-bypass that is built from today's source, so that no test can pass on
// the binary of yesterday.
var clone string

// kustomize is the absolute path of the CLI that make tools installs.
var kustomize string

func TestMain(m *testing.M) {
	built.Main(m, func(folder string) (err error) {
		clone = folder
		if kustomize, err = findKustomize(); err != nil {
			return err
		}
		if err := os.CopyFS(filepath.Join(clone, "examples"), os.DirFS(filepath.Join(repository, "examples"))); err != nil {
			return fmt.Errorf("copying the examples: %w", err)
		}
		bin := filepath.Join(clone, "bin")
		if err := errors.Join(os.Mkdir(bin, 0o755), os.Rename(filepath.Join(clone, "krm-bypass"), filepath.Join(bin, "krm-bypass"))); err != nil {
			return err
		}
		// Where a spec that is shared between repositories has the function looked up.
		return built.First(bin)
	})
}

// findKustomize returns the CLI in .cache/bin, if it is of the version that
// hack/tools.txt lists: what kustomize does to a function's input and output
// differs between versions.
func findKustomize() (string, error) {
	wanted, err := listedVersion("kustomize")
	if err != nil {
		return "", err
	}
	path, err := filepath.Abs(filepath.Join(repository, ".cache", "bin", "kustomize"))
	if err != nil {
		return "", err
	}
	info, err := buildinfo.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("missing: kustomize %s in .cache/bin; make tools installs it", wanted)
	case err != nil:
		return "", fmt.Errorf("reading the version of %s: %w", path, err)
	case info.Main.Version != wanted:
		return "", fmt.Errorf("missing: kustomize %s; %s is %s; make tools installs the right one", wanted, path, info.Main.Version)
	}
	return path, nil
}

func listedVersion(tool string) (string, error) {
	const list = "hack/tools.txt"
	text, err := os.ReadFile(filepath.Join(repository, list))
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(text)) {
		if columns := strings.Fields(line); len(columns) == 3 && columns[0] == tool {
			return columns[2], nil
		}
	}
	return "", fmt.Errorf("%s does not list %s", list, tool)
}

// rendering is what one run of kustomize build left.
type rendering struct {
	stdout, stderr string
	failed         bool
}

// Both flags are needed: without the first kustomize refuses the function,
// without the second it skips it in silence.
var withFunction = []string{"--enable-alpha-plugins", "--enable-exec"}

// build runs kustomize build on a folder of the clone.
func build(t *testing.T, folder string, flags ...string) rendering {
	t.Helper()
	command := exec.Command(kustomize, append([]string{"build", folder}, flags...)...)
	command.Dir = clone
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	err := command.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		require.NoError(t, err, "executing kustomize")
	}
	return rendering{stdout: stdout.String(), stderr: stderr.String(), failed: err != nil}
}

// render is build with the function, where that has to succeed without a word.
func render(t *testing.T, folder string) string {
	t.Helper()
	built := build(t, folder, withFunction...)
	require.False(t, built.failed, "kustomize build %s: %s", folder, built.stderr)
	require.Empty(t, built.stderr, "a clean success says nothing")
	return built.stdout
}

// renderWithoutFunction is what kustomize makes of a folder when it leaves out
// the function, if one is listed.
func renderWithoutFunction(t *testing.T, folder string) string {
	t.Helper()
	built := build(t, folder, "--enable-alpha-plugins")
	require.False(t, built.failed, "kustomize build %s: %s", folder, built.stderr)
	require.Empty(t, built.stderr)
	return built.stdout
}

// overlay lays a kustomization with a spec of its own into the clone's examples
// and returns its name for build. The path of the function in bypass is as deep
// as the clone's.
func overlay(t *testing.T, resource, bypass string) string {
	t.Helper()
	return layOut(t, ".", map[string]string{
		"kustomization.yaml": "resources: [" + resource + "]\ntransformers: [bypass.yaml]\n",
		"bypass.yaml":        bypass,
	})
}

// layOut lays a folder with files into a folder of the clone's examples and
// returns its name for build.
func layOut(t *testing.T, below string, files map[string]string) string {
	t.Helper()
	folder, err := os.MkdirTemp(filepath.Join(clone, "examples", below), "overlay-") //nolint:usetesting // paths in it are relative to the clone
	require.NoError(t, err)
	for name, text := range files {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600))
	}
	name, err := filepath.Rel(clone, folder)
	require.NoError(t, err)
	return name
}

func exampleFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(clone, "examples", filepath.FromSlash(path)))
	require.NoError(t, err)
	return string(text)
}
