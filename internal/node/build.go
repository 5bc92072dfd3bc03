package node

import (
	"bytes"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// Str builds a string.
func Str(value string) *yaml.Node { return scalar("!!str", value) }

// Bool builds a boolean.
func Bool(value bool) *yaml.Node { return scalar("!!bool", strconv.FormatBool(value)) }

// Int builds a number.
func Int(value int) *yaml.Node { return scalar("!!int", strconv.Itoa(value)) }

// Null builds a null that is not written at all.
func Null() *yaml.Node { return scalar("!!null", "") }

func scalar(tag, value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: value}
}

// Map builds a mapping: a key, its value, the next key.
func Map(entries ...*yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map", Content: entries}
}

// Seq builds a list.
func Seq(items ...*yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: items}
}

// Line gives a collection that is written on one line.
func Line(n *yaml.Node) *yaml.Node {
	n.Style |= yaml.FlowStyle
	return n
}

// Text writes a value without aliases as YAML.
func Text(n *yaml.Node) string {
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	enc.CompactSeqIndent()
	_ = enc.Encode(n) // nodes without aliases always encode
	return b.String()
}

// Clone copies a tree, so that what is done to the one leaves the other alone.
// An alias in the copy leads into the copy where its anchor is in there too.
func Clone(n *yaml.Node) *yaml.Node { return clone(n, map[*yaml.Node]*yaml.Node{}) }

func clone(n *yaml.Node, anchored map[*yaml.Node]*yaml.Node) *yaml.Node {
	if n == nil {
		return nil
	}
	copied := *n
	if n.Anchor != "" {
		anchored[n] = &copied
	}
	// An anchor stands before every alias of it.
	if target := anchored[n.Alias]; target != nil {
		copied.Alias = target
	}
	copied.Content = make([]*yaml.Node, len(n.Content))
	for i, child := range n.Content {
		copied.Content[i] = clone(child, anchored)
	}
	return &copied
}
