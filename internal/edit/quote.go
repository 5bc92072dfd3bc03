package edit

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// reserved reports whether a plain word is no string by YAML 1.1
// (yaml.org/type: bool, null, float, merge, value) or YAML 1.2.
func reserved(word string) bool {
	switch word {
	case "y", "n", "yes", "no", "on", "off", "true", "false", "null":
		return true
	}
	return false
}

// plainSafe reports whether a text, written without quotes, is that string to
// every reader. It knows few texts as safe rather than all: names, images,
// URLs, flags, quantities. Nothing else that begins like a number is among
// them, which leaves out dates, 1:30, 1_000 and lists such as 7001,7002 too.
func plainSafe(text string, flow bool) bool {
	if isQuantity(text) {
		return true
	}
	if text == "" || len(text) <= len("false") && reserved(strings.ToLower(text)) {
		return false
	}
	first := strings.TrimPrefix(text, "--")
	if first == "" {
		return false
	}
	if c := first[0]; !isLetter(c) && (c != '_' && c != '/' || len(first) < len(text)) {
		return false
	}
	for i := range len(text) {
		c := text[i]
		switch {
		case isLetter(c), c >= '0' && c <= '9', strings.IndexByte("_./@%+=-~()$*;", c) >= 0:
		case c == ' ':
			// A blank is followed by something, and not by a comment.
			if i+1 == len(text) || text[i+1] == ' ' {
				return false
			}
		case c == ':':
			if flow || i+1 == len(text) || text[i+1] == ' ' {
				return false
			}
		case c == ',':
			if flow || i+1 == len(text) {
				return false
			}
		default:
			return false
		}
	}
	return true
}

// isQuantity reports whether a text is a number with one of the units of
// Kubernetes quantities that no reader takes for a part of a number: "e3" and
// "k" are left out.
func isQuantity(text string) bool {
	unit := strings.TrimLeft(text, "0123456789")
	switch unit {
	case "m", "Ki", "Mi", "Gi", "Ti":
		return len(unit) < len(text)
	}
	return false
}

// isSpan reports whether a text is an IPv4 address or range, a range of ports or ports of
// a protocol, as no number and no date is written.
func isSpan(text string) bool {
	body := strings.TrimSuffix(strings.TrimSuffix(text, "/TCP"), "/UDP")
	dots, dashes, slashes := strings.Count(body, "."), strings.Count(body, "-"), strings.Count(text, "/")
	return dots+dashes+slashes > 0 && (dots == 0 || dots == 3) && dashes < 2 && slashes < 2 &&
		strings.Trim(body, "0123456789.-/") == "" && body != "" && '1' <= body[0] && body[0] <= '9' && '0' <= body[len(body)-1] && body[len(body)-1] <= '9'
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// singleSafe reports whether a text can stand in single quotes on one line.
func singleSafe(text string) bool {
	for _, r := range text {
		if r < ' ' || !printable(r) {
			return false
		}
	}
	return true
}

// printable leaves out what a YAML stream may not hold as it is, and what some
// reader takes for a line break or a byte order mark.
func printable(r rune) bool {
	switch {
	case r == '\u0085', r == '\u2028', r == '\u2029', r == '\ufeff':
		return false
	case r >= 0x7f && r < 0xa0, r == 0xfffe, r == 0xffff:
		return false
	}
	return true
}

func single(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// double writes a text in double quotes so that both YAML and JSON read it.
func double(text string) string {
	var b strings.Builder
	b.Grow(len(text) + 2)
	b.WriteByte('"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r == '\r':
			b.WriteString(`\r`)
		case r < ' ' || !printable(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

const quotes = yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle

// stringStyle chooses how a new string is written: like the value it replaces
// or like its siblings, where both are safe.
func stringStyle(text string, like yaml.Style) yaml.Style {
	switch {
	case like&yaml.SingleQuotedStyle != 0 && singleSafe(text):
		return yaml.SingleQuotedStyle
	case like&quotes == 0 && strings.Contains(text, `"`) && !strings.Contains(text, "'") && singleSafe(text):
		return yaml.SingleQuotedStyle // JSON inside a string stays legible
	case like&quotes != 0 || !plainSafe(text, false):
		return yaml.DoubleQuotedStyle
	}
	return 0
}

// siblingStyle is the quote style that all scalars have, 0 if they differ.
func siblingStyle(siblings []*yaml.Node) yaml.Style {
	var style yaml.Style
	for i, sibling := range siblings {
		if sibling.Kind != yaml.ScalarNode || sibling.Style&quotes == 0 {
			return 0
		}
		if i > 0 && sibling.Style&quotes != style {
			style = yaml.DoubleQuotedStyle
			continue
		}
		style = sibling.Style & quotes
	}
	return style
}

// dressed returns a copy of a value in the style of its new place, in which those that are
// dressed already are as they are. Its strings are tagged, so that no encoder takes them
// for something else.
func dressed(value *yaml.Node, like yaml.Style, already sharing) (*yaml.Node, error) {
	return wardrobe{already: already}.dress(value, like)
}

func (w wardrobe) dress(value *yaml.Node, like yaml.Style) (*yaml.Node, error) {
	if value == nil {
		return nil, fmt.Errorf("no value is given")
	}
	n := w.count(value)
	w.nodes, w.places = make([]yaml.Node, n), make([]*yaml.Node, n)
	return w.dressed(value, like)
}

// wardrobe has room for the nodes of a value, and for what their collections hold.
type wardrobe struct {
	already sharing
	// styled says that values come with styles of their own.
	styled bool
	nodes  []yaml.Node
	places []*yaml.Node
}

// count gives how many nodes there will be, and places for them.
func (w *wardrobe) count(value *yaml.Node) int {
	n := 1
	for _, child := range value.Content {
		if w.already.of(child) == nil {
			n += w.count(child)
		} else {
			n++
		}
	}
	return n
}

func (w *wardrobe) dressed(value *yaml.Node, like yaml.Style) (*yaml.Node, error) {
	if w.already.of(value) != nil {
		return value, nil
	}
	node := &w.nodes[0]
	w.nodes = w.nodes[1:]
	node.Kind, node.Value, node.Tag = value.Kind, value.Value, value.ShortTag()
	switch value.Kind {
	case yaml.ScalarNode:
		if node.Tag == "!!str" {
			if !utf8.ValidString(value.Value) {
				return nil, fmt.Errorf("the value is not UTF-8")
			}
			if w.styled {
				like |= value.Style & quotes
			}
			if node.Style = stringStyle(value.Value, like); w.styled && like == 0 && isSpan(value.Value) {
				node.Style = 0
			}
		}
	case yaml.MappingNode, yaml.SequenceNode:
		if w.styled {
			node.Style = value.Style & yaml.FlowStyle
		}
		n := len(value.Content)
		node.Content, w.places = w.places[:n:n], w.places[n:]
		for i, child := range value.Content {
			var err error
			if node.Content[i], err = w.dressed(child, 0); err != nil {
				return nil, err
			}
		}
	default:
		return nil, fmt.Errorf("the value is neither a mapping, a sequence nor a scalar")
	}
	return node, nil
}
