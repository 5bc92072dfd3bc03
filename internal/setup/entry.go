package setup

import (
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/spec"
	"github.com/krm-bypass/krm-bypass/internal/stream"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// entry is an item of a list that names the spec's file.
type entry struct {
	// list leads to the list, and what says what it has to be.
	list edit.Path
	what string
	// item is the text of the item, or of its entry key, beside which others stand.
	key, item string
	beside    [][2]string
}

// added adds an entry to the one document of a file. There is no change where it is
// there already.
func (f *Folder) added(file yamltext.File, e entry) ([]Change, []string, error) {
	documents := stream.Of(file).Documents
	if len(documents) != 1 {
		return nil, nil, fmt.Errorf("%s: it holds %d documents instead of one: what its tool makes of that is not known", f.named(file), len(documents))
	}
	text, err := f.changed(file, documents[0], e.edits)
	if err != nil {
		return nil, nil, err
	}
	if text == nil {
		return nil, nil, nil
	}
	return []Change{{file.Path, file.Text, text}}, nil, nil
}

func (e entry) edits(root node.Value) ([]edit.Edit, error) {
	list := root.At(e.list...)
	if list.Exists() && !list.IsNull() && !list.IsList() {
		return nil, fmt.Errorf("%d: %v: %s is needed here, and this is %s: add %s yourself", list.Line(), e.list, e.what, list.Describe(), e.item)
	}
	for _, item := range list.Items() {
		if e.key != "" {
			item = item.Entry(e.key)
		}
		if item.Text() == e.item || item.Text() == "./"+e.item {
			return nil, nil
		}
	}
	return []edit.Edit{{Op: edit.Insert, Path: append(slices.Clone(e.list), list.Len()), Value: e.node()}}, nil
}

func (e entry) node() *yaml.Node {
	if e.key == "" {
		return node.Str(e.item)
	}
	var entries []*yaml.Node
	for _, b := range append(slices.Clone(e.beside), [2]string{e.key, e.item}) {
		entries = append(entries, node.Str(b[0]), node.Str(b[1]))
	}
	return node.Map(entries...)
}

// changed gives a file's text with edits in one of its documents; nil where there are
// none.
func (f *Folder) changed(file yamltext.File, d stream.Document, edits func(root node.Value) ([]edit.Edit, error)) ([]byte, error) {
	document, err := object.Read(d.Fragment())
	if err != nil {
		line, problem := yamltext.Located(err)
		return nil, fmt.Errorf("%s:%d: %s: correct it first", f.named(file), d.Line+max(line, 1)-1, problem)
	}
	wanted, err := edits(node.Of(document.Nodes))
	if err != nil {
		return nil, fmt.Errorf("%s:%w", f.named(file), err)
	}
	if len(wanted) == 0 {
		return nil, nil
	}
	text, err := document.Apply(wanted)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.named(file), err)
	}
	return yamltext.Replace(file.Text, []yamltext.Replacement{{Span: d.Span(), Text: string(text)}}), nil
}

// uncalled says where a spec that is there says nothing of what kustomize runs for it.
func (f *Folder) uncalled(at string) (left []string) {
	file, is := f.file(at)
	if !is {
		return nil
	}
	for _, d := range f.documents(file, spec.Is) {
		if document, err := object.Decode(d.Fragment()); err == nil && !node.Of(document).At("metadata", "annotations", spec.FunctionAnnotation).Exists() {
			left = append(left, fmt.Sprintf("%s:%d: kustomize does not know by what to run it: add the annotation %s to its metadata, as krm-bypass init writes it into a new file", f.named(file), d.Line, spec.FunctionAnnotation))
		}
	}
	return left
}
