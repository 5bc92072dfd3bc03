package page

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"
)

//go:embed templates assets
var embedded embed.FS

// templates are read when the first page is shown: other commands must not wait for
// them.
var templates = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("").Funcs(template.FuncMap{
		"join":   strings.Join,
		"scopes": func() any { return breadths },
		"pair":   func(a, b any) struct{ A, B any } { return struct{ A, B any }{a, b} },
		"link":   (&request{}).link, // show puts that of the request in its place
	}).ParseFS(embedded, "templates/*.html"))
})

// frame is what stands around each view.
type frame struct {
	Title   string
	Version string
	// View names the view, by which the navigation marks where the user is.
	View string
	Spec SpecFile
	// Draft is the name of the draft that is shown, Changed whether it differs from its
	// base, Outdated whether the file has changed since.
	Draft             string
	Changed, Outdated bool
	ReadOnly          string
	Nav               []navigation
	// Body is the view's own data.
	Body any
}

type navigation struct {
	Name, URL string
	Current   bool
}

// show renders a view: the template of that name, inside the frame, or alone for the
// script.
func (s *Site) show(r *request, view, title string, body any) error {
	f := frame{Title: title, Version: s.options.Version, View: view, Spec: r.spec, ReadOnly: s.options.ReadOnly, Body: body}
	if r.draft != nil {
		f.Draft, f.Changed, f.Outdated = r.draft.id, r.draft.isChange(), !bytes.Equal(r.draft.base, r.spec.Text)
	}
	for _, n := range [][2]string{{"Workloads", "/"}, {"Connection", "/connection"}, {"Findings", "/findings"}, {"Rules", "/rules"}} {
		f.Nav = append(f.Nav, navigation{n[0], r.link(n[1]), r.URL.Path == n[1]})
	}
	name := "page"
	if r.fragment() {
		name = view
	}
	var b bytes.Buffer
	if err := template.Must(templates().Clone()).Funcs(template.FuncMap{"link": r.link}).ExecuteTemplate(&b, name, f); err != nil {
		return err
	}
	r.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, err := r.w.Write(b.Bytes())
	return err
}

// asset serves a file of ours.
func asset(w http.ResponseWriter, r *http.Request) {
	name := path.Join("assets", path.Base(r.PathValue("name")))
	text, err := embedded.ReadFile(name)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(text))
}
