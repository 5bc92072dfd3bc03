package node

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Value is a value in a document, with aliases followed. The zero Value is one
// that is not there, and may be asked everything.
type Value struct{ node *yaml.Node }

// Of gives a node's value: a document's is that of its root.
func Of(n *yaml.Node) Value {
	if n != nil && n.Kind == yaml.DocumentNode {
		if len(n.Content) != 1 {
			return Value{}
		}
		n = n.Content[0]
	}
	return Value{resolved(n)}
}

// maxAliases bounds how far an alias is followed to another alias. YAML has no
// such chain, an edited tree may.
const maxAliases = 8

func resolved(n *yaml.Node) *yaml.Node {
	for range maxAliases {
		if n == nil || n.Kind != yaml.AliasNode {
			return n
		}
		n = n.Alias
	}
	return nil
}

// Node gives the node behind the value, nil where there is none.
func (v Value) Node() *yaml.Node { return v.node }

// Exists reports whether the value is there. Null is.
func (v Value) Exists() bool { return v.node != nil }

// IsMapping reports whether the value is a mapping.
func (v Value) IsMapping() bool { return v.is(yaml.MappingNode) }

// IsList reports whether the value is a list.
func (v Value) IsList() bool { return v.is(yaml.SequenceNode) }

// IsScalar reports whether the value is a single one. Null is.
func (v Value) IsScalar() bool { return v.is(yaml.ScalarNode) }

// IsNull reports whether the value is null, written or left out behind its key.
func (v Value) IsNull() bool {
	switch {
	case !v.IsScalar():
		return false
	case v.node.Tag == "" && v.node.Style == 0: // ShortTag tries numbers and dates too
		switch v.node.Value {
		case "", "~", "null", "Null", "NULL":
			return true
		}
		return false
	}
	return v.node.ShortTag() == "!!null"
}

// IsString reports whether the value is a string to every tool, and no number, no
// date and no boolean, not one of YAML 1.1 either (go.yaml.in/yaml/v2 resolve.go,
// decode.go).
func (v Value) IsString() bool {
	return v.IsScalar() && v.node.ShortTag() == "!!str" && !v.isOldBoolean()
}

// IsDate reports whether the value is a date, which kubectl takes for the string as
// it is written. kustomize writes it in another form.
func (v Value) IsDate() bool { return v.IsScalar() && v.node.ShortTag() == "!!timestamp" }

// IsOther reports whether the value is a number, a boolean or a date to kubectl.
func (v Value) IsOther() bool {
	if !v.IsScalar() {
		return false
	}
	switch v.node.ShortTag() {
	case "!!int", "!!float", "!!bool", "!!timestamp":
		return true
	case "!!str":
		return v.isOldBoolean()
	}
	return false
}

// isOldBoolean reports whether the value is a word without quotes that is a boolean
// in YAML 1.1.
func (v Value) isOldBoolean() bool {
	return v.node.Style == 0 && (slices.Contains(yes, v.node.Value) || slices.Contains(no, v.node.Value))
}

func (v Value) is(kind yaml.Kind) bool { return v.node != nil && v.node.Kind == kind }

// Text gives what a single value says, "" for anything else and for null.
func (v Value) Text() string {
	if !v.IsScalar() || v.IsNull() {
		return ""
	}
	return decoded(v.node)
}

// decoded gives a scalar's text. What is no base64 stays as it is: every reader
// refuses it.
func decoded(scalar *yaml.Node) string {
	if strings.HasSuffix(scalar.Tag, "binary") && scalar.ShortTag() == "!!binary" {
		if text, err := base64.StdEncoding.DecodeString(scalar.Value); err == nil {
			return string(text)
		}
	}
	return scalar.Value
}

// yes are the words without quotes that are true, and no others that are false.
// kubectl reads YAML 1.1 (go.yaml.in/yaml/v2 resolve.go), other tools know only those
// of YAML 1.2.
var (
	yes = []string{"true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON", "y", "Y"}
	no  = []string{"no", "No", "NO", "off", "Off", "OFF", "n", "N"}
)

const quoted = yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle

// Truth reports whether the value is true to any of the tools that read it.
func (v Value) Truth() bool {
	text := v.Text()
	return text == "true" || slices.Contains(yes, text) && v.node.Style&quoted == 0
}

// Digits gives a number as it is written where that is a few decimal digits alone, ""
// for any other value.
func (v Value) Digits() string {
	if !v.IsScalar() || v.node.Style != 0 || v.node.Tag != "" && v.node.Tag != "!!int" || len(v.node.Value) > 15 ||
		strings.Trim(v.node.Value, "0123456789") != "" || len(v.node.Value) > 1 && v.node.Value[0] == '0' {
		return ""
	}
	return v.node.Value
}

// Line gives the line of the document in which the value begins, from 1; 0
// where it is not known.
func (v Value) Line() int {
	if v.node == nil {
		return 0
	}
	return v.node.Line
}

// LineAt gives the line, from 1, of the value at a path of a document, or of the
// innermost one around it that is there.
func LineAt(document *yaml.Node, path []any) int {
	for i := len(path); i > 0; i-- {
		if at := Of(document).At(path[:i]...); at.Exists() {
			return max(at.Line(), 1)
		}
	}
	return max(Of(document).Line(), 1)
}

// Decode fills a Go value, as yaml.Node does.
func (v Value) Decode(into any) error {
	if v.node == nil {
		return nil
	}
	return v.node.Decode(into)
}

// Describe says in words what stands there, for messages.
func (v Value) Describe() string {
	switch {
	case !v.Exists() || v.IsNull():
		return "nothing"
	case v.IsMapping():
		return "a mapping"
	case v.IsList():
		return "a list"
	}
	switch v.node.ShortTag() {
	case "!!int", "!!float":
		return "the number " + v.node.Value
	case "!!bool":
		return "the boolean " + v.node.Value
	case "!!timestamp":
		return "the date " + v.node.Value
	}
	text := v.node.Value
	if v.isOldBoolean() {
		return "the boolean " + text
	}
	if len(text) > maxDescribed {
		text = strings.ToValidUTF8(text[:maxDescribed], "") + "..."
	}
	return fmt.Sprintf("%q", text)
}

// maxDescribed is how many bytes of a text a message repeats.
const maxDescribed = 40
