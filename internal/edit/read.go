package edit

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/reread"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// Read scans a text and gives the nodes that yaml/v3 would make of it, in a
// fraction of the time, without comments and columns. What the scanner leaves
// to others, such as tags and folded scalars, yaml/v3 reads itself. A wrong
// reading does not pass the check before an edit.
func Read(fragment yamltext.Fragment) (Document, error) {
	d := Document{Fragment: fragment}
	tree, err := fragment.Parse()
	if err == nil && tree.Root != nil {
		n := count(tree.Root)
		room := nodeRooms.Get().(*nodeRoom)
		room.nodes, room.contents = slices.Grow(room.nodes[:0], n), slices.Grow(room.contents[:0], n)
		r := reader{tree: tree, line: 1, slab: room.nodes, contents: room.contents[:n]}
		if root, ok := r.node(tree.Root); ok {
			room.nodes, room.contents = r.slab, room.contents[:n]
			d.tree, d.room = tree, room
			d.Nodes = &yaml.Node{Kind: yaml.DocumentNode, Content: []*yaml.Node{root}, Line: 1, Column: 1}
			return d, nil
		}
	}
	nodes, err := node.Parse(fragment.Readable())
	if err != nil {
		return d, err
	}
	if nodes.Kind == 0 {
		return d, errors.New("there is nothing in it")
	}
	d.Nodes = nodes
	return d, nil
}

// Look gives the nodes of a text that is not to be edited, without comments and columns:
// those that the scanner makes of it where the second reader confirms them, else those of
// yaml/v3, whose start is a noticeable part of a short run.
func Look(fragment yamltext.Fragment) (*yaml.Node, error) {
	// yaml/v3 refuses this escape, but in JSON.
	if !bytes.Contains(fragment.Text, []byte(`\/`)) {
		d, err := Read(fragment)
		switch {
		case err != nil:
		case d.tree == nil:
			return d.Nodes, nil
		case reread.Confirms(d.Text, d.Column, d.Nodes.Content[0]):
			d.tree.Release() // of which the nodes hold nothing
			return d.Nodes, nil
		}
	}
	return node.Parse(fragment.Readable())
}

// Release gives the room of the nodes that Read made to other documents. Nobody may look at
// one of them any more.
func (d *Document) Release() {
	if d.room == nil {
		return
	}
	d.tree.Release()
	clear(d.room.nodes)
	clear(d.room.contents)
	nodeRooms.Put(d.room)
	d.Nodes, d.tree, d.room = nil, nil, nil
}

// nodeRoom is room for the nodes of a document, and for what they hold, each in one piece,
// which is less work for the collector.
type nodeRoom struct {
	nodes    []yaml.Node
	contents []*yaml.Node
}

var nodeRooms = sync.Pool{New: func() any { return new(nodeRoom) }}

// count gives the number of nodes in a tree.
func count(n *yamltext.Node) int {
	sum := 1
	for _, child := range n.Content {
		sum += count(child)
	}
	return sum
}

// reader turns a scanned tree into nodes.
type reader struct {
	tree *yamltext.Tree
	// slab and contents are those of a room.
	slab     []yaml.Node
	contents []*yaml.Node
	anchors  map[string]*yaml.Node
	// at is the offset up to which lines have been counted.
	at, line int
}

// node gives a node, or false where yaml/v3 has to read the text.
func (r *reader) node(n *yamltext.Node) (*yaml.Node, bool) {
	if !n.Tag.Empty() || n.Style == yamltext.Folded {
		return nil, false
	}
	r.slab = append(r.slab, yaml.Node{})
	node := &r.slab[len(r.slab)-1]
	if start := n.Full().Start; start > r.at {
		r.line += bytes.Count(r.tree.Text[r.at:start], []byte{'\n'})
		r.at = start
	}
	node.Line = r.line
	if !n.Anchor.Empty() {
		node.Anchor = string(n.Anchor.Text(r.tree.Text)[1:])
		if r.anchors == nil {
			r.anchors = map[string]*yaml.Node{}
		}
		r.anchors[node.Anchor] = node
	}
	switch n.Kind {
	case yamltext.Alias:
		node.Kind = yaml.AliasNode
		node.Value = string(n.Text(r.tree.Text)[1:])
		node.Alias = r.anchors[node.Value]
		return node, node.Alias != nil
	case yamltext.Scalar:
		node.Kind = yaml.ScalarNode
		node.Value, _ = r.tree.Value(n)
		switch n.Style {
		case yamltext.Literal:
			node.Style, node.Tag = yaml.LiteralStyle, "!!str"
			var ok bool
			if node.Value, ok = r.tree.Literal(n); !ok {
				return nil, false
			}
		case yamltext.SingleQuoted:
			node.Style, node.Tag = yaml.SingleQuotedStyle, "!!str"
		case yamltext.DoubleQuoted:
			if !commonEscapes(n.Text(r.tree.Text)) {
				return nil, false
			}
			node.Style, node.Tag = yaml.DoubleQuotedStyle, "!!str"
		default:
			switch {
			case node.Value == "<<":
				node.Tag = "!!merge"
			case surelyString(node.Value):
				node.Tag = "!!str"
			}
		}
		return node, true
	}
	node.Kind, node.Tag = yaml.MappingNode, "!!map"
	if n.Kind == yamltext.Sequence {
		node.Kind, node.Tag = yaml.SequenceNode, "!!seq"
	}
	if n.Style == yamltext.Flow {
		node.Style = yaml.FlowStyle
	}
	in := len(n.Content)
	node.Content, r.contents = r.contents[:in:in], r.contents[in:]
	for i, child := range n.Content {
		c, ok := r.node(child)
		if !ok {
			return nil, false
		}
		node.Content[i] = c
	}
	return node, true
}

// surelyString reports whether a plain text is a string, by its first letter and its
// length: yaml/v3 resolve.go looks for no number, date or word where none begins so. And
// no number has the letters of units.
func surelyString(text string) bool {
	switch {
	case text == "":
		return false
	case '0' <= text[0] && text[0] <= '9':
		return strings.ContainsAny(text, "gGikKmM")
	}
	return (isLetter(text[0]) || text[0] == '/') && (len(text) > len("false") || strings.IndexByte("yYnNtTfFoO", text[0]) < 0)
}

// commonEscapes reports whether a text in double quotes has no escapes but those
// that JSON and YAML share; yaml/v3 decides which others there are.
func commonEscapes(text []byte) bool {
	for at := bytes.IndexByte(text, '\\'); at >= 0; at = bytes.IndexByte(text, '\\') {
		if at+1 >= len(text) || bytes.IndexByte([]byte(`"\/bfnrt`), text[at+1]) < 0 {
			return false
		}
		text = text[at+2:]
	}
	return true
}
