package terminal

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestWidth(t *testing.T) {
	for text, want := range map[string]int{
		"": 0, "shop/web": 8, "déjà": 4, "de\u0301ja": 4, "数据库": 6, "データ": 6, "ﾃﾞｰﾀ": 4, "데이터": 6, "Ａ：": 4, "🚀": 2, "a\u200db": 2, "—…": 2,
	} {
		assert.Equal(t, want, Width(text), "%q", text)
	}
}

func TestWrap(t *testing.T) {
	for name, test := range map[string]struct {
		text  string
		width int
		want  []string
	}{
		"nothing":           {"", 5, []string{""}},
		"what fits":         {"3306, 5432", 10, []string{"3306, 5432"}},
		"at a blank":        {"3306, 5432, 6379", 11, []string{"3306, 5432,", "6379"}},
		"a long word":       {"to 0123456789abcdef", 6, []string{"to", "012345", "6789ab", "cdef"}},
		"words of one cell": {"a b c", 1, []string{"a", "b", "c"}},
		"wide runes":        {"数据库 数据库", 7, []string{"数据库", "数据库"}},
		"a wide rune":       {"数据库", 5, []string{"数据", "库"}},
		"wider than all":    {"数据", 1, []string{"数", "据"}},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, test.want, Wrap(test.text, test.width)) })
	}
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOf(rapid.StringOf(rapid.SampledFrom([]rune("ab数é, ")))).Draw(t, "words"), " ")
		lines := Wrap(text, rapid.IntRange(2, 20).Draw(t, "width"))
		require.Equal(t, strings.ReplaceAll(text, " ", ""), strings.ReplaceAll(strings.Join(lines, ""), " ", ""), "nothing is lost")
	})
}
