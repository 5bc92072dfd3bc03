package reread_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/reread"
)

func TestConfirms(t *testing.T) {
	for name, text := range map[string]string{
		"block":                  "a: 1\nb:\n  c: x y\n  d:\n  - e\n  - f: g\n    h: i\n  -   j: k\n      l: m\nn:\n- o\n- - p\n  - q\n",
		"nothing":                "a:\nb: # a comment\nc:\n  d:\n",
		"comments":               "# head\na: 1 # behind\n# between\n  # at odds\nb: x#y\n\n\nc: 2\n# end\n",
		"quoted":                 "\"a\": \"b \\\" c # d\"\n'e f': 'it''s: {x}'\n",
		"flow":                   "a: {b: c, \"d\": [1, 2.5, 'x, y'], e: {}, f: []}\ng: [a:b, http://x/y]\n",
		"flow over lines":        "a: {\n  b: c, # d\n  \"e\": [1,\n\n# f\n 2\n ]\n}\ng: [\nh # j\n, i]\n",
		"JSON over lines":        "{\n  \"a\": {\n    \"b\": 1,\n    \"c\":\n [],\n \"d\": {}\n  }\n}\n",
		"empty in flow":          "a: {b: , \"c\": }\n",
		"JSON in a line":         "a: {\"b\":1,\"c\":[true,null]}\n",
		"literal":                "a: |\n  x: y\n\n    z # no comment\nb: |-\n  last\nc: |+\n  kept\n\nd: 1\n",
		"anchors":                "a: &x 1\nb: *x\nc: &y\n  d: e\nf: [*x, *y]\n<<: *y\n",
		"marker":                 "---\na: 1\n",
		"letters of other kinds": "ä: 日本 # ü\n\"ö\": 'é'\n",
		"an item":                "a: 1\n    b: 2\n",
		"keys in odd letters":    "a.b/c-d_e: 1\n/x: 2\n$y: 3\n~: 4\n",
		"dashes":                 "a: -1\nb: --flag\nc: - \n",
	} {
		t.Run(name, func(t *testing.T) {
			column := 0
			if name == "an item" {
				column = 4
			}
			want, err := node.Parse([]byte(strings.Repeat(" ", column) + text))
			if name == "dashes" {
				require.Error(t, err)
				return
			}
			require.NoError(t, err)
			assert.True(t, reread.Confirms([]byte(text), column, want.Content[0]))
		})
	}
}

// What it does not know is for yaml/v3, and so is what no reader takes.
func TestConfirmsNothingElse(t *testing.T) {
	for _, text := range []string{
		"", "# c\n", "a\n", "- \n", "a: b\n  c\n", "a: \"b\n  c\"\n", "a: >\n  x\n", "a: |2\n   x\n", "a: !t x\n", "? a\n: b\n", "a: b\r\n",
		"a: b\tc\n", "a: *x\n", "a: \"\\x41\"\n", "a: b: c\n", "a: \"b\"#c\n", "a: {b}\n", "a: [b: c]\n", "a: [b, ]\n", "a: [b\n  c]\n", "a: [b\n: c]\n", "a: [\"b\n\"]\n", "a: [b\n---\n]\n", "a: {b\n: c}\n", "a: [b", "a: {b: c\n", "{a: b}\nc\n", "{a: b}: c\n", "a: {\n}: b\n", "&x a: b\n", "a: 1\n---\nb: 2\n", "%YAML 1.1\n---\na: 1\n",
		"a: |\n  x", "a: |\n\n  x\n", "a: |\n  x\n    \n", "a: &x\nb: 1\n", "a: @b\n", "a: \u2028\n", "a: \ufeff\n", "a: 1\n b: 2\n", " a: 1\nb: 2\n", "a:\n  b: 1\n c: 2\n", "a: 'b' c\n",
	} {
		want, err := node.Parse([]byte(text))
		if err != nil || want.Kind == 0 {
			want = &yaml.Node{Kind: yaml.DocumentNode, Content: []*yaml.Node{{Kind: yaml.MappingNode, Tag: "!!map"}}}
		}
		assert.False(t, reread.Confirms([]byte(text), 0, want.Content[0]), "%q", text)
	}
}

