package page

// findings shows what check finds.
func (s *Site) findings(r *request) error {
	seen, err := s.tree.See(r.Context(), r.text())
	if err != nil {
		return err
	}
	return s.show(r, "findings", "Findings", seen)
}
