package pass

import (
	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// Item is a document of the input: a text, or nodes where a Go program holds
// those.
type Item struct {
	// Text is the document's, and Aliases are the names of anchors that other
	// items may use.
	Text    yamltext.Fragment
	Aliases []string
	// Nodes take the place of a text.
	Nodes *yaml.Node
	Place
}

// Place is where an item stands.
type Place struct {
	// File and Index are those of its document; the file is "" where an
	// orchestrator's annotations have to tell.
	File  string
	Index int
	// Line of the file in which the item begins, from 1; 0 if it is not known.
	Line int
}

// Head is what is known of an item without reading all of it.
type Head struct{ APIVersion, Kind string }

// Heads reads the heads of items, and says what is wrong with those that have
// none.
func Heads(items []Item) ([]Head, []Finding) {
	heads := make([]Head, len(items))
	var findings []Finding
	for i := range items {
		var err error
		if heads[i], err = items[i].head(); err != nil {
			findings = append(findings, items[i].Broken(err))
		}
	}
	return heads, findings
}

func (i *Item) head() (Head, error) {
	if i.Nodes == nil {
		values, err := i.Text.Scalars("apiVersion", "kind")
		if err != nil {
			return Head{}, err
		}
		if values[0] != "" && values[1] != "" {
			return Head{values[0], values[1]}, nil
		}
		// It is not there, or twice, or written as nobody writes it.
	}
	node, err := i.Decoded()
	if err != nil {
		return Head{}, err
	}
	return headOf(node), nil
}

// Decoded gives the item's nodes as they came.
func (i *Item) Decoded() (*yaml.Node, error) {
	if i.Nodes != nil {
		return i.Nodes, nil
	}
	var node yaml.Node
	err := yaml.Unmarshal(i.Text.Readable(), &node)
	return &node, err
}

// headOf reads as much of a head as there is: the object may be anything, and
// what is wrong with it is for others to say.
func headOf(node *yaml.Node) Head {
	o := objectOf(node)
	return Head{o.APIVersion, o.Kind}
}
