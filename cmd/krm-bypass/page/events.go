package page

import (
	"fmt"
	"net/http"
	"time"
)

// look is how often the files are looked at while a page is open.
const look = time.Second

// events tells a page when the files are not those any more that it shows. It says no
// more: the page asks for what is new, or offers to.
func (s *Site) events(w http.ResponseWriter, r *http.Request) {
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
