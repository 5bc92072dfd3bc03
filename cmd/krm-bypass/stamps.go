package main

import (
	"io/fs"
	"os"
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
