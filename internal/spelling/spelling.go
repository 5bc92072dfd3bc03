package spelling

import (
	"fmt"
	"strings"
	"sync"
)

// Nearest gives the index of the candidate closest to the word, in single-letter
// changes, and the first of several that are equally close. It gives -1 if every
// candidate is more than most changes away. Letters that look alike count as the
// same.
func Nearest(word string, candidates []string, most int) int {
	word = plain(word)
	best, least := -1, most+1
	for i, c := range candidates {
		if max(len(word)-len(c), len(c)-len(word)) >= least {
			continue // the difference in length alone takes that many
		}
		if least == 1 && word != c {
			continue
		}
		if d := Distance(word, c); d < least {
			best, least = i, d
		}
	}
	return best
}

// Distance counts the single-letter changes from a to b, of which one swaps two
// neighbours (Damerau and Levenshtein's, without changes of changes). Letters are bytes.
func Distance(a, b string) int {
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	above, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		above, last, row = last, row, above
		row[0] = i + 1
		for j := range len(b) {
			change := last[j]
			if a[i] != b[j] {
				change++
			}
			row[j+1] = min(change, row[j]+1, last[j+1]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], above[j-1]+1)
			}
		}
	}
	return row[len(b)]
}

// lookAlikes are letters of other scripts, each followed by the Latin one that a
// reader takes it for (from Unicode's confusables.txt,
// https://www.unicode.org/Public/security/latest/confusables.txt).
var lookAlikes = sync.OnceValue(func() *strings.Replacer {
	return strings.NewReplacer(
		"а", "a", "с", "c", "ԁ", "d", "е", "e", "һ", "h", "і", "i", "ј", "j", "ӏ", "l", "о", "o", "р", "p", "ԛ", "q", "ѕ", "s", "ԝ", "w", "х", "x", "у", "y",
		"А", "A", "В", "B", "С", "C", "Е", "E", "Н", "H", "І", "I", "Ј", "J", "К", "K", "М", "M", "О", "O", "Р", "P", "Ѕ", "S", "Т", "T", "Х", "X", "У", "Y",
		"α", "a", "ι", "i", "ν", "v", "ο", "o", "ρ", "p", "υ", "u",
		"Α", "A", "Β", "B", "Ε", "E", "Η", "H", "Ι", "I", "Κ", "K", "Μ", "M", "Ν", "N", "Ο", "O", "Ρ", "P", "Τ", "T", "Χ", "X", "Υ", "Y", "Ζ", "Z",
		"ı", "i", "ɡ", "g", "ɩ", "i", "‐", "-", "‑", "-", "‒", "-", "–", "-", "−", "-", "∕", "/", "⁄", "/", "․", ".",
		// These are invisible.
		"\u00ad", "", "\u200b", "", "\u200c", "", "\u200d", "", "\u2060", "", "\ufeff", "",
	)
})

// IsASCII reports whether a word has ASCII letters alone, each of which is what it looks
// like.
func IsASCII(word string) bool {
	return strings.IndexFunc(word, func(r rune) bool { return r > '~' }) < 0
}

// plain gives the word that a reader sees, going by shape alone.
func plain(word string) string {
	if IsASCII(word) {
		return word
	}
	return strings.Map(func(r rune) rune {
		if r >= '！' && r <= '～' { // the wide forms of ASCII
			return r - '！' + '!'
		}
		return r
	}, lookAlikes().Replace(word))
}

// LookAlike names the first letter in a word that is not what it looks like, in words
// that go behind "did you mean ...?"; "" if there is none.
func LookAlike(word string) string {
	for _, r := range word {
		if letter := string(r); plain(letter) != letter {
			return fmt.Sprintf(" (%q in it is %U, no plain letter)", letter, r)
		}
	}
	return ""
}
