package edit

import (
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// A handle is a value of the document, and the bytes that say it. The verbs
// change the node at once and mark in the handle what they did; the bytes are
// cut when everything has been said (see writer). Until then the scanned text
// and its offsets stay as they are.
type handle struct {
	node *yaml.Node
	// text is what was scanned, nil for a value that an edit wrote.
	text   *yamltext.Node
	parent *handle
	// depth is the number of collections around the value.
	depth int
	// children are the handles of values inside that an edit came to.
	children []*handle
	// entries are those of a collection from its first change on: everything
	// that was scanned, in its order, with what has come in between.
	entries []entry
	state   state
	// source is the text to be put back, if the state is restored.
	source string
}

// An entry is one of a mapping, or an item of a sequence.
type entry struct {
	key, value *yaml.Node // key is nil for an item
	// was is its place in the content that was scanned, -1 if it came later.
	was int
	// gone marks an entry that was removed. It stays in the list, so that the
	// places of the others stay true.
	gone bool
}

// state is what happened to a value as a whole.
type state uint8

const (
	kept state = iota
	replaced
	restored
)

// width is the number of nodes that an entry has in the content of its
// collection.
func (h *handle) width() int {
	if h.node.Kind == yaml.MappingNode {
		return 2
	}
	return 1
}

// child returns the handle of the value at an index of the content.
func (h *handle) child(i int) *handle {
	node := h.node.Content[i]
	for _, c := range h.children {
		if c.node == node {
			return c
		}
	}
	c := &handle{node: node, text: h.textOf(i), parent: h, depth: h.depth + 1}
	h.children = append(h.children, c)
	return c
}

// textOf returns what was scanned of the value at an index of the content.
func (h *handle) textOf(i int) *yamltext.Node {
	if h.text == nil || h.state != kept {
		return nil
	}
	if h.entries == nil {
		return h.text.Content[i]
	}
	at := slices.IndexFunc(h.entries, func(e entry) bool { return e.value == h.node.Content[i] })
	if was := h.entries[at].was; was >= 0 {
		return h.text.Content[was+h.width()-1]
	}
	return nil
}

// changed reports whether an edit changed a value inside as a whole.
func (h *handle) changed(value *yamltext.Node) bool {
	return slices.ContainsFunc(h.children, func(c *handle) bool { return c.text == value && c.state != kept })
}

// own begins the list of entries, before the first change to them.
func (h *handle) own() {
	if h.entries != nil || h.text == nil || h.state != kept {
		return
	}
	width := h.width()
	h.entries = make([]entry, 0, len(h.node.Content)/width+4)
	for i := 0; i < len(h.node.Content); i += width {
		e := entry{value: h.node.Content[i+width-1], was: i}
		if width == 2 {
			e.key = h.node.Content[i]
		}
		h.entries = append(h.entries, e)
	}
}

// add makes a value an entry or item, the index-th of those that are there.
func (h *handle) add(index int, key, value *yaml.Node) {
	h.own()
	nodes := []*yaml.Node{value}
	if key != nil {
		nodes = []*yaml.Node{key, value}
	}
	if h.entries != nil {
		h.entries = slices.Insert(h.entries, h.live(index), entry{key: key, value: value, was: -1})
	}
	at := index * len(nodes)
	h.node.Content = slices.Insert(slices.Clip(h.node.Content), at, nodes...)
}

// replace puts another node, which says the same, in the place of one that came in.
func (h *handle) replace(i int, by *yaml.Node) {
	for j := range h.entries {
		if h.entries[j].value == h.node.Content[i] {
			h.entries[j].value = by
		}
	}
	h.node.Content[i] = by
}

// live returns the place in the entries of the index-th that is there.
func (h *handle) live(index int) int {
	for i, e := range h.entries {
		if e.gone {
			continue
		}
		if index == 0 {
			return i
		}
		index--
	}
	return len(h.entries)
}

// remove takes out the entry or item that is the index-th of those that are
// there.
func (h *handle) remove(index int) {
	h.own()
	width := h.width()
	value := h.node.Content[index*width+width-1]
	h.children = slices.DeleteFunc(h.children, func(c *handle) bool { return c.node == value })
	if h.entries != nil {
		h.entries[h.live(index)].gone = true
	}
	h.node.Content = slices.Delete(slices.Clone(h.node.Content), index*width, (index+1)*width)
}

// become makes the value another one, whose comments stay.
func (h *handle) become(state state, by *yaml.Node, source string) {
	put(h.node, by)
	h.state, h.source = state, source
	h.children, h.entries = nil, nil
}

// put makes a node what another one is; its comments stay.
func put(node, by *yaml.Node) {
	node.Kind, node.Style, node.Tag, node.Value = by.Kind, by.Style, by.Tag, by.Value
	node.Anchor, node.Alias, node.Content = by.Anchor, by.Alias, by.Content
}

// A place is how far a path leads.
type place struct {
	*handle
	// steps of the path that were taken
	steps int
}

// walk follows the path to its end or to where it leads nowhere: an entry that
// is missing, or null where a collection should be.
func (d *draft) walk(edit Edit, path Path) (place, error) {
	at := d.root
	for i := d.base; i < len(path); i++ {
		step := path[i]
		if err := d.enter(edit, at, path[:i]); err != nil {
			return place{}, err
		}
		if isNull(at.node) {
			return place{at, i}, nil
		}
		next, err := d.step(edit, at, path[:i], step)
		if err != nil {
			return place{}, err
		}
		if next < 0 {
			return place{at, i}, nil
		}
		if d.shared.of(at.node.Content[next]) != nil {
			at.replace(next, copied(at.node.Content[next]))
		}
		at = at.child(next)
	}
	return place{at, len(path)}, nil
}

// enter returns an error if what is inside a value, which stands at a path,
// cannot be edited by itself.
func (d *draft) enter(edit Edit, at *handle, here Path) error {
	node := at.node
	switch {
	case node.Kind == yaml.AliasNode:
		return edit.refused("write the value out in place of the alias",
			"%v%s is an alias of the anchor &%s, and editing through it would change every use of the anchor", here, d.lineOf(node), node.Value)
	case node.Anchor != "" && d.aliased(node.Anchor):
		return edit.refused("write the values out in place of the aliases",
			"%v%s has the anchor &%s, and editing it would change every alias *%s", here, d.lineOf(node), node.Anchor, node.Anchor)
	case at.state == restored:
		return edit.refused("", "an edit before this one puts back the text of %v as a whole", here)
	case at.text != nil && at.state == kept && at.entries == nil && len(at.text.Content) != len(node.Content):
		return edit.refused("", "%v%s was scanned as %d nodes and read as %d", here, d.lineOf(node), len(at.text.Content), len(node.Content))
	}
	return nil
}

// step returns the index in the content of a collection to which a step of a
// path leads, -1 for a key that is missing.
func (d *draft) step(edit Edit, at *handle, here Path, step any) (int, error) {
	node := at.node
	switch step := step.(type) {
	case string:
		if node.Kind != yaml.MappingNode {
			return 0, edit.refused("", "%v%s is %s, not a mapping", here, d.lineOf(node), describe(node))
		}
		first, again := entryOf(node, step)
		if again >= 0 {
			return 0, edit.refused("remove one of them",
				"the key %q is twice in %v%s", step, here, d.linesOf(node.Content[first], node.Content[again]))
		}
		if first < 0 {
			return -1, nil
		}
		return first + 1, nil
	case int:
		if node.Kind != yaml.SequenceNode {
			return 0, edit.refused("", "%v%s is %s, not a list", here, d.lineOf(node), describe(node))
		}
		if step < 0 || step >= len(node.Content) {
			return 0, edit.refused("", "%v has %d items, none with the index %d", here, len(node.Content), step)
		}
		return step, nil
	}
	return 0, edit.refused("", "a path has strings and ints, not %T", step)
}

// entryOf returns the index of the key in the content of a mapping, and that
// of its second occurrence; -1 for none.
func entryOf(mapping *yaml.Node, key string) (first, second int) {
	first, second = -1, -1
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		if text, ok := node.Key(mapping.Content[i]); !ok || text != key || node.IsMerge(mapping.Content[i]) {
			continue
		}
		if first >= 0 {
			return first, i
		}
		first = i
	}
	return first, second
}

// isNull reports whether a node is null itself, not an alias of it.
func isNull(node *yaml.Node) bool {
	return node.Kind == yaml.ScalarNode && node.ShortTag() == "!!null"
}

func (d *draft) lineOf(node *yaml.Node) string {
	if node.Line == 0 {
		return ""
	}
	return fmt.Sprintf(" (line %d)", d.above+node.Line)
}

func (d *draft) linesOf(a, b *yaml.Node) string {
	if a.Line == 0 || b.Line == 0 {
		return ""
	}
	return fmt.Sprintf(" (lines %d and %d)", d.above+a.Line, d.above+b.Line)
}

func describe(n *yaml.Node) string { return node.Of(n).Describe() }
