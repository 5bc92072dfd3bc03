package page

import (
	"fmt"
	"net/http"
	"time"
)

// look is how often the files are looked at while a page is open.
const look = time.Second

// mostWatching is how many pages are told of changed files at a time. A browser opens
// six connections to a host at the most.
const mostWatching = 32

// events tells a page when the files are not those any more that it shows. It says no
// more: the page asks for what is new, or offers to.
func (s *Site) events(w http.ResponseWriter, r *http.Request) {
	if s.watching.Add(1) > mostWatching {
		s.watching.Add(-1)
		http.Error(w, "too many pages watch the files: close some", http.StatusServiceUnavailable)
		return
	}
	defer s.watching.Add(-1)
	since := r.URL.Query().Get("since")
	control := http.NewResponseController(w)
	_, _ = control.SetReadDeadline(time.Time{}), control.SetWriteDeadline(time.Time{}) // what has none needs none
	w.Header().Set("Content-Type", "text/event-stream")
	fmt.Fprint(w, "retry: 2000\n\n")
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	for {
		if state := s.tree.State(); state != since {
			since = state
			fmt.Fprintf(w, "event: changed\ndata: %s\n\n", state)
		}
		if control.Flush() != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-ticker.C:
		}
	}
}
