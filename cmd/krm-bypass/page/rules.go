package page

import "net/http"

// rules shows the rules of the specification.
func (s *Site) rules(r *request) error { return s.show(r, "rules", "Rules", nil) }

// ruleForm shows a rule as a form.
func (s *Site) ruleForm(r *request) error { return s.show(r, "rule", "Rule", nil) }

// entry says what is wrong with an entry that is being typed.
func (s *Site) entry(r *request) error { return s.show(r, "entry", "Entry", nil) }

// effect shows what the draft changes.
func (s *Site) effect(r *request) error {
	if r.draft == nil {
		return s.show(r, "effect", "Effect", &Changes{})
	}
	changes, err := s.tree.Changes(r.Context(), r.draft.base, r.draft.text)
	if err != nil {
		return err
	}
	return s.show(r, "effect", "Effect", changes)
}

// change makes a draft of a changed rule.
func (s *Site) change(r *request) error {
	http.Redirect(r.w, r.Request, r.link("/rules"), http.StatusSeeOther)
	return nil
}
