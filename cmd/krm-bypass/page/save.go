package page

import (
	"bytes"
	"errors"
	"net/http"
)

// ErrChanged says that the specification's file no longer holds what it did.
var ErrChanged = errors.New("the file changed since")

// saveView says what saving the draft does.
type saveView struct {
	Title          string
	Locked, Action string
	// TakesBack says that the draft is what the file held before it was saved.
	TakesBack bool
	// Nothing says that there is no change, Saved that it was saved, Since what changed in
	// the file after that.
	Nothing, Saved bool
	Since          []diffLine
	// Gone says that the file cannot be read.
	Gone bool
	// Conflict says that the file changed since the draft began from it, nil if it did not.
	Conflict *conflictView
	// Carried says that the draft's changes were made anew in what the file holds, Notes
	// what became of what others wrote there.
	Carried         bool
	Notes           []string
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
	if _, is := s.tree.(Rewriter); is && s.options.ReadOnly == "" {
		v.Manifests = r.link("/manifests")
	}
	switch d := r.draft; {
	case !d.isChange():
		v.Nothing, v.Carried = true, d != nil && d.carried
	case bytes.Equal(d.text, r.spec.Text):
		v.Saved, v.TakesBack = true, d.takesBack
	case r.isGone():
		v.Gone, v.Steps = true, steps(d)
	case s.wasSaved(r):
		v.TakesBack = d.takesBack
		v.Saved, v.Since = true, specDiff(r.spec.Path, d.text, r.spec.Text)
	default:
		v.Carried, v.Notes = d.carried, d.allNotes()
		if r.isOutdated() {
			if next := s.carriesOver(r); next != nil {
				http.Redirect(r.w, r.Request, next.link("/save"), http.StatusSeeOther)
				return nil
			}
			v.Conflict = s.conflict(r)
		}
		if v.TakesBack = d.takesBack; v.TakesBack {
			v.Title = "Take back what was saved"
		}
		v.Steps = steps(d)
	}
	r.answer(status)
	if !v.Nothing && !v.Saved {
		var err error
		if v.Effect, err = s.effectOf(r, r.draft, v.Title); err != nil {
			return err
		}
	}
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
	case why != "" && r.draft != nil && s.options.ReadOnly == "":
		return s.showSave(r, http.StatusConflict) // which says why, and has the draft still
	case why != "":
		return &failure{http.StatusForbidden, errors.New(why)}
	case !r.draft.isChange():
		return &failure{http.StatusBadRequest, errors.New("there is nothing to save")}
	}
	switch r.PostFormValue("do") {
	case "again":
		return s.makeAgain(r)
	case "undo":
		return s.undo(r)
	}
	err := s.tree.Save(r.draft.base, r.draft.text)
	if err == nil {
		s.saved.add(r.draft)
	}
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
