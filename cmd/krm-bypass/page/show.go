package page

import (
	"bytes"
	"cmp"
	"embed"
	"html/template"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/report"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/spec"
)

//go:embed templates assets
var embedded embed.FS

// templates are read when the first page is shown: other commands must not wait for
// them.
var templates = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("").Funcs(template.FuncMap{
		"join":   strings.Join,
		"verb":   report.Verb,
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
	// Mesh is that of the specification, Files the state of the files.
	Mesh, Files string
	// Draft is the name of the draft that is shown, Changed whether it differs from its
	// base, Changes counts in words what was done; Outdated says whether the file has
	// changed since.
	Draft             string
	Changed, Outdated bool
	Changes           string
	// Home and the others are where the links of the header lead: DropURL is this view
	// without the draft, UndoURL with the one before, "" if there is none.
	Home, SaveURL, DropURL, UndoURL string
	// Locked says why nothing can be changed, "" if it can.
	Locked string
	Nav    []navigation
	// Body is the view's own data.
	Body any
}

type navigation struct {
	Name, URL string
	// Current is the value of aria-current: page for the view itself, true for one within.
	Current string
}

// views are those of the navigation: the paths of each, the first of which is its own.
var views = []struct {
	name  string
	paths []string
}{
	{"Workloads", []string{"/", "/workload"}}, {"Connection", []string{"/connection"}},
	{"Findings", []string{"/findings"}}, {"Rules", []string{"/rules", "/rules/edit", "/save"}},
}

func (r *request) navigation() (all []navigation) {
	for _, v := range views {
		current := ""
		switch slices.Index(v.paths, r.URL.Path) {
		case -1:
		case 0:
			current = "page"
		default:
			current = "true"
		}
		all = append(all, navigation{v.name, r.link(v.paths[0]), current})
	}
	return all
}

// again gives the URL of the same view with another value of one of its parameters, ""
// for none.
func (r *request) again(parameter, value string) string {
	query := maps.Clone(r.query)
	query.Del(parameter)
	if value != "" {
		query.Set(parameter, value)
	}
	if len(query) == 0 {
		return r.URL.Path
	}
	return r.URL.Path + "?" + query.Encode()
}

// mesh names the mesh: as the view saw it, else as the specification says.
func (s *Site) mesh(r *request) string {
	if r.seen != nil && r.seen.Explanation.Mesh != "" {
		return r.seen.Explanation.Mesh
	}
	source, err := spec.In(r.file())
	if err != nil {
		return s.options.Given.Mesh
	}
	return cmp.Or(s.options.Given.Mesh, node.Of(source.Node).Entry("spec").Entry("mesh").Text(), spec.DefaultMesh)
}

// frame puts together what stands around the view.
func (s *Site) frame(r *request) frame {
	f := frame{Version: s.options.Version, Spec: r.spec, Files: r.state, Locked: s.locked(r), Home: r.link("/"), SaveURL: r.link("/save"), Nav: r.navigation()}
	if !r.fragment() {
		f.Mesh = s.mesh(r)
	}
	if d := r.draft; d != nil {
		saved := bytes.Equal(d.text, r.spec.Text) || s.wasSaved(r)
		f.Draft, f.Changed, f.Outdated = d.id, d.isChange() && !saved, !saved && r.isOutdated() && s.carriesOver(r) == nil
		f.DropURL = r.again("draft", "")
		n := 0
		for at := d; at != nil && at.did != ""; at = at.parent {
			n++
		}
		f.Changes = report.Counted(n, "change", "changes")
		if d.parent != nil {
			f.UndoURL = r.again("draft", d.parent.id)
		}
	}
	return f
}

// show renders a view: the template of that name, inside the frame, or alone for the
// script.
func (s *Site) show(r *request, view, title string, body any) error {
	f := s.frame(r)
	f.Title, f.View, f.Body = title, view, body
	name := "page"
	switch {
	case r.fragment():
		name = view
	case r.begun:
		name = "rest"
	}
	return r.render(name, f)
}

// begins sends what stands above a view that is not there yet.
func (s *Site) begins(r *request, title string) error {
	f := s.frame(r)
	f.Title = title
	if err := r.render("waiting", f); err != nil {
		return err
	}
	r.begun = true
	_ = http.NewResponseController(r.w).Flush() // else it comes with the rest
	return nil
}

// render sends a template.
func (r *request) render(name string, f frame) error {
	var b bytes.Buffer
	if err := template.Must(templates().Clone()).Funcs(template.FuncMap{"link": r.link}).ExecuteTemplate(&b, name, f); err != nil {
		return err
	}
	r.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, err := r.w.Write(visible(b.Bytes()))
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
