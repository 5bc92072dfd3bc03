package revise

import (
	"errors"
	"fmt"
	"slices"

	"github.com/krm-bypass/krm-bypass/internal/each"
	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/spec"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// text is the ClusterBypass that is changed, in its file.
type text struct {
	file yamltext.File
	spec.Text
	// was is what it says before the change, nil until then.
	was *node.Value
}

// says is what stands there.
func (t *text) says() node.Value { return node.Of(t.Nodes) }

// edit makes edits in the text.
func (t *text) edit(edits ...edit.Edit) error {
	if len(edits) == 0 {
		return nil
	}
	if err := t.remember(); err != nil {
		return err
	}
	for i := range edits {
		edits[i].Styled = true
	}
	changed, err := t.Apply(edits)
	if err != nil {
		return err //nolint:wrapcheck // it names the place
	}
	return t.become(changed)
}

// remember keeps what the text says, since editing changes its nodes.
func (t *text) remember() error {
	if t.was != nil {
		return nil
	}
	document, err := object.Read(yamltext.Fragment{Text: t.Document.Text})
	if err != nil {
		return fmt.Errorf("reading the document: %w", err)
	}
	was := node.Of(document.Nodes)
	t.was = &was
	return nil
}

// become takes another text, which is read anew.
func (t *text) become(changed []byte) error {
	if err := t.remember(); err != nil {
		return err
	}
	document, err := object.Read(yamltext.Fragment{Text: changed})
	if err != nil {
		_, problem := yamltext.Located(err) // its line is that of a text that nobody sees
		return fmt.Errorf("the text cannot be changed in that place alone; change it by hand: %s", problem)
	}
	document.Above = t.Above
	t.Document = document
	t.file.Text = yamltext.Replace(t.file.Text, []yamltext.Replacement{{Span: t.In, Text: string(changed)}})
	t.In.End = t.In.Start + len(changed)
	return nil
}

var errElsewhere = errors.New("something else would change with it: change it by hand")

// unchangedBut makes sure that everything but the values at the paths says what it said.
func (t *text) unchangedBut(paths ...edit.Path) error {
	if t.was == nil {
		return nil
	}
	return sameBut(*t.was, t.says(), nil, paths)
}

func sameBut(was, is node.Value, at edit.Path, but []edit.Path) error {
	if slices.ContainsFunc(but, func(p edit.Path) bool { return len(p) == 0 }) {
		return nil
	}
	if len(but) == 0 {
		if was.Exists() != is.Exists() || was.Digest() != is.Digest() {
			return fmt.Errorf("%v: %w", at, errElsewhere)
		}
		return nil
	}
	within := func(step any) (tails []edit.Path) {
		for _, p := range but {
			if p[0] == step {
				tails = append(tails, p[1:])
			}
		}
		return tails
	}
	seen := map[string]bool{}
	for _, side := range []node.Value{was, is} {
		for e := range side.Entries() {
			if seen[e.Key] {
				continue
			}
			seen[e.Key] = true
			if err := sameBut(was.Entry(e.Key), is.Entry(e.Key), append(at[:len(at):len(at)], e.Key), within(e.Key)); err != nil {
				return err
			}
		}
	}
	for i := range max(len(was.Items()), len(is.Items())) {
		if err := sameBut(was.Item(i), is.Item(i), append(at[:len(at):len(at)], i), within(i)); err != nil {
			return err
		}
	}
	return nil
}

// listed makes sure that a list holds what it held but for what arrange does to it, an item
// that came being "".
func (t *text) listed(list edit.Path, arrange func(was []string) []string) error {
	digests := func(v node.Value) []string { return each.As(v.At(list...).Items(), node.Value.Digest) }
	if want, is := arrange(digests(*t.was)), digests(t.says()); !slices.EqualFunc(want, is, func(w, i string) bool { return w == "" || w == i }) {
		return fmt.Errorf("%v: %w", list, errElsewhere)
	}
	return t.unchangedBut(list)
}

// own reports whether a value stands at a path itself, and not by a merge key.
func own(v node.Value, path edit.Path) bool {
	for i, step := range path {
		key, isKey := step.(string)
		if isKey && !slices.ContainsFunc(slices.Collect(v.Entries()), func(e node.Entry) bool { return e.Key == key && !e.Merged }) {
			return false
		}
		if v = v.At(path[i]); !v.Exists() {
			return false
		}
	}
	return true
}
