package yamltext

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

func TestDocuments(t *testing.T) {
	for name, test := range map[string]struct {
		in   string
		want []string
	}{
		"nothing":                           {"", nil},
		"one":                               {"a: b\n", []string{"a: b\n"}},
		"a comment before the first marker": {"# c\n---\na: b\n", []string{"# c\n---\na: b\n"}},
		"two":                               {"a: b\n---\nc: d", []string{"a: b\n", "---\nc: d"}},
		"empty ones":                        {"---\n---\na\n---\n", []string{"---\n", "---\na\n", "---\n"}},
		"an end marker":                     {"a: b\n...\n# c\n---\nd\n", []string{"a: b\n...\n", "# c\n---\nd\n"}},
		"end markers that repeat":           {"a: b\n...\n# c\n...\n...\n---\nd\n", []string{"a: b\n...\n# c\n...\n...\n", "---\nd\n"}},
		"an end marker at the end":          {"a: b\n...\n# c\n", []string{"a: b\n...\n# c\n"}},
		"directives":                        {"%YAML 1.1\n---\na\n...\n%YAML 1.1\n---\nb\n", []string{"%YAML 1.1\n---\na\n...\n", "%YAML 1.1\n---\nb\n"}},
		"markers that are text":             {"a: |\n  ---\n  ...\nb: '---'\nc: x---\n----: d\n", []string{"a: |\n  ---\n  ...\nb: '---'\nc: x---\n----: d\n"}},
		"text beside a marker":              {"--- a\n--- |\n b\n", []string{"--- a\n", "--- |\n b\n"}},
		"a byte order mark":                 {"\xef\xbb\xbf---\na\n---\nb\n", []string{"\xef\xbb\xbf---\na\n", "---\nb\n"}},
		"CRLF":                              {"a\r\n---\r\nb\r\n", []string{"a\r\n", "---\r\nb\r\n"}},
		"only comments":                     {"# a\n\n", []string{"# a\n\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			documents := Documents([]byte(test.in))
			var got []string
			for _, document := range documents {
				assert.Equal(t, Line([]byte(test.in), len(strings.Join(got, ""))), document.Line)
				got = append(got, string(document.Text))
			}
			assert.Equal(t, test.want, got)
		})
	}
}

// Documents gives back the stream, and as many documents as yaml/v3 sees, if
// it accepts the stream.
func FuzzDocuments(f *testing.F) {
	for _, text := range append(styles, "a\n---\nb\n", "a: |\n ---\n---\n...\n---\nb", "---\n---\n", "# c\n---\n...\n") {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		documents := Documents(stream)
		var joined []byte
		var trees int
		unsupported := false
		for _, document := range documents {
			joined = append(joined, document.Text...)
			tree, err := Parse(document.Text)
			unsupported = unsupported || err != nil
			if err == nil && tree.Root != nil {
				trees++
			}
		}
		require.Equal(t, string(stream), string(joined))
		want := 0
		decoder := yaml.NewDecoder(bytes.NewReader(stream))
		for {
			err := decoder.Decode(new(yaml.Node))
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return
			}
			want++
		}
		if !unsupported {
			require.Equal(t, want, trees)
		}
	})
}

