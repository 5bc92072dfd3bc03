package helm

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/test/built"
)

// The repository, seen from this package, where go test runs its tests.
const repository = "../.."

// A version of Helm, and how it is told of its post-renderer.
type version struct {
	name    string
	program string // in .cache/bin
	// plugins is the folder of plugins, below the repository; "" for none.
	plugins string
	// arguments are those of --post-renderer-args before the user's own.
	arguments []string
}

var versions = []version{
	{name: "Helm 3", program: "helm", arguments: []string{"render", "-"}},
	{name: "Helm 4", program: "helm4", plugins: "examples/helm"},
}

// bin is a folder with krm-bypass, built from today's source.
var bin string

func TestMain(m *testing.M) {
	built.Main(m, func(folder string) error {
		bin = folder
		for _, v := range versions {
			if _, err := os.Stat(v.path()); err != nil {
				return fmt.Errorf("missing: %s in .cache/bin; make tools installs it: %w", v.program, err)
			}
		}
		return nil
	})
}

func (v version) path() string { return filepath.Join(repository, ".cache/bin", v.program) }

// rendering is what a run of Helm left.
type rendering struct {
	stdout, stderr string
	failed         bool
}

// run runs Helm from the top of the repository, with krm-bypass in PATH and
// nothing of the user's who runs the tests.
func (v version) run(t *testing.T, env []string, args ...string) rendering {
	t.Helper()
	program, err := filepath.Abs(v.path())
	require.NoError(t, err)
	command := exec.Command(program, args...)
	command.Dir = repository
	home := t.TempDir()
	command.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "HELM_CACHE_HOME="+home, "HELM_CONFIG_HOME="+home, "HELM_DATA_HOME="+home)
	if v.plugins != "" {
		command.Env = append(command.Env, "HELM_PLUGINS="+v.plugins)
	}
	command.Env = append(command.Env, env...)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	err = command.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		require.NoError(t, err, "executing %s", v.name)
	}
	return rendering{stdout.String(), stderr.String(), err != nil}
}

// postRender gives the flags by which krm-bypass renders after Helm.
func (v version) postRender(args ...string) []string {
	flags := []string{"--post-renderer", "krm-bypass"}
	for _, arg := range append(v.arguments[:len(v.arguments):len(v.arguments)], args...) {
		flags = append(flags, "--post-renderer-args", arg)
	}
	return flags
}

// pipe is what krm-bypass makes of a stream of manifests.
func pipe(t *testing.T, manifests string, args ...string) string {
	t.Helper()
	command := exec.Command(filepath.Join(bin, "krm-bypass"), append([]string{"render", "-"}, args...)...)
	command.Dir = repository
	command.Stdin = bytes.NewBufferString(manifests)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	require.NoError(t, command.Run(), stderr.String())
	return stdout.String()
}
