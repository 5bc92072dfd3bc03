// Package terminal makes text safe to show to a person. Names, reasons and paths
// come from manifests, whose authors need not be trusted: a control character
// could hide what follows, or pass for a line of its own.
package terminal

import (
	"strconv"
	"strings"
	"unicode"
)

// Printable gives lines in which control characters are escaped, as Go writes them,
// and without blanks at their ends.
func Printable(text []byte) []byte {
	lines := strings.Split(string(text), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(Line(line), " ")
	}
	return []byte(strings.Join(lines, "\n"))
}

// Line gives a text as one line, in which line breaks are escaped too.
func Line(text string) string { return escaped(text, controls) }

// Lines gives a text whose lines and tabs stay, and in which other control characters are
// escaped.
func Lines(text string) string {
	return escaped(text, func(r rune) bool { return r != '\n' && r != '\t' && controls(r) })
}

func escaped(text string, is func(rune) bool) string {
	text = strings.ToValidUTF8(text, string(unicode.ReplacementChar))
	if !strings.ContainsFunc(text, is) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if is(r) {
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

func controls(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }
