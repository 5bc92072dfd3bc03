package yamltext

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Lines of every kind, well or badly indented, are skipped where they can be read, up to
// where they end, and nowhere else.
func TestLinesAreSkippedAsTheyAreRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		for range 50 { // a draw is cheaper than a check
			agrees(t, []byte(drawn(t)))
		}
	})
}

// values are what may stand behind a key.
var values = []string{"", " v", " 'q'", ` "q"`, " |", " >-", " |+", " |1", " [x, y]", " {x: y}", " [x,", " y]", " &a v", " *a", " !t v", " # c", " v # c", " v: w", " 'q", ` "q\n"`, ` "q\"`, " q'", " -", " - v", " ?", " \t", "\r", " v\r", " #", ":", "'", " %", " é", " x:y"}

func drawn(t *rapid.T) string {
	var b strings.Builder
	b.WriteString(rapid.SampledFrom([]string{"", "a:\n", "- a:\n", "a:\n- b: c\n"}).Draw(t, "begin"))
	for range rapid.IntRange(1, 8).Draw(t, "lines") {
		b.WriteString(strings.Repeat(" ", rapid.SampledFrom([]int{0, 1, 2, 2, 2, 3, 4, 4}).Draw(t, "indent")))
		b.WriteString(strings.Repeat("- ", rapid.SampledFrom([]int{0, 0, 0, 1, 1, 2}).Draw(t, "dashes")))
		b.WriteString(rapid.SampledFrom([]string{"", "k:", "k:", "k:", "l:", "'k':", "k", "k l:"}).Draw(t, "key"))
		b.WriteString(rapid.SampledFrom(values).Draw(t, "value"))
		b.WriteString(rapid.SampledFrom([]string{"\n", "\n", "\n", "\n", "\n\n", "\n  \n", ""}).Draw(t, "end"))
	}
	return b.String()
}

// agrees holds a scan against yaml/v3, and outlines against the scan.
func agrees(t require.TestingT, text []byte) {
	d, _ := difference(text)
	require.Empty(t, d, "%q", text)
	if _, wrong := Parse(text); wrong != nil {
		for levels := range 4 {
			_, err := Fragment{Text: text}.Outline(levels)
			require.Equal(t, wrong, err, "the outline of %d levels is read otherwise: %q", levels, text)
		}
	}
}