func TestTail(t *testing.T) {
	for _, test := range []struct{ item, behind, tail string }{
		{" a: 1\n", "", ""}, {" a: 1\n", "  - b\n", ""}, {" a: 1\n", "c: d\n", ""}, {" a: 1\n", "\n  # c\n\n  - b\n", ""}, {" a: 1\r\n", "\r\n  # c\r\n  - b\r\n", ""}, {" a: 1\n", "# ü\n", ""},
		{" a: |+\n", "\n  - b\n", "\n"}, {" a: >+ # c\n", "\n", "\n"}, {" a: |\n", "     b\n  - c\n", "     b\n"}, {" a: |\n", "\n     b", "\n     b"},
		{" a: |\n", "   # b\n  - c\n", "   # b\n"}, {" a: 1\n", "# c\n    b: 2\n\n# d\n- e\n", "# c\n    b: 2\n\n# d\n"}, {" a: 1\n", "# c\u0085    b: 2\n- e\n", "# c\u0085    b: 2\n"},
		{" a: 1\n", "# c\r    b: 2\n- e\n", "# c\r    b: 2\n"},
	} {
		assert.Equal(t, test.tail, test.behind[:reread.Tail([]byte(test.item), []byte(test.behind), 3)], "%q behind %q", test.behind, test.item)
	}
}

// FuzzConfirms holds it to yaml/v3: what it confirms of one text and the nodes of
// another is so.
func FuzzConfirms(f *testing.F) {
	for _, text := range []string{
		"a: 1\nb:\n  c: x y\n  d:\n  - e\n  - f: g\n    h: i\n", "a: {b: c, \"d\": [1, 'x, y'], e: {}}\n", "a: |\n  x: y\n\n    z\nb: |-\n  q\nc: |+\n  k\n\nd: 1\n",
		"a: &x 1\nb: *x\nc: &y\n  d: e\n<<: *y\n", "# h\na: 1 # b\n\n# c\nb: x#y\n", "a: \"b \\\" \\n\"\n'e f': 'it''s'\n", "- a\n- - b\n  - c: d\n-\n  e: f\n", "a: -1\nb: [-x, a:b, c: d]\n",
		"{\n  \"a\": [\n    1, # b\n    {}\n  ],\n  c: d\n}\n", "a: [b,\nc\n]\nd: {e: , \"f\":g}\n",
	} {
		f.Add(text, uint16(3), byte('x'), byte(0), byte(0))
		f.Add(text, uint16(5), byte(' '), byte(1), byte(0))
		f.Add(text, uint16(2), byte(':'), byte(2), byte(2))
	}
	f.Fuzz(func(t *testing.T, text string, at uint16, c, how, column byte) {
		column %= 8
		front := strings.Repeat(" ", int(column))
		other := changed(text, int(at), c, how)
		want, err := node.Parse([]byte(front + other))
		if err != nil || want.Kind == 0 || !reread.Confirms([]byte(text), int(column), want.Content[0]) {
			return
		}
		got, err := node.Parse([]byte(front + text))
		require.NoError(t, err, "%q", text)
		require.Equal(t, said(got.Content[0]), said(want.Content[0]), "%q and %q", text, other)
	})
}

// changed gives a text with one byte put in, taken out or replaced, or as it is.
func changed(text string, at int, c, how byte) string {
	if len(text) == 0 {
		return text
	}
	at %= len(text)
	switch how % 4 {
	case 0:
		return text
	case 1:
		return text[:at] + string(rune(c)) + text[at:]
	case 2:
		return text[:at] + text[at+1:]
	}
	return text[:at] + string(rune(c)) + text[at+1:]
}

// said lists what a node says, style and comments apart.
func said(n *yaml.Node) string {
	var b strings.Builder
	var list func(n *yaml.Node)
	list = func(n *yaml.Node) {
		b.WriteString(string(rune('0'+n.Kind)) + n.ShortTag() + "&" + n.Anchor + "=" + n.Value + "\x00(")
		for _, c := range n.Content {
			list(c)
		}
		b.WriteString(")")
	}
	list(n)
	return b.String()
}
