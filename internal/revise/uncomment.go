package revise

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// remove takes away the value at a path, and the comment above it.
func (t *text) remove(path edit.Path) error {
	return t.editAll([]edit.Edit{{Path: path, Op: edit.Remove}})
}

// editAll makes edits. With what goes, the comment lines right above it go; what stands
// behind a blank line, or in another column, is about something else.
func (t *text) editAll(edits []edit.Edit) error {
	for _, e := range edits {
		if e.Op != edit.Remove {
			continue
		}
		comment, err := t.commentOf(e.Path)
		if err != nil {
			return err
		}
		if !comment.Empty() {
			if err := t.become(yamltext.Replace(t.Document.Text, []yamltext.Replacement{{Span: comment}})); err != nil {
				return err
			}
		}
	}
	return t.edit(edits...)
}

// commentOf gives the comment lines right above the entry at a path, if it begins a line.
func (t *text) commentOf(path edit.Path) (none yamltext.Span, err error) {
	tree, err := yamltext.Fragment{Text: t.Document.Text}.Parse()
	if err != nil {
		return none, fmt.Errorf("reading the document: %w", err)
	}
	start, limit := placeOf(tree, path)
	src := t.Document.Text
	line := yamltext.LineStart(src, max(start, 0))
	if start < 0 || len(bytes.TrimLeft(src[line:start], " ")) > 0 {
		return none, nil
	}
	comment := yamltext.Span{Start: line, End: line}
	beginning := []byte(strings.Repeat(" ", start-line) + "#")
	for comment.Start > limit {
		above := yamltext.LineStart(src, comment.Start-yamltext.BreakBefore(src, comment.Start))
		if above <= limit || !bytes.HasPrefix(src[above:], beginning) {
			break
		}
		comment.Start = above
	}
	return comment, nil
}

// placeOf gives where an entry begins, -1 where it does not stand there itself, and where
// what is in front of it ends.
func placeOf(tree *yamltext.Tree, path edit.Path) (start, limit int) {
	parent := tree.Root
	for _, step := range path[:len(path)-1] {
		parent, _ = entryOf(tree, parent, step)
	}
	value, at := entryOf(tree, parent, path[len(path)-1])
	if value == nil {
		return -1, 0
	}
	if limit = parent.Indicator; parent.Style == yamltext.Flow {
		limit = parent.Start
	}
	if at > 0 {
		limit = parent.Content[at-1].Full().End
	}
	if parent.Kind == yamltext.Sequence && parent.Style != yamltext.Flow {
		return value.Indicator, limit
	}
	return parent.Content[at].Full().Start, limit
}

// entryOf gives the value of an entry, nil where it is not there, and the place at which it
// begins in the content.
func entryOf(tree *yamltext.Tree, parent *yamltext.Node, step any) (value *yamltext.Node, at int) {
	switch step := step.(type) {
	case string:
		value = tree.Entry(parent, step)
		for at = 0; value != nil && at+1 < len(parent.Content); at += 2 {
			if parent.Content[at+1] == value {
				return value, at
			}
		}
	case int:
		if parent != nil && parent.Kind == yamltext.Sequence && step < len(parent.Content) {
			return parent.Content[step], step
		}
	}
	return nil, 0
}
