package page

import (
	"errors"
	"net/http"
)

// ErrChanged says that the specification's file no longer holds what it did.
var ErrChanged = errors.New("the file changed since")

// saveForm shows what saving the draft does.
func (s *Site) saveForm(r *request) error { return s.show(r, "save", "Save", nil) }

// save writes the draft into the specification's file.
func (s *Site) save(r *request) error {
	switch {
	case s.options.ReadOnly != "":
		return &failure{http.StatusForbidden, errors.New(s.options.ReadOnly)}
	case r.draft == nil:
		return &failure{http.StatusBadRequest, errors.New("there is nothing to save")}
	}
	if err := s.tree.Save(r.draft.base, r.draft.text); err != nil {
		return &failure{http.StatusConflict, err}
	}
	http.Redirect(r.w, r.Request, "/", http.StatusSeeOther)
	return nil
}
