package controlplane

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// script writes a program that stands for etcd.
func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "etcd")
	require.NoError(t, os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o700))
	return path
}

func TestAProgramThatEndsIsToldWithTheEndOfItsLog(t *testing.T) {
	_, err := Start(t.Context(), Programs{Etcd: script(t, "seq 1000\necho the disk is full\nexit 3\n")}, t.TempDir())
	require.ErrorContains(t, err, "starting etcd: it ended before it was ready (exit status 3); the end of its log:\n")
	assert.ErrorContains(t, err, "    1000\n    the disk is full")
	assert.NotContains(t, err.Error(), "    981\n", "no more than the end")
}

func TestAProgramThatIsNeverReadyIsKilled(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	directory := t.TempDir()
	_, err := Start(ctx, Programs{Etcd: script(t, "echo $$ >pid\necho electing\nexec sleep 600\n")}, directory)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.ErrorContains(t, err, "    electing")
	assert.False(t, runs(t, readPID(t, directory)))
}

func TestATakenPortIsChosenAnew(t *testing.T) {
	directory := t.TempDir()
	_, err := Start(t.Context(), Programs{Etcd: script(t, "echo start >>starts\necho listen tcp: bind: address already in use\nexit 1\n")}, directory)
	require.ErrorContains(t, err, "address already in use")
	starts, err := os.ReadFile(filepath.Join(directory, "starts"))
	require.NoError(t, err)
	assert.Equal(t, 3, strings.Count(string(starts), "start"))
}

func TestAProgramThatIsNotThereIsNamed(t *testing.T) {
	_, err := Start(t.Context(), Programs{Etcd: "/nowhere/etcd"}, t.TempDir())
	require.ErrorContains(t, err, "starting etcd")
	assert.ErrorIs(t, err, os.ErrNotExist)
}

// crashKey makes this test binary a program that starts a process and crashes.
const crashKey = "KRM_BYPASS_CRASH"

// What a test leaves when it is killed must not go on.
func TestNothingOutlivesTheProgramThatStartedIt(t *testing.T) {
	if directory := os.Getenv(crashKey); directory != "" {
		p, err := start(directory, "/bin/sleep", "600")
		require.NoError(t, err)
		fmt.Printf("pid %d\n", p.command.Process.Pid)
		time.Sleep(time.Minute)
	}
	crashing := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$")
	crashing.Env = append(os.Environ(), crashKey+"="+t.TempDir())
	stdout, err := crashing.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, crashing.Start())
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(strings.TrimPrefix(line, "pid ")))
	require.NoError(t, err)
	require.True(t, runs(t, pid))

	require.NoError(t, crashing.Process.Kill())
	require.Error(t, crashing.Wait())
	assert.Eventually(t, func() bool { return !runs(t, pid) }, 10*time.Second, 10*time.Millisecond)
}

func readPID(t *testing.T, directory string) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(directory, "pid"))
	require.NoError(t, err)
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	require.NoError(t, err)
	return pid
}

// runs reports whether the process does; one that has ended may still be in the
// table, for its parent to read.
func runs(t *testing.T, pid int) bool {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
		return false
	}
	require.NoError(t, err)
	return !strings.Contains(string(status), "\nState:\tZ")
}
