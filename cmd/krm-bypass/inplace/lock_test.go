//go:build unix

package inplace

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/krm-bypass/krm-bypass/test/racing"
)

// race rewrites a file in each round that a line of standard input asks for: at a time, so
// that another process does it at the same moment.
func race(path string) {
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		var was, is string
		var at int64
		if _, err := fmt.Sscan(in.Text(), &was, &is, &at); err != nil {
			panic(err)
		}
		err := Rewrite([]File{{path, []byte(was), []byte(is), nil}}, func([]string) error {
			racing.WaitUntil(at)
			return nil
		})
		switch {
		case err == nil:
			fmt.Println("saved")
		case errors.Is(err, ErrChanged):
			fmt.Println("changed")
		default:
			fmt.Println(err)
		}
	}
}

// TestOfTwoProcessesOneWrites has two of them make different texts of the same one, at the
// same moment. One is told that the file changed, whether they name it or a link to it.
func TestOfTwoProcessesOneWrites(t *testing.T) {
	folder, other := t.TempDir(), t.TempDir()
	path, linked := filepath.Join(folder, "spec"), filepath.Join(other, "link")
	link(t, path, linked)
	racers := []racing.Racer{racing.New(t, path), racing.New(t, linked)}
	was := "begun"
	write(t, path, was)
	for round := range 300 {
		at := time.Now().Add(5 * time.Millisecond).UnixNano()
		for i, r := range racers {
			_, err := fmt.Fprintf(r.Asks, "%s %d.%d %d\n", was, round, i, at)
			require.NoError(t, err)
		}
		saved := ""
		for i, r := range racers {
			require.True(t, r.Says.Scan())
			switch r.Says.Text() {
			case "saved":
				require.Empty(t, saved, "round %d: both wrote", round)
				saved = fmt.Sprintf("%d.%d", round, i)
			default:
				require.Equal(t, "changed", r.Says.Text())
			}
		}
		was = read(t, path)
		require.Equal(t, saved, was, "round %d", round)
	}
	assert.Equal(t, []string{"spec"}, names(t, folder), "no lock is left")
	assert.Equal(t, []string{"link"}, names(t, other))
}

// TestWhoeverHoldsTheLockHoldsNobodyUp: a script may run the program under flock(1).
func TestWhoeverHoldsTheLockHoldsNobodyUp(t *testing.T) {
	folder := t.TempDir()
	path := file(t, filepath.Join(folder, "a"), "old")
	held, err := os.Open(folder)
	require.NoError(t, err)
	require.NoError(t, unix.Flock(int(held.Fd()), unix.LOCK_EX))
	require.NoError(t, rewrite(path))
	assert.Equal(t, "new", read(t, path))
	require.NoError(t, held.Close())
}

// TestFoldersAreLockedOnce: a second lock by another name of the folder would wait for the
// first.
func TestFoldersAreLockedOnce(t *testing.T) {
	folder := t.TempDir()
	a, b := file(t, filepath.Join(folder, "a"), "old"), file(t, filepath.Join(folder, "b"), "old")
	t.Chdir(filepath.Dir(folder))
	here := filepath.Join(filepath.Base(folder), "b")
	s := &rewriting{files: []staged{{disk: anywhere{}, path: a}, {disk: anywhere{}, path: here}, {disk: anywhere{}, path: b}}}
	unlock := s.lock()
	lock := func() error {
		other, err := os.Open(folder)
		require.NoError(t, err)
		defer func() { require.NoError(t, other.Close()) }()
		return unix.Flock(int(other.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	}
	require.ErrorIs(t, lock(), unix.EWOULDBLOCK)
	unlock()
	require.NoError(t, lock())
	assert.Equal(t, []string{"a", "b"}, names(t, folder))
}
