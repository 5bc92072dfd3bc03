package edit

import (
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/node"
)

// Nodes makes the edits, in their order, on a document node or on the root
// value of one. New entries come last; styles and comments stay.
func Nodes(document *yaml.Node, edits []Edit) error {
	return newDraft(document, nil).apply(edits)
}

// A draft is a document with the edits that were made so far.
type draft struct {
	// holder has the root as its only content.
	holder *yaml.Node
	root   *handle
	// base is how many steps of a path lead to the root.
	base int
	// above is how many lines come before the document in its file.
	above int
	// used counts the aliases by the name of their anchor; nil until asked.
	used map[string]int
	// outside are anchors that aliases in other fragments use.
	outside []string
	// shared are the values in it that other documents have too; sharing says that it may
	// have such.
	shared  sharing
	sharing bool
	// endsInText is true if a collection ends in a block scalar that ends the
	// text without a line break, so that nothing can come after it.
	endsInText func(*handle) bool
}

func newDraft(document *yaml.Node, outside []string) *draft {
	d := &draft{holder: document, outside: outside, endsInText: func(*handle) bool { return false }}
	if document.Kind != yaml.DocumentNode {
		d.holder = &yaml.Node{Kind: yaml.DocumentNode, Content: []*yaml.Node{document}}
	}
	if len(d.holder.Content) == 1 {
		d.root = &handle{node: d.holder.Content[0]}
	}
	return d
}

func (d *draft) apply(edits []Edit) error {
	for _, edit := range edits {
		if d.root == nil {
			return edit.refused("", "the document is empty")
		}
		if err := d.one(edit); err != nil {
			return err
		}
	}
	return nil
}

func (d *draft) one(edit Edit) error {
	if len(edit.Path) == 0 {
		return edit.refused("", "the path is empty")
	}
	last := len(edit.Path) - 1
	if (edit.Op == Set || edit.Op == Insert) && edit.Value == nil {
		return edit.refused("", "no value is given")
	}
	switch edit.Op {
	case Set:
		return d.set(edit, edit.Path, false)
	case Insert:
		index, ok := edit.Path[last].(int)
		if !ok {
			return edit.refused("", "an item needs an index")
		}
		return d.insert(edit, edit.Path[:last], index)
	case Remove:
		return d.remove(edit)
	}
	return d.restore(edit)
}

// set gives the path the value, or a list of it alone, and makes what is missing on the way.
func (d *draft) set(edit Edit, path Path, listed bool) error {
	at, err := d.walk(edit, path)
	if err != nil {
		return err
	}
	if at.steps < len(path) && !isNull(at.node) {
		return d.append(edit, at, path, listed)
	}
	if _, item := path[len(path)-1].(int); item && (at.node.Kind != yaml.ScalarNode || edit.Value.Kind != yaml.ScalarNode) {
		return edit.refused("", "an item can be set where it is a single value, to another one")
	}
	if err := d.loose(edit, at.node); err != nil {
		return err
	}
	like := at.node.Style & quotes
	if at.node.Kind != yaml.ScalarNode || isNull(at.node) {
		like = at.siblings()
	}
	node, err := d.wrapped(edit, path, at.steps, listed, like)
	if err != nil {
		return err
	}
	if node.Kind != yaml.ScalarNode && at.node.Style&yaml.FlowStyle != 0 {
		node.Style |= yaml.FlowStyle
	}
	at.become(replaced, node, "")
	d.used = nil
	return nil
}

// wrapped returns the value within the parents that are missing from a step of
// the path on, in the style of its new place.
func (d *draft) wrapped(edit Edit, path Path, from int, listed bool, like yaml.Style) (*yaml.Node, error) {
	value, err := d.common(edit, like, listed || from < len(path))
	if err != nil {
		return nil, edit.refused("", "%v", err)
	}
	if listed {
		value = node.Seq(value)
	}
	for i := len(path) - 1; i >= from; i-- {
		key, ok := path[i].(string)
		if !ok {
			return nil, edit.refused("", "%v is not there", path[:i])
		}
		value = node.Map(node.Str(key), value)
	}
	written, err := wardrobe{already: d.shared, styled: edit.Styled}.dress(value, like)
	if err != nil {
		return nil, edit.refused("", "%v", err)
	}
	return written, nil
}

// common gives the edit's value in the style of its place, or inside what is made around
// it, where other documents have the same; else the value itself, to be dressed.
func (d *draft) common(edit Edit, like yaml.Style, inside bool) (*yaml.Node, error) {
	if !d.sharing || edit.Shared == nil || edit.Op == Set && edit.Value.Kind != yaml.ScalarNode {
		return edit.Value, nil
	}
	if inside {
		like = 0
	}
	value, err := edit.Shared.node(like, func() (*yaml.Node, error) { return dressed(edit.Value, like, nil) })
	if err == nil {
		d.shared = append(d.shared, shared{value, edit.Shared})
	}
	return value, err
}

