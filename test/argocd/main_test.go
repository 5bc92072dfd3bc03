package argocd

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/argoproj/argo-cd/v3/cmd/argocd-cmp-server/commands"
	"github.com/argoproj/argo-cd/v3/common"
)

// TestMain is two programs, told apart by the name that they are called by, as
// Argo CD's one binary is (argoproj/argo-cd : cmd/main.go): these tests, and
// argocd-cmp-server. A second binary would take as long to link again.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == common.CommandCMPServer {
		if err := commands.NewCommand().Execute(); err != nil {
			os.Exit(1)
		}
		return
	}
	status, err := runIn(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		status = 1
	}
	os.Exit(status)
}

// The repository, seen from this package, where go test runs its tests.
const repository = "../.."

// What the tests share, below one folder.
var (
	tools   string // krm-bypass of today's source, and the tools of .cache/bin
	plugins string // repo-server's volume of that name, with the sockets
	sidecar = map[string]*running{}
)

func runIn(m *testing.M) (status int, err error) {
	folder, err := os.MkdirTemp("", "argocd-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	// Other users than this one run in the pod.
	if err := os.Chmod(folder, 0o755); err != nil {
		return 0, err
	}

	tools = filepath.Join(folder, "tools")
	if err := gatherTools(tools); err != nil {
		return 0, err
	}
	pod, err := installedPod(folder)
	if err != nil {
		return 0, fmt.Errorf("installing the plugins: %w", err)
	}
	plugins = pod.volume("plugins")
	// Where repo-server looks for its plugins.
	if err := os.Setenv(common.EnvPluginSockFilePath, plugins); err != nil {
		return 0, err
	}
	defer func() {
		for _, server := range sidecar {
			err = errors.Join(err, server.stop())
		}
	}()
	for name, image := range images {
		server, err := pod.start(name, image)
		if err != nil {
			return 0, fmt.Errorf("starting the sidecar %s: %w", name, err)
		}
		sidecar[name] = server
	}
	return m.Run(), nil
}

// gatherTools builds krm-bypass, so that no test can pass on the binary of
// yesterday, and puts what make tools installed beside it.
func gatherTools(folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	build := exec.Command("go", "build", "-C", repository, "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", folder, "./cmd/krm-bypass")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // it runs on an empty base image
	if said, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building krm-bypass: %w\n%s", err, said)
	}
	for _, tool := range []string{"kustomize", "helm"} {
		installed, err := filepath.Abs(filepath.Join(repository, ".cache", "bin", tool))
		if err != nil {
			return err
		}
		if _, err := os.Stat(installed); err != nil {
			return fmt.Errorf("missing: %s in .cache/bin; make tools installs it: %w", tool, err)
		}
		if err := link(installed, filepath.Join(folder, tool)); err != nil {
			return err
		}
	}
	return nil
}
