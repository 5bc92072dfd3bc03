package main

import (
	"sync"
	"time"
)

// texts are those of files, each of which is read once while it stays as it is. Nobody
// changes the bytes.
type texts struct {
	mu    sync.Mutex
	known map[string]keptText
}

type keptText struct {
	stamp
	text []byte
}

// settled is how old the last change of a file has to be: within the same tick of the
// clock another one has the same stamp.
const settled = 2 * time.Second

// text gives the text of a file that read reads.
func (t *texts) text(path string, read func() ([]byte, error)) ([]byte, error) {
	is := stampOf(path)
	t.mu.Lock()
	known, there := t.known[path]
	t.mu.Unlock()
	if there && known.stamp == is {
		return known.text, nil
	}
	text, err := read()
	if err != nil || time.Since(is.changed) < settled || stampOf(path) != is {
		return text, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.known == nil {
		t.known = map[string]keptText{}
	}
	t.known[path] = keptText{is, text}
	return text, nil
}
