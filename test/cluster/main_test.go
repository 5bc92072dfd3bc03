package cluster

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/test/cluster/controlplane"
)

// The repository, seen from this package, where go test runs its tests.
const repository = "../.."

// program is the path of krm-bypass, built from today's source.
var program string

// controllerManager is the path of the kube-controller-manager.
var controllerManager string

// server is the one control plane of all tests here.
var server *controlplane.Server

func TestMain(m *testing.M) {
	flag.Parse()
	status, err := runIn(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		status = 1
	}
	os.Exit(status)
}

func runIn(m *testing.M) (status int, err error) {
	programs, err := findPrograms()
	if err != nil {
		return 0, err
	}
	directory, err := os.MkdirTemp("", "krm-bypass-cluster-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(directory)) }()
	go removeOnInterrupt(directory)
	program = filepath.Join(directory, "krm-bypass")
	if err := build(".", program, "./cmd/krm-bypass"); err != nil {
		return 0, err
	}
	if server, err = controlplane.Start(context.Background(), programs, directory); err != nil {
		return 0, err
	}
	defer server.Stop()
	return m.Run(), nil
}

// removeOnInterrupt leaves nothing behind where somebody ends the tests; the
// programs of the control plane end with them anyhow.
func removeOnInterrupt(directory string) {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	<-signals
	os.RemoveAll(directory)
	os.Exit(1)
}

// findPrograms builds Kubernetes' programs, which is quick where the go command
// finds in .cache/bin what it built before.
func findPrograms() (controlplane.Programs, error) {
	bin, err := filepath.Abs(filepath.Join(repository, ".cache", "bin"))
	if err != nil {
		return controlplane.Programs{}, err
	}
	if err := build("test/kubernetes", bin+"/", "./..."); err != nil {
		return controlplane.Programs{}, err
	}
	controllerManager = filepath.Join(bin, "kube-controller-manager")
	return controlplane.Programs{
		Etcd:      filepath.Join(bin, "etcd"),
		APIServer: filepath.Join(bin, "kube-apiserver"),
		Kubectl:   filepath.Join(bin, "kubectl"),
	}, nil
}

// build compiles packages of a module of the repository.
func build(module, output, packages string) error {
	command := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", output, packages)
	command.Dir = filepath.Join(repository, module)
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s of %s: %w\n%s", packages, command.Dir, err, said)
	}
	return nil
}

// onPurpose is what the server warns of in examples/ports-by-name, where a name has two
// numbers.
var onPurpose = regexp.MustCompile(`(?m)^Warning: .*: duplicate port name "http-metrics" with .*\n`)

// kubectl runs a command that has to succeed without a warning, and returns
// what it prints.
func kubectl(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	output, err := server.Kubectl(t.Context(), stdin, args...)
	require.NoError(t, err)
	require.Zero(t, output.Exit, "kubectl %v: %s%s", args, output.Stderr, output.Stdout)
	require.Empty(t, onPurpose.ReplaceAllString(output.Stderr, ""), "kubectl %v", args)
	return output.Stdout
}
