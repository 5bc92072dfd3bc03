package yamltext

import "bytes"

// A File is a file of YAML documents, JSON among them.
type File struct {
	Path string
	Text []byte
	// Made says that the text was made of what stands in Path and elsewhere, so that
	// nobody can look up a line of it.
	Made bool
}

// A Document is one document of a stream, with its markers, directives and
// comments. The texts of all documents, one after the other, are the stream.
type Document struct {
	Text []byte
	// Line of the stream in which the text begins, from 1.
	Line int
}

// Documents splits a stream. It looks at line beginnings only: at column 0 no
// style of YAML can hold "---" or "..." as content. What is before the first
// marker is a document of its own if it has content; what follows "..." up to
// the next "---" belongs to that next document.
func Documents(stream []byte) []Document {
	var documents []Document
	start, line := 0, 1
	markers := markers{stream, [2]int{-1, -1}}
	cut := func(end int) {
		if end > start {
			documents = append(documents, Document{Text: stream[start:end:end], Line: line})
			if end < len(stream) { // there are no lines to count behind the last
				line += Line(stream[start:end], end-start) - 1
			}
			start = end
		}
	}
	// open is true once a document has begun, with "---" or with content.
	open := false
	for at := 0; at < len(stream); {
		marker := markers.after(at)
		if !open && hasContent(stream[at:marker]) {
			open = true
		}
		if marker == len(stream) {
			break
		}
		if stream[marker] == '-' {
			if open {
				cut(marker)
			}
			open = true
			at = marker + 3
			continue
		}
		at = NextLine(stream, marker)
		if open {
			// Comments and blank lines at the very end stay with the last
			// document.
			if next := markers.after(at); next < len(stream) || hasContent(stream[at:]) {
				cut(at)
			}
			open = false
		} else if n := len(documents); n > 0 {
			// One more end of the document before.
			last := &documents[n-1]
			begin := start - len(last.Text)
			last.Text = stream[begin:at:at]
			line += Line(stream[start:at], at-start) - 1
			start = at
		}
	}
	cut(len(stream))
	return documents
}

// markers finds the document markers of a stream. It searches each stretch of it
// once for either, however often the other comes.
type markers struct {
	stream []byte
	// next are the offsets of the next "---" and the next "...".
	next [2]int
}

// after returns the offset of the first marker at or after from, or the length of
// the stream.
func (m *markers) after(from int) int {
	for i, marker := range [...]string{"---", "..."} {
		for at := from; m.next[i] < from; {
			n := bytes.Index(m.stream[at:], []byte(marker))
			if n < 0 {
				m.next[i] = len(m.stream)
				break
			}
			if at += n; lineBegins(m.stream, at) && markerAt(m.stream, at) {
				m.next[i] = at
			}
			// A long run of dashes is searched only once.
			for at < len(m.stream) && m.stream[at] == marker[0] {
				at++
			}
		}
	}
	return min(m.next[0], m.next[1])
}

func lineBegins(stream []byte, i int) bool {
	return i == 0 || BreakBefore(stream, i) > 0 || i == 3 && bytes.HasPrefix(stream, []byte("\xef\xbb\xbf"))
}

// hasContent reports whether a text holds more than blanks, comments, directives
// and a byte order mark.
func hasContent(text []byte) bool {
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	for i := 0; i < len(text); {
		j := i
		for blankAt(text, j) {
			j++
		}
		if j < len(text) && BreakAt(text, j) == 0 && text[j] != '#' && (text[j] != '%' || j > i) {
			return true
		}
		i = NextLine(text, j)
	}
	return false
}
