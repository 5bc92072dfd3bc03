package yamltext

import (
	"cmp"
	"fmt"
	"io"
	"slices"
)

// Replacement is new text for a span of an old text.
type Replacement struct {
	Span
	Text string
}

// Shifted gives replacements in a part of a text as those in the text.
func Shifted(part []Replacement, by int) []Replacement {
	shifted := make([]Replacement, len(part))
	for i, r := range part {
		shifted[i] = Replacement{Span{r.Start + by, r.End + by}, r.Text}
	}
	return shifted
}

// Replaced is a text with new text in the place of spans that do not overlap. It is
// made while it is written.
type Replaced struct {
	text         []byte
	replacements []Replacement
}

// Replacing puts new text in the place of spans. Of those that begin at one offset the
// first comes first.
func Replacing(text []byte, replacements []Replacement) Replaced {
	slices.SortStableFunc(replacements, func(a, b Replacement) int { return cmp.Compare(a.Start, b.Start) })
	return Replaced{text, replacements}
}

// Replace puts new text in the place of spans that do not overlap.
func Replace(text []byte, replacements []Replacement) []byte {
	return Replacing(text, replacements).Append(nil)
}

// Append adds the text to another.
func (r Replaced) Append(to []byte) []byte {
	size := len(r.text)
	for _, one := range r.replacements {
		size += len(one.Text) - (one.End - one.Start)
	}
	to, at := slices.Grow(to, size), 0
	for _, one := range r.replacements {
		to = append(append(to, r.text[at:one.Start]...), one.Text...)
		at = one.End
	}
	return append(to, r.text[at:]...)
}

// WriteTo writes the text in many small pieces.
func (r Replaced) WriteTo(out io.Writer) (written int64, err error) {
	at := 0
	for _, one := range r.replacements {
		n, err := out.Write(r.text[at:one.Start])
		written += int64(n)
		if err == nil {
			n, err = io.WriteString(out, one.Text)
			written += int64(n)
		}
		if err != nil {
			return written, fmt.Errorf("writing: %w", err)
		}
		at = one.End
	}
	n, err := out.Write(r.text[at:])
	return written + int64(n), err //nolint:wrapcheck // as a writer's own
}
