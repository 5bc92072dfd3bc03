package yamltext

import (
	"bytes"
	"errors"
)

// A Fragment is a document, or a value that stands inside one: an item of a
// list begins in the middle of a line, and its other lines are indented. The
// fragment can be changed on its own and put back between its neighbours.
type Fragment struct {
	Text []byte
	// Column at which the text begins, from 0.
	Column int
	// What is known from the text around it.
	breaks breaks
	// whole is the text in which an item in block style stands, and end where it ends there.
	whole []byte
	end   int
}

// Behind returns what follows an item of a list in block style, to the end of the text
// that holds the list; nothing for any other fragment.
func (f Fragment) Behind() []byte { return f.whole[f.end:] }

// HasLineFeeds reports whether the text is known to be UTF-8 in which every line ends with
// LF or CR LF. It is for an item of a list, since a text is looked at when it is scanned.
func (f Fragment) HasLineFeeds() bool { return f.breaks == lineFeeds }

func (f Fragment) parser(levels int) parser {
	return parser{src: f.Text, lineStart: -f.Column, keep: levels, breaks: f.breaks}
}

// Standalone returns the text with blanks in front, so that its first line
// stands at its column and any YAML parser can read it.
func (f Fragment) Standalone() []byte {
	if f.Column == 0 {
		return f.Text
	}
	text := make([]byte, 0, f.Column+len(f.Text))
	text = append(text, bytes.Repeat([]byte{' '}, f.Column)...)
	return append(text, f.Text...)
}

// Parse scans the fragment and keeps all of it.
func (f Fragment) Parse() (*Tree, error) { return f.Outline(everything) }

// Outline scans the fragment and keeps the content of the outermost levels of
// collections; deeper ones are nodes without content.
func (f Fragment) Outline(levels int) (*Tree, error) {
	p := f.parser(levels)
	root, err := p.document()
	if err != nil {
		return nil, err
	}
	f.breaks = p.breaks
	return &Tree{Fragment: f, Root: root, Aliases: p.aliases, slabs: p.slabs}, nil
}

// Entries scans the fragment and shows the entries of the outermost mapping as
// they come, without their content. It goes on to the end of the text, unless
// visit says that it has seen enough.
func (f Fragment) Entries(visit func(text *Tree, key, value *Node) (enough bool)) error {
	p := f.parser(0)
	text := &Tree{Fragment: f}
	p.visit = func(key, value *Node) bool { return visit(text, key, value) }
	if _, err := p.document(); err != nil && !errors.Is(err, errEnough) {
		return err
	}
	return nil
}

// Within returns a value of the text as a fragment, with its anchor and tag.
func (t *Tree) Within(n *Node) Fragment {
	full := n.Full()
	return Fragment{Text: t.Text[full.Start:full.End:full.End], Column: n.Column, breaks: t.breaks}
}

// Item returns an item of a sequence as a fragment, with the rest of its last
// line if it is in block style.
func (t *Tree) Item(sequence *Node, index int) Fragment {
	span, column := t.ItemSpan(sequence, index), sequence.Column+1
	whole, end := t.whole, t.end-len(t.Text)+span.End
	if whole == nil {
		whole, end = t.Text, span.End
	}
	if sequence.Style == Flow {
		whole, end = nil, 0 // its bracket ends it
		column = sequence.Content[index].Column
		if start := span.Start - column; start < 0 || len(bytes.TrimLeft(t.Text[start:span.Start], " ")) > 0 {
			// What is before it in its line is not indentation.
			column = 0
		}
	}
	return Fragment{Text: t.Text[span.Start:span.End:span.End], Column: column, breaks: t.breaks, whole: whole, end: end}
}

// ItemSpan returns the bytes of the text that Item's fragment is made of.
func (t *Tree) ItemSpan(sequence *Node, index int) Span {
	item := sequence.Content[index]
	if sequence.Style == Flow {
		return item.Full()
	}
	return Span{item.Indicator + 1, NextLine(t.Text, max(item.Full().End, item.Indicator+1))}
}
