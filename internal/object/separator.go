package object

import (
	"bytes"
	"fmt"
	"slices"
	"unicode"
	"unicode/utf8"

	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

const (
	separator = "---"
	ending    = "..."
	// mark is the byte order mark that a file may begin with.
	mark = "\ufeff"
)

// isMarker reports whether a line is the marker that begins a document.
func isMarker(line []byte) bool { return hasSign(line, separator) }

// isEnding reports whether a line is the marker that ends one.
func isEnding(line []byte) bool { return hasSign(line, ending) }

func hasSign(line []byte, sign string) bool {
	rest, marked := bytes.CutPrefix(line, []byte(sign))
	return marked && (len(rest) == 0 || bytes.IndexByte([]byte(" \t\r\n"), rest[0]) >= 0)
}

// isOddBreak reports whether a character is a line break to YAML 1.1, and none to
// kubectl's reader of streams.
func isOddBreak(r rune) bool { return r == '\u0085' || r == '\u2028' || r == '\u2029' }

// lastOddBreak gives where the last of them is, -1 for none.
func lastOddBreak(text []byte) int {
	last := -1
	for _, b := range []string{"\u0085", "\u2028", "\u2029"} {
		if bytes.Contains(text, []byte(b)) { // which is faster than to look from the end
			last = max(last, bytes.LastIndex(text, []byte(b)))
		}
	}
	return last
}

// separators gives an error for a line that kubectl takes for the end of a
// document, and YAML for its text.
//
// A byte order mark behind a marker is an error too: kubectl takes it for the
// beginning of a text of its own and reads the document, YAML reads it as a part
// of the first key. So is UTF-16, which kubectl reads and nothing else expects.
func separators(fragment yamltext.Fragment) error {
	text := fragment.Text
	if bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff")) {
		return &yamltext.Error{Line: 1, Kind: yamltext.ErrUnsupported, Problem: "the text is UTF-16: save it as UTF-8"}
	}
	content := len(text) - len(bytes.TrimPrefix(text, []byte(mark)))
	content += contentOf(text[content:])
	if bytes.HasPrefix(text[content:], []byte(mark)) {
		return &yamltext.Error{Line: yamltext.Line(text, content), Kind: yamltext.ErrUnsupported, Problem: "a byte order mark (U+FEFF) inside the text: remove it"}
	}
	if at := oddlyBroken(fragment, text[content:]); at >= 0 {
		r, _ := utf8.DecodeRune(text[content+at:])
		return &yamltext.Error{Line: yamltext.Line(text, content+at), Kind: yamltext.ErrUnsupported,
			Problem: fmt.Sprintf("a line ends with %U, which not every tool takes for a line break: save the file with line feeds", r)}
	}
	for at := 0; ; at++ {
		next := bytes.Index(text[at:], []byte("\n"+separator))
		if next < 0 {
			return nil
		}
		at += next
		if line := text[at+1 : yamltext.LineEnd(text, at+1)]; !isMarker(line) {
			return &yamltext.Error{Line: yamltext.Line(text, at+1), Kind: yamltext.ErrSyntax,
				Problem: fmt.Sprintf("%.40q begins with ---, where kubectl ends a document: put a space after ---, or indent the line", line)}
		}
	}
}

// oddlyBroken gives a line break before a marker that only some tools know, -1 for
// none. Elsewhere it is harmless.
func oddlyBroken(fragment yamltext.Fragment, text []byte) int {
	if fragment.HasLineFeeds() || lastOddBreak(text) < 0 {
		return -1
	}
	for at := 0; ; at++ {
		next := bytes.Index(text[at:], []byte(separator))
		if next < 0 {
			return -1
		}
		at += next
		if r, size := utf8.DecodeLastRune(text[:at]); isOddBreak(r) {
			return at - size
		}
	}
}

// Join puts documents behind one another as a stream, from which every tool reads
// each of them: with a marker before every document but the first, which kubectl
// needs behind "..." too, and without a byte order mark in the middle. One that begins
// in braces gets a marker too, unless it is alone: before 1.33 kubectl took a stream that
// begins with "{" for JSON to its end, read the first object, and failed at the marker
// (kubernetes/kubernetes staging/src/k8s.io/apimachinery/pkg/util/yaml/decoder.go,
// YAMLOrJSONDecoder.Decode and GuessJSONStream in 1.32).
func Join(texts ...[]byte) []byte {
	size := len(separator + "\n")
	for _, text := range texts {
		size += len(text) + len("\n"+separator+"\n")
	}
	stream := make([]byte, 0, size)
	for _, text := range texts {
		unmarked := bytes.TrimPrefix(text, []byte(mark))
		if len(bytes.TrimSpace(unmarked)) == 0 {
			continue
		}
		if len(stream) > 0 {
			text = unmarked
		}
		if len(stream) > 0 && stream[len(stream)-1] != '\n' { // kubectl knows no other line break
			stream = append(stream, '\n')
		}
		if len(stream) > 0 && !marked(text) {
			stream = append(stream, separator+"\n"...)
		}
		stream = append(stream, text...)
	}
	if first := bytes.TrimPrefix(stream, []byte(mark)); inBraces(first) && hasMarker(first) {
		return slices.Concat([]byte(separator+"\n"), first)
	}
	return stream
}

// inBraces reports whether kubectl takes a text for JSON.
func inBraces(text []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeftFunc(text, unicode.IsSpace), []byte("{"))
}

// hasMarker reports whether a document of a stream begins or ends at a marker.
func hasMarker(stream []byte) bool {
	for _, sign := range []string{separator, ending} {
		if bytes.Contains(stream, []byte("\n"+sign)) {
			return true
		}
	}
	return false
}

// Ended gives where the markers end that end a document, of the text behind it, with the
// comments before them, and those behind them if nothing else comes; 0 if there are none.
func Ended(behind []byte) (end int) {
	for at := 0; at < len(behind); {
		line := bytes.TrimSpace(behind[at:yamltext.LineEnd(behind, at)])
		next := yamltext.NextLine(behind, at)
		switch {
		case isEnding(behind[at:]):
			end = next
		case len(line) > 0 && line[0] != '#':
			return end
		}
		at = next
	}
	if end > 0 {
		return len(behind)
	}
	return 0
}

// marked reports whether a text begins with a marker, before which nothing but
// comments and directives may stand.
func marked(text []byte) bool {
	for len(text) > 0 && (len(bytes.TrimSpace(text[:yamltext.LineEnd(text, 0)])) == 0 || text[0] == '#' || text[0] == '%') {
		text = text[yamltext.NextLine(text, 0):]
	}
	return isMarker(text)
}

// Unmarked takes away byte order marks where documents begin, but for the first:
// files that were joined bring them along, and kubectl passes over them.
func Unmarked(stream []byte) []byte {
	for at := 1; ; {
		next := bytes.Index(stream[min(at, len(stream)):], []byte("\n"+mark))
		if next < 0 {
			return stream
		}
		at += next + 1
		behind := stream[at+len(mark):]
		before := bytes.TrimRight(stream[:at-1], "\r")
		line := before[yamltext.LineStart(before, len(before)):]
		if isMarker(behind) || isMarker(line) || string(line) == "..." {
			stream = append(stream[:at:at], behind...)
			at-- // there may be another one
		}
	}
}
