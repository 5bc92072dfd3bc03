// Package terminal owns what a text must not hold when it is shown to a person:
// names and reasons come from manifests, whose writers need not be trusted.
package terminal

import (
	"strings"
	"unicode"
)

// Printable gives lines without what would control a terminal, and without blanks
// at their ends.
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
