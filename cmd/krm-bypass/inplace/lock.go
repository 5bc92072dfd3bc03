package inplace

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// committing has one commit of this process follow the other where folders take no locks.
var committing sync.Mutex

// patience is how long a commit waits for those of other processes. They take a moment,
// and whoever runs this program under flock(1) holds the lock until it ends.
const patience = 2 * time.Second

// Hold keeps other processes from rewriting files in a folder until Release, for whoever
// reads there what the rewriting depends on. A folder that cannot be locked, as on some
// network disks, stays without.
type Hold struct {
	locked []os.FileInfo
	held   []func()
	// until is how long folders are waited for.
	until time.Time
}

// HoldFolder holds a folder.
func HoldFolder(path string) *Hold {
	h := &Hold{until: time.Now().Add(patience)}
	is, err := os.Stat(path)
	if err != nil || !is.IsDir() { // a pipe would be waited for
		return h
	}
	if folder, err := os.Open(path); err == nil { // whoever reads it says why not
		h.add(folder)
	}
	return h
}

// Release lets other processes go on.
func (h *Hold) Release() {
	for _, unlock := range slices.Backward(h.held) {
		unlock()
	}
	h.held = nil
}

// add locks an open folder, unless that has been done: a second lock would wait for the
// first.
func (h *Hold) add(folder *os.File) {
	is, err := folder.Stat()
	if err != nil || slices.ContainsFunc(h.locked, func(known os.FileInfo) bool { return os.SameFile(known, is) }) {
		_ = folder.Close() // it was only read
		return
	}
	h.locked, h.held = append(h.locked, is), append(h.held, lockFolder(folder, h.until))
}

// lock holds the folders of the files until unlock. The folders are locked, since another
// file comes into the place of each file.
func (s *rewriting) lock() (unlock func()) {
	h := &Hold{locked: s.holding, until: time.Now().Add(patience)}
	inOrder := slices.Clone(s.files) // that two commits do not wait for one another
	slices.SortFunc(inOrder, func(a, b staged) int { return strings.Compare(a.path, b.path) })
	for _, f := range inOrder {
		if folder, err := f.Open(filepath.Dir(f.path)); err == nil {
			h.add(folder)
		}
	}
	return h.Release
}
