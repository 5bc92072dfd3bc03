package main

import (
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/krm-bypass/krm-bypass/cmd/internal/function"
)

const (
	// patience is how long a command may take before it says what it is doing.
	patience = 700 * time.Millisecond
	// refresh is how often that is said anew.
	refresh = 200 * time.Millisecond
)

// clearLine goes to the beginning of a terminal's line and empties it
// (ECMA-48, EL).
const clearLine = "\r\x1b[K"

// progress says on a terminal what a command is at, if that takes long.
type progress struct {
	out  io.Writer
	now  atomic.Value
	stop chan struct{}
	done sync.WaitGroup
}

// newProgress begins to say on a stream what is being done. It says nothing
// where the stream is no terminal. end must be called before anything else is
// written there.
func newProgress(out io.Writer) *progress {
	p := &progress{out: out, stop: make(chan struct{})}
	p.say("")
	if function.IsTerminal(out) {
		p.done.Go(p.run)
	}
	return p
}

func (p *progress) run() {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	shown := false
	for {
		select {
		case <-p.stop:
			if shown {
				fmt.Fprint(p.out, clearLine)
			}
			return
		case <-timer.C:
			fmt.Fprint(p.out, clearLine, p.now.Load())
			shown = true
			timer.Reset(refresh)
		}
	}
}

// say notes what is being done.
func (p *progress) say(format string, args ...any) {
	if p != nil {
		p.now.Store(fmt.Sprintf(format, args...))
	}
}

// end takes away what was said.
func (p *progress) end() {
	close(p.stop)
	p.done.Wait()
}
