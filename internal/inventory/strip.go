package inventory

import (
	"bytes"
	"errors"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/node"
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

// Stripped gives those of the files that change when what was imported is taken
// out of them, with their new text. The mesh's own configuration stays: the
// spec restates it, and pods of which the spec does not speak still go by it.
// The error is Problems.
func (i *Inventory) Stripped() ([]File, error) {
	edits := map[*document][]edit.Edit{}
	for _, t := range i.takes {
		edits[t.in] = append(edits[t.in], t.removals()...)
	}
	var problems Problems
	var files []File
	rest := i.all // they come file by file
	for _, f := range i.files {
		var text bytes.Buffer
		at := 0
		for ; len(rest) > 0 && rest[0].file == f.Path; rest = rest[1:] {
			d := rest[0]
			if len(edits[d]) == 0 {
				continue
			}
			stripped, err := edit.Text(d.text.Text, edits[d]) // the nodes stay as they are
			if err != nil {
				problems = append(problems, d.refused(err))
				continue
			}
			text.Write(f.Text[at:d.offset])
			text.Write(stripped)
			at = d.offset + len(d.text.Text)
		}
		if at > 0 {
			text.Write(f.Text[at:])
			files = append(files, File{Path: f.Path, Text: text.Bytes()})
		}
	}
	if len(problems) > 0 {
		return nil, problems.inOrder()
	}
	return files, nil
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
// that hold nothing else, as far as krm-bypass makes them anew: below others it would find no place.
func (t annotated) removals() []edit.Edit {
	path := t.path
	may := func(path edit.Path) bool { return t.makes == nil || t.makes(path) }
	if held(t.in.text.Nodes, path) == len(t.taken) && may(path) {
		for may(path[:len(path)-1]) && held(t.in.text.Nodes, path[:len(path)-1]) == 1 {
			path = path[:len(path)-1]
		}
		return []edit.Edit{{Path: path, Op: edit.Remove}}
	}
	var edits []edit.Edit
	for _, key := range t.taken {
		edits = append(edits, edit.Edit{Path: append(slices.Clone(path), key), Op: edit.Remove})
	}
	return edits
}

// held counts what stands in a mapping, merge keys too; 0 for anything else.
func held(document *yaml.Node, path edit.Path) int {
	if at := node.Of(document).At(path...); at.IsMapping() {
		return at.Len()
	}
	return 0
}
