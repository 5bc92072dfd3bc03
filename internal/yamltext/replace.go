package yamltext

import (
	"cmp"
	"slices"
)

// Replacement is new text for a span of an old text.
type Replacement struct {
	Span
	Text []byte
}

// Replace puts new text in the place of spans that do not overlap.
func Replace(text []byte, replacements []Replacement) []byte {
	slices.SortFunc(replacements, func(a, b Replacement) int { return cmp.Compare(a.Start, b.Start) })
	size := len(text)
	for _, r := range replacements {
		size += len(r.Text) - (r.End - r.Start)
	}
	out, at := make([]byte, 0, size), 0
	for _, r := range replacements {
		out = append(append(out, text[at:r.Start]...), r.Text...)
		at = r.End
	}
	return append(out, text[at:]...)
}
