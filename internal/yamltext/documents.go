package yamltext

import "bytes"

// A File is a file of YAML documents, JSON among them.
type File struct {
	Path string
	Text []byte
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
	cut := func(end int) {
		if end > start {
			documents = append(documents, Document{Text: stream[start:end:end], Line: line})
			line += Line(stream[start:end], end-start) - 1
			start = end
		}
	}
	// open is true once a document has begun, with "---" or with content.
	open := false
	for at := 0; at < len(stream); {
		marker := nextMarker(stream, at)
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
			if next := nextMarker(stream, at); next < len(stream) || hasContent(stream[at:]) {
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

// nextMarker returns the offset of the first document marker at or after from,
// or the length of the stream.
func nextMarker(stream []byte, from int) int {
	best := len(stream)
	for _, marker := range [...]string{"---", "..."} {
		for at := from; at < best; {
			i := bytes.Index(stream[at:best], []byte(marker))
			if i < 0 {
				break
			}
			at += i
			if lineBegins(stream, at) && markerAt(stream, at) {
				best = at
				break
			}
			// A long run of dashes is searched only once.
			for at < best && stream[at] == marker[0] {
				at++
			}
		}
	}
	return best
}

func lineBegins(stream []byte, i int) bool {
	return i == 0 || breakEndsAt(stream, i) > 0 || i == 3 && bytes.HasPrefix(stream, []byte("\xef\xbb\xbf"))
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
		if j < len(text) && breakAt(text, j) == 0 && text[j] != '#' && (text[j] != '%' || j > i) {
			return true
		}
		i = NextLine(text, j)
	}
	return false
}
