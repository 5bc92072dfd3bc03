package page

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/krm-bypass/krm-bypass/internal/revise"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// ErrChanged says that the specification's file no longer holds what it did.
var ErrChanged = errors.New("the file changed since")

// saveView says what saving the draft does.
type saveView struct {
	Title          string
	Locked, Action string
	// TakesBack says that the draft is what the file held before it was saved.
	TakesBack bool
	// Nothing says that there is no change, Saved that the file holds it already.
	Nothing, Saved bool
	// Theirs is what changed in the file since the draft began from it, Again that the
	// draft's changes can be tried on what it holds now.
	Outdated, Again bool
	Theirs          []diffLine
	Wrong           []string
	Steps           []stepView
	Before, Discard string
	Effect          *effectView
	// Manifests is where they are rewritten, "" where that cannot be.
	Manifests string
}

// stepView is one of the changes of a draft. URL shows the draft as it was before.
type stepView struct{ Did, Before string }

// saveForm shows what saving the draft does.
func (s *Site) saveForm(r *request) error { return s.showSave(r, http.StatusOK) }

func (s *Site) showSave(r *request, status int, wrong ...string) error {
	v := &saveView{Title: "Save", Locked: s.locked(r), Action: r.link("/save"), Wrong: wrong, Discard: "/rules"}
	if _, is := s.tree.(Rewriter); is {
		v.Manifests = r.link("/manifests")
	}
	switch d := r.draft; {
	case !d.isChange():
		v.Nothing = true
	case bytes.Equal(d.text, r.spec.Text):
		v.Saved = true
	default:
		if v.Outdated = !bytes.Equal(d.base, r.spec.Text); v.Outdated {
			v.Theirs, v.Again = specDiff(r.spec.Path, d.base, r.spec.Text), len(d.changes) > 0
		}
		if v.TakesBack = d.takesBack; v.TakesBack {
			v.Title = "Take back what was saved"
		}
		v.Steps = steps(d)
		var err error
		if v.Effect, err = s.effectOf(r, d); err != nil {
			return err
		}
	}
	r.answer(status)
	return s.show(r, "save", v.Title, v)
}

// steps are the changes that led to a draft, the last first.
func steps(d *draft) (all []stepView) {
	for ; d.parent != nil; d = d.parent {
		all = append(all, stepView{d.did, (&request{draft: d.parent}).link("/save")})
	}
	return all
}

// save writes the draft into the specification's file, or does what another button of the
// form says.
func (s *Site) save(r *request) error {
	switch why := s.locked(r); {
	case why != "":
		return &failure{http.StatusForbidden, errors.New(why)}
	case !r.draft.isChange():
		return &failure{http.StatusBadRequest, errors.New("there is nothing to save")}
	}
	switch r.PostFormValue("do") {
	case "again":
		return s.again(r)
	case "undo":
		return s.undo(r)
	}
	err := s.tree.Save(r.draft.base, r.draft.text)
	if r.spec, _ = s.tree.Spec(); err == nil { // what it holds now
		http.Redirect(r.w, r.Request, r.link("/save"), http.StatusSeeOther)
		return nil
	}
	if errors.Is(err, ErrChanged) {
		return s.showSave(r, http.StatusConflict)
	}
	return s.showSave(r, http.StatusInternalServerError, err.Error())
}

// undo makes a draft that takes back what was saved.
func (s *Site) undo(r *request) error {
	if !bytes.Equal(r.spec.Text, r.draft.text) {
		return s.showSave(r, http.StatusConflict, "the file changed after it was saved: taking that back would lose what came later")
	}
	next := *r
	next.draft = s.drafts.add(draft{base: r.draft.text, text: r.draft.base, did: "take back what was saved", takesBack: true})
	http.Redirect(r.w, r.Request, next.link("/save"), http.StatusSeeOther)
	return nil
}

// again makes the draft's changes in what the file holds now.
func (s *Site) again(r *request) error {
	first := r.draft
	for first.parent != nil {
		first = first.parent
	}
	next := *r
	next.draft = s.drafts.add(draft{base: r.spec.Text, text: r.spec.Text})
	was := yamltext.File{Path: r.spec.Path, Text: first.text}
	for _, change := range r.draft.changes {
		moved, text, err := s.replay(was, next.draft.text, change)
		if err != nil {
			return s.showSave(r, http.StatusConflict, err.Error())
		}
		if was.Text, err = revise.Apply(was, change); err != nil {
			return s.showSave(r, http.StatusConflict, err.Error())
		}
		next = *next.with(s, text, moved)
	}
	http.Redirect(r.w, r.Request, next.link("/save"), http.StatusSeeOther)
	return nil
}

// replay makes a change that was made in one text in another: its rule may stand elsewhere
// there.
func (s *Site) replay(was yamltext.File, is []byte, change revise.Change) (revise.Change, []byte, error) {
	now := yamltext.File{Path: was.Path, Text: is}
	before, err := revise.Rows(was)
	if err != nil {
		return nil, nil, fmt.Errorf("%v: reading what it was made in: %w", change, err)
	}
	after, err := revise.Rows(now)
	if err != nil {
		return nil, nil, fmt.Errorf("%v: %w", change, err)
	}
	moved, err := translated(change, before, after)
	if err != nil {
		return nil, nil, fmt.Errorf("%v: %w", change, err)
	}
	text, err := revise.Apply(now, moved)
	if err != nil {
		return nil, nil, err //nolint:wrapcheck // it says which change
	}
	now.Text = text
	if wrong := s.problems(now); len(wrong) > 0 {
		return nil, nil, wrong
	}
	return moved, text, nil
}

// translated gives a change with the path that its rule has among other rows.
func translated(change revise.Change, before, after []revise.Row) (revise.Change, error) {
	var err error
	switch c := change.(type) {
	case revise.Put:
		c.Path, err = sameRule(c.Path, before, after)
		return c, err
	case revise.Remove:
		c.Path, err = sameRule(c.Path, before, after)
		return c, err
	case revise.Move:
		c.Path, err = sameRule(c.Path, before, after)
		return c, err
	}
	return change, nil
}

// errGoneRule says that a change cannot be made again.
var errGoneRule = errors.New("this rule was changed in the file so that it cannot be told which it is: begin again from the file")

// sameRule finds a rule among other rows: by its name, else by whom it is for.
func sameRule(path string, before, after []revise.Row) (string, error) {
	if list(path) == path {
		return path, nil
	}
	i := slices.IndexFunc(before, func(row revise.Row) bool { return row.Path == path })
	if i < 0 {
		return "", errGoneRule
	}
	alike := func(row revise.Row) bool {
		if list(row.Path) != list(path) || row.Name != before[i].Name {
			return false
		}
		return row.Name != "" || label(row) == label(before[i])
	}
	nth, of := 0, 0
	for j, row := range before {
		if alike(row) {
			of++
			if j < i {
				nth++
			}
		}
	}
	found := slices.DeleteFunc(slices.Clone(after), func(row revise.Row) bool { return !alike(row) })
	if len(found) != of {
		return "", errGoneRule
	}
	return found[nth].Path, nil
}
