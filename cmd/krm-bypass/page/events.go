package page

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"
)

// look is how often the files are looked at while a page is open.
const look = time.Second

// mostWatching is how many pages are told of changed files at a time. A browser opens six
// connections to a host at the most, whatever the number of its tabs: what watches must
// leave some to what is opened.
const mostWatching = 3

// watching are the pages that wait for events, the one that came first in front. Each is
// sent away by closing its channel, and comes again by itself.
type watching struct {
	mu  sync.Mutex
	all []chan struct{}
}

// come takes in a page. If there are too many then, the first has to go.
func (w *watching) come() (sentAway chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	sentAway = make(chan struct{})
	if w.all = append(w.all, sentAway); len(w.all) > mostWatching {
		close(w.all[0])
		w.all = slices.Delete(w.all, 0, 1)
	}
	return sentAway
}

func (w *watching) leave(sentAway chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.all = slices.DeleteFunc(w.all, func(one chan struct{}) bool { return one == sentAway })
}

// events tells a page when the files are not those any more that it shows. It says no
// more: the page asks for what is new, or offers to.
func (s *Site) events(w http.ResponseWriter, r *http.Request) {
	sentAway := s.watching.come()
	defer s.watching.leave(sentAway)
	// A browser that comes again says what it was told last.
	since := cmp.Or(r.Header.Get("Last-Event-ID"), r.URL.Query().Get("since"))
	control := http.NewResponseController(w)
	_, _ = control.SetReadDeadline(time.Time{}), control.SetWriteDeadline(time.Time{}) // what has none needs none
	w.Header().Set("Content-Type", "text/event-stream")
	fmt.Fprint(w, "retry: 2000\n\n")
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	for {
		if state := s.tree.State(); state != since {
			since = state
			fmt.Fprintf(w, "event: changed\nid: %s\ndata: %[1]s\n\n", state)
		}
		if control.Flush() != nil {
			return
		}
		select {
		case <-sentAway:
			return
		case <-r.Context().Done():
			return
		case <-ticker.C:
		}
	}
}
