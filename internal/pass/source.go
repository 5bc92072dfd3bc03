package pass

import (
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// Source is a file that another program, such as kustomize, made items from.
type Source struct {
	file string
	// documents are those of its text, by their types with and without their names.
	documents func() map[sourceKey][]*sourceDocument
}

type sourceKey struct {
	object.Type
	name string
}

type sourceDocument struct {
	head  object.Head
	nodes *yaml.Node
	line  int
}

// SourceOf gives a file as a source. Without its text no lines are known.
func SourceOf(file string, text []byte) *Source {
	return &Source{file, sync.OnceValue(func() map[sourceKey][]*sourceDocument {
		all := map[sourceKey][]*sourceDocument{}
		for _, d := range object.Documents(text) {
			if nodes, err := object.Decode(d.Fragment()); err == nil {
				head := object.HeadOf(nodes)
				one := &sourceDocument{head, nodes, d.Line}
				for _, key := range []sourceKey{{head.Type, ""}, {head.Type, head.Name}} {
					all[key] = append(all[key], one)
				}
			}
		}
		return all
	})}
}

// locate says where the value at a path of an object is in the source, with the line
// of the innermost value around it, 0 if the object is not found. exact says that the
// same value stands there.
func (s *Source) locate(d *Document, of *transform.Object, path edit.Path) (at Place, exact bool) {
	at = Place{File: s.file}
	from := s.find(object.Type{APIVersion: of.APIVersion, Kind: of.Kind}, of.Namespace, of.Name)
	if from == nil {
		return at, false
	}
	path = path[min(len(of.Path()), len(path)):]
	at.Line = from.line + node.LineAt(from.nodes, path) - 1
	stands := node.Of(from.nodes).At(path...)
	return at, stands.Exists() && stands.Digest() == of.In(node.Of(d.Nodes), append(of.Path(), path...)).Digest()
}

// File is its path.
func (s *Source) File() string { return s.file }

// LineOf gives the line of the innermost value around a path of an object, 0 if the object
// is not found.
func (s *Source) LineOf(is object.Type, namespace, name string, path edit.Path) int {
	from := s.find(is, namespace, name)
	if from == nil {
		return 0
	}
	return from.line + node.LineAt(from.nodes, path) - 1
}

// find gives the document that an object was made from: the one of its name, or the
// only one whose name is a part of it, since kustomize puts something before and
// behind names. It is nil where that cannot be told.
func (s *Source) find(is object.Type, namespace, name string) *sourceDocument {
	for _, d := range s.documents()[sourceKey{is, name}] {
		if d.head.Namespace == namespace || d.head.Namespace == "" {
			return d
		}
	}
	var found *sourceDocument
	for _, d := range s.documents()[sourceKey{is, ""}] {
		if d.head.Name == "" || !strings.Contains(name, d.head.Name) {
			continue
		}
		if found != nil {
			return nil
		}
		found = d
	}
	return found
}

// originalName gives what finds the name that a workload had in the file from which
// another program made it; nil if nobody knows of such a file.
func (d *Document) originalName(plan *transform.Plan) func() string {
	if d.Source == nil {
		return nil
	}
	w := plan.Workload
	is, namespace, name, source := object.Type{APIVersion: w.APIVersion, Kind: w.Kind}, w.Namespace, w.Name, d.Source
	return func() string {
		if s := source(); s != nil {
			if from := s.find(is, namespace, name); from != nil {
				return from.head.Name
			}
		}
		return ""
	}
}
