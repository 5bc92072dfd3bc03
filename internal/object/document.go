package object

import (
	"bytes"
	"encoding/json"
	"slices"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// A Document is one document of a stream. The texts of all documents, one after
// the other, are the stream.
type Document struct {
	yamltext.Document
	// Offset of the text in the stream.
	Offset int
}

// End is where the text ends in the stream.
func (d Document) End() int { return d.Offset + len(d.Text) }

// Span is that of the text in the stream.
func (d Document) Span() yamltext.Span { return yamltext.Span{Start: d.Offset, End: d.End()} }

// Fragment gives the text to be read.
func (d Document) Fragment() yamltext.Fragment { return yamltext.Fragment{Text: d.Text} }

// Documents gives the documents of a stream that say anything.
func Documents(stream []byte) []Document {
	var documents []Document
	offset := 0
	for _, d := range joined(stream, yamltext.Documents(stream)) {
		for _, value := range values(d) {
			if !blank(value.Text) {
				documents = append(documents, Document{value, offset})
			}
			offset += len(value.Text)
		}
	}
	return documents
}

// joined puts texts together again that were cut behind a line break which kubectl
// does not know: it reads no marker there.
func joined(stream []byte, texts []yamltext.Document) []yamltext.Document {
	if lastOddBreak(stream) < 0 {
		return texts
	}
	var all []yamltext.Document
	start := 0
	for _, d := range texts {
		if r, _ := utf8.DecodeLastRune(stream[:start]); isOddBreak(r) {
			last := &all[len(all)-1]
			last.Text = stream[start-len(last.Text) : start+len(d.Text) : start+len(d.Text)]
		} else {
			all = append(all, d)
		}
		start += len(d.Text)
	}
	return all
}

// blank reports whether a text holds nothing but comments, markers and directives.
// One with a byte order mark is not: tools read it differently.
func blank(text []byte) bool {
	if bytes.Contains(text, []byte(mark)) {
		return false
	}
	if beginsWithLetter(text) { // most do, and scanning takes long
		return false
	}
	tree, err := (yamltext.Fragment{Text: text}).Outline(0)
	if err == nil {
		return tree.Root == nil || tree.Root.Kind == yamltext.Scalar && !tree.Root.Written()
	}
	document, err := node.Parse(text)
	return err == nil && len(document.Content) == 0
}

// beginsWithLetter reports whether any line does. Comments, markers and directives do not,
// so that it is a line with content.
func beginsWithLetter(text []byte) bool {
	for line := range bytes.Lines(text) {
		if c := line[0] | 0x20; c >= 'a' && c <= 'z' {
			return true
		}
	}
	return false
}

// values cuts a text in which JSON values follow one another. Where what follows is
// in braces and no JSON the text stays whole, which is no YAML: each tool reads another
// of the two. So it is where one of several holds a list in a list, which kustomize reads
// and the others do not, while they read what is behind the first, which it does not.
func values(d yamltext.Document) []yamltext.Document {
	var all []yamltext.Document
	whole, nested := d, false
	for {
		end := jsonEnd(d.Text)
		if end == 0 {
			rest := d.Text[contentOf(d.Text):]
			broken := len(all) > 0 && bytes.HasPrefix(rest, []byte("{")) && !json.Valid(rest)
			if broken || nested && (len(all) > 1 || len(rest) > 0) {
				return []yamltext.Document{whole}
			}
			return append(all, d)
		}
		nested = nested || end < len(whole.Text) && holdsListInList(d.Text[:end])
		all = append(all, yamltext.Document{Text: d.Text[:end:end], Line: d.Line})
		d = yamltext.Document{Text: d.Text[end:], Line: d.Line + bytes.Count(d.Text[:end], []byte("\n"))}
	}
}

func holdsListInList(value []byte) bool {
	var list struct {
		Items []struct{ Items []json.RawMessage }
	}
	err := json.Unmarshal(value, &list)
	return err == nil && slices.ContainsFunc(list.Items, func(item struct{ Items []json.RawMessage }) bool { return item.Items != nil })
}

// jsonEnd gives the end of the JSON object that a text begins with, with the
// rest of its line if that is empty; 0 if there is none.
func jsonEnd(text []byte) int {
	start := contentOf(text)
	if start == len(text) || text[start] != '{' {
		return 0
	}
	depth := 0
	for i := start; i < len(text); i++ {
		switch text[i] {
		case '"':
			for i++; i < len(text) && text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
		case '{':
			depth++
		case '}':
			if depth--; depth > 0 {
				continue
			}
			end := i + 1
			for end < len(text) && (text[end] == ' ' || text[end] == '\t') {
				end++
			}
			end += yamltext.BreakAt(text, end)
			if contentOf(text[end:]) == len(text)-end || !json.Valid(text[start:i+1]) {
				return 0
			}
			return end
		}
	}
	return 0
}

// contentOf gives where a document's content begins, behind its marker.
func contentOf(text []byte) int {
	marked := false
	for at := 0; at < len(text); {
		begins := at == 0 || text[at-1] == '\n'
		switch {
		case bytes.IndexByte([]byte(" \t\r\n"), text[at]) >= 0:
			at++
		case text[at] == '#' || text[at] == '%' && begins && !marked:
			at = yamltext.LineEnd(text, at)
		case begins && !marked && isMarker(text[at:]):
			at += len(separator)
			marked = true
		default:
			return at
		}
	}
	return len(text)
}

// Read reads a document, or an item of a list of them, to be looked at and
// edited.
func Read(fragment yamltext.Fragment) (edit.Document, error) {
	if err := separators(fragment); err != nil {
		return edit.Document{}, err
	}
	document, err := edit.Read(fragment)
	return document, judged(fragment, document.Nodes, err)
}

// Decode reads a document, or an item of a list of them, to be looked at.
func Decode(fragment yamltext.Fragment) (*yaml.Node, error) {
	return decode(fragment, func(f yamltext.Fragment) (*yaml.Node, error) { return node.Parse(f.Readable()) })
}

// Look is Decode for who asks for neither comments nor columns, and gets the rest sooner.
func Look(fragment yamltext.Fragment) (*yaml.Node, error) { return decode(fragment, edit.Look) }

func decode(fragment yamltext.Fragment, read func(yamltext.Fragment) (*yaml.Node, error)) (*yaml.Node, error) {
	if err := separators(fragment); err != nil {
		return nil, err
	}
	document, err := read(fragment)
	return document, judged(fragment, document, err)
}

// judged is what is wrong with a text: that it cannot be read, or what was read.
func judged(text yamltext.Fragment, document *yaml.Node, err error) error {
	if err != nil {
		return unreadable(text, err)
	}
	if err := errIfExpands(document, text.Text); err != nil {
		return err
	}
	return errIfTemplate(document, text.Text)
}
