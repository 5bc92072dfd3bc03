package yamltext

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// changing are the bytes with which a scalar of a style may say something else than what
// stands there: line breaks, or the first bytes of some, and what a quote stands for.
var changing = [...][256]bool{
	Plain:        {'\n': true, '\r': true, 0xC2: true, 0xE2: true},
	SingleQuoted: {'\n': true, '\r': true, 0xC2: true, 0xE2: true, '\'': true},
	DoubleQuoted: {'\n': true, '\r': true, 0xC2: true, 0xE2: true, '\\': true},
}

func changes(text []byte, style Style) bool {
	may := &changing[style]
	for _, c := range text {
		if may[c] {
			return true
		}
	}
	return false
}

// decode returns the value of a plain or quoted scalar that was scanned
// without error, by the folding rules of yaml/v3 scannerc.go.
func decode(text []byte, style Style) string {
	if style != Plain {
		text = text[1 : len(text)-1]
	}
	if !changes(text, style) {
		return string(text)
	}
	value := make([]byte, 0, len(text))
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case c == ' ' || c == '\t' || BreakAt(text, i) > 0:
			var folded []byte
			i, folded = fold(text, i, false)
			value = append(value, folded...)
		case style == SingleQuoted && c == '\'':
			value = append(value, '\'')
			i += 2
		case style == DoubleQuoted && c == '\\' && BreakAt(text, i+1) > 0:
			var folded []byte
			i, folded = fold(text, i+1+BreakAt(text, i+1), true)
			value = append(value, folded...)
		case style == DoubleQuoted && c == '\\':
			var escaped []byte
			i, escaped = unescape(text, i+1)
			value = append(value, escaped...)
		default:
			value = append(value, c)
			i++
		}
	}
	return string(value)
}

// Literal returns what a literal scalar says. It is false for any other, and for those
// that keep the line breaks behind them, have an indicator of their indentation, begin
// with a blank line, end the text, or hold other line breaks than LF.
func (t *Tree) Literal(n *Node) (string, bool) {
	header, text, _ := bytes.Cut(t.Text[n.Start:n.End], []byte{'\n'})
	if n.Style != Literal || n.Keep || n.Indented || len(bytes.TrimPrefix(header, []byte{'|'})) > 1 || n.End >= len(t.Text) || t.Text[n.End] != '\n' ||
		bytes.IndexByte(text, '\r') >= 0 || bytes.IndexByte(text, 0xC2) >= 0 || bytes.IndexByte(text, 0xE2) >= 0 {
		return "", false
	}
	indent := len(text) - len(bytes.TrimLeft(text, " "))
	if indent == len(text) || text[indent] == '\n' || text[indent] == '\t' {
		return "", false
	}
	value := make([]byte, 0, len(text))
	for len(text) > 0 {
		line, rest, _ := bytes.Cut(text, []byte{'\n'})
		value = append(append(value, line[min(indent, len(line)):]...), '\n')
		text = rest
	}
	if n.Strip {
		value = value[:len(value)-1]
	}
	return string(value), true
}

// fold reads the blanks and line breaks at i and returns where they end and
// what they stand for. After an escaped line break there is no break to fold.
func fold(text []byte, i int, escaped bool) (int, []byte) {
	start := i
	broken := escaped
	var first, rest []byte
	for i < len(text) {
		n := BreakAt(text, i)
		if n == 0 && text[i] != ' ' && text[i] != '\t' {
			break
		}
		if n == 0 {
			i++
			continue
		}
		// LS and PS stay what they are, all others become LF.
		line := []byte{'\n'}
		if n == 3 {
			line = text[i : i+3]
		}
		if broken {
			rest = append(rest, line...)
		} else {
			first, broken = line, true
		}
		i += n
	}
	switch {
	case !broken:
		return i, text[start:i]
	case len(first) > 0 && first[0] == '\n':
		if len(rest) == 0 {
			return i, []byte{' '}
		}
		return i, rest
	default:
		return i, append(append([]byte(nil), first...), rest...)
	}
}

// escape gives what a letter behind a backslash stands for, "" for what is no escape.
func escape(letter byte) string {
	switch letter {
	case ' ', '"', '\'', '/', '\\', '\t':
		return string(letter)
	case '0':
		return "\x00"
	case 'a':
		return "\a"
	case 'b':
		return "\b"
	case 't':
		return "\t"
	case 'n':
		return "\n"
	case 'v':
		return "\v"
	case 'f':
		return "\f"
	case 'r':
		return "\r"
	case 'e':
		return "\x1b"
	case 'N':
		return "\u0085"
	case '_':
		return "\u00a0"
	case 'L':
		return "\u2028"
	case 'P':
		return "\u2029"
	}
	return ""
}

// escapeDigits gives how many digits a numeric escape has by its letter, 0 for another.
func escapeDigits(letter byte) int {
	switch letter {
	case 'x':
		return 2
	case 'u':
		return 4
	case 'U':
		return 8
	}
	return 0
}

// unescape reads the escape whose letter stands at i.
func unescape(text []byte, i int) (int, []byte) {
	if i >= len(text) {
		return i, nil
	}
	if digits := escapeDigits(text[i]); digits > 0 {
		end := min(i+1+digits, len(text))
		code, err := strconv.ParseUint(string(text[i+1:end]), 16, 32)
		if err != nil || code > utf8.MaxRune {
			return end, nil
		}
		return end, utf8.AppendRune(nil, rune(code))
	}
	return i + 1, []byte(escape(text[i]))
}
