package reread

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"
)

// lines are the lines of a text that hold something, one after the other.
type lines struct {
	text []byte
	// start and end are those of the line, without its line break; at is where its
	// content begins, and column the column of that.
	start, end, at, column int
	// lead is the column at which the text begins; it is that of the first line only.
	lead int
	done bool
}

// next goes to the next line that is neither blank nor a comment alone.
func (l *lines) next() {
	for l.step() {
		if l.at < l.end && l.text[l.at] != '#' {
			return
		}
	}
	l.done = true
}

// step goes to the next line, whatever is in it.
func (l *lines) step() bool {
	l.lead = 0
	return l.begin(l.end + 1)
}

// begin makes the line that begins at an offset the current one.
func (l *lines) begin(start int) bool {
	if start >= len(l.text) {
		l.start, l.end, l.at, l.column = len(l.text), len(l.text), len(l.text), 0
		return false
	}
	l.start, l.end = start, len(l.text)
	if n := bytes.IndexByte(l.text[start:], '\n'); n >= 0 {
		l.end = start + n
	}
	for l.at = start; l.at < l.end && l.text[l.at] == ' '; l.at++ {
	}
	l.column = l.lead + l.at - start
	return true
}

// Tail gives how much of what stands behind an item of a list in block style may be a
// part of it: 0 if what comes next in the list is surely none. column is where the item's
// text begins, and what is indented as far is a part of it. Comments may be text of a
// block scalar, and blank lines too, if one keeps them.
func Tail(item, behind []byte, column int) int {
	l := lines{text: behind, end: -1}
	may := false
	for l.step() {
		line := bytes.TrimSuffix(l.text[l.at:l.end], []byte("\r"))
		switch {
		case len(line) == 0:
			may = may || bytes.Contains(item, []byte("|+")) || bytes.Contains(item, []byte(">+"))
		case line[0] == '#':
			may = may || l.column >= column || !plainBytes(line)
		case l.column >= column:
			may = true
		case may:
			return l.start
		default:
			return 0
		}
	}
	if may {
		return len(behind)
	}
	return 0
}

// plainBytes reports whether a text has only line feeds for line breaks, and no
// characters that YAML forbids or that some readers take for something else.
func plainBytes(text []byte) bool {
	for len(text) > 0 {
		if len(text) >= 8 && plainWord(binary.LittleEndian.Uint64(text)) {
			text = text[8:]
			continue
		}
		r, size := utf8.DecodeRune(text)
		switch {
		case r < ' ' && r != '\n', r == utf8.RuneError && size < 2, r >= 0x7f && r < 0xa0, r == 0x2028, r == 0x2029, r == 0xfeff, r == 0xfffe, r == 0xffff:
			return false
		}
		text = text[size:]
	}
	return true
}

// plainWord reports whether eight bytes are printable ASCII or line feeds, all at once:
// what is added to the lower seven bits of a byte carries into its eighth, and no further.
func plainWord(word uint64) bool {
	const (
		each   = 0x0101010101010101
		seven  = 0x7f * each
		eighth = 0x80 * each
	)
	controls := ^(word&seven + (0x80-' ')*each)
	others := word ^ '\n'*each
	notFeeds := others&seven + seven | others
	deletes := word&seven + each
	return (controls&notFeeds|deletes|word)&eighth == 0
}
