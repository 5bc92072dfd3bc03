package inventory

import (
	"bytes"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/pass"
	"github.com/krm-bypass/krm-bypass/internal/transform"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// File is a file of manifests or Helm values.
type File = yamltext.File

// document is one document of a file.
type document struct {
	file string
	// line of the file in which the document begins.
	line int
	// offset of the document's first byte in the file.
	offset int
	text   edit.Document
	// tree is the scanned text, nil until somebody asks for a comment.
	tree *yamltext.Tree
	// made is the file that kustomize made the object from, which then is file too; nil
	// for a document that stands in its file as it is.
	made *pass.Source
	// use is what a kustomization makes of the file.
	use transform.Use
}

// isPatch says why its objects are patches of others, "" where they are not known to be.
func (d *document) isPatch() string {
	if d.use.Patch == "" || d.use.Resource != "" {
		return ""
	}
	return "its file is a patch, by " + d.use.Patch + ": import the folder of that kustomization"
}

// templated is how Helm's templates begin what they fill in.
const templated = "{{"

// documents reads a file. A template of a Helm chart is no YAML, which is not its fault,
// nor need a file be that holds no object: they are worth a warning, and everything else
// is an error.
func (s *survey) documents(f File) []*document {
	var found []*document
	for i, d := range object.Documents(f.Text) {
		text, err := object.Read(d.Fragment())
		switch {
		case err == nil:
			one := &document{file: f.Path, line: d.Line, offset: d.Offset, text: text, use: s.uses[f.Path]}
			if made := s.made[f.Path]; made != nil {
				if one.made = made(i); one.made != nil {
					one.file = one.made.File()
				}
			}
			found = append(found, one)
		case bytes.Contains(d.Text, []byte(templated)):
			s.skip(f.Path, d.Line)
		case object.HoldsNone(d.Text) && !mentionsSetting(d.Text):
			s.warn(Problem{File: f.Path, Line: d.Line, Message: "skipped: it is neither a Kubernetes object nor about a mesh: " + err.Error()})
		default:
			s.fail(Problem{File: f.Path, Line: d.Line, Message: "reading the document: " + err.Error() + ": fix it, or name only the other files"})
		}
	}
	return found
}

// mentionsSetting reports whether a text has a key by which a mesh could be told what
// bypasses.
func mentionsSetting(text []byte) bool {
	return mesh.Mentions(text) || slices.ContainsFunc(valueSources(), func(of sourceOf) bool {
		return slices.ContainsFunc(of.Settings, func(one mesh.Setting) bool { return bytes.Contains(text, []byte(one.Key)) })
	})
}

// skip tells of a template of a chart, once for each chart, or for a file that is in none.
func (s *survey) skip(file string, line int) {
	p := Problem{File: file, Line: line, Message: "skipped: " + fillsIn}
	if chart, _, is := strings.Cut(file, "/templates/"); is && chart != "" {
		p = Problem{File: chart, Message: "skipped: the templates of this Helm chart: render it and import what comes out, as in helm template NAME " + chart + " | krm-bypass import -"}
	}
	if !slices.ContainsFunc(s.warnings, func(told Problem) bool { return told.File == p.File && told.Message == p.Message }) {
		s.warn(p)
	}
}

// resource is an object of a document, or Helm values, which are none.
type resource struct {
	object.Object
	in *document
	// group is that of the object's apiVersion.
	group, namespace, name string
}

func (o resource) path(relative ...any) edit.Path {
	return slices.Concat(o.Path, edit.Path(relative))
}

func (o resource) id() string { return object.Named(o.Kind, o.namespace, o.name) }

// entry reports whether a mapping has a key of its own, not by a merge key or an
// alias.
func entry(n *yaml.Node, path edit.Path) bool {
	for _, step := range path {
		if n == nil || n.Kind == yaml.AliasNode {
			return false
		}
		n = own(node.Of(n).Node(), step)
	}
	return n != nil
}

// own gives what a mapping or a list itself has at a step, nil for nothing.
func own(n *yaml.Node, step any) *yaml.Node {
	switch step := step.(type) {
	case string:
		for k := 0; node.Of(n).IsMapping() && k+1 < len(n.Content); k += 2 {
			if n.Content[k].Value == step {
				return n.Content[k+1]
			}
		}
	case int:
		if node.Of(n).IsList() && step < len(n.Content) {
			return n.Content[step]
		}
	}
	return nil
}
