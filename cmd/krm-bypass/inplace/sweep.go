package inplace

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
)

// pattern is that of temporary files. It does not hold the name of a file, which
// may have the greatest length already, and it holds the process that writes it.
func pattern() string { return fmt.Sprintf(".krm-bypass-%d-*.tmp", os.Getpid()) }

var left = regexp.MustCompile(`^\.krm-bypass-(\d+)-\d+\.tmp$`)

// sweep removes temporary files from a folder whose process ended before it could
// remove them.
func sweep(folder string) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return // creating a file there says why
	}
	for _, entry := range entries {
		parts := left.FindStringSubmatch(entry.Name())
		if parts == nil || !entry.Type().IsRegular() {
			continue
		}
		if pid, err := strconv.Atoi(parts[1]); err == nil && ended(pid) {
			_ = os.Remove(filepath.Join(folder, entry.Name())) // a later run tries again
		}
	}
}

// ended reports whether a process has certainly ended.
func ended(pid int) bool {
	process, err := os.FindProcess(pid)
	return err == nil && errors.Is(process.Signal(syscall.Signal(0)), os.ErrProcessDone)
}
