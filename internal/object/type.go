package object

import (
	"bytes"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// Type is what an object is, as far as its outermost entries tell.
type Type struct {
	APIVersion, Kind string
	// List says that it has items.
	List bool
}

// TypeOf says what a value is.
func TypeOf(v node.Value) Type {
	return Type{v.Entry("apiVersion").Text(), v.Entry("kind").Text(), v.Entry("items").IsList()}
}

// Peek says what a document is without decoding it. It reads no further than
// to where enough says so of what was seen, which is for objects that will be
// read in any case; any other is read to its end.
//
// A key of the outermost mapping that appears twice is an error.
func Peek(fragment yamltext.Fragment, enough func(Type) bool) (Type, error) {
	is, err := peek(fragment, enough)
	if err != nil || !strings.ContainsAny(is.Kind+is.APIVersion, "\r\n") {
		return is, err
	}
	if at := bytes.Index(fragment.Text, []byte("\r\r\n")); at >= 0 {
		// kubernetes/apimachinery pkg/util/yaml/decoder.go, LineReader: kubectl ends a line
		// with a line feed and leaves out the carriage return before it.
		return Type{}, &yamltext.Error{Line: yamltext.Line(fragment.Text, at), Kind: yamltext.ErrUnsupported,
			Problem: "a line ends with two carriage returns, which are one line break to kubectl and two to others: save the file with line feeds"}
	}
	return is, nil
}

func peek(fragment yamltext.Fragment, enough func(Type) bool) (Type, error) {
	if err := separators(fragment); err != nil {
		return Type{}, err
	}
	var seen entries
	err := fragment.Entries(func(text *yamltext.Tree, key, value *yamltext.Node) bool {
		seen.entry(text, key, value)
		return seen.doubt != nil || seen.odd || enough(seen.is)
	})
	switch {
	case seen.doubt != nil:
		return Type{}, seen.doubt
	case err == nil && !seen.odd:
		return seen.is, nil
	}
	document, failed := Decode(fragment)
	if failed != nil {
		if err == nil {
			return Type{}, failed
		}
		return Type{}, unreadable(fragment, err)
	}
	return PeekNodes(document, enough)
}

// PeekNodes says what a document is that has been decoded, as Peek does.
func PeekNodes(document *yaml.Node, enough func(Type) bool) (Type, error) {
	root := node.Of(document)
	if is := TypeOf(root); enough(is) {
		return is, nil
	}
	for _, doubt := range outermost(root, doubtful{}) {
		if doubt.why != odd {
			return Type{}, doubt
		}
	}
	return TypeOf(root), nil
}

// entries are those of a document's outermost mapping.
type entries struct {
	is   Type
	keys keys
	// odd says that one is written in a way that only a parser reads.
	odd   bool
	doubt *Doubt
}

func (o *entries) entry(text *yamltext.Tree, key, value *yamltext.Node) {
	name, ok := plainly(text, key)
	if !ok || name == "<<" {
		o.odd = true
		return
	}
	if first, again := o.keys.see(name, key.Start); again {
		o.doubt = &Doubt{Key: name, First: yamltext.Line(text.Text, first), Second: yamltext.Line(text.Text, key.Start)}
		return
	}
	switch name {
	case "apiVersion":
		o.is.APIVersion = o.scalar(text, value)
	case "kind":
		o.is.Kind = o.scalar(text, value)
	case "items":
		o.is.List = value.Kind == yamltext.Sequence
		o.odd = o.odd || value.Kind == yamltext.Alias
	}
}

// scalar gives what a value says, "" for null and for what is no single value.
func (o *entries) scalar(text *yamltext.Tree, value *yamltext.Node) string {
	says, ok := plainly(text, value)
	if !ok && (value.Kind == yamltext.Scalar || value.Kind == yamltext.Alias) {
		o.odd = true
	}
	if value.Style == yamltext.Plain && (says == "null" || says == "~" || says == "Null" || says == "NULL") {
		return ""
	}
	return says
}

// plainly gives the text of a scalar that every reader takes for just that.
func plainly(text *yamltext.Tree, n *yamltext.Node) (string, bool) {
	if !n.Tag.Empty() {
		return "", false
	}
	return text.Value(n)
}
