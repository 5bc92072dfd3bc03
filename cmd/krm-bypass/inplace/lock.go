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

// lock keeps other processes from committing in the folders of the files until unlock. A
// folder that cannot be locked, as on some network disks, stays without. The folders are
// locked, since another file comes into the place of each file.
func (s *rewriting) lock() (unlock func()) {
	var held []func()
	var locked []os.FileInfo
	until := time.Now().Add(patience)
	inOrder := slices.Clone(s.files) // that two commits do not wait for one another
	slices.SortFunc(inOrder, func(a, b staged) int { return strings.Compare(a.path, b.path) })
	for _, f := range inOrder {
		folder, err := f.Open(filepath.Dir(f.path))
		if err != nil {
			continue
		}
		is, err := folder.Stat()
		if err != nil || slices.ContainsFunc(locked, func(known os.FileInfo) bool { return os.SameFile(known, is) }) {
			_ = folder.Close() // it was only read
			continue
		}
		locked, held = append(locked, is), append(held, lockFolder(folder, until))
	}
	return func() {
		for _, unlock := range held {
			unlock()
		}
	}
}
