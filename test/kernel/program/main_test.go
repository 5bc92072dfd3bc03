package program_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/test/lab"
)

const program = "krm-bypass-init"

// The program's exit codes.
const (
	succeeded = 0
	failed    = 1
	misused   = 2
)

// terminationLog is where the kubelet looks for a container's last words.
const terminationLog = "/dev/termination-log"

// The variables that hold the pod's and the node's address.
const (
	podIPVariable  = "KRM_BYPASS_POD_IP"
	hostIPVariable = "KRM_BYPASS_HOST_IP"
)

func TestMain(m *testing.M) {
	lab.Main(m, lab.Program{Name: program, Directory: "images/init"})
}

// answer is what a run of the program came to.
type answer struct {
	Code        int
	Out, Stderr string
}

// pod is a network namespace in which the program runs as in a container.
type pod struct{ *lab.Host }

func newPod(t testing.TB) pod {
	t.Helper()
	return pod{lab.NewHost(t, "pod")}
}

// initContainer gives the program, ready to start. It tells a node by what it sees,
// because it is not given any addresses.
func initContainer(args ...string) *exec.Cmd {
	command := exec.Command(lab.Binary(program), append(args, "--here")...)
	command.Env = []string{}
	return command
}

// result runs a command in the pod.
func (p pod) result(t testing.TB, command *exec.Cmd) answer {
	t.Helper()
	var out, stderr bytes.Buffer
	command.Stdout, command.Stderr = &out, &stderr
	err := p.Do(0, command.Run)
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		require.NoError(t, err)
	}
	return answer{command.ProcessState.ExitCode(), out.String(), stderr.String()}
}

func (p pod) init(t testing.TB, args ...string) answer {
	t.Helper()
	return p.result(t, initContainer(slices.Concat(args, []string{"--termination-log="})...))
}

var settings = []string{"--exclude-outbound-ip-ranges=10.0.0.0/8,fd00::/8,10.1.0.0/16", "--exclude-inbound-ports=7001,8000-8010", "--exclude-outbound=192.0.2.0/24@5432"}

// with gives a command line; nothing is appended to the flags themselves.
func with(command string, flags ...string) []string { return slices.Concat([]string{command}, flags) }

// withoutNetAdmin is how to run a command that has every capability but one.
func withoutNetAdmin(command *exec.Cmd) *exec.Cmd {
	wrapped := exec.Command("setpriv", append([]string{"--bounding-set=-net_admin", "--inh-caps=-net_admin", "--"}, command.Args...)...)
	wrapped.Env = []string{"PATH=" + os.Getenv("PATH")}
	return wrapped
}

// shown loads what show printed for the golden files of images/init: each is what
// the programs of the packet filter take.
func shown(t *testing.T, file string, commands ...[]string) {
	t.Helper()
	files, err := filepath.Glob("../../../images/init/testdata/show/*/" + file)
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(filepath.Base(filepath.Dir(file)), func(t *testing.T) {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			pod := newPod(t)
			for _, command := range commands {
				pod.Feed(t, string(text), command...)
			}
		})
	}
}
