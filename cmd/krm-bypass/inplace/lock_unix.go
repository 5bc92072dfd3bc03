//go:build unix && !aix

package inplace

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// lockFolder locks a folder, as far as it can be until then. The lock goes with the folder's
// descriptor, whatever ends the process.
func lockFolder(folder *os.File, until time.Time) (unlock func()) {
	for {
		err := unix.Flock(int(folder.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if held := errors.Is(err, unix.EWOULDBLOCK) || errors.Is(err, unix.EINTR); !held || time.Now().After(until) {
			break
		}
		time.Sleep(time.Millisecond)
	}
	return func() { _ = folder.Close() } // it was only read
}
