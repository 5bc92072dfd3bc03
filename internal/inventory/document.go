package inventory

import (
	"bytes"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/edit"
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
}

// templated is how Helm's templates begin what they fill in.
const templated = "{{"

// documents reads a file. A template of a Helm chart is no YAML, which is not
// its fault: it is worth a warning, and everything else an error.
func (s *survey) documents(f File) []*document {
	var found []*document
	offset := 0
	for _, d := range yamltext.Documents(f.Text) {
		start := offset
		offset += len(d.Text)
		fragment := yamltext.Fragment{Text: d.Text}
		if tree, err := fragment.Outline(0); err == nil && tree.Root == nil {
			continue
		}
		text, err := edit.Read(fragment)
		switch {
		case err == nil:
			found = append(found, &document{file: f.Path, line: d.Line, offset: start, text: text})
		case bytes.Contains(d.Text, []byte(templated)):
			s.warn(Problem{File: f.Path, Line: d.Line, Message: "skipped: " + fillsIn})
		case blank(d.Text):
		default:
			s.fail(Problem{File: f.Path, Line: d.Line, Message: "reading the document: " + err.Error() + ": mend it, or name only the other files"})
		}
	}
	return found
}

// blank says whether a document is empty but for comments, markers and
// directives, which the outline may have refused.
func blank(text []byte) bool {
	var node yaml.Node
	return yaml.Unmarshal(text, &node) == nil && (node.Kind == 0 || len(node.Content) == 0)
}

// object is a mapping that a document is, or that stands in a List.
type object struct {
	in   *document
	base edit.Path
	node *yaml.Node
	// group and kind are "" for what is no Kubernetes object.
	group, kind, namespace, name string
}

func (o object) path(relative ...any) edit.Path {
	return slices.Concat(o.base, edit.Path(relative))
}

func (o object) id() string {
	name := o.name
	if o.namespace != "" {
		name = o.namespace + "/" + name
	}
	return strings.TrimSpace(o.kind + " " + name)
}

// objects gives the document's objects; those in a List of any depth too.
func (d *document) objects() []object {
	root := d.text.Nodes
	if root.Kind == yaml.DocumentNode && len(root.Content) == 1 {
		root = root.Content[0]
	}
	var found []object
	// An alias may lead to a List that it stands in, or many to one.
	lists := map[*yaml.Node]bool{}
	var visit func(node *yaml.Node, base edit.Path)
	visit = func(node *yaml.Node, base edit.Path) {
		node = at(node)
		if node == nil || node.Kind != yaml.MappingNode {
			return
		}
		o := object{in: d, base: base, node: node,
			kind: scalar(at(node, "kind")), namespace: scalar(at(node, "metadata", "namespace")), name: scalar(at(node, "metadata", "name"))}
		if group, _, grouped := strings.Cut(scalar(at(node, "apiVersion")), "/"); grouped {
			o.group = group
		}
		if items := at(node, "items"); strings.HasSuffix(o.kind, "List") && items != nil && items.Kind == yaml.SequenceNode {
			if lists[items] {
				return
			}
			lists[items] = true
			for i, item := range items.Content {
				visit(item, slices.Concat(base, edit.Path{"items", i}))
			}
			return
		}
		found = append(found, o)
	}
	visit(root, nil)
	return found
}

// at gives what stands at a path below a node, aliases and merge keys followed;
// nil where there is nothing.
func at(node *yaml.Node, path ...any) *yaml.Node {
	if node == nil {
		return nil
	}
	node = transform.Lookup(node, path)
	for node != nil && node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	return node
}

func isNull(node *yaml.Node) bool {
	return node.Kind == yaml.ScalarNode && node.ShortTag() == "!!null"
}

// scalar gives what a scalar says, "" for anything else.
func scalar(node *yaml.Node) string {
	if node == nil || node.Kind != yaml.ScalarNode || isNull(node) {
		return ""
	}
	return node.Value
}

// entry says whether a mapping has a key of its own, not by a merge key or an
// alias.
func entry(node *yaml.Node, path edit.Path) bool {
	for i, step := range path {
		if node == nil {
			return false
		}
		if node.Kind == yaml.DocumentNode && len(node.Content) == 1 {
			node = node.Content[0]
		}
		switch step := step.(type) {
		case string:
			next := (*yaml.Node)(nil)
			for k := 0; node.Kind == yaml.MappingNode && k+1 < len(node.Content); k += 2 {
				if node.Content[k].Value == step {
					next = node.Content[k+1]
					break
				}
			}
			node = next
		case int:
			if node.Kind != yaml.SequenceNode || step >= len(node.Content) {
				return false
			}
			node = node.Content[step]
		}
		if node == nil || node.Kind == yaml.AliasNode && i < len(path)-1 {
			return false
		}
	}
	return true
}
