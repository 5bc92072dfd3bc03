package terminal

import (
	"strings"
	"unicode"
)

// Width gives how many cells of a terminal a line takes.
func Width(line string) int {
	width := 0
	for _, r := range line {
		width += cells(r)
	}
	return width
}

// cells follows the East Asian widths of Unicode as far as the scripts say them
// (unicode.org/reports/tr11).
func cells(r rune) int {
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case r >= 0xff61 && r <= 0xffdc: // half as wide as others of their scripts
		return 1
	case unicode.In(r, unicode.Han, unicode.Hangul, unicode.Katakana),
		r >= 0x3000 && r <= 0x30ff, r >= 0xff01 && r <= 0xff60, r >= 0x1f300 && r <= 0x1faff:
		return 2
	}
	return 1
}

// Wrap cuts a line into lines no wider than width, at blanks where there are any. A
// word that is wider goes on in the next line.
func Wrap(line string, width int) []string {
	var lines []string
	var b strings.Builder
	at := 0
	end := func() {
		lines = append(lines, strings.TrimRight(b.String(), " "))
		b.Reset()
		at = 0
	}
	for word := range strings.SplitAfterSeq(line, " ") {
		if n := Width(strings.TrimRight(word, " ")); at > 0 && at+n > width {
			end()
		}
		for _, r := range word {
			if r != ' ' && at+cells(r) > width && at > 0 {
				end()
			}
			b.WriteRune(r)
			at += cells(r)
		}
	}
	end()
	return lines
}
