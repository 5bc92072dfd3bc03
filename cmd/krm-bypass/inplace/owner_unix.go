//go:build unix

package inplace

import (
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// own gives a new file the owner and the group of another.
func own(file *os.File, like fs.FileInfo) error {
	wanted := like.Sys().(*syscall.Stat_t)
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if is := info.Sys().(*syscall.Stat_t); is.Uid == wanted.Uid && is.Gid == wanted.Gid {
		return nil
	}
	if err := file.Chown(int(wanted.Uid), int(wanted.Gid)); err != nil {
		return fmt.Errorf("it belongs to user %d and group %d, and the new file cannot: run as that user: %w", wanted.Uid, wanted.Gid, err)
	}
	return nil
}

// links counts the names of a file.
func links(info fs.FileInfo) uint64 {
	return uint64(info.Sys().(*syscall.Stat_t).Nlink) //nolint:unconvert // not 64 bits wide everywhere
}

// mayCreateIn says why no file can be made in a folder.
func mayCreateIn(folder *os.File) error {
	if err := unix.Faccessat(int(folder.Fd()), ".", unix.W_OK|unix.X_OK, 0); err != nil {
		return fmt.Errorf("its folder cannot be written: %w", err)
	}
	return nil
}
