package page

// findings shows what check finds.
func (s *Site) findings(r *request) error {
	seen, err := s.see(r)
	if err != nil {
		return err
	}
	return s.show(r, "findings", "Findings", seen)
}
