package edit

import (
	"bytes"
	"strings"

	"go.yaml.in/yaml/v3"
)

// What is written has LF for a line break; a cut brings it in line with its
// neighbours.

// A Layout is how a document in block style is laid out.
type Layout struct {
	// step from a mapping's column to that of a mapping in it
	step int
	// sequence is the step from a key to the dashes of its sequence, often 0
	sequence int
	// dash is the step from a dash to its item
	dash int
	// shared are values whose texts are known.
	shared sharing
}

// value writes what stands after a colon; column is that of the key.
func (s Layout) value(b *bytes.Buffer, node *yaml.Node, column int) {
	switch {
	case inBlock(node, yaml.MappingNode):
		s.line(b, column+s.step)
		s.mapping(b, node, column+s.step)
	case inBlock(node, yaml.SequenceNode):
		s.line(b, column+s.sequence)
		s.items(b, node.Content, column+s.sequence)
	default:
		b.WriteByte(' ')
		s.alone(b, node)
	}
}

// inBlock reports whether a node is a collection of a kind that is written in lines
// of its own.
func inBlock(node *yaml.Node, kind yaml.Kind) bool {
	return node.Kind == kind && len(node.Content) > 0 && node.Style&yaml.FlowStyle == 0
}

// alone writes a value on one line, outside of any flow collection.
func alone(node *yaml.Node) string {
	if node.Kind == yaml.ScalarNode {
		return scalarText(node, false)
	}
	return flowStyle{}.text(node)
}

func (s Layout) alone(b *bytes.Buffer, node *yaml.Node) {
	if by := s.shared.of(node); by != nil {
		b.WriteString(by.text(written{node: node}, func(b *bytes.Buffer) { b.WriteString(alone(node)) }))
		return
	}
	b.WriteString(alone(node))
}

func (s Layout) line(b *bytes.Buffer, column int) {
	b.WriteByte('\n')
	b.WriteString(strings.Repeat(" ", column))
}

func (s Layout) mapping(b *bytes.Buffer, node *yaml.Node, column int) {
	if by := s.shared.of(node); by != nil {
		s.shared = nil
		b.WriteString(by.text(written{node, s.step, s.sequence, s.dash, column}, func(b *bytes.Buffer) { s.mapping(b, node, column) }))
		return
	}
	for i := 0; i < len(node.Content); i += 2 {
		if i > 0 {
			s.line(b, column)
		}
		s.entry(b, node.Content[i], node.Content[i+1], column)
	}
}

func (s Layout) entry(b *bytes.Buffer, key, value *yaml.Node, column int) {
	b.WriteString(scalarText(key, false))
	b.WriteByte(':')
	s.value(b, value, column)
}

func (s Layout) items(b *bytes.Buffer, items []*yaml.Node, column int) {
	for i, item := range items {
		if i > 0 {
			s.line(b, column)
		}
		s.item(b, item, column)
	}
}

// item writes an item with its dash; column is that of the dash.
func (s Layout) item(b *bytes.Buffer, item *yaml.Node, column int) {
	b.WriteString("-" + strings.Repeat(" ", s.dash-1))
	switch {
	case inBlock(item, yaml.MappingNode):
		s.mapping(b, item, column+s.dash)
	case inBlock(item, yaml.SequenceNode):
		s.items(b, item.Content, column+s.dash)
	default:
		s.alone(b, item)
	}
}

// flowStyle is how a collection in flow style is laid out.
type flowStyle struct {
	// json puts all strings in double quotes.
	json bool
	// tight leaves out the blank after a colon, close that after a comma.
	tight, close bool
	// lines puts each entry on a line of its own, which begins with the
	// prefix; unit is what a level adds to it.
	lines        bool
	prefix, unit string
}

func (s flowStyle) colon() string {
	if s.tight {
		return ":"
	}
	return ": "
}

func (s flowStyle) comma() string {
	switch {
	case s.lines:
		return ",\n" + s.prefix
	case s.close:
		return ","
	}
	return ", "
}

func (s flowStyle) text(node *yaml.Node) string {
	var b strings.Builder
	s.value(&b, node)
	return b.String()
}

func (s flowStyle) scalar(node *yaml.Node) string {
	if s.json && node.ShortTag() == "!!str" {
		return double(node.Value)
	}
	return scalarText(node, true)
}

// value writes a value inside a flow collection, or the outermost one; the
// entries of a collection are one level below prefix.
func (s flowStyle) value(b *strings.Builder, node *yaml.Node) {
	if node.Kind == yaml.ScalarNode {
		b.WriteString(s.scalar(node))
		return
	}
	open, closing, step := "{", "}", 2
	if node.Kind == yaml.SequenceNode {
		open, closing, step = "[", "]", 1
	}
	b.WriteString(open)
	inner := s
	inner.prefix += s.unit
	for i := 0; i < len(node.Content); i += step {
		switch {
		case i > 0:
			b.WriteString(inner.comma())
		case s.lines:
			b.WriteString("\n" + inner.prefix)
		}
		if step == 2 {
			inner.entry(b, node.Content[i], node.Content[i+1])
		} else {
			inner.value(b, node.Content[i])
		}
	}
	if len(node.Content) > 0 && s.lines {
		b.WriteString("\n" + s.prefix)
	}
	b.WriteString(closing)
}

func (s flowStyle) entry(b *strings.Builder, key, value *yaml.Node) {
	b.WriteString(s.scalar(key) + s.colon())
	s.value(b, value)
}

// scalarText writes a scalar on one line.
func scalarText(node *yaml.Node, flow bool) string {
	if node.ShortTag() != "!!str" {
		if node.Value == "" {
			return "null"
		}
		return node.Value
	}
	switch {
	case node.Style&yaml.SingleQuotedStyle != 0 && singleSafe(node.Value):
		return single(node.Value)
	case node.Style&quotes != 0 || !plainSafe(node.Value, flow) && !isSpan(node.Value):
		return double(node.Value)
	}
	return node.Value
}
