package kustomization

import (
	"cmp"
	"fmt"
	"runtime/metrics"
	"time"
)

// What kustomize builds may take this, and so many times what it reads. It takes
// some fifty times that of objects that nothing is wrong with.
const (
	baseMemory = 1 << 30
	timesRead  = 100
)

// watch gives up on a build that takes more memory than it may: replacements
// that copy a field into itself double it, and only kustomize knows by how much.
// A build cannot be stopped; GiveUp has to end the process.
func (b *builder) watch() (stop func()) {
	if b.options.GiveUp == nil || b.root == nil {
		return func() {}
	}
	heap := func() int {
		sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		metrics.Read(sample)
		return int(sample[0].Value.Uint64())
	}
	most := heap() + cmp.Or(b.options.memory, baseMemory) + timesRead*b.root.bytes
	ticker, done := time.NewTicker(20*time.Millisecond), make(chan struct{})
	go func() {
		for {
			select {
			case <-done:
				return
			case <-ticker.C:
				if heap() > most {
					b.options.GiveUp(fmt.Errorf("building %s: kustomize takes more than %d MiB of memory for %d KiB of files: look for replacements that copy a field into itself, and list each base once", b.name(b.root.dir), most>>20, b.root.bytes>>10))
				}
			}
		}
	}()
	return func() { ticker.Stop(); close(done) }
}