func TestItems(t *testing.T) {
	for name, test := range map[string]struct {
		in   string
		want []string
	}{
		"block": {
			"kind: ResourceList\nitems:\n- apiVersion: v1\n  kind: A\n# about the next\n- # comment\n  kind: \"B\"\n  apiVersion: 'v1'\nresults: []\n",
			[]string{"  apiVersion: v1\n  kind: A\n", "  # comment\n  kind: \"B\"\n  apiVersion: 'v1'\n"}},
		"indented": {
			"items:\n  - kind: A\n    apiVersion: v1\n    data: |+\n      x\n\n  -   kind: B\n      apiVersion: v1",
			[]string{"    kind: A\n    apiVersion: v1\n    data: |+\n      x\n\n", "      kind: B\n      apiVersion: v1"}},
		"JSON": {
			"{\"items\": [\n  {\n    \"kind\": \"A\", \"apiVersion\": \"v1\"\n  }, {\"apiVersion\":\"v1\",\"spec\":{},\"kind\":\"B\"}]}",
			[]string{"  {\n    \"kind\": \"A\", \"apiVersion\": \"v1\"\n  }", "{\"apiVersion\":\"v1\",\"spec\":{},\"kind\":\"B\"}"}},
		"flow in block": {
			"items: [{kind: A, apiVersion: v1}, {apiVersion: v1, kind: B}]\n",
			[]string{"{kind: A, apiVersion: v1}", "{apiVersion: v1, kind: B}"}},
	} {
		t.Run(name, func(t *testing.T) {
			tree, err := Fragment{Text: []byte(test.in)}.Outline(2)
			require.NoError(t, err)
			items := tree.Entry(tree.Root, "items")
			require.Len(t, items.Content, 2)
			for i, want := range test.want {
				item := tree.Item(items, i)
				assert.Equal(t, want, string(item.Standalone()))
				assert.Equal(t, string(item.Text), string(tree.ItemSpan(items, i).Text(tree.Text)))
				got := entries(t, item)
				assert.Equal(t, "AB"[i:i+1], got["kind"])
				assert.Equal(t, "v1", got["apiVersion"])
				var node yaml.Node
				require.NoError(t, yaml.Unmarshal(item.Standalone(), &node))
				whole, err := item.Parse()
				require.NoError(t, err)
				assert.Empty(t, compare(whole, whole.Root, node.Content[0]))
			}
		})
	}
}

// entries gives the outermost entries with their values, "" for what is no
// single one.
func entries(t *testing.T, f Fragment) map[string]string {
	found := map[string]string{}
	err := f.Entries(func(text *Tree, key, value *Node) bool {
		name, _ := text.Value(key)
		found[name], _ = text.Value(value)
		return false
	})
	require.NoError(t, err)
	return found
}

func TestEntriesAreReadToTheEnd(t *testing.T) {
	assert.Empty(t, entries(t, Fragment{Text: []byte("- kind: A\n")}))
	assert.Equal(t, map[string]string{"a": "b", "c": "", "e": "f"}, entries(t, Fragment{Text: []byte("a: b\nc:\n  d: {x: y}\ne: 'f'\n")}))
	malformed := Fragment{Text: []byte("a: b\nc: [\n")}
	assert.ErrorIs(t, malformed.Entries(func(*Tree, *Node, *Node) bool { return false }), ErrSyntax)
	assert.NoError(t, malformed.Entries(func(*Tree, *Node, *Node) bool { return true }))
}

func TestErrorsNameTheLine(t *testing.T) {
	for name, test := range map[string]struct {
		in, want string
		kind     error
	}{
		"brackets":      {"a: b\nc: [d\n", "line 2: not valid YAML: brackets that are not closed", ErrSyntax},
		"quotes":        {"a: 'b\n", "line 1: not valid YAML: quotes that are not closed", ErrSyntax},
		"explicit flow": {"a:\n- {? b : c}\n", "line 2: unsupported YAML: a key after \"?\" in flow style", ErrUnsupported},
		"two documents": {"a\n---\nb\n", "line 2: unsupported YAML: a second document in a text that should hold one", ErrUnsupported},
		"UTF-16":        {"\xfe\xff\x00a", "line 1: unsupported YAML: a byte that is not UTF-8 (0xfe): save the file as UTF-8", ErrUnsupported},
		"Latin-1":       {"a: b\nc: é\xe9\n", "line 2: unsupported YAML: a byte that is not UTF-8 (0xe9): save the file as UTF-8", ErrUnsupported},
		"BOM inside":    {"a: b\nc: \xef\xbb\xbf\n", "line 2: unsupported YAML: a byte order mark (U+FEFF) inside the text", ErrUnsupported},
		"indentation":   {"a: 'b'\n  c: d\n", "line 2: not valid YAML: a line indented by 2 below lines indented by 0: indent both alike", ErrSyntax},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse([]byte(test.in))
			assert.EqualError(t, err, test.want)
			assert.ErrorIs(t, err, test.kind)
		})
	}
}

// Deep nesting is an error, not a deep recursion, and takes no longer than its
// length.
func TestNestingIsBounded(t *testing.T) {
	for _, open := range []string{"[", "{a: ", "- ", "? ", "[a: "} {
		_, err := Parse([]byte(strings.Repeat(open, 1_000_000)))
		assert.ErrorIs(t, err, ErrUnsupported, open)
	}
	_, err := Parse([]byte(strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth)))
	assert.NoError(t, err)
}
