package inplace

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/windows"
)

// lockFolder locks a folder, as far as it can be until then. Windows locks no folders: a
// mutex of its name takes the place, which the system keeps as long as somebody has it open.
func lockFolder(folder *os.File, until time.Time) (unlock func()) {
	defer folder.Close() //nolint:errcheck // it was only read
	nothing := func() {}
	path, err := filepath.Abs(folder.Name())
	if err == nil {
		path, err = filepath.EvalSymlinks(path)
	}
	if err != nil {
		return nothing
	}
	sum := sha256.Sum256([]byte(strings.ToLower(path)))
	name, err := windows.UTF16PtrFromString(`Global\krm-bypass-` + hex.EncodeToString(sum[:]))
	if err != nil {
		return nothing
	}
	runtime.LockOSThread() // a mutex belongs to a thread
	mutex, err := windows.CreateMutex(nil, false, name)
	if mutex == 0 {
		runtime.UnlockOSThread()
		return nothing
	}
	_ = err // that it is there already is no error
	event, err := windows.WaitForSingleObject(mutex, uint32(max(0, time.Until(until).Milliseconds())))
	held := err == nil && (event == windows.WAIT_OBJECT_0 || event == windows.WAIT_ABANDONED)
	return func() {
		if held {
			_ = windows.ReleaseMutex(mutex)
		}
		_ = windows.CloseHandle(mutex)
		runtime.UnlockOSThread()
	}
}
