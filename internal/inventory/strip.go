package inventory

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/each"
	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// takings gives what can go from the files once the spec is used.
func (s *survey) takings() []annotated {
	var all []annotated
	for _, w := range s.workloads {
		for _, each := range append([]*workload{w}, w.twins...) {
			all = append(all, each.annotated)
		}
	}
	for _, n := range s.namespaces {
		if n.needed == "" {
			all = append(all, n.annotated)
		}
	}
	return slices.DeleteFunc(all, func(a annotated) bool { return len(a.taken) == 0 })
}

// adoptable gives the workloads from which something is in the spec.
func (s *survey) adoptable() []*workload {
	var all []*workload
	for _, w := range s.workloads {
		all = append(append(all, w), w.twins...)
	}
	return slices.DeleteFunc(all, func(w *workload) bool { return len(w.spoken(s.mesh)) == 0 })
}

// spoken are the keys taken of which the spec speaks: others the mesh passes over.
func (a annotated) spoken(m *mesh.Mesh) (keys []string) {
	for _, key := range m.Keys {
		if slices.Contains(a.taken, key.Annotation) && a.imported.Says(key.Field) {
			keys = append(keys, key.Annotation)
		}
	}
	return keys
}

// Stripped gives those of the files that change when what was imported is taken
// out of them, with their new text. The mesh's own configuration stays: the
// spec restates it, and pods of which the spec does not speak still go by it.
// The error is Problems.
func (i *Inventory) Stripped() ([]File, error) {
	takes := map[*document][]annotated{}
	for _, t := range i.takes {
		takes[t.in] = append(takes[t.in], t)
	}
	return i.rewritten(func(d *document) ([]byte, error) {
		if takes[d] == nil {
			return nil, nil
		}
		return d.without(takes[d])
	})
}

// rewritten gives those of the files that change when documents get new texts; nil for
// a document is as it was.
func (i *Inventory) rewritten(text func(d *document) ([]byte, error)) ([]File, error) {
	var problems Problems
	var files []File
	rest := i.all // they come file by file
	for _, f := range i.files {
		var all bytes.Buffer
		at := 0
		for ; len(rest) > 0 && rest[0].file == f.Path; rest = rest[1:] {
			d := rest[0]
			is, err := text(d)
			if err != nil {
				problems = append(problems, d.refused(err))
			}
			if is == nil {
				continue
			}
			all.Write(f.Text[at:d.offset])
			all.Write(is)
			at = d.offset + len(d.text.Text)
		}
		if at > 0 {
			all.Write(f.Text[at:])
			files = append(files, File{Path: f.Path, Text: all.Bytes()})
		}
	}
	if len(problems) > 0 {
		return nil, problems.inOrder()
	}
	return files, nil
}

// without gives the text without what is taken, and without the comments on that alone.
func (d *document) without(takes []annotated) ([]byte, error) {
	var edits []edit.Edit
	var gone []yamltext.Replacement
	for _, t := range takes {
		edits = append(edits, t.removals()...)
		for _, key := range t.taken {
			if above := d.remark(append(slices.Clone(t.path), key)).above; !above.Empty() {
				gone = append(gone, yamltext.Replacement{Span: above})
			}
		}
	}
	bare := yamltext.Replace(d.text.Text, gone)
	read, err := object.Decode(yamltext.Fragment{Text: bare})
	if err != nil {
		return nil, fmt.Errorf("without the comments: %w", err)
	}
	if node.Of(read).Digest() != node.Of(d.text.Nodes).Digest() {
		return nil, errors.New("the comments cannot be taken away by themselves: remove them by hand first")
	}
	return edit.Text(bare, edits) // the nodes stay as they are
}

// refused is the problem with an edit that cannot be made.
func (d *document) refused(err error) Problem {
	var path edit.Path
	if bad, is := errors.AsType[*edit.Error](err); is {
		path, err = bad.Path, bad
	}
	return d.problem("", path, "removing what was imported: %v", err)
}

// removals takes away the annotations that are in the spec, and with them the mappings around them
// that hold nothing else.
func (t annotated) removals() []edit.Edit {
	if whole := t.whole(); whole != nil {
		return []edit.Edit{{Path: whole, Op: edit.Remove}}
	}
	return each.As(t.taken, func(key string) edit.Edit { return edit.Edit{Path: append(slices.Clone(t.path), key), Op: edit.Remove} })
}

// whole is the outermost mapping that holds nothing but what is taken, no comment either, as far
// as krm-bypass makes it anew: below others it would find no place. It is nil where there is none.
func (t annotated) whole() edit.Path {
	path := t.path
	may := func(path edit.Path) bool { return t.makes == nil || t.makes(path) }
	if held(t.in.text.Nodes, path) != len(t.taken) || !may(path) || t.shares(path) {
		return nil
	}
	for may(path[:len(path)-1]) && held(t.in.text.Nodes, path[:len(path)-1]) == 1 && !t.shares(path[:len(path)-1]) {
		path = path[:len(path)-1]
	}
	return path
}

// shares reports whether there are comments in a mapping, or beside its key, that are not
// about what is taken alone.
func (t annotated) shares(path edit.Path) bool {
	in, k := t.in.entryAt(path)
	if in == nil {
		return false
	}
	key, value := in.Content[k], in.Content[k+1]
	within := yamltext.Span{Start: key.Full().Start, End: yamltext.LineEnd(t.in.tree.Text, value.Full().End)}
	return slices.ContainsFunc(t.in.comments(within, key, value), func(at int) bool {
		return !slices.ContainsFunc(t.taken, func(key string) bool {
			r := t.in.remark(append(slices.Clone(t.path), key))
			return r.above.Start <= at && at < r.line.End && (at < r.above.End || at >= r.line.Start)
		})
	})
}

// held counts what stands in a mapping, merge keys too; 0 for anything else.
func held(document *yaml.Node, path edit.Path) int {
	if at := node.Of(document).At(path...); at.IsMapping() {
		return at.Len()
	}
	return 0
}