// siblings returns the quote style of the values beside one.
func (h *handle) siblings() yaml.Style {
	if h.parent == nil || h.parent.node.Kind != yaml.MappingNode {
		return 0
	}
	var others []*yaml.Node
	for _, value := range every(h.parent.node, 1) {
		if !isNull(value) {
			others = append(others, value)
		}
	}
	return siblingStyle(others)
}

// every returns every other node of a mapping's content: its keys from 0, its
// values from 1.
func every(mapping *yaml.Node, from int) []*yaml.Node {
	nodes := make([]*yaml.Node, 0, len(mapping.Content)/2)
	for i := from; i < len(mapping.Content); i += 2 {
		nodes = append(nodes, mapping.Content[i])
	}
	return nodes
}

// append adds an entry to the mapping to which the path leads.
func (d *draft) append(edit Edit, at place, path Path, listed bool) error {
	mapping := at.node
	key, ok := path[at.steps].(string)
	if !ok {
		return edit.refused("", "%v is not there", path[:at.steps])
	}
	// An explicit value hides the merged one. The value itself should; a parent
	// that gets one entry would lose all others.
	if at.steps < len(path)-1 && merged(mapping, key) {
		return edit.refused(fmt.Sprintf("write %s with all its entries beside the merge key", key),
			"%v%s is there by a merge key (<<) only, and an explicit one would hide all of it", path[:at.steps+1], d.lineOf(mapping))
	}
	written, err := d.wrapped(edit, path, at.steps+1, listed, siblingStyle(every(mapping, 1)))
	if err != nil {
		return err
	}
	keyNode := node.Str(key)
	if keys := every(mapping, 0); siblingStyle(keys) != 0 {
		keyNode.Style = keys[len(keys)-1].Style & quotes
	}
	keyNode.Style = stringStyle(key, keyNode.Style)
	index := len(mapping.Content) / 2
	if d.endsInText(at.handle) {
		// A line break after the text of a block scalar would be part of it.
		index--
	}
	at.add(index, keyNode, written)
	return nil
}

func (d *draft) insert(edit Edit, path Path, index int) error {
	at, err := d.walk(edit, path)
	if err != nil {
		return err
	}
	if at.steps < len(path) || isNull(at.node) {
		if index != 0 {
			return edit.refused("", "%v has no items, so an index of 0 is the only one possible", path)
		}
		if len(path) == 0 {
			return edit.refused("", "the document is empty")
		}
		if _, ok := path[len(path)-1].(string); !ok {
			return edit.refused("", "%v is not a list", path)
		}
		return d.set(edit, path, true)
	}
	sequence := at.node
	if sequence.Kind != yaml.SequenceNode && sequence.Kind != yaml.AliasNode {
		return edit.refused("", "%v%s is %s, not a list", path, d.lineOf(sequence), describe(sequence))
	}
	if err := d.enter(edit, at.handle, path); err != nil {
		return err
	}
	if index < 0 || index > len(sequence.Content) {
		return edit.refused("", "%v has %d items, so %d is no place for another one", path, len(sequence.Content), index)
	}
	if index == len(sequence.Content) && d.endsInText(at.handle) {
		return edit.refused("end the document with a line break",
			"the document ends in a block scalar without a line break, and an item after it would add one to its text")
	}
	node, err := d.wrapped(edit, nil, 0, false, siblingStyle(sequence.Content))
	if err != nil {
		return err
	}
	at.add(index, nil, node)
	return nil
}

func (d *draft) remove(edit Edit) error {
	at, err := d.walk(edit, edit.Path)
	if err != nil || at.steps < len(edit.Path) {
		return err
	}
	if err := d.loose(edit, at.node); err != nil {
		return err
	}
	index, isItem := edit.Path[len(edit.Path)-1].(int)
	if !isItem {
		first, _ := entryOf(at.parent.node, edit.Path[len(edit.Path)-1].(string))
		if err := d.loose(edit, at.parent.node.Content[first]); err != nil {
			return err
		}
		index = first / 2
	}
	at.parent.remove(index)
	d.used = nil
	return nil
}

func (d *draft) restore(edit Edit) error {
	at, err := d.walk(edit, edit.Path)
	if err != nil {
		return err
	}
	if at.steps < len(edit.Path) {
		return edit.refused("", "there is no value to restore")
	}
	if err := d.loose(edit, at.node); err != nil {
		return err
	}
	d.used = nil
	node, err := d.parseSource(edit.Source)
	switch {
	case err == nil:
		at.become(restored, node, edit.Source)
		return nil
	case edit.Value == nil:
		return edit.refused("", "the text %q is no value: %v", edit.Source, err)
	}
	if node, err = dressed(edit.Value, at.node.Style&quotes, nil); err != nil {
		return edit.refused("", "%v", err)
	}
	at.become(replaced, node, "")
	return nil
}
