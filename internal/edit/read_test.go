package edit

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// FuzzRead holds Read to yaml/v3: what one takes the other takes, and both see
// the same nodes.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"a: 1\n", "- a\n- b: c\n  d: [e, {f: 'g', \"h\": ~}]\n", "a: &x {b: c}\nd: *x\n", "a:\n  <<: &y {b: c}\n  d:\n",
		"a: |\n  text\nb: >-\n  folded\n  text\n", "a: |\n  # text\n\n    more\n     \n  end\n\nb: |-\n  c\n# d\n", "a: |\n\n  b\n", "- |\n a\n  b\n-  |-\n  c\n", "a: |\n  é\u0085\n  b", "a: !!str 1\nb: !local x\n", "{\"a\": [1, true, null, \"\\u00e9\"]}",
		"a: plain over\n  two lines\nb: 'single\n\n  over three'\n", "? a\n: b\n", "a: 0x1f\nb: 1e3\nc: 2001-01-01\nd: yes\ne: .inf\n", "# only\n", "",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(yamltext.Documents([]byte(text))) != 1 {
			return // a fragment is one document
		}
		want, wantErr := node.Parse([]byte(text))
		got, err := Read(yamltext.Fragment{Text: []byte(text)})
		if wantErr != nil || want.Kind == 0 {
			// The scanner takes some texts that yaml/v3 refuses; the check
			// after an edit refuses them then.
			return
		}
		if assert.NoError(t, err) {
			assert.NoError(t, same(got.Nodes.Content[0], want.Content[0], nil))
		}
	})
}

// FuzzLook holds Look to yaml/v3 in all that it gives, lines and errors among them.
func FuzzLook(f *testing.F) {
	for _, seed := range []string{
		"a: 1\n", "- a\n- b: c\n  d: [e, {f: 'g', \"h\": ~}]\n", "a: &x {b: c}\nd: *x\n", "a:\n\tb: c\n", "a: b\n c: d\n", "a: |\n  text\n\nb: >-\n  folded\n",
		"---\na: 0x1f # c\n\nb:\n- 'x'\n-\n  \"\\u00e9\"\n", "a: b: c\n", "a: [b\n", "a: 'b\n", "a: @b\n", "a: *b\n", "a: \"\\/\"\n", "{\"a\": \"\\/\"}", "# only\n", "", "{\"a\": [1, true, null]}",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(yamltext.Documents([]byte(text))) != 1 {
			return // a fragment is one document
		}
		fragment := yamltext.Fragment{Text: []byte(text)}
		want, wantErr := node.Parse(fragment.Readable())
		got, err := Look(fragment)
		if assert.Equal(t, wantErr, err) && err == nil && assert.Equal(t, want.Kind, got.Kind) && want.Kind != 0 {
			assert.NoError(t, same(got.Content[0], want.Content[0], nil))
			assert.Equal(t, linesOf(want.Content[0]), linesOf(got.Content[0]))
		}
	})
}

func linesOf(n *yaml.Node) (all []int) {
	all = append(all, n.Line)
	for _, child := range n.Content {
		all = append(all, linesOf(child)...)
	}
	return all
}
