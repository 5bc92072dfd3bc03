// Package stream reads files of manifests as one stream of documents, and puts
// documents that have changed back into their files.
package stream

import (
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// Document is a document of a file that says anything.
type Document struct {
	yamltext.Document
	// Span is that of its text in the file.
	Span yamltext.Span
	// Index is its place among the documents of its file, from 0.
	Index int
	file  int
}

// Fragment is the document's text.
func (d Document) Fragment() yamltext.Fragment { return yamltext.Fragment{Text: d.Text} }

// Stream is the documents of files, one after the other.
type Stream struct {
	Documents []Document
	files     []yamltext.File
}

// Of reads the documents of files.
func Of(files ...yamltext.File) *Stream {
	s := &Stream{files: files}
	for i, f := range files {
		at, index := 0, 0
		for _, d := range yamltext.Documents(f.Text) {
			span := yamltext.Span{Start: at, End: at + len(d.Text)}
			at = span.End
			if !blank(d.Text) {
				s.Documents = append(s.Documents, Document{d, span, index, i})
				index++
			}
		}
	}
	return s
}

// blank says whether a document holds nothing but comments, markers and
// directives.
func blank(text []byte) bool {
	tree, err := (yamltext.Fragment{Text: text}).Outline(0)
	if err == nil {
		return tree.Root == nil || tree.Root.Kind == yamltext.Scalar && !tree.Root.Written()
	}
	var node yaml.Node
	return yaml.Unmarshal(text, &node) == nil && (node.Kind == 0 || len(node.Content) == 0)
}

// File is the file of a document.
func (s *Stream) File(d Document) yamltext.File { return s.files[d.file] }

// Rewritten gives the files with new texts for some documents, nil for one that
// stays.
func (s *Stream) Rewritten(texts [][]byte) []yamltext.File {
	replacements := make([][]yamltext.Replacement, len(s.files))
	for i, text := range texts {
		if d := s.Documents[i]; text != nil {
			replacements[d.file] = append(replacements[d.file], yamltext.Replacement{Span: d.Span, Text: text})
		}
	}
	files := slices.Clone(s.files)
	for i, r := range replacements {
		if len(r) > 0 {
			files[i].Text = yamltext.Replace(files[i].Text, r)
		}
	}
	return files
}
