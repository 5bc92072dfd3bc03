// Package stream reads files of manifests as one stream of documents, and puts
// changed documents back into their files. Package object says what a document is;
// the tests of package fn judge this one.
package stream

import (
	"slices"

	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// Document is a document of a file that is not empty.
type Document struct {
	object.Document
	// Index counts the documents of its file, from 0.
	Index int
	file  int
}

// Stream is the documents of files, one after the other.
type Stream struct {
	Documents []Document
	files     []yamltext.File
}

// Of reads the documents of files.
func Of(files ...yamltext.File) *Stream {
	s := &Stream{files: files}
	for i, f := range files {
		for index, d := range object.Documents(f.Text) {
			s.Documents = append(s.Documents, Document{d, index, i})
		}
	}
	return s
}

// File is the file of a document.
func (s *Stream) File(d Document) yamltext.File { return s.files[d.file] }

// Rewritten gives the files with changes in some documents.
func (s *Stream) Rewritten(changes [][]yamltext.Replacement) []yamltext.File {
	replacements := make([][]yamltext.Replacement, len(s.files))
	for i, changes := range changes {
		d := s.Documents[i]
		replacements[d.file] = append(replacements[d.file], yamltext.Shifted(changes, d.Offset)...)
	}
	files := slices.Clone(s.files)
	for i, r := range replacements {
		if len(r) > 0 {
			files[i].Text = yamltext.Replace(files[i].Text, r)
		}
	}
	return files
}
