package spec

import (
	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/stream"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// Text is a ClusterBypass in a file, to be edited.
type Text struct {
	edit.Document
	// Line is that of the file in which the text begins, from 1.
	Line int
	// In is where it stands in the file.
	In yamltext.Span
}

// Texts gives every ClusterBypass of a file, and what is wrong with documents that cannot
// be read.
func Texts(f yamltext.File) ([]Text, Problems) {
	var texts []Text
	var problems Problems
	for _, d := range stream.Of(f).Documents {
		document, err := object.Read(d.Fragment())
		if err != nil {
			line, problem := yamltext.Located(err)
			problems = append(problems, Problem{File: f.Path, Line: d.Line + max(line, 1) - 1, Message: "reading the document: " + problem})
			continue
		}
		if Is(object.HeadOf(document.Nodes).Type) {
			document.Above = d.Line - 1
			texts = append(texts, Text{document, d.Line, d.Span()})
		}
	}
	return texts, problems
}
