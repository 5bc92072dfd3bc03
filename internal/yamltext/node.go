package yamltext

import "sync"

// Kind is what a node is.
type Kind uint8

const (
	Scalar Kind = iota
	Mapping
	Sequence
	Alias
)

func (k Kind) String() string {
	return [...]string{"a single value", "a mapping", "a list", "an alias"}[k]
}

// Style is how a node is written.
type Style uint8

const (
	Plain        Style = iota // a scalar without quotes, also the empty one; an alias
	SingleQuoted              // 'a scalar'
	DoubleQuoted              // "a scalar"
	Literal                   // a scalar after |
	Folded                    // a scalar after >
	Block                     // a collection by indentation
	Flow                      // a collection in braces or brackets, JSON too
)

// Span is a range of bytes, the end not included.
type Span struct{ Start, End int }

// Empty reports whether no byte is in the span.
func (s Span) Empty() bool { return s.Start >= s.End }

// Text returns the span's bytes.
func (s Span) Text(src []byte) []byte { return src[s.Start:s.End] }

// A Node is a value, a key or an item, and the bytes it is written in.
type Node struct {
	Kind  Kind
	Style Style
	// Explicit marks a key that is written after "? ".
	Explicit bool
	// Keep marks a block scalar that keeps the blank lines after it (|+, >+).
	Keep bool
	// Strip marks a block scalar that drops its last line break (|-, >-).
	Strip bool
	// Indented marks a block scalar with an indentation indicator (|2, >4-).
	Indented bool
	// Collapsed marks a collection whose content was scanned but not kept.
	Collapsed bool

	// Span is the node without its anchor and tag. A block collection begins
	// at its first key or dash. A value that is not written at all (null) is
	// empty, right after its indicator. A block scalar ends with the last
	// line of its text, without the line break; one that keeps the blank
	// lines after it ends before the last of their line breaks.
	Span
	// Anchor includes its "&", an alias's name is the node's own span. Empty
	// if there is none.
	Anchor Span
	// Tag includes its "!".
	Tag Span
	// Column of the first byte, anchor and tag included, from 0. For a block
	// collection it is the indentation.
	Column int
	// Indicator is the offset of the item's "-", of the ":" before a value or
	// of the "?" before a key; -1 if there is none.
	Indicator int
	// Comma is the offset of the comma after an item or a value in flow
	// style; -1 if there is none.
	Comma int
	// Content of a mapping: key, value, key, value; of a sequence: its items.
	Content []*Node
}

// Full is the node's span with its anchor and tag.
func (n *Node) Full() Span {
	full := n.Span
	for _, property := range [...]Span{n.Anchor, n.Tag} {
		if !property.Empty() {
			full.Start = min(full.Start, property.Start)
			full.End = max(full.End, property.End)
		}
	}
	return full
}

// Written reports whether any byte of the node is there. A value left out, as in
// "annotations:", is null and not written.
func (n *Node) Written() bool {
	return !n.Full().Empty()
}

// A Tree is the outcome of a scan.
type Tree struct {
	Fragment
	// Root is nil if the text has no content.
	Root *Node
	// Aliases are the names that aliases in the text use, in order, also in
	// what was collapsed.
	Aliases []string
	// slabs hold the nodes, of a whole tree alone.
	slabs []*slab
}

// Release gives the room of the nodes to other trees. Nobody may look at them any more;
// the tree has no root then.
func (t *Tree) Release() {
	for _, s := range t.slabs {
		slabs.Put(s)
	}
	t.Root, t.slabs = nil, nil
}

// slab is room for as many nodes as most manifests have.
type slab [128]Node

var slabs = sync.Pool{New: func() any { return new(slab) }}

// Value returns what a plain or quoted scalar says. It is false for other
// nodes and for block scalars.
func (t *Tree) Value(n *Node) (string, bool) {
	if n.Kind != Scalar || n.Style == Literal || n.Style == Folded {
		return "", false
	}
	return decode(t.Text[n.Start:n.End], n.Style), true
}

// Is reports whether a node is a plain or quoted scalar with the value.
func (t *Tree) Is(n *Node, value string) bool {
	if n.Kind != Scalar {
		return false
	}
	text := t.Text[n.Start:n.End]
	if n.Style == Plain && len(text) == len(value) {
		return string(text) == value
	}
	got, ok := t.Value(n)
	return ok && got == value
}

// Entry returns the first value of the key in a mapping, nil if it has none.
func (t *Tree) Entry(mapping *Node, key string) *Node {
	if mapping == nil || mapping.Kind != Mapping {
		return nil
	}
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if t.Is(mapping.Content[i], key) {
			return mapping.Content[i+1]
		}
	}
	return nil
}
