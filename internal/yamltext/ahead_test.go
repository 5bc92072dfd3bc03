package yamltext

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A long list comes to the same nodes, aliases and errors by one processor as by several,
// wherever these begin: at items, and at lines that only look like items.
func TestLongListsAreScannedAlikeByManyProcessors(t *testing.T) {
	usual := "- kind: Service\n  metadata: {name: a}\n  spec:\n    ports:\n    - port: 80\n  text: |\n    - no item\n"
	tests := map[string]struct{ before, item, last string }{
		"a mapping's list":               {before: "kind: List\nitems:\n", item: usual, last: "end: here\n"},
		"indented":                       {before: "kind: List\nitems:\n", item: "  " + strings.ReplaceAll(usual, "\n", "\n  "), last: "\nend: here\n"},
		"a list alone":                   {item: usual},
		"aliases":                        {before: "items:\n", item: "- &x 1\n- *x\n- *%d\n", last: "- *z\n"},
		"a quoted text of dashes":        {before: "items:\n- a: 1\n- b: \"\n", item: "- a: 1\n", last: "\"\n- c: 1\n"},
		"a text in brackets, of dashes":  {before: "items:\n- [\n", item: "- 1,\n", last: "]\n- c: 1\n"},
		"a quote to the end":             {before: "items:\n- a: 'x\n", item: "- a: 1\n"},
		"an error in the first half":     {before: "items:\n- a: 1\n- }\n", item: usual},
		"an error in the second half":    {before: "items:\n", item: usual, last: "- }\n"},
		"an error in each":               {before: "items:\n- }\n", item: usual, last: "- {\n"},
		"a line that is indented oddly":  {before: "items:\n", item: usual, last: "   - a\n"},
		"a second document":              {before: "items:\n", item: usual, last: "---\na: 1\n"},
		"carriage returns":               {before: "items:\r\n", item: strings.ReplaceAll(usual, "\n", "\r\n")},
		"results before the items":       {before: "results:\n- a: 1\nitems:\n", item: usual},
		"items that are lists":           {before: "items:\n", item: "- - a\n  - b\n- c\n"},
		"texts whose lines are items":    {before: "items:\n- |\n", item: " - a: 1\n", last: "- last: 1\n"},
		"comments whose lines are items": {before: "items:\n", item: "- a: 1 # x\n# - b: 2\n"},
	}
	for name, test := range tests {
		for _, levels := range []int{2, everything} {
			t.Run(fmt.Sprint(name, " ", levels), func(t *testing.T) {
				var b strings.Builder
				b.WriteString(test.before)
				for i := 0; b.Len() < aheadFrom*5/4; i++ {
					b.WriteString(strings.ReplaceAll(test.item, "%d", fmt.Sprint("name", i%7)))
				}
				b.WriteString(test.last)
				text := Fragment{Text: []byte(b.String())}
				alone, failed := byProcessors(1, text, levels)
				for _, processors := range []int{2, 5} {
					tree, err := byProcessors(processors, text, levels)
					if failed != nil {
						require.Equal(t, failed, err)
						continue
					}
					require.NoError(t, err)
					assert.Equal(t, alone.Aliases, tree.Aliases)
					assert.True(t, same(alone.Root, tree.Root), "by %d processors", processors)
				}
			})
		}
	}
}

// The test above would see nothing if nobody scanned ahead.
func TestLongListsAreScannedAhead(t *testing.T) {
	p := parser{src: []byte("- a\n" + strings.Repeat("- b\n", aheadFrom)), keep: 1, lineFeeds: true, processors: 2}
	p.depth = 1
	a := p.lookAhead(0, true, true)
	require.NotNil(t, a)
	a.stop()
	assert.Positive(t, a.start)
	assert.Nil(t, p.lookAhead(0, true, true), "once is enough")
}

// Short lists in front of a long text must not have each of them search all of it.
func TestATextIsSearchedOnceForADash(t *testing.T) {
	p := parser{src: []byte("- a\n" + strings.Repeat("b: c\n", aheadFrom)), keep: 1, lineFeeds: true, processors: 2, depth: 1}
	require.Nil(t, p.lookAhead(0, true, true))
	p.src = []byte("- a\n" + strings.Repeat("- b\n", aheadFrom))
	assert.Nil(t, p.lookAhead(0, true, true))
}

func byProcessors(n int, text Fragment, levels int) (*Tree, error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(n))
	return text.Outline(levels)
}

func same(a, b *Node) bool {
	if len(a.Content) != len(b.Content) {
		return false
	}
	for i := range a.Content {
		if !same(a.Content[i], b.Content[i]) {
			return false
		}
	}
	return a.Kind == b.Kind && a.Style == b.Style && a.Span == b.Span && a.Anchor == b.Anchor && a.Tag == b.Tag && a.Column == b.Column &&
		a.Indicator == b.Indicator && a.Comma == b.Comma && a.Collapsed == b.Collapsed && a.Keep == b.Keep && a.Strip == b.Strip && a.Explicit == b.Explicit
}
