package yamltext

import (
	"bytes"
	"runtime"
	"sync/atomic"
)

// aheadFrom is how many bytes of a list have to be left for another processor to be worth
// its start.
const aheadFrom = 1 << 20

// An ahead scans the items of a long list from a place further down, while the scanner is
// still on its way there. Whether an item begins at that place is a guess: a quoted text or
// a text in brackets may have lines that look alike. Where the scanner reaches the place as
// an item, it would go on from there just so, since nothing that came before matters for an
// item, and takes what was found. Where it passes the place, nothing is taken.
type ahead struct {
	parser
	// start is the dash of the first item.
	start int
	items []*Node
	end   int
	err   error
	// stopped says that nobody waits for the rest.
	stopped atomic.Bool
	done    chan struct{}
}

// lookAhead begins to scan the list whose items stand in a column from further down, where
// the list is long and a processor is free. It gives nil otherwise.
func (p *parser) lookAhead(column int, indented, kept bool) *ahead {
	if p.depth > 2 || !kept || !p.lineFeeds || p.visit != nil || len(p.src)-p.pos < aheadFrom {
		return nil
	}
	if p.processors == 0 {
		p.processors = runtime.GOMAXPROCS(0)
	}
	if p.processors < 2 {
		return nil
	}
	// One share of what is left is for this parser. The other shares the rest with others.
	// It is tried once, found or not: what lists there are may be many, and short.
	from, others := p.pos+(len(p.src)-p.pos)/p.processors, p.processors-1
	p.processors = 1
	dash := append(bytes.Repeat([]byte{' '}, column+1), "- "...)
	dash[0] = '\n'
	at := bytes.Index(p.src[from:], dash)
	if at < 0 {
		return nil
	}
	line := from + at + 1
	a := &ahead{start: line + column, done: make(chan struct{})}
	a.parser = parser{
		src: p.src, pos: a.start, lineStart: line, indent: p.indent, keyAllowed: true,
		depth: p.depth, keep: p.keep, breaks: p.breaks, lineFeeds: true,
		processors: others, stopped: &a.stopped,
	}
	go func() {
		defer close(a.done)
		a.items, a.end, a.err = a.blockItems(column, indented, kept)
	}()
	return a
}

// join goes on from where the other scan ended, and gives its items.
func (p *parser) join(a *ahead) (items []*Node, end int, err error) {
	<-a.done
	if a.err != nil {
		return nil, 0, a.err
	}
	p.pos, p.lineStart, p.keyAllowed = a.pos, a.lineStart, a.keyAllowed
	p.slabs = append(p.slabs, a.slabs...)
	for _, name := range a.aliases {
		p.addAlias(name)
	}
	return a.items, a.end, nil
}

// stop ends a scan of which nothing will be taken, and waits for its end: nobody may look
// at the text once the caller has it back.
func (a *ahead) stop() {
	if a != nil {
		a.stopped.Store(true)
		<-a.done
	}
}
