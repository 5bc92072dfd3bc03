package readers

import (
	"strings"

	"golang.org/x/text/encoding/unicode"
)

var oddBytes = []oddity{
	{"byte order mark at the start", toText(func(d *draw, text string) string {
		return of(d, "\ufeff", "\ufeff", "\ufeff\ufeff", "\ufeff\n", "\n\ufeff") + text
	})},
	{"byte order mark elsewhere", toText(func(d *draw, text string) string { return atLine(d, text, "\ufeff") })},
	{"UTF-16", toText(func(d *draw, text string) string {
		encoding := unicode.UTF16(of(d, unicode.LittleEndian, unicode.BigEndian), of(d, unicode.UseBOM, unicode.UseBOM, unicode.IgnoreBOM))
		encoded, err := encoding.NewEncoder().String(text)
		if err != nil {
			return text
		}
		return encoded
	})},
	{"line breaks of Windows", toText(func(_ *draw, text string) string { return strings.ReplaceAll(text, "\n", "\r\n") })},
	{"line breaks of another kind", toText(func(d *draw, text string) string {
		return strings.ReplaceAll(text, "\n", of(d, "\r", "\u0085", "\u2028", "\u2029", "\n\r", "\v", "\f"))
	})},
	{"one line break of another kind", toText(func(d *draw, text string) string {
		return atBreak(d, text, of(d, "\r", "\r\n", "\u0085", "\u2028", "\u2029", "\n\r", "\v", "\f", " \n", "\t\n", "\r\r\n", "\n\n", "", " "))
	})},
	{"control character", toText(func(d *draw, text string) string {
		return anywhere(d, text, of(d, "\x00", "\x01", "\x07", "\x08", "\x1b", "\x7f", "\u0080", "\u009f", "\x0b", "\x0c", "\ufffe", "\uffff", "\U0010ffff", "\u200b", "\u202e", "\u00ad"))
	})},
	{"bytes that are not UTF-8", toText(func(d *draw, text string) string {
		return anywhere(d, text, of(d, "\xff", "\xc0\x80", "\xed\xa0\x80", "\x80", "\xe9", "\xf5\x80\x80\x80", "\xc3"))
	})},
	{"character elsewhere", toText(func(d *draw, text string) string {
		return anywhere(d, text, of(d, "\t", " ", "\n", "\"", "'", ":", "#", "-", "{", "}", "[", "]", ",", "&", "*", "!", "|", ">", "%", "@", "?", "~", "\\", "<", "=", "0", "a", "---", ": ", " #"))
	})},
	{"character missing", toText(func(d *draw, text string) string {
		if len(text) == 0 {
			return text
		}
		i := d.IntN(len(text))
		return text[:i] + text[i+1:]
	})},
	{"line missing, twice or moved", toText(func(d *draw, text string) string {
		lines := strings.SplitAfter(text, "\n")
		i := d.IntN(len(lines))
		line := lines[i]
		switch d.IntN(3) {
		case 0:
			return text + line
		case 1:
			return atLine(d, text, line)
		default:
			return strings.Join(lines[:i], "") + strings.Join(lines[i+1:], "")
		}
	})},
	{"line indented otherwise", toText(func(d *draw, text string) string { return atLine(d, text, of(d, " ", "  ", "\t", " \t")) })},
	{"text cut off", toText(func(d *draw, text string) string {
		if d.IntN(3) > 0 {
			return text
		}
		return text[:d.IntN(len(text)+1)]
	})},
}

// atBreak puts something in the place of a line break.
func atBreak(d *draw, text, what string) string {
	lines := strings.Split(text, "\n")
	if len(lines) < 2 {
		return text
	}
	i := 1 + d.IntN(len(lines)-1)
	return strings.Join(lines[:i], "\n") + what + strings.Join(lines[i:], "\n")
}

// anywhere puts something between two bytes.
func anywhere(d *draw, text, what string) string {
	i := d.IntN(len(text) + 1)
	return text[:i] + what + text[i:]
}
