// Package terminal makes text safe to show in a terminal: names and reasons come from
// manifests, and their authors may not be trustworthy.
package terminal

import (
	"strings"
	"unicode"
)

// Printable replaces characters that would control a terminal, and removes blanks at
// the ends of lines.
func Printable(text []byte) []byte {
	lines := strings.Split(string(text), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(strings.Map(func(r rune) rune {
			if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
				return unicode.ReplacementChar
			}
			return r
		}, line), " ")
	}
	return []byte(strings.Join(lines, "\n"))
}
