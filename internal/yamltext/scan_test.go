package yamltext

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// difference compares a scan with what yaml/v3 makes of the same text. It
// returns "" if they agree, or if one of the two refuses the text.
func difference(text []byte) (string, error) {
	var document yaml.Node
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	if err := decoder.Decode(&document); err != nil {
		return "", err
	}
	if err := decoder.Decode(new(yaml.Node)); err == nil {
		return "", errors.New("more than one document")
	}
	tree, err := Parse(text)
	if err != nil {
		return "", err
	}
	if tree.Root == nil {
		return "the scan found no content", nil
	}
	if d := compare(tree, tree.Root, document.Content[0]); d != "" {
		return d, nil
	}
	for levels := range 4 {
		outline, err := Fragment{Text: text}.Outline(levels)
		if err != nil {
			return fmt.Sprintf("the outline of %d levels: %v", levels, err), nil
		}
		if d := compareOutline(text, outline.Root, tree.Root); d != "" {
			return fmt.Sprintf("the outline of %d levels: %s", levels, d), nil
		}
		if !assert.ObjectsAreEqual(tree.Aliases, outline.Aliases) {
			return "the outline has other aliases", nil
		}
	}
	return "", nil
}

// compareOutline compares the nodes that an outline kept with those of a whole
// scan. Of a collapsed collection only the last line is known, and so of the place
// behind it where a "? " key has no value.
func compareOutline(text []byte, got, want *Node) string {
	short := *want
	if got.Collapsed {
		if len(got.Content) > 0 {
			return "a collapsed node has content"
		}
		short.Collapsed, short.Content = true, nil
	}
	if NextLine(text, got.End) == NextLine(text, want.End) && got.Style == Block {
		short.End = got.End
	}
	if !got.Written() && got.Indicator < 0 && NextLine(text, got.End) == NextLine(text, want.End) {
		short.Span = got.Span
	}
	same := *got
	same.Content, short.Content = nil, nil
	if !assert.ObjectsAreEqual(same, short) {
		return fmt.Sprintf("%+v, want %+v", same, short)
	}
	for i, child := range got.Content {
		if d := compareOutline(text, child, want.Content[i]); d != "" {
			return d
		}
	}
	return ""
}

func compare(tree *Tree, got *Node, want *yaml.Node) string {
	where := fmt.Sprintf("line %d: ", Line(tree.Text, got.Start))
	kinds := map[yaml.Kind]Kind{yaml.ScalarNode: Scalar, yaml.MappingNode: Mapping, yaml.SequenceNode: Sequence, yaml.AliasNode: Alias}
	if kinds[want.Kind] != got.Kind {
		return fmt.Sprintf("%skind %v, want %v", where, got.Kind, kinds[want.Kind])
	}
	style := Plain
	collection := want.Kind == yaml.MappingNode || want.Kind == yaml.SequenceNode
	switch {
	case want.Style&yaml.FlowStyle != 0:
		style = Flow
	case collection:
		style = Block
	case want.Style&yaml.SingleQuotedStyle != 0:
		style = SingleQuoted
	case want.Style&yaml.DoubleQuotedStyle != 0:
		style = DoubleQuoted
	case want.Style&yaml.LiteralStyle != 0:
		style = Literal
	case want.Style&yaml.FoldedStyle != 0:
		style = Folded
	}
	if style != got.Style {
		return fmt.Sprintf("%sstyle %d, want %d", where, got.Style, style)
	}
	anchor := strings.TrimPrefix(string(got.Anchor.Text(tree.Text)), "&")
	if anchor != want.Anchor {
		return fmt.Sprintf("%sanchor %q, want %q", where, anchor, want.Anchor)
	}
	if tagged := want.Style&yaml.TaggedStyle != 0; tagged && got.Tag.Empty() {
		return fmt.Sprintf("%sno tag, want %q", where, want.Tag)
	}
	switch want.Kind {
	case yaml.AliasNode:
		if name := string(got.Text(tree.Text)); name != "*"+want.Value {
			return fmt.Sprintf("%salias %q, want %q", where, name, want.Value)
		}
	case yaml.ScalarNode:
		return compareScalar(tree, got, want)
	default:
		if len(got.Content) != len(want.Content) {
			return fmt.Sprintf("%s%d nodes, want %d", where, len(got.Content), len(want.Content))
		}
		for i := range got.Content {
			if d := compare(tree, got.Content[i], want.Content[i]); d != "" {
				return d
			}
		}
	}
	return ""
}

func compareScalar(tree *Tree, got *Node, want *yaml.Node) string {
	where := fmt.Sprintf("line %d: ", Line(tree.Text, got.Start))
	value, ok := tree.Value(got)
	if !ok {
		if got.Indented {
			return ""
		}
		// Read on its own, a block scalar has the same text, if its last
		// line ends as it does here.
		text := "k: " + string(got.Text(tree.Text))
		text += string(tree.Text[got.End : got.End+BreakAt(tree.Text, got.End)])
		var fragment yaml.Node
		if err := yaml.Unmarshal([]byte(text), &fragment); err != nil {
			return fmt.Sprintf("%sspan %q is not a scalar: %v", where, text, err)
		}
		value = fragment.Content[0].Content[1].Value
	}
	if value != want.Value {
		return fmt.Sprintf("%svalue %q, want %q", where, value, want.Value)
	}
	return ""
}

