package edit

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unique"

	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// A cut replaces a span of the source. Cuts are put into the source in the
// order of their offsets. Of those at one offset an insertion comes before what
// is taken away, and the insertion of the collection that is deeper in the
// others first: it ends before they do. What is left is the order in which they
// were made.
type cut struct {
	yamltext.Span
	depth int
	text  string
	// restored is the value that the text puts back, if it does.
	restored *handle
	// owned says that the line break before belongs to a block scalar.
	owned bool
}

func order(a, b cut) int {
	return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(min(1, a.End-a.Start), min(1, b.End-b.Start)), cmp.Compare(b.depth, a.depth))
}

// A writer turns what was done to a document into cuts of its text.
type writer struct {
	tree *yamltext.Tree
	// src is the text, with a line break at its end if it has none: every line
	// has one while the cuts are made.
	src []byte
	// lent is the length of the line break that the text did not have.
	lent int
	cuts []cut
	// depth is that of the collection whose cuts are made.
	depth int
	block *Layout
	// shared are values of the draft whose texts are known.
	shared sharing
}

func newWriter(d Document) (*writer, error) {
	tree := d.tree
	if tree == nil || tree.Root == nil {
		var err error
		if tree, err = d.Parse(); err != nil {
			return nil, err
		}
	}
	if tree.Root == nil {
		return nil, errors.New("the document is empty")
	}
	w := &writer{tree: tree, src: d.Text, block: d.Layout}
	if yamltext.BreakBefore(w.src, len(w.src)) == 0 {
		lent := w.lineBreak(len(w.src))
		w.src, w.lent = append(slices.Clip(w.src), lent...), len(lent)
	}
	return w, nil
}

// cut replaces a span by what was written, with the line breaks of the place.
func (w *writer) cut(start, end int, text string) {
	if strings.Contains(text, "\n") {
		text = strings.ReplaceAll(text, "\n", w.lineBreak(start))
	}
	w.cuts = append(w.cuts, cut{Span: yamltext.Span{Start: start, End: end}, depth: w.depth, text: text})
}

// changes gives the cuts as they stand in a text. Where the text ends without a line
// break, they are one. Equal texts are one text: most documents get the same.
func (w *writer) changes(text []byte) []yamltext.Replacement {
	if w.lent > 0 {
		return []yamltext.Replacement{{Span: yamltext.Span{End: len(w.src) - w.lent}, Text: string(text)}}
	}
	changes := make([]yamltext.Replacement, len(w.cuts))
	for i, c := range w.cuts {
		changes[i] = yamltext.Replacement{Span: c.Span, Text: unique.Make(c.text).Value()}
	}
	return changes
}

// text writes the source with everything that was done to the root into a room.
func (w *writer) text(root *handle, room []byte) ([]byte, error) {
	if err := w.write(root); err != nil {
		return nil, err
	}
	slices.SortStableFunc(w.cuts, order)
	grown := len(w.src)
	for _, c := range w.cuts {
		grown += len(c.text)
	}
	text := slices.Grow(room, grown)
	at, tail, tailEnd := 0, (*handle)(nil), -1
	for _, c := range w.cuts {
		if c.Start < at {
			return nil, fmt.Errorf("two edits change the same bytes in line %d", yamltext.Line(w.src, c.Start))
		}
		text = append(text, w.src[at:c.Start]...)
		text = append(text, c.text...)
		at = c.End
		if c.restored != nil {
			tail, tailEnd = c.restored, len(text)
		}
	}
	text = w.takeBackBreak(append(text, w.src[at:]...))
	if tailEnd == len(text) {
		return text, tail.endsTheText()
	}
	return text, nil
}

// takeBackBreak takes the line break that was lent from the end of the text,
// unless the text ends in a block scalar to which a line break belongs.
func (w *writer) takeBackBreak(text []byte) []byte {
	n := len(w.cuts)
	if w.lent == 0 || n == 0 {
		return text[:len(text)-w.lent]
	}
	last := w.cuts[n-1]
	if last.owned && last.End == len(w.src) && (n == 1 || w.cuts[n-2].End < last.Start) {
		return text
	}
	return text[:len(text)-yamltext.BreakBefore(text, len(text))]
}

