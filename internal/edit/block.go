package edit

import (
	"bytes"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// blockEntries makes the cuts of a collection in block style whose entries
// change.
func (w *writer) blockEntries(h *handle) {
	if len(h.node.Content) == 0 {
		w.emptyBlock(h)
		return
	}
	for _, s := range h.segments() {
		runs := w.runs(h, s.gone)
		// The text is a line, or several, with indentation and line break.
		line := w.blockText(h, s.added)
		switch {
		case len(s.added) == 0:
		case len(runs) > 0:
			// What comes takes the place of what goes.
			last := runs[len(runs)-1]
			runs = runs[:len(runs)-1]
			w.cut(last.Start, yamltext.LineEnd(w.src, last.End), line[h.text.Column:len(line)-1])
		case s.next < 0:
			next := yamltext.NextLine(w.src, h.text.End)
			w.cut(next, next, line)
		default:
			w.insertBefore(h, s, line)
		}
		for i, run := range runs {
			var before *yamltext.Node
			if i == 0 && s.before >= 0 {
				before = h.text.Content[s.before+h.width()-1]
			}
			w.removeLines(run, before != nil && w.valueOwnsBreak(h, before))
		}
	}
}

func indentation(h *handle) string { return strings.Repeat(" ", h.text.Column) }

// blockText writes entries one below the other, each on lines of its own.
func (w *writer) blockText(h *handle, added []entry) string {
	if len(added) == 0 {
		return ""
	}
	room := rooms.Get().(*[]byte)
	defer rooms.Put(room)
	b := bytes.NewBuffer((*room)[:0])
	column, around := h.text.Column, h.text
	b.WriteString(indentation(h))
	if h.text.Kind == yamltext.Sequence && h.parent != nil {
		around = h.parent.text
	}
	style := w.styleIn(h.text, around)
	for i, e := range added {
		if i > 0 {
			style.line(b, column)
		}
		if e.key != nil {
			style.entry(b, e.key, e.value, column)
		} else {
			style.item(b, e.value, column)
		}
	}
	b.WriteByte('\n')
	text := b.String()
	*room = b.Bytes()
	return text
}

// runs joins entries that go to spans, each of neighbours with no line between
// them that stays.
func (w *writer) runs(h *handle, gone []int) []yamltext.Span {
	var runs []yamltext.Span
	for _, was := range gone {
		start, end, _ := h.extent(was)
		if n := len(runs) - 1; n >= 0 && w.lineStart(start) <= yamltext.NextLine(w.src, runs[n].End) {
			runs[n].End = end
			continue
		}
		runs = append(runs, yamltext.Span{Start: start, End: end})
	}
	return runs
}

// insertBefore puts what comes in front of the entry that follows.
func (w *writer) insertBefore(h *handle, s segment, lines string) {
	start, _, _ := h.extent(s.next)
	if h.text.Kind == yamltext.Mapping || !w.firstInLine(start) {
		w.cut(start, start, lines[h.text.Column:]+indentation(h))
		return
	}
	limit := h.text.Start
	switch {
	case s.before >= 0:
		limit = h.text.Content[s.before].Full().End
	case h.text.Indicator >= 0:
		limit = h.text.Indicator
	}
	line := w.aboveComments(w.lineStart(start), w.lineStart(limit), indentation(h)+"#")
	w.cut(line, line, lines)
}

// aboveComments returns where the comment lines right above a line begin, those
// that begin so and stand below the limit.
func (w *writer) aboveComments(line, limit int, beginning string) int {
	for line > 0 {
		above := w.lineStart(line - yamltext.BreakBefore(w.src, line))
		if above <= limit || !strings.HasPrefix(string(w.src[above:line]), beginning) {
			break
		}
		line = above
	}
	return line
}

// emptyBlock makes the cuts of a collection in block style that loses all of
// its entries.
func (w *writer) emptyBlock(h *handle) {
	brackets := "{}"
	if h.text.Kind == yamltext.Sequence {
		brackets = "[]"
	}
	gone := make([]int, 0, len(h.entries))
	for i := 0; i < len(h.text.Content); i += h.width() {
		gone = append(gone, i)
	}
	runs := w.runs(h, gone)
	first := runs[0]
	after := max(h.text.Indicator+1, h.text.Anchor.End, h.text.Tag.End)
	line := yamltext.LineEnd(w.src, after)
	if h.parent == nil || h.text.Indicator < 0 || !w.firstInLine(first.Start) || line >= first.Start || line < yamltext.LineEnd(w.src, h.text.Indicator) {
		w.cut(first.Start, first.End, brackets)
		runs = runs[1:]
	} else {
		w.cut(after, after, " "+brackets)
	}
	for _, run := range runs {
		w.removeLines(run, false)
	}
}

// removeLines removes a span with its lines, or with the rest of its line if
// something else is before it; then the next entry, or a comment before it,
// moves up.
func (w *writer) removeLines(run yamltext.Span, owned bool) {
	next := yamltext.NextLine(w.src, run.End)
	if w.firstInLine(run.Start) {
		w.cut(w.lineStart(run.Start), next, "")
		w.cuts[len(w.cuts)-1].owned = owned
		return
	}
	next = w.pastBlanks(next)
	for next < len(w.src) && yamltext.LineEnd(w.src, next) == next {
		next = w.pastBlanks(yamltext.NextLine(w.src, next))
	}
	w.cut(run.Start, next, "")
}

// endsInText reports whether a collection ends in a block scalar, and that ends
// the text without a line break.
func (w *writer) endsInText(h *handle) bool {
	return h.text != nil && h.text.Style == yamltext.Block && h.text.End == len(w.src)-w.lent && w.lent > 0 && w.ownsBreak(h)
}

// ownsBreak reports whether the line break after a value belongs to a block
// scalar, with which the value ends.
func (w *writer) ownsBreak(h *handle) bool {
	switch {
	case h.state != kept:
		return false // see endsTheText
	case len(h.text.Content) == 0:
		return w.textOwnsBreak(h.text)
	}
	last := len(h.text.Content) - 1
	for _, e := range h.entries {
		if e.was == last+1-h.width() && e.gone {
			return false
		}
	}
	return w.valueOwnsBreak(h, h.text.Content[last])
}

// valueOwnsBreak is ownsBreak for a value inside a collection.
func (w *writer) valueOwnsBreak(h *handle, value *yamltext.Node) bool {
	for _, c := range h.children {
		if c.text == value {
			return w.ownsBreak(c)
		}
	}
	return w.textOwnsBreak(value)
}

// textOwnsBreak reports whether a value ends in a block scalar with at least a
// line of text, which the line break after it is part of.
func (w *writer) textOwnsBreak(node *yamltext.Node) bool {
	for len(node.Content) > 0 {
		node = node.Content[len(node.Content)-1]
	}
	return (node.Style == yamltext.Literal || node.Style == yamltext.Folded) && !node.Strip &&
		yamltext.LineEnd(w.src, node.Start) < node.End
}
