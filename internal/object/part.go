package object

import (
	"bytes"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// A Part is an item of a list that is read by itself, so that a long list costs
// what its items cost. The zero Part is a whole document.
type Part struct {
	// Path leads to it from the document, nil for the document itself.
	Path edit.Path
	// Origin is that of the list, Layout that of the document.
	Origin Origin
	Layout *edit.Layout
}

// Item is a part of a document, and where its text stands there.
type Item struct {
	Part
	Text yamltext.Fragment
	Span yamltext.Span
	// Line of the document in which the text begins, from 1.
	Line int
}

// Items gives the items of a document that is a List and nothing else, and what it
// is without them. Any other document is its only item, and so is a List with aliases,
// since what they stand for may be in another item.
func Items(document yamltext.Fragment) (items []Item, list *yaml.Node) {
	tree, sequence, list := asList(document)
	if list == nil {
		return []Item{{Text: document, Span: yamltext.Span{End: len(document.Text)}, Line: 1}}, nil
	}
	items = make([]Item, len(sequence.Content))
	origin, layout := OriginOf(node.Of(list)), layoutOf(tree, sequence)
	line, at := 1, 0
	for i := range items {
		span := tree.ItemSpan(sequence, i)
		line += yamltext.Line(document.Text[at:span.Start], span.Start-at) - 1
		at = span.Start
		items[i] = Item{Part{edit.Path{"items", i}, origin, layout}, tree.Item(sequence, i), span, line}
	}
	return items, list
}

// asList finds the items of a List, and gives it without them; nil where the
// document is none.
func asList(document yamltext.Fragment) (tree *yamltext.Tree, items *yamltext.Node, list *yaml.Node) {
	if !bytes.Contains(document.Text, []byte("List")) {
		return nil, nil, nil
	}
	tree, err := document.Outline(2)
	if err != nil || len(tree.Aliases) > 0 {
		return nil, nil, nil
	}
	items = tree.Entry(tree.Root, "items")
	if items == nil || items.Kind != yamltext.Sequence || len(items.Content) == 0 || !items.Anchor.Empty() || !items.Tag.Empty() ||
		slices.ContainsFunc(items.Content, func(item *yamltext.Node) bool { return item.Kind != yamltext.Mapping || !item.Tag.Empty() }) {
		return nil, nil, nil
	}
	shell := yamltext.Replace(document.Text, []yamltext.Replacement{{Span: yamltext.Span{Start: items.Indicator + 1, End: items.End}, Text: " []"}})
	list, err = Decode(yamltext.Fragment{Text: shell, Column: document.Column})
	if err != nil || !isShell(node.Of(list)) {
		return nil, nil, nil
	}
	return tree, items, list
}

// layoutOf gives the layout of a list: of its own outer levels, then of its items.
func layoutOf(tree *yamltext.Tree, items *yamltext.Node) *edit.Layout {
	return edit.LayoutOf(func(yield func(*yamltext.Node) bool) {
		if !yield(tree.Root) {
			return
		}
		for i := range items.Content {
			if item, err := tree.Item(items, i).Parse(); err == nil && item.Root != nil && !yield(item.Root) {
				return
			}
		}
	})
}

// isShell says whether a list without its items is a List as kubectl prints it,
// of which nothing is in doubt.
func isShell(list node.Value) bool {
	if is := TypeOf(list); is.APIVersion != "v1" || is.Kind != "List" || len(outermost(list, doubtful{})) > 0 {
		return false
	}
	for e := range list.Entries() {
		if !slices.Contains([]string{"apiVersion", "kind", "metadata", "items"}, e.Key) || e.Merged {
			return false
		}
	}
	return true
}
