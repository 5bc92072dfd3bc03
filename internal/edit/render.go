package edit

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// What is written has LF for a line break; a cut brings it in line with its
// neighbours.

// blockStyle is how a document in block style is laid out.
type blockStyle struct {
	// step from a mapping's column to that of a mapping in it
	step int
	// sequence is the step from a key to the dashes of its sequence, often 0
	sequence int
	// dash is the step from a dash to its item
	dash int
}

// value writes what stands after a colon; column is that of the key.
func (s blockStyle) value(b *strings.Builder, node *yaml.Node, column int) {
	switch {
	case node.Kind == yaml.MappingNode && len(node.Content) > 0 && node.Style&yaml.FlowStyle == 0:
		s.line(b, column+s.step)
		s.mapping(b, node, column+s.step)
	case node.Kind == yaml.SequenceNode && len(node.Content) > 0 && node.Style&yaml.FlowStyle == 0:
		s.line(b, column+s.sequence)
		s.items(b, node, column+s.sequence)
	default:
		b.WriteByte(' ')
		b.WriteString(flowStyle{}.text(node))
	}
}

func (s blockStyle) line(b *strings.Builder, column int) {
	b.WriteByte('\n')
	b.WriteString(strings.Repeat(" ", column))
}

func (s blockStyle) mapping(b *strings.Builder, node *yaml.Node, column int) {
	for i := 0; i < len(node.Content); i += 2 {
		if i > 0 {
			s.line(b, column)
		}
		s.entry(b, node.Content[i], node.Content[i+1], column)
	}
}

func (s blockStyle) entry(b *strings.Builder, key, value *yaml.Node, column int) {
	b.WriteString(scalarText(key, false))
	b.WriteByte(':')
	s.value(b, value, column)
}

func (s blockStyle) items(b *strings.Builder, node *yaml.Node, column int) {
	for i, item := range node.Content {
		if i > 0 {
			s.line(b, column)
		}
		s.item(b, item, column)
	}
}

// item writes an item with its dash; column is that of the dash.
func (s blockStyle) item(b *strings.Builder, item *yaml.Node, column int) {
	b.WriteByte('-')
	inner := column + s.dash
	switch {
	case item.Kind == yaml.MappingNode && len(item.Content) > 0 && item.Style&yaml.FlowStyle == 0:
		b.WriteString(strings.Repeat(" ", s.dash-1))
		s.mapping(b, item, inner)
	case item.Kind == yaml.SequenceNode && len(item.Content) > 0 && item.Style&yaml.FlowStyle == 0:
		b.WriteString(strings.Repeat(" ", s.dash-1))
		s.items(b, item, inner)
	default:
		b.WriteString(strings.Repeat(" ", s.dash-1))
		b.WriteString(flowStyle{}.text(item))
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

// value writes a value; a collection's entries are one level below prefix.
func (s flowStyle) value(b *strings.Builder, node *yaml.Node) {
	if node.Kind == yaml.ScalarNode && !s.json {
		// Alone in block style nothing is to be feared from commas.
		b.WriteString(scalarText(node, s != flowStyle{}))
		return
	}
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
			inner.inner(b, node.Content[i])
		}
	}
	if len(node.Content) > 0 && s.lines {
		b.WriteString("\n" + s.prefix)
	}
	b.WriteString(closing)
}

// inner writes a value that is inside a flow collection.
func (s flowStyle) inner(b *strings.Builder, node *yaml.Node) {
	if node.Kind == yaml.ScalarNode {
		b.WriteString(s.scalar(node))
		return
	}
	s.value(b, node)
}

func (s flowStyle) entry(b *strings.Builder, key, value *yaml.Node) {
	b.WriteString(s.scalar(key))
	b.WriteString(s.colon())
	s.inner(b, value)
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
	case node.Style&quotes != 0 || !plainSafe(node.Value, flow):
		return double(node.Value)
	}
	return node.Value
}
