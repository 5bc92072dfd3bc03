package edit

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/reread"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// A Document is a text to be edited: a document of a stream, or an item inside
// one, which is edited where it stands and put back between its neighbours.
type Document struct {
	yamltext.Fragment
	// Nodes is what yaml/v3 makes of the text, if the caller has it already.
	// Apply changes it into what it makes of the result.
	Nodes *yaml.Node
	// Base leads to the text from the document in which it stands. The paths of edits
	// begin with it.
	Base Path
	// Above is how many lines come before the text in its file, for messages.
	Above int
	// Layout is that of the document in which the text stands, nil for its own.
	Layout *Layout
	// Aliases are names of anchors that aliases outside the fragment use.
	Aliases []string
	// tree is the scanned text, if Read has scanned it, until it is edited.
	tree *yamltext.Tree
	room *nodeRoom
}

// Text makes the edits, as if in their order, on a text with one document.
func Text(document []byte, edits []Edit) ([]byte, error) {
	return Document{Fragment: yamltext.Fragment{Text: document}}.Apply(edits)
}

// Apply makes the edits, as if in their order, and returns the new text of the
// fragment. It changes the bytes at the paths of the edits and no others. The
// result has been read again: it says what the edits ask for, or there is an
// error.
func (d Document) Apply(edits []Edit) ([]byte, error) {
	changes, err := d.Changes(edits)
	if err != nil {
		return nil, err
	}
	return yamltext.Replace(d.Text, changes), nil
}

// Changes is Apply, and gives only what is new in the text.
func (d Document) Changes(edits []Edit) ([]yamltext.Replacement, error) {
	if len(edits) == 0 {
		return nil, nil
	}
	if d.Nodes == nil {
		read, err := Read(d.Fragment)
		if err != nil {
			return nil, fmt.Errorf("reading the document: %w", err)
		}
		d.Nodes, d.tree = read.Nodes, read.tree
	}
	if d.tree != nil {
		defer d.tree.Release()
	}
	changes, err := d.spliced(edits)
	if _, refused := errors.AsType[*Error](err); err == nil || refused {
		return changes, err
	}
	return nil, fmt.Errorf("editing %v: the text cannot be changed in that place alone: %w", edits[0].Path, err)
}

// spliced makes the edits on the nodes, then on the bytes, and holds the one
// against the other.
func (d Document) spliced(edits []Edit) ([]yamltext.Replacement, error) {
	// What the scanner alone has read is not yet what stands there: what it took for a
	// comment could be text, and would still say nothing in the result.
	if d.tree != nil {
		if err := d.check(d.Text, d.Nodes); err != nil {
			return nil, err
		}
	}
	draft := newDraft(d.Nodes, d.Aliases)
	draft.base, draft.above, draft.sharing = len(d.Base), d.Above, true
	w, unscanned := newWriter(d)
	if unscanned == nil && draft.root != nil {
		draft.root.text = w.tree.Root
		draft.endsInText = w.endsInText
	}
	if err := draft.apply(edits); err != nil {
		return nil, err
	}
	if unscanned != nil {
		return nil, unscanned
	}
	w.shared = draft.shared
	room := rooms.Get().(*[]byte)
	defer rooms.Put(room)
	text, err := w.text(draft.root, (*room)[:0])
	if err != nil {
		return nil, err
	}
	*room = text
	if err := d.check(text, draft.holder); err != nil {
		return nil, err
	}
	return w.changes(text), nil
}

// rooms are for texts that nobody keeps.
var rooms = sync.Pool{New: func() any { return new([]byte) }}

// check says whether a text in the place of the fragment's says what the nodes say: by
// the plain reader where that knows everything that is written there, else by yaml/v3.
func (d Document) check(text []byte, want *yaml.Node) error {
	behind := d.Behind()
	if last, _ := utf8.DecodeLastRune(text); len(behind) > 0 && !strings.ContainsRune("\n\r\u0085\u2028\u2029", last) {
		return errors.New("the item would lose its last line break")
	}
	more := behind[:reread.Tail(text, behind, d.Column)]
	if len(more) == 0 && reread.Confirms(text, d.Column, want.Content[0]) {
		return nil
	}
	return judged(yamltext.Fragment{Text: slices.Concat(text, more), Column: d.Column}, want)
}

// judged is check by yaml/v3 alone.
func judged(text yamltext.Fragment, want *yaml.Node) error {
	got, err := node.Parse(text.Readable())
	if err != nil {
		return err
	}
	return same(got.Content[0], want.Content[0], nil)
}

// same compares what two trees say: kinds, tags, values, keys in their order,
// anchors and aliases, not styles and comments.
func same(got, want *yaml.Node, path Path) error {
	switch {
	case got.Kind != want.Kind || got.ShortTag() != want.ShortTag():
		return fmt.Errorf("%v became %s %s, not %s %s", path, got.ShortTag(), describe(got), want.ShortTag(), describe(want))
	case got.Value != want.Value:
		return fmt.Errorf("%v became %.40q, not %.40q", path, got.Value, want.Value)
	case got.Anchor != want.Anchor:
		return fmt.Errorf("%v got the anchor %q, not %q", path, got.Anchor, want.Anchor)
	case len(got.Content) != len(want.Content):
		return fmt.Errorf("%v has %d nodes, not %d", path, len(got.Content), len(want.Content))
	}
	for i := range got.Content {
		var step any = i
		if got.Kind == yaml.MappingNode {
			step = got.Content[i&^1].Value
		}
		if err := same(got.Content[i], want.Content[i], append(path, step)); err != nil {
			return err
		}
	}
	return nil
}
