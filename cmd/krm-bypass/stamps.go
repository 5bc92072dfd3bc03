package main

import (
	"io/fs"
	"os"
	"strconv"
	"sync"
	"time"
)

// stamps tell whether files and folders were changed since they were looked at, by
// their paths.
type stamps map[string]stamp

// stamp is zero for what is not there.
type stamp struct {
	changed time.Time
	size    int64
	mode    fs.FileMode
}

func stampOf(path string) stamp {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}
	}
	return stamp{info.ModTime(), info.Size(), info.Mode()}
}

// add notes how something is before it is looked at.
func (s stamps) add(path string) {
	if _, known := s[path]; !known {
		s[path] = stampOf(path)
	}
}

// hold reports whether everything is as it was.
func (s stamps) hold() bool {
	for path, was := range s {
		if stampOf(path) != was {
			return false
		}
	}
	return true
}

// watched counts the states of files that were looked at.
type watched struct {
	lock   sync.Mutex
	files  stamps
	state  int
	looked time.Time
}

// fresh is how long a look at the files holds: all who ask at a time share one.
const fresh = 300 * time.Millisecond

// watch takes files in.
func (w *watched) watch(files stamps) {
	w.lock.Lock()
	defer w.lock.Unlock()
	if w.files == nil {
		w.files = stamps{}
	}
	for path, stamp := range files {
		if _, known := w.files[path]; !known {
			w.files[path] = stamp
		}
	}
}

// State tells states of the files apart.
func (w *watched) State() string {
	w.lock.Lock()
	defer w.lock.Unlock()
	if time.Since(w.looked) > fresh {
		w.looked = time.Now()
		changed := false
		for path, was := range w.files {
			if is := stampOf(path); is != was {
				w.files[path], changed = is, true
			}
		}
		if changed {
			w.state++
		}
	}
	return strconv.Itoa(w.state + 1)
}
