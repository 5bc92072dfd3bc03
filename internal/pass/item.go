package pass

import (
	"cmp"
	"errors"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/stream"
	"github.com/krm-bypass/krm-bypass/internal/transform"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// Item is a document of the input: a text, or the nodes that a Go program holds.
type Item struct {
	// Text is that of the document. Aliases are the names of anchors that other
	// items may use.
	Text    yamltext.Fragment
	Aliases []string
	// Nodes replace a text.
	Nodes *yaml.Node
	Place
	// Source gives the file that the item was made from, nil if the item's own is to
	// be named. It may be nil itself.
	Source func() *Source
	// Part says where in a list the item stands.
	object.Part
	cut
}

// Place is where an item is.
type Place struct {
	// File and Index are those of its document. File is "" if only the
	// annotations of an orchestrator can tell.
	File  string
	Index int
	// Line is where the item begins in the file, from 1; 0 if it is not known.
	Line int
}

// ItemsOf gives the documents of files as items. originals are the files that other
// programs made documents from, by the paths of the files that hold those.
func ItemsOf(s *stream.Stream, originals map[string]func(document int) *Source) []Item {
	items := make([]Item, len(s.Documents))
	for i, d := range s.Documents {
		items[i] = Item{Text: d.Fragment(), Place: Place{File: s.File(d).Path, Index: d.Index, Line: d.Line}}
		if source := originals[s.File(d).Path]; source != nil {
			items[i].Source = func() *Source { return source(d.Index) }
		}
	}
	return items
}

// Heads says what items are, without reading all of those that will be read in
// any case, and what is wrong with others.
func Heads(items []Item) ([]object.Type, []Finding) {
	heads := make([]object.Type, len(items))
	problems := make([]error, len(items))
	inParallel(len(items), func(i int) { heads[i], problems[i] = items[i].head() })
	var findings []Finding
	for i, err := range problems {
		if err != nil {
			findings = append(findings, items[i].Broken(err))
		}
	}
	return heads, findings
}

func (i *Item) head() (object.Type, error) {
	if i.Nodes != nil {
		return object.PeekNodes(i.Nodes, transform.IsKnown)
	}
	is, err := object.Peek(i.Text, transform.IsKnown)
	if i.InList() && errors.As(err, new(*object.Doubt)) {
		return object.Type{List: true}, nil // the plan tells it with its path
	}
	return is, err
}

// Decoded gives the item's nodes as they came.
func (i *Item) Decoded() (*yaml.Node, error) {
	if i.Nodes != nil {
		return i.Nodes, nil
	}
	return object.Decode(i.Text)
}

// incomplete tells of items that look like objects and are none, so that nothing is
// written there. A patch may lack what it likes.
func (p *Pass) incomplete() []Finding {
	kind := finding.IncompleteObject
	severity := kind.In(p.Policy.Lint)
	if severity == finding.Ignore {
		return nil
	}
	var findings []Finding
	for i, head := range p.Heads {
		item := &p.Items[i]
		if head.List || head.APIVersion != "" && head.Kind != "" || item.InList() || p.Uses.files[item.File].Patch != "" {
			continue
		}
		document, err := item.Decoded()
		if err != nil {
			continue // which is told already
		}
		if what := object.Incomplete(node.Of(document)); what != "" {
			findings = append(findings, Finding{
				Kind: kind, Severity: transform.SeverityOf(severity), Place: item.begins(document),
				Message: cmp.Or(object.HeadOf(document).String(), item.Name()) + " is no Kubernetes object, so nothing is written there, and kubectl refuses it: " + what,
			})
		}
	}
	return findings
}

// begins is where the content of an item begins.
func (i *Item) begins(document *yaml.Node) Place {
	at := i.Place
	switch {
	case at.File == "":
		origin := object.HeadOf(document).Origin()
		at.File, at.Index = origin.File, origin.Index
	case at.Line > 0:
		at.Line += node.LineAt(document, nil) - 1
	}
	return at
}
