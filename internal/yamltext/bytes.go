package yamltext

import "bytes"

// A class is a set of properties of a byte, as one look-up.
type class uint8

const (
	// ends a run of plain text in block style, or may do so
	plainStop class = 1 << iota
	// ends a run of plain text in flow style, or may do so
	flowStop
	// ends a run inside double quotes, or may do so
	doubleStop
	// ends a run inside single quotes, or may do so
	singleStop
	// begins or may begin a line break: LF, CR, NEL (C2 85), LS and PS (E2 80 A8, A9)
	breakStart
	// a byte of an anchor's name
	anchorName
	// cannot begin a plain scalar (yaml/v3 scannerc.go, yaml_parser_fetch_next_token)
	indicator
	// may stand anywhere in a plain key or value and means nothing
	common
)

// breaks is what is known of a text's line breaks, and of its encoding, which
// is looked at together with them.
type breaks uint8

const (
	unknown breaks = iota
	// every line break ends with LF
	lineFeeds
	// also CR, NEL, LS or PS alone
	various
)

var classes = func() (table [256]class) {
	mark := func(c class, set string) {
		for i := range len(set) {
			table[set[i]] |= c
		}
	}
	const breaks = "\n\r\xc2\xe2\x00"
	mark(plainStop|flowStop, " \t:"+breaks)
	mark(flowStop, ",?[]{}")
	mark(doubleStop, "\"\\"+breaks)
	mark(singleStop, "'"+breaks)
	mark(breakStart, breaks)
	mark(anchorName, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-")
	mark(common, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-./")
	mark(indicator, "-?:,[]{}#&*!|>'\"%@` \t\n\r\x00")
	return table
}()

// BreakAt returns the length of the line break at i, 0 if there is none.
func BreakAt(src []byte, i int) int {
	if i >= len(src) {
		return 0
	}
	switch src[i] {
	case '\n':
		return 1
	case '\r':
		if i+1 < len(src) && src[i+1] == '\n' {
			return 2
		}
		return 1
	case 0xC2:
		if i+1 < len(src) && src[i+1] == 0x85 {
			return 2
		}
	case 0xE2:
		if i+2 < len(src) && src[i+1] == 0x80 && src[i+2]&^1 == 0xA8 {
			return 3
		}
	}
	return 0
}

func blankAt(src []byte, i int) bool {
	return i < len(src) && (src[i] == ' ' || src[i] == '\t')
}

// blankOrEndAt reports whether a blank, a line break or the end stands at i.
func blankOrEndAt(src []byte, i int) bool {
	return i >= len(src) || src[i] == ' ' || src[i] == '\t' || BreakAt(src, i) > 0
}

// markerAt reports whether a document marker, "---" or "...", stands at i.
func markerAt(src []byte, i int) bool {
	if i+3 > len(src) {
		return false
	}
	c := src[i]
	return (c == '-' || c == '.') && src[i+1] == c && src[i+2] == c && blankOrEndAt(src, i+3)
}

// onlyLineFeeds reports whether every line break of the text is LF or CR LF and
// ends with the byte LF, so that lines can be found by that byte alone.
func onlyLineFeeds(src []byte) bool {
	for rest := src; ; {
		i := bytes.IndexByte(rest, '\r')
		if i < 0 {
			break
		}
		if i+1 >= len(rest) || rest[i+1] != '\n' {
			return false
		}
		rest = rest[i+2:]
	}
	return !bytes.Contains(src, []byte("\xc2\x85")) &&
		!bytes.Contains(src, []byte("\xe2\x80\xa8")) &&
		!bytes.Contains(src, []byte("\xe2\x80\xa9"))
}

// LineEnd returns the offset of the line break that ends the line around
// offset, or the length of the text.
func LineEnd(src []byte, offset int) int {
	for i := offset; i < len(src); i++ {
		if classes[src[i]]&breakStart != 0 && BreakAt(src, i) > 0 {
			return i
		}
	}
	return len(src)
}

// NextLine returns the offset at which the line after the one around offset
// begins, or the length of the text.
func NextLine(src []byte, offset int) int {
	end := LineEnd(src, offset)
	return end + BreakAt(src, end)
}

// LineStart returns the offset at which the line around offset begins.
func LineStart(src []byte, offset int) int {
	for i := offset; i > 0; i-- {
		if BreakBefore(src, i) > 0 {
			return i
		}
	}
	return 0
}

// BreakBefore returns the length of the line break that ends at i, 0 if there is
// none.
func BreakBefore(src []byte, i int) int {
	switch {
	case i >= 2 && src[i-1] == '\n' && src[i-2] == '\r':
		return 2
	case i >= 1 && src[i-1] == '\n':
		return 1
	case i >= 1 && src[i-1] == '\r':
		// Between CR and LF there is no line.
		if i < len(src) && src[i] == '\n' {
			return 0
		}
		return 1
	case i >= 2 && src[i-1] == 0x85 && src[i-2] == 0xC2:
		return 2
	case i >= 3 && src[i-1]&^1 == 0xA8 && src[i-2] == 0x80 && src[i-3] == 0xE2:
		return 3
	}
	return 0
}

// Line returns the number of the line around offset, counted from 1.
func Line(src []byte, offset int) int {
	line := 1
	for i := 0; i < offset && i < len(src); {
		if classes[src[i]]&breakStart != 0 {
			if n := BreakAt(src, i); n > 0 {
				i += n
				if i <= offset {
					line++
				}
				continue
			}
		}
		i++
	}
	return line
}
