package inplace

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/krm-bypass/krm-bypass/internal/pattern"
)

// temporaryName is that of a temporary file. It does not hold the name of a file, which
// may have the greatest length already, and it holds the process that writes it.
func temporaryName() string {
	return fmt.Sprintf(".krm-bypass-%d-%d.tmp", os.Getpid(), rand.Uint64()) //nolint:gosec // it is no secret
}

var left = pattern.Of(`^\.krm-bypass-(\d+)-\d+\.tmp$`)

// sweep removes temporary files from a folder whose process ended before it could
// remove them.
func (p place) sweep() {
	folder, err := p.Open(p.folder)
	if err != nil {
		return // creating a file there says why
	}
	defer folder.Close() //nolint:errcheck // it is only read
	entries, err := folder.ReadDir(0)
	if err != nil {
		return
	}
	for _, entry := range entries {
		parts := left.Regexp().FindStringSubmatch(entry.Name())
		if parts == nil || !entry.Type().IsRegular() {
			continue
		}
		if pid, err := strconv.Atoi(parts[1]); err == nil && ended(pid) {
			_ = p.Remove(filepath.Join(p.folder, entry.Name())) // a later run tries again
		}
	}
}

// ended reports whether a process has certainly ended.
func ended(pid int) bool {
	process, err := os.FindProcess(pid)
	return err == nil && errors.Is(process.Signal(syscall.Signal(0)), os.ErrProcessDone)
}
