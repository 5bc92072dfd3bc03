package page

import "github.com/krm-bypass/krm-bypass/cmd/krm-bypass/report"

// matrix shows all workloads, and what bypasses each.
func (s *Site) matrix(r *request) error {
	seen, err := s.see(r)
	if err != nil {
		return err
	}
	return s.show(r, "matrix", "Workloads", seen)
}

// workload shows one workload.
func (s *Site) workload(r *request) error {
	seen, err := s.see(r)
	if err != nil {
		return err
	}
	var found *report.Workload
	for i := range seen.Explanation.Workloads {
		if w := &seen.Explanation.Workloads[i]; w.Key() == r.query.Get("of") {
			found = w
		}
	}
	return s.show(r, "workload", r.query.Get("of"), found)
}
