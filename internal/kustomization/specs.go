package kustomization

import (
	"bytes"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/konfig"

	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// findSpecs notes the documents of an entry that say what bypasses, if it is one
// by which kustomize has objects.
func (b *builder) findSpecs(l *layer, e *entry, text []byte) {
	file := yamltext.File{Path: b.name(e.path), Text: text}
	switch {
	case e.kind != fileOrFolder && e.kind != plugin:
		b.note(l, e, text)
		return
	case e.path == "":
		file.Path = b.name(l.file) + ": " + e.String()
	}
	// What is no YAML, kustomize refuses.
	if specs, others, err := b.specsIn(file); err == nil {
		e.specs, e.others, e.local = specs, others, others > 0 && bytes.Contains(text, []byte(konfig.IgnoredByKustomizeAnnotation))
	}
}

// specsIn gives the documents of a file that say what bypasses, each as a file
// that has empty lines in the place of the others, so that lines stay the same;
// and how many others there are.
func (b *builder) specsIn(file yamltext.File) (specs []Spec, others int, err error) {
	for _, d := range object.Documents(file.Text) {
		document, err := object.Decode(d.Fragment())
		switch {
		case err != nil:
			return nil, 0, err
		case b.options.IsSpec(document):
			text := slices.Concat([]byte(strings.Repeat("\n", d.Line-1)), d.Text)
			specs = append(specs, Spec{File: yamltext.File{Path: file.Path, Text: text}})
		default:
			others++
		}
	}
	return specs, others, nil
}

// isSpec reports whether an entry names specs and nothing else.
func (e *entry) isSpec() bool { return len(e.specs) > 0 && e.others == 0 }

// hasSpec reports whether a spec is among the objects of a kustomization.
func (l *layer) hasSpec() bool {
	return slices.ContainsFunc(l.entries, func(e entry) bool {
		return e.kind != plugin && (len(e.specs) > 0 || e.base != nil && e.base.hasSpec())
	})
}

// hasLocal reports whether a kustomization may have local configuration, which
// kustomize gives to a function and does not print.
func (l *layer) hasLocal() bool {
	return slices.ContainsFunc(l.entries, func(e entry) bool { return e.local || e.base != nil && e.base.hasLocal() })
}
