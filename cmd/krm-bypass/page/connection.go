package page

// connection says what becomes of a connection of a workload.
func (s *Site) connection(r *request) error { return s.show(r, "connection", "Connection", nil) }
