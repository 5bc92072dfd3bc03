package main

import (
	"context"
	"sync"
	"time"

	"github.com/krm-bypass/krm-bypass/internal/revision"
)

// earlierCommit is the commit of a revision, which may be another a moment later.
type earlierCommit struct {
	mu     sync.Mutex
	id     string
	looked time.Time
}

// of gives the commit of the state that before names, "" where that is no revision. An
// answer holds for so long: all who ask at a time share one.
func (c *earlierCommit) of(path, before string, holds time.Duration) string {
	if before == "" || isThere(before) {
		return ""
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.looked) > holds {
		c.id, c.looked = revision.Commit(context.Background(), path, before), time.Now()
	}
	return c.id
}

// short gives as much of the id of a commit as people write.
func short(id string) string { return id[:min(len(id), 12)] }
