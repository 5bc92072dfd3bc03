package confined

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// launching has this program put itself under the filter, hand the filter's
// descriptor on by file descriptor 3, and become the program of its arguments.
const launching = "KRM_BYPASS_LAUNCH"

func TestMain(m *testing.M) {
	if os.Getenv(launching) == "" {
		os.Exit(m.Run())
	}
	fmt.Fprintln(os.Stderr, "launching:", launch(os.Args[1:]))
	os.Exit(127)
}

// reported are the system calls that the kernel reports.
var reported = map[int]string{
	unix.SYS_EXECVE: "execve", unix.SYS_EXECVEAT: "execveat",
	unix.SYS_SOCKET: "socket", unix.SYS_CONNECT: "connect", unix.SYS_IO_URING_SETUP: "io_uring_setup",
}

func launch(command []string) error {
	runtime.LockOSThread()
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	const number, architecture = 0, 4 // offsets in struct seccomp_data
	load := func(offset uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
	}
	report := unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_USER_NOTIF}
	native := map[string]uint32{"amd64": unix.AUDIT_ARCH_X86_64, "arm64": unix.AUDIT_ARCH_AARCH64}[runtime.GOARCH]
	filter := []unix.SockFilter{load(architecture), {Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: native, Jt: 1}, report, load(number)}
	for call := range reported {
		filter = append(filter, unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: uint32(call), Jf: 1}, report)
	}
	filter = append(filter, unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW})
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	// A signal that Go sends itself would begin what has been reported anew, and
	// have it reported again.
	const flags = unix.SECCOMP_FILTER_FLAG_NEW_LISTENER | unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
	fd, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&program)))
	if errno != 0 {
		return fmt.Errorf("setting the filter: %w", errno)
	}
	if err := unix.Sendmsg(3, []byte{0}, unix.UnixRights(int(fd)), nil, 0); err != nil {
		return err
	}
	unix.CloseOnExec(3)
	unix.CloseOnExec(int(fd))
	return syscall.Exec(command[0], command, os.Environ())
}

// answer is what a program made of its input, and what it attempted.
type answer struct {
	out, stderr string
	code        int
	attempts    []string
}

// confined runs a program without a network, and denies what is reported.
func confined(t *testing.T, dir string, command ...string) answer {
	t.Helper()
	return confinedTo(t, nil, dir, command...)
}

// confinedTo lets it start the programs given too.
func confinedTo(t *testing.T, programs []string, dir string, command ...string) answer {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	theirs := os.NewFile(uintptr(pair[1]), "filter")
	defer unix.Close(pair[0])
	path, err := filepath.Abs(command[0])
	require.NoError(t, err)
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.Command(self, append([]string{path}, command[1:]...)...)
	var out, stderr bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &stderr
	cmd.Env = append(os.Environ(), launching+"=1")
	cmd.ExtraFiles = []*os.File{theirs}
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	require.NoError(t, cmd.Start(), "a network namespace needs root")
	theirs.Close()
	listener, err := receive(pair[0])
	if err != nil {
		_ = cmd.Wait()
		require.NoError(t, err, stderr.String())
	}
	defer unix.Close(listener)
	timer := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	attempts, err := supervise(listener, programs)
	require.NoError(t, err)
	err = cmd.Wait()
	var exit *exec.ExitError
	if err != nil {
		require.ErrorAs(t, err, &exit)
		require.True(t, exit.Exited(), "it took a minute: %s", stderr.String())
	}
	return answer{out.String(), stderr.String(), cmd.ProcessState.ExitCode(), attempts}
}

func receive(socket int) (fd int, err error) {
	control := make([]byte, unix.CmsgSpace(4))
	_, n, _, _, err := unix.Recvmsg(socket, make([]byte, 1), control, unix.MSG_CMSG_CLOEXEC)
	if err != nil {
		return 0, err
	}
	messages, err := unix.ParseSocketControlMessage(control[:n])
	if err != nil || len(messages) != 1 {
		return 0, fmt.Errorf("%d messages with the filter's descriptor: %w", len(messages), err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil {
		return 0, err
	}
	return fds[0], nil
}

// As in linux/seccomp.h.
type notification struct {
	id         uint64
	pid, flags uint32
	number     int32
	arch       uint32
	ip         uint64
	args       [6]uint64
}

type response struct {
	id    uint64
	value int64
	errno int32
	flags uint32
}

// supervise lets the first execve pass, which begins the program, and those of the
// programs given. It denies and gives what else is attempted, until no process is
// left under the filter.
func supervise(listener int, programs []string) (attempts []string, err error) {
	begun := false
	for {
		poll := []unix.PollFd{{Fd: int32(listener), Events: unix.POLLIN}}
		switch _, err := unix.Poll(poll, -1); {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return nil, err
		case poll[0].Revents&unix.POLLIN == 0:
			return attempts, nil
		}
		var n notification
		switch err := ioctl(listener, unix.SECCOMP_IOCTL_NOTIF_RECV, unsafe.Pointer(&n)); {
		case errors.Is(err, unix.ENOENT) || errors.Is(err, unix.EINTR):
			continue // it was killed meanwhile
		case err != nil:
			return nil, err
		}
		answer := response{id: n.id, errno: -int32(unix.EPERM)}
		attempt := describe(n)
		program, starts := strings.CutPrefix(attempt, "execve ")
		if starts && (!begun || slices.Contains(programs, program)) {
			begun = true
			answer = response{id: n.id, flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE}
		} else {
			attempts = append(attempts, attempt)
		}
		if err := ioctl(listener, unix.SECCOMP_IOCTL_NOTIF_SEND, unsafe.Pointer(&answer)); err != nil && !errors.Is(err, unix.ENOENT) {
			return nil, err
		}
	}
}

func ioctl(fd int, request uint, argument unsafe.Pointer) error {
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), uintptr(request), uintptr(argument)); errno != 0 {
		return errno
	}
	return nil
}

// describe names a system call, and the program that it would start.
func describe(n notification) string {
	name, known := reported[int(n.number)]
	if !known {
		return fmt.Sprintf("system call %d of another architecture", n.number)
	}
	if n.number != unix.SYS_EXECVE {
		return name
	}
	path := make([]byte, 256)
	memory, err := os.Open(fmt.Sprintf("/proc/%d/mem", n.pid))
	if err != nil {
		return name
	}
	defer memory.Close()
	read, _ := memory.ReadAt(path, int64(n.args[0]))
	path, _, _ = bytes.Cut(path[:read], []byte{0})
	return name + " " + string(path)
}