// write makes the cuts of a value and of those inside it.
func (w *writer) write(h *handle) error {
	if h.text == nil {
		return nil // it is written with what holds it
	}
	w.depth = h.depth
	switch h.state {
	case replaced:
		return w.replace(h)
	case restored:
		return w.restore(h)
	}
	switch {
	case h.entries == nil:
	case h.text.Style == yamltext.Flow:
		w.flowEntries(h)
	default:
		w.blockEntries(h)
	}
	for _, child := range h.children {
		if err := w.write(child); err != nil {
			return err
		}
	}
	return nil
}

// A segment is a part of a changed collection between two entries that stay
// where they are: what goes there and what comes there.
type segment struct {
	gone  []int // places in the content that was scanned
	added []entry
	// next is the place of the entry that follows, -1 at the end.
	next int
	// before is the place of the entry in front, -1 at the beginning.
	before int
}

// segments returns those parts of a collection in which something changes.
func (h *handle) segments() []segment {
	var all []segment
	s := segment{before: -1}
	end := func(next int) {
		if s.next = next; len(s.gone)+len(s.added) > 0 {
			all = append(all, s)
		}
		s = segment{before: next}
	}
	for _, e := range h.entries {
		switch {
		case e.was < 0 && !e.gone:
			s.added = append(s.added, e)
		case e.was >= 0 && e.gone:
			s.gone = append(s.gone, e.was)
		case e.was >= 0:
			end(e.was)
		}
	}
	end(-1)
	return all
}

// extent returns where an entry begins and ends, from its key or dash to its
// value, and the last of its nodes.
func (h *handle) extent(was int) (start, end int, last *yamltext.Node) {
	lead := h.text.Content[was]
	last = h.text.Content[was+h.width()-1]
	start = lead.Full().Start
	if h.text.Style != yamltext.Flow && (h.text.Kind == yamltext.Sequence || lead.Explicit) {
		start = lead.Indicator
	}
	return start, max(last.Full().End, last.Indicator+1, lead.Full().End), last
}

// Lines

func (w *writer) lineStart(offset int) int { return yamltext.LineStart(w.src, offset) }

// prefix returns the blanks between the beginning of the line and offset, and
// false if there is something else.
func (w *writer) prefix(offset int) (string, bool) {
	start := w.lineStart(offset)
	prefix := string(w.src[start:offset])
	if strings.Trim(prefix, " \t") != "" {
		return "", false
	}
	if start == 0 && w.tree.Column > 0 {
		// A fragment's first line belongs to what is before it.
		return strings.Repeat(" ", w.tree.Column) + prefix, false
	}
	return prefix, true
}

func (w *writer) firstInLine(offset int) bool {
	_, first := w.prefix(offset)
	return first
}

// lines adds text on lines of its own after the line around offset.
func (w *writer) lines(offset int, text string) {
	next := yamltext.NextLine(w.src, offset)
	w.cut(next, next, text+"\n")
}

// lineBreak is what ends the line before an offset, if that begins a line, or
// else the line around it. A line break that is not one to every reader (NEL,
// LS, PS), or that is missing, is no model; then the lines above are, LF in the
// end.
func (w *writer) lineBreak(offset int) string {
	if yamltext.BreakBefore(w.src, offset) == 0 {
		offset = yamltext.NextLine(w.src, offset)
	}
	for {
		n := yamltext.BreakBefore(w.src, offset)
		if n > 0 && strings.IndexByte("\r\n", w.src[offset-1]) >= 0 {
			return string(w.src[offset-n : offset])
		}
		if offset = w.lineStart(offset - max(n, 1)); offset <= 0 {
			return "\n"
		}
	}
}
