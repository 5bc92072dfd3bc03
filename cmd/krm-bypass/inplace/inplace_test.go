//go:build unix

package inplace

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/test/racing"
)

// TestMain lets a test run this program again as another process: it stages a file
// and never commits it, or rewrites one, or rewrites one in each of many rounds.
func TestMain(m *testing.M) {
	if folder := os.Getenv("STAGE_FOREVER"); folder != "" {
		fmt.Fprintln(os.Stderr, Rewrite([]File{{filepath.Join(folder, "a"), []byte("old"), []byte("new"), nil}}, func([]string) error { select {} }))
	}
	if path := os.Getenv("REWRITE"); path != "" {
		if err := rewrite(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if path := os.Getenv(racing.Key); path != "" {
		race(path)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// rewrite makes new of old.
func rewrite(path string) error {
	return Rewrite([]File{{path, []byte("old"), []byte("new"), nil}}, func([]string) error { return nil })
}

func file(t *testing.T, path, text string) string {
	t.Helper()
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	return path
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(text)
}

func names(t *testing.T, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	var all []string
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

func TestFilesKeepModeAndOwner(t *testing.T) {
	path := file(t, filepath.Join(t.TempDir(), "a"), "old")
	owner := os.Geteuid()
	if owner == 0 {
		owner = 1234
	}
	require.NoError(t, os.Chown(path, owner, -1))
	require.NoError(t, os.Chmod(path, 0o750|os.ModeSetuid))
	before, err := os.Stat(path)
	require.NoError(t, err)

	require.NoError(t, rewrite(path))
	after, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, "new", read(t, path))
	assert.Equal(t, before.Mode(), after.Mode())
	assert.EqualValues(t, owner, after.Sys().(*syscall.Stat_t).Uid)
}

// TestAFileOfSomebodyElse runs as a user who cannot give the new file to the owner
// of the old one.
func TestAFileOfSomebodyElse(t *testing.T) {
	folder := t.TempDir()
	path := file(t, filepath.Join(folder, "a"), "old")
	command := exec.Command(os.Args[0])
	if os.Geteuid() == 0 {
		program := filepath.Join(folder, "program")
		copied, err := exec.Command("cp", os.Args[0], program).CombinedOutput()
		require.NoError(t, err, string(copied))
		for at := folder; at != os.TempDir() && at != "/"; at = filepath.Dir(at) {
			require.NoError(t, os.Chmod(at, 0o777))
		}
		command = exec.Command(program)
		command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	command.Env = append(os.Environ(), "REWRITE="+path)
	said, err := command.CombinedOutput()
	if os.Geteuid() != 0 {
		require.NoError(t, err, "one's own file is rewritten: %s", said)
		return
	}
	require.Error(t, err)
	assert.Contains(t, string(said), "rewriting "+path+": it belongs to user 0 and group 0, and the new file cannot: run as that user: ")
	assert.Equal(t, "old", read(t, path))
	assert.Equal(t, []string{"a", "program"}, names(t, folder))
}

func TestWhatChangedMeanwhileStays(t *testing.T) {
	folder := t.TempDir()
	a, b := file(t, filepath.Join(folder, "a"), "old"), file(t, filepath.Join(folder, "b"), "old")
	err := Rewrite([]File{{a, []byte("old"), []byte("new"), nil}, {b, []byte("old"), []byte("new"), nil}}, func([]string) error {
		file(t, b, "somebody else's")
		return nil
	})
	require.EqualError(t, err, "rewriting "+b+": another program has changed it meanwhile: run again; nothing is changed")
	assert.Equal(t, []string{"old", "somebody else's"}, []string{read(t, a), read(t, b)})
	assert.Equal(t, []string{"a", "b"}, names(t, folder))
}

// TestARenameFailsHalfWay has the new text of the last file gone.
func TestARenameFailsHalfWay(t *testing.T) {
	folder := t.TempDir()
	var files []File
	for _, name := range []string{"a", "b", "c"} {
		require.NoError(t, os.Mkdir(filepath.Join(folder, name+".folder"), 0o700))
		file(t, filepath.Join(folder, name+".folder", name), "old")
		require.NoError(t, os.Symlink(filepath.Join(name+".folder", name), filepath.Join(folder, name)))
		files = append(files, File{filepath.Join(folder, name), []byte("old"), []byte("new"), nil})
	}
	require.NoError(t, os.Chmod(files[0].Path, 0o600))
	err := Rewrite(files, func([]string) error {
		temporary, err := filepath.Glob(filepath.Join(files[2].Path+".folder", ".krm-bypass-*"))
		require.NoError(t, err)
		require.Len(t, temporary, 1)
		return os.Remove(temporary[0])
	})
	require.ErrorContains(t, err, "rewriting "+files[2].Path+": rename ")
	assert.True(t, strings.HasSuffix(err.Error(), "no such file or directory; nothing is changed"), err)
	for _, f := range files {
		assert.Equal(t, "old", read(t, f.Path))
	}
	for _, name := range []string{"a", "b", "c"} {
		assert.Equal(t, []string{name}, names(t, filepath.Join(folder, name+".folder")))
	}
	info, err := os.Stat(files[0].Path)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o600), info.Mode())
}

func TestWhatCannotBePutBackIsTold(t *testing.T) {
	folder := t.TempDir()
	a, b := file(t, filepath.Join(folder, "a"), "new"), file(t, filepath.Join(folder, "b"), "somebody else's")
	files := []staged{{disk: anywhere{}, path: a, File: File{a, []byte("old"), []byte("new"), nil}}, {disk: anywhere{}, path: b, File: File{b, []byte("old"), []byte("new"), nil}}}
	require.EqualError(t, putBack(files, errors.New("rewriting c: no")),
		"rewriting c: no\n"+b+" stays rewritten, since putting it back failed: another program has changed it meanwhile: run again")
	assert.Equal(t, []string{"old", "somebody else's"}, []string{read(t, a), read(t, b)})
}

func TestLinks(t *testing.T) {
	folder := t.TempDir()
	a, hard, soft := file(t, filepath.Join(folder, "a"), "old"), filepath.Join(folder, "hard"), filepath.Join(folder, "soft")
	require.NoError(t, os.Link(a, hard))
	require.NoError(t, os.Symlink("a", soft))
	require.NoError(t, Rewrite([]File{{soft, []byte("old"), []byte("new"), nil}}, func(warnings []string) error {
		assert.Equal(t, []string{soft + ": the file has 2 hard links, and the others keep the old text"}, warnings)
		return nil
	}))
	assert.Equal(t, []string{"new", "old", "new"}, []string{read(t, a), read(t, hard), read(t, soft)})
}

func TestTheLongestName(t *testing.T) {
	path := file(t, filepath.Join(t.TempDir(), strings.Repeat("x", 250)+".yaml"), "old")
	require.NoError(t, rewrite(path))
	assert.Equal(t, "new", read(t, path))
}

func TestWhatIsNoFile(t *testing.T) {
	folder := t.TempDir()
	pipe := filepath.Join(folder, "pipe")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	require.EqualError(t, rewrite(pipe), "rewriting "+pipe+": it is not a regular file; nothing is changed")
	require.Error(t, rewrite(filepath.Join(folder, "none")))
	assert.Equal(t, []string{"pipe"}, names(t, folder))
}

// TestLeftFilesAreRemoved has files of a process that has ended, of one that has
// not, and of nobody.
func TestLeftFilesAreRemoved(t *testing.T) {
	ended := exec.Command("true")
	require.NoError(t, ended.Run())
	folder := t.TempDir()
	a := file(t, filepath.Join(folder, "a"), "old")
	gone := file(t, filepath.Join(folder, fmt.Sprintf(".krm-bypass-%d-123.tmp", ended.Process.Pid)), "")
	stay := []string{fmt.Sprintf(".krm-bypass-%d-123.tmp", os.Getppid()), ".krm-bypass-x.tmp", ".a.tmp"}
	for _, name := range stay {
		file(t, filepath.Join(folder, name), "")
	}
	require.NoError(t, rewrite(a))
	assert.NoFileExists(t, gone)
	assert.ElementsMatch(t, append(stay, "a"), names(t, folder))
}

func TestASignalLeavesNothing(t *testing.T) {
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		folder := t.TempDir()
		file(t, filepath.Join(folder, "a"), "old")
		command := exec.Command(os.Args[0])
		command.Env = append(os.Environ(), "STAGE_FOREVER="+folder)
		require.NoError(t, command.Start())
		require.Eventually(t, func() bool { return len(names(t, folder)) == 2 }, 10*time.Second, time.Millisecond)
		require.NoError(t, command.Process.Signal(sig))
		require.Error(t, command.Wait())
		assert.Equal(t, 128+int(sig), command.ProcessState.ExitCode())
		assert.Equal(t, []string{"a"}, names(t, folder))
	}
}

func TestWhatFailsBetweenChangesNothing(t *testing.T) {
	path := file(t, filepath.Join(t.TempDir(), "a"), "old")
	failed := errors.New("no space left")
	assert.Equal(t, failed, Rewrite([]File{{path, []byte("old"), []byte("new"), nil}}, func([]string) error { return failed }))
	assert.Equal(t, "old", read(t, path))
	assert.Len(t, names(t, filepath.Dir(path)), 1)
}
