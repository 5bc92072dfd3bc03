package edit

import (
	"bytes"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// Source returns the text of the value at a path, with its anchor and tag, as
// Restore takes it: "" for null that is not written. A collection in block
// style begins after the colon or dash, with a blank or a line break.
func (d Document) Source(path Path) (string, error) {
	tree := d.tree
	if tree == nil || tree.Root == nil {
		var err error
		if tree, err = d.Parse(); err != nil {
			return "", fmt.Errorf("reading the document: %w", err)
		}
	}
	if tree.Root == nil {
		return "", fmt.Errorf("reading %v: the document is empty", path)
	}
	node, parent := locate(tree, path[len(d.Base):])
	if node == nil {
		return "", fmt.Errorf("reading %v: it was not found in the text", path)
	}
	asked := Edit{Op: Set, Path: path}
	switch {
	case node.Indented:
		return "", asked.refused("write it without the digit",
			"the block scalar in line %d has an indentation indicator, so its text cannot be put back elsewhere", d.Above+yamltext.Line(d.Text, node.Start))
	case !node.Written() && node.Indicator < 0 && parent != nil && parent.Kind == yamltext.Mapping:
		return "", asked.refused("write the colon",
			"the key in line %d has no colon, and taking a value back would leave one behind", d.Above+yamltext.Line(d.Text, node.Start))
	case !node.Written():
		return "", nil
	case node.Style == yamltext.Block && node.Indicator >= 0:
		return string(d.Text[node.Indicator+1 : node.End]), nil
	}
	return string(node.Full().Text(d.Text)), nil
}

// locate follows a path to a value and the collection around it; nil if it
// leads nowhere.
func locate(tree *yamltext.Tree, path Path) (node, parent *yamltext.Node) {
	node = tree.Root
	for _, step := range path {
		parent = node
		switch step := step.(type) {
		case string:
			node = tree.Entry(parent, step)
		case int:
			node = nil
			if parent.Kind == yamltext.Sequence && step < len(parent.Content) {
				node = parent.Content[step]
			}
		}
		if node == nil {
			return nil, nil
		}
	}
	return node, parent
}

// NodeSource writes a node as Source might have found it: on one line in the
// node's style, or on lines of its own for a block scalar and a collection in
// block style.
func NodeSource(node *yaml.Node) string {
	properties := ""
	if node.Anchor != "" {
		properties = "&" + node.Anchor + " "
	}
	if node.Style&yaml.TaggedStyle != 0 {
		properties += node.Tag + " "
	}
	switch {
	case node.Kind == yaml.AliasNode:
		return "*" + node.Value
	case node.Kind == yaml.ScalarNode && node.Value == "" && node.ShortTag() == "!!null":
		return strings.TrimSuffix(properties, " ")
	case node.Kind != yaml.ScalarNode && node.Style&yaml.FlowStyle == 0 && len(node.Content) > 0:
		var b bytes.Buffer
		Layout{step: 2, dash: 2}.value(&b, node, 0)
		if properties != "" {
			return " " + strings.TrimSuffix(properties, " ") + b.String()
		}
		return b.String()
	case node.Kind != yaml.ScalarNode:
		return properties + flowStyle{}.text(node)
	case node.Style&yaml.DoubleQuotedStyle != 0:
		return properties + double(node.Value)
	case node.Style&yaml.SingleQuotedStyle != 0 && singleSafe(node.Value):
		return properties + single(node.Value)
	case node.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return properties + textBlock(node)
	case node.Style&yaml.SingleQuotedStyle == 0 && !strings.ContainsAny(node.Value, "\n\r\u0085\u2028\u2029"):
		return properties + node.Value
	}
	return properties + double(node.Value)
}

// textBlock writes a literal scalar; what one cannot hold goes into quotes. A
// folded one is written as a literal: where its lines were folded is not in
// the node.
func textBlock(node *yaml.Node) string {
	text := node.Value
	body := strings.TrimRight(text, "\n")
	if body == "" || strings.HasPrefix(text, " ") || strings.HasPrefix(text, "\n") || strings.ContainsAny(text, "\t\r\u0085\u2028\u2029\ufeff") || !singleSafe(strings.ReplaceAll(text, "\n", "")) {
		return double(text)
	}
	header := "|"
	switch ends := len(text) - len(body); ends {
	case 0:
		header = "|-"
	case 1:
	default:
		header = "|+"
		body = text[:len(text)-1]
	}
	var b strings.Builder
	b.WriteString(header)
	for _, line := range strings.Split(body, "\n") {
		b.WriteByte('\n')
		if line != "" {
			b.WriteString("  " + line)
		}
	}
	return b.String()
}

// parseSource reads the text of a value that stood in this document.
func (d *draft) parseSource(source string) (*yaml.Node, error) {
	if name, ok := strings.CutPrefix(source, "*"); ok {
		target := anchored(d.holder, name)
		if target == nil {
			return nil, fmt.Errorf("no anchor &%s", name)
		}
		return &yaml.Node{Kind: yaml.AliasNode, Value: name, Alias: target}, nil
	}
	node, err := ReadSource(source)
	if err != nil {
		return nil, err
	}
	for n := range all(node) {
		if n.Anchor != "" && d.aliased(n.Anchor) {
			return nil, fmt.Errorf("its anchor &%s would change what an alias means", n.Anchor)
		}
	}
	return node, nil
}

// ReadSource reads the text of one value as Restore takes it. An alias is none:
// what it means is for its document to say.
func ReadSource(source string) (*yaml.Node, error) {
	switch {
	case source == "":
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}, nil
	case strings.HasSuffix(source, "\r"):
		return readSource(source, "\r") // LF would be one line break with it
	}
	return readSource(source, "\n")
}

// readSource reads the text of a value that is followed by a line break or by
// the end of the document.
func readSource(source, end string) (*yaml.Node, error) {
	// A collection in block style is read below a key, anything else at the
	// root, where no tab is in the way of an indentation.
	inline := isInline(source)
	text := "k:" + source + end
	if inline {
		text = " " + source + end
	}
	tree, err := yamltext.Parse([]byte(text))
	if err != nil {
		return nil, err
	}
	if tree.Root == nil {
		return nil, fmt.Errorf("it is no value")
	}
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(text), &document); err != nil {
		return nil, err
	}
	span, value := tree.Root, document.Content[0]
	if !inline {
		if len(value.Content) != 2 {
			return nil, fmt.Errorf("it is more than one value")
		}
		span, value = span.Content[1], value.Content[1]
	}
	// The text may have been tampered with: it must be the value and no more.
	if full := span.Full(); full.End != len(text)-len(end) || inline && (full.Start != 1 || span.Style == yamltext.Block) {
		return nil, fmt.Errorf("it is more than one value")
	}
	for n := range all(value) {
		n.Line, n.Column = 0, 0 // of another text
	}
	return value, nil
}
