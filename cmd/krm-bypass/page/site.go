package page

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/krm-bypass/krm-bypass/internal/spec"
)

// Options say how a site may be used.
type Options struct {
	// Version is that of krm-bypass.
	Version string
	// ReadOnly says why nothing can be changed, "" if it can.
	ReadOnly string
	// Given goes before what the specification says, as with the other commands.
	Given spec.Given
}

// Site serves the page of one tree. It checks nobody: a [Guard] stands in front of it.
type Site struct {
	tree    Tree
	options Options
	drafts  drafts
	saved   saved
	mux     *http.ServeMux
	// watching are the pages that wait for events.
	watching watching
}

// New makes the site of a tree.
func New(tree Tree, options Options) *Site {
	s := &Site{tree: tree, options: options, mux: http.NewServeMux()}
	for pattern, view := range map[string]func(*request) error{
		"GET /{$}":         s.matrix,
		"GET /workload":    s.workload,
		"GET /difference":  s.difference,
		"GET /connection":  s.connection,
		"GET /findings":    s.findings,
		"GET /rules":       s.rules,
		"GET /rules/edit":  s.ruleForm,
		"POST /entry":      s.entry,
		"GET /effect":      s.effect,
		"POST /effect":     s.typedEffect,
		"GET /save":        s.saveForm,
		"POST /rules/edit": s.change,
		"POST /save":       s.save,
		"GET /manifests":   s.inPlaceForm,
		"POST /manifests":  s.writeInPlace,
	} {
		s.mux.HandleFunc(pattern, s.view(view))
	}
	s.mux.HandleFunc("GET /assets/{name}", asset)
	s.mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, embedded, "assets/icon.svg") })
	s.mux.HandleFunc("GET /events", s.events)
	return s
}

func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// request is one request, and the draft that its URL names.
type request struct {
	*http.Request
	w     http.ResponseWriter
	query url.Values
	// draft is what the page shows in the place of the specification's file, nil for the
	// file.
	draft *draft
	// spec is the file as it is now, state that of all files.
	spec  SpecFile
	state string
	// anchors are where workloads stand in the page itself, by their keys; nil if each view
	// is a page.
	anchors map[string]string
	// seen is what the view saw of the tree, nil if it did not look.
	seen *Seen
	// begun says that what stands above the view is sent.
	begun bool
}

// fragment reports whether the script asks for a part of the page.
func (r *request) fragment() bool { return r.Header.Get("X-Fragment") != "" }

// isScript reports whether the script asks, and not the browser for somebody who sees how
// the page begins.
func (r *request) isScript() bool {
	mode := r.Header.Get("Sec-Fetch-Mode")
	return mode != "" && mode != "navigate"
}

// text gives the text of the specification that the request is about, nil for that of
// its file.
func (r *request) text() []byte {
	if r.draft == nil {
		return nil
	}
	return r.draft.text
}

// link gives a URL of the site that keeps the draft.
func (r *request) link(path string, pairs ...string) string {
	if r.anchors != nil {
		return r.anchors[strings.Join(pairs[min(1, len(pairs)):], "")]
	}
	query := url.Values{}
	if r.draft != nil {
		query.Set("draft", r.draft.id)
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			query.Set(pairs[i], pairs[i+1])
		}
	}
	if len(query) == 0 {
		return path
	}
	return path + "?" + query.Encode()
}

// view makes a handler of a view: it finds the draft, and shows the error if there is
// one.
func (s *Site) view(show func(*request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, in *http.Request) {
		r := &request{Request: in, w: w, query: in.URL.Query()}
		err := s.begin(r)
		if err == nil {
			err = show(r)
		}
		if err != nil && in.Context().Err() == nil {
			s.fail(r, err)
		}
	}
}

func (s *Site) begin(r *request) (err error) {
	if err := r.read(); err != nil {
		return err
	}
	r.state = s.tree.State() // before anything is read, so that what changes meanwhile is told
	if r.spec, err = s.tree.Spec(); err != nil {
		return err
	}
	if id := r.query.Get("draft"); id != "" {
		if r.draft, err = s.drafts.find(id); err != nil {
			return &failure{http.StatusGone, err}
		}
	}
	return nil
}

// see reads and explains the manifests with the text that the request is about.
func (s *Site) see(r *request) (seen *Seen, err error) {
	seen, err = s.tree.See(r.Context(), r.text())
	r.seen = seen
	return seen, err
}

// looked is what came of a look at the tree.
type looked struct {
	seen *Seen
	err  error
}

// looking looks at the tree beside the request.
func (s *Site) looking(ctx context.Context, r *request) <-chan looked {
	done := make(chan looked, 1)
	text := r.text()
	go func() {
		seen, err := s.tree.See(ctx, text)
		done <- looked{seen, err}
	}()
	return done
}

// seeUnder is see for a view that has this title whatever there is to see. Where reading
// takes long, the page begins before it: whoever opens it sees what is going on.
func (s *Site) seeUnder(r *request, title string) (*Seen, error) {
	if r.isScript() {
		return s.see(r) // nobody sees how it begins
	}
	done := s.looking(r.Context(), r)
	var is looked
	select {
	case is = <-done:
	case <-time.After(patience):
		if err := s.begins(r, title); err != nil {
			return nil, err
		}
		is = <-done
	}
	r.seen = is.seen
	return is.seen, is.err
}

// read reads the whole of a form that is posted: half of one would be a change that
// nobody asked for.
func (r *request) read() error {
	err := r.ParseForm()
	if err == nil {
		err = r.ParseMultipartForm(mostPosted)
	}
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return &failure{http.StatusRequestEntityTooLarge, fmt.Errorf("more than %d MiB were sent, and nothing of it is taken", mostPosted>>20)}
	case err != nil && !errors.Is(err, http.ErrNotMultipart):
		return &failure{http.StatusBadRequest, fmt.Errorf("reading the form: %w", err)}
	case r.Method == http.MethodPost && r.ContentLength != 0 && len(r.PostForm) == 0:
		return &failure{http.StatusUnsupportedMediaType, errors.New("what was sent is no form")}
	}
	return nil
}

// failure is an error with the status of its answer.
type failure struct {
	status int
	error
}

func (f *failure) Unwrap() error { return f.error }

func (s *Site) fail(r *request, err error) {
	status := http.StatusInternalServerError
	var known *failure
	if errors.As(err, &known) {
		status = known.status
	}
	if !r.begun {
		r.w.WriteHeader(status)
	}
	_ = s.show(r, "failure", "It did not work", err.Error()) // there is nobody else to tell
}