var styles = []string{
	"a: b\n",
	"a: b",
	"---\na: b\n...\n",
	"a: b\n...\n# c\n...\n",
	"%YAML 1.2\n--- \na: b\n",
	"\xef\xbb\xbfa: b\n",
	"# head\na: b # line\n# foot\n",
	"a:\n  b:\n    c: 1\n  d:\n  - x\n  - y: 1\n    z: 2\n  e:\n    - f\n",
	"a:\nb: ~\nc: null\nd:   # comment\ne: ''\n",
	"- - a\n  - b\n-\n  - c\n- \n- d: e\n  f:\n  - g\n",
	"a: |\n  x\n   y\n\n  z\n\n# c\nb: >-\n  folded\n  text\nc: |+\n  keep\n\n\nd: |2\n    indented\ne: |\nf: >+2\n    g\n",
	"a: |\n  no newline at the end",
	"a: |+\n  keep\n\n",
	"a: plain\n  over\n\n  lines\nb: 'single\n  quoted '' \n\n  lines'\nc: \"double \\\n   quoted \\u00e9 \\\" \n  lines\"\n",
	"a: {b: c, d: [e, f, {g: h}], i: , j}\nk: []\nl: {}\nm: [a: b, c]\n",
	"{\"a\":1,\"b\":[true,null,{\"c\":\"d\"}],\"e\":{}}",
	"{\n  \"a\": 1,\n  \"b\": [\n    \"c\" # comment\n  ]\n}\n",
	"a: &x\n  b: c\nd: *x\ne: &y f\n<<: *x\ng: !!str 1\nh: !custom {i: j}\n? &k k\n: &v v\n*x : z\n",
	"? a\n: b\n? |\n  block\n: - c\n  - d\n? [e]\n: f\n? g\n",
	"\"quoted key\": a\n'single': b\na.b/c: d\n\"x\\ty\": e\n{a: b}: c\n[d]: e\n",
	"a: b\r\nc:\r\n- d\r\n- |\r\n  e\r\n",
	"a: b\rc: d\r",
	"a: b\u0085c: d\u2028e: f # g\u2029h: i\n",
	"a: 'x\u0085 y\u2028 z'\nb: |\n  x\u0085  y\u2028  z\n",
	"a:\tb\nc:\t# comment\n  d\ne: f\t# g\n",
	"a: http://x:80/#y\nb: a:b\nc: -d\nd: ?e\ne: :f\n",
	"a: &a\n- b\nc: !!seq\n- d\ne: !!map\n  f: g\n",
	"plain\n",
	"--- |\n literal\n",
	"--- \"x\"\n",
	"---\n",
	"# only a comment\n",
	"é: à\n- b\n",
	"a: [\n  b,\n  c, # comment, with commas\n]\n",
	"a:\n    # comment\n    b: c\n  # dedented\nd: e\n",
	"a: b\n\t# tab comment\nc: d\n",
	"  a: b\n  c: d\n",
	"a: |\n     \n  x\nb: c\n",
	"a: \"b\"   : c\n",
	"a: b: c\n",
	"a:\n|\n x\n",
	"- a\n b\n",
	"a: [b\n",
	"a: 'b\n",
	"a:\n - b\n c: d\n",
	"&a a: b\n*a : c\n",
	"- &a\n  b: c\n- !t\n  - d\n",
	"!!map\n&b key: v\n",
	"a: - b\n",
	"[a b: c, \"d\":e, f:g, ? h]\n",
	"? - a\n  - b\n: c: d\n  e: f\n",
}

func TestParseAgreesWithYAML(t *testing.T) {
	for _, text := range styles {
		d, _ := difference([]byte(text))
		assert.Empty(t, d, "%q", text)
	}
}

func TestParseReadsCommonStyles(t *testing.T) {
	refused := 0
	for _, text := range styles {
		if _, err := Parse([]byte(text)); err != nil {
			if yaml.Unmarshal([]byte(text), new(yaml.Node)) == nil {
				t.Logf("%q: %v", text, err)
				refused++
			}
		}
	}
	assert.LessOrEqual(t, refused, 3)
}

// corpus reads the manifests that stand in testdata/corpus.
func corpus(f *testing.F) [][]byte {
	paths, err := filepath.Glob("../../testdata/corpus/*/*")
	require.NoError(f, err)
	require.NotEmpty(f, paths)
	var files [][]byte
	for _, path := range paths {
		text, err := os.ReadFile(path)
		require.NoError(f, err)
		files = append(files, text)
	}
	return files
}

func FuzzScan(f *testing.F) {
	for _, text := range styles {
		f.Add([]byte(text))
	}
	for _, file := range corpus(f) {
		for _, document := range Documents(file) {
			f.Add(document.Text)
		}
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		agrees(t, text)
	})
}
