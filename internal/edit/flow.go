package edit

import (
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// flowEntries makes the cuts of a collection in flow style whose entries change.
func (w *writer) flowEntries(h *handle) {
	style := w.flowIn(h)
	for _, s := range h.segments() {
		text := style.entries(h, s.added)
		switch {
		case len(s.gone) == 0 && s.next < 0:
			w.endFlow(h, s.before, text, style)
		case len(s.gone) == 0:
			start, _, _ := h.extent(s.next)
			w.cut(start, start, text+style.comma())
		case len(s.added) > 0:
			// What comes takes the place of what goes.
			last := len(s.gone) - 1
			w.moveUp(h, s.gone[:last])
			w.replaceInFlow(h, s.gone[last], text)
		case s.next >= 0:
			w.moveUp(h, s.gone)
		case s.before >= 0:
			w.removeTail(h, s)
		default:
			w.emptyFlow(h, s.gone)
		}
	}
}

// entries writes entries or items one after the other.
func (s flowStyle) entries(h *handle, added []entry) string {
	inner := s.at(h.text)
	var b strings.Builder
	for i, e := range added {
		if i > 0 {
			b.WriteString(inner.comma())
		}
		if e.key != nil {
			inner.entry(&b, e.key, e.value)
		} else {
			inner.value(&b, e.value)
		}
	}
	return b.String()
}

// at is the style for the entries of a collection, given that of the
// collection: of an empty one in a document with a line for each entry, they
// are one level deeper.
func (s flowStyle) at(node *yamltext.Node) flowStyle {
	if len(node.Content) > 0 {
		return s
	}
	if node.End-node.Start > 2 {
		s.lines = false
	}
	if s.lines {
		s.prefix += s.unit
	}
	return s
}

// endFlow puts entries at the end of a flow collection, after the one in front.
func (w *writer) endFlow(h *handle, before int, text string, style flowStyle) {
	node := h.text
	if before < 0 {
		if inner := style.at(node); inner.lines {
			text = "\n" + inner.prefix + text + "\n" + style.prefix
		}
		w.cut(node.Start+1, node.Start+1, text)
		return
	}
	_, end, last := h.extent(before)
	// The comment after the last entry stays with it.
	line := yamltext.LineEnd(w.src, max(end, last.Comma))
	ownLine := style.lines && line < node.End
	gap := ""
	if needsGap(last) && !h.changed(last) {
		gap = " "
	}
	switch {
	case last.Comma < 0 && ownLine:
		w.cut(end, end, gap+",")
		w.cut(line, line, "\n"+style.prefix+text)
	case last.Comma < 0:
		w.cut(end, end, gap+style.comma()+text)
	case ownLine:
		w.cut(line, line, "\n"+style.prefix+text+",")
	default:
		w.cut(last.Comma+1, last.Comma+1, strings.TrimPrefix(style.comma(), ",")+text+",")
	}
}

// needsGap says whether an entry has a colon and no value: a comma right behind the
// colon would make it a part of the key.
func needsGap(last *yamltext.Node) bool { return !last.Written() && last.Indicator >= 0 }

// replaceInFlow puts a text in the place of an entry. A comment at the end of
// its line was about the entry.
func (w *writer) replaceInFlow(h *handle, was int, text string) {
	start, end, last := h.extent(was)
	comma := ""
	if last.Comma >= 0 {
		comma, end = ",", last.Comma+1
	}
	w.cut(start, w.afterComment(end), text+comma)
}

// afterComment returns the end of the line if nothing but a comment follows.
func (w *writer) afterComment(offset int) int {
	next := w.pastBlanks(offset)
	if next < len(w.src) && w.src[next] == '#' {
		return yamltext.LineEnd(w.src, next)
	}
	return offset
}

func (w *writer) pastBlanks(offset int) int {
	for offset < len(w.src) && (w.src[offset] == ' ' || w.src[offset] == '\t') {
		offset++
	}
	return offset
}

// moveUp removes entries that others follow. What follows on the same line
// moves up.
func (w *writer) moveUp(h *handle, gone []int) {
	for _, was := range gone {
		start, _, last := h.extent(was)
		after := last.Comma + 1
		next := w.pastBlanks(after)
		if line := yamltext.LineEnd(w.src, after); next == line || w.src[next] == '#' {
			next = w.pastBlanks(yamltext.NextLine(w.src, after))
		}
		w.cut(start, next, "")
	}
}

// removeTail removes the last entries of a flow collection, with the comma
// before them if none is after them.
func (w *writer) removeTail(h *handle, s segment) {
	_, from, previous := h.extent(s.before)
	_, _, last := h.extent(s.gone[len(s.gone)-1])
	start, _, _ := h.extent(s.gone[0])
	first := w.firstInLine(start)
	if first && last.Comma < 0 {
		comma := previous.Comma
		if needsGap(previous) && comma == from+1 {
			comma = from
		}
		w.cut(comma, previous.Comma+1, "")
	}
	if first || last.Comma >= 0 {
		from = previous.Comma + 1
	}
	for _, was := range s.gone {
		start, end, node := h.extent(was)
		end = max(end, node.Comma+1)
		if w.firstInLine(start) {
			line := w.lineStart(start)
			from = max(from, line-yamltext.BreakBefore(w.src, line))
			if line := yamltext.LineEnd(w.src, end); line < h.text.End {
				end = line
			}
		}
		if from < end {
			w.cut(from, end, "")
		}
		from = max(from, end)
	}
}

// emptyFlow removes all entries of a flow collection, and the lines that were
// made for them.
func (w *writer) emptyFlow(h *handle, gone []int) {
	node := h.text
	start, _, _ := h.extent(gone[0])
	_, after, last := h.extent(gone[len(gone)-1])
	after = max(after, last.Comma+1)
	opening, closing := string(w.src[node.Start+1:start]), string(w.src[after:node.End-1])
	if strings.Trim(opening+closing, " \t\r\n") == "" && strings.ContainsAny(opening, "\r\n") && strings.ContainsAny(closing, "\r\n") {
		w.cut(node.Start+1, node.End-1, "")
		return
	}
	w.moveUp(h, gone[:len(gone)-1])
	start, _, _ = h.extent(gone[len(gone)-1])
	w.cut(start, after, "")
}
