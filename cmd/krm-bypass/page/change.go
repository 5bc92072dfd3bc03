package page

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/revise"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// ruleForm shows a rule as a form.
func (s *Site) ruleForm(r *request) error {
	typed := r.query
	if r.query.Get("add") == "" {
		typed = nil
	}
	f, err := s.newForm(r, typed)
	if err != nil {
		return err
	}
	return s.showForm(r, f, wrongs{}, http.StatusOK)
}

// showForm shows a form with what was typed and what is wrong with it.
func (s *Site) showForm(r *request, f *form, wrong wrongs, status int) error {
	if why := s.locked(r); why != "" && f.typed == nil {
		return &failure{http.StatusForbidden, errors.New(why)}
	}
	v := f.view(wrong)
	pinned := r.pinned(s)
	about := []string{"of", f.of, "add", f.add}
	v.Action, v.Ask, v.Back = pinned.link("/rules/edit", about...), pinned.link("/effect", about...), r.rulesURL(f.row.Path)
	for i := range v.Groups {
		for j := range v.Groups[i].Fields {
			one := &v.Groups[i].Fields[j]
			one.Ask = pinned.link("/entry", append(about, "field", one.Name)...)
		}
	}
	shown := pinned
	text, change, bad := f.result()
	if change != nil && !bad.any() { // a rule that a link proposes
		shown = pinned.with(s, text, change)
	}
	r.answer(status)
	var err error
	if v.Effect, err = s.effectOf(r, shown.draft, v.Title); err != nil {
		return err
	}
	v.Effect.Unfinished = v.Effect.Nothing && bad.any()
	return s.show(r, "rule", v.Title, v)
}

// typedForm reads a form that was sent.
func (s *Site) typedForm(r *request) (*form, error) {
	if why := s.locked(r); why != "" {
		return nil, &failure{http.StatusForbidden, errors.New(why)}
	}
	return s.newForm(r, r.PostForm)
}

// forbids gives an error where nothing may be changed at all. Where a file cannot be written
// that could be when a form was shown, its draft has the text, and what was typed comes back.
func (s *Site) forbids(r *request) error {
	why := s.options.ReadOnly
	if r.draft == nil {
		why = s.locked(r)
	}
	if why == "" {
		return nil
	}
	return &failure{http.StatusForbidden, errors.New(why)}
}

// messagesView is what is wrong with a field. State is what it says, "" where it has no
// states to choose from.
type messagesView struct {
	Messages     []string
	Field, State string
}

// entry says what is wrong with a field that is being typed.
func (s *Site) entry(r *request) error {
	f, err := s.typedForm(r)
	if err != nil {
		return err
	}
	_, _, wrong := f.result()
	v := messagesView{Messages: wrong.fields[r.query.Get("field")]}
	for _, field := range f.fields {
		if field.Path == r.query.Get("field") && isStateful(field) {
			if state, _ := f.said(field); state == listed { // of an empty field it is not known
				v.Field, v.State = field.Path, state
			}
		}
	}
	return s.show(r, "messages", "What is wrong", v)
}

// typedEffect says what a form would change that is being typed.
func (s *Site) typedEffect(r *request) error {
	f, err := s.typedForm(r)
	if err != nil {
		return err
	}
	text, _, wrong := f.result()
	if wrong.any() {
		e := &effectView{Problems: wrong.others}
		for _, path := range slices.Sorted(maps.Keys(wrong.fields)) {
			for _, message := range wrong.fields[path] {
				e.Problems = append(e.Problems, path+": "+message)
			}
		}
		return s.show(r, "effect", "What it changes", e)
	}
	base := r.spec.Text
	if r.draft != nil {
		base = r.draft.base
	}
	changes, err := s.tree.Changes(r.Context(), base, text)
	if err != nil {
		return err
	}
	return s.show(r, "effect", "What it changes", newEffect(r, base, text, changes))
}

// change makes a draft of a changed rule: by its form, or by a button beside it.
func (s *Site) change(r *request) error {
	if err := s.forbids(r); err != nil {
		return err
	}
	f, err := s.newForm(r, r.PostForm)
	if err != nil {
		return err
	}
	do := r.PostForm.Get("do")
	if action := actions[do]; action != nil && r.spec.Locked == "" {
		return s.act(r, f, action(f.of))
	}
	text, change, wrong := f.result()
	if why := r.spec.Locked; why != "" {
		wrong.others = append(wrong.others, why+". What you typed is still here: press the button again when the file can be written")
		return s.showForm(r, f, wrong, http.StatusConflict)
	}
	if wrong.any() {
		return s.showForm(r, f, wrong, refusedForm)
	}
	next := r
	if change != nil {
		next = r.with(s, text, change)
	}
	to := next.link("/save")
	if do == "preview" {
		to = next.link("/rules/edit", "of", f.row.Path)
	}
	http.Redirect(r.w, r.Request, to, http.StatusSeeOther)
	return nil
}

// actions are those of the buttons beside a rule.
var actions = map[string]func(rule string) revise.Change{
	"suspend": func(rule string) revise.Change {
		return revise.Put{Path: rule, Rule: revise.Rule{"suspend": revise.Says("true")}}
	},
	"resume": func(rule string) revise.Change { return revise.Put{Path: rule, Rule: revise.Rule{"suspend": {}}} },
	"up":     func(rule string) revise.Change { return revise.Move{Path: rule, By: -1} },
	"down":   func(rule string) revise.Change { return revise.Move{Path: rule, By: 1} },
	"remove": func(rule string) revise.Change { return revise.Remove{Path: rule} },
}

// act makes a draft of one change, unless the result has a mistake.
func (s *Site) act(r *request, f *form, change revise.Change) error {
	var wrong []string
	text, err := revise.Apply(f.file, change)
	if err != nil {
		wrong = []string{err.Error()}
	} else {
		for _, p := range s.problems(yamltext.File{Path: f.file.Path, Text: text}) {
			wrong = append(wrong, p.Error())
		}
	}
	if wrong != nil {
		view, err := s.rulesView(r, wrong)
		if err != nil {
			return err
		}
		r.answer(refusedForm)
		return s.show(r, "rules", "Rules", view)
	}
	next := r.with(s, text, change)
	to := next.rulesURL(landing(change))
	if r.PostForm.Get("to") == "save" { // from another view, which does not show the rules
		to = next.link("/save")
	}
	http.Redirect(r.w, r.Request, to, http.StatusSeeOther)
	return nil
}

// landing is the path that a rule has after a change.
func landing(change revise.Change) string {
	switch c := change.(type) {
	case revise.Put:
		return c.Path
	case revise.Move:
		name, index := list(c.Path), 0
		if _, err := fmt.Sscanf(c.Path[len(name):], "[%d]", &index); err == nil {
			return fmt.Sprintf("%s[%d]", name, index+c.By)
		}
	case revise.Remove:
		return c.Path
	}
	return ""
}

// with gives the request with the draft that a change makes.
func (r *request) with(s *Site, text []byte, change revise.Change) *request {
	from := r.pinned(s).draft
	next := *r
	next.draft = s.drafts.add(from.changed(text, change, r.says(change), nil))
	return &next
}

// says tells a person of a change of the request's specification.
func (r *request) says(change revise.Change) string {
	rows, _ := revise.Rows(r.file()) // it was changed, so it reads
	of := func(path string) string {
		for _, row := range rows {
			if row.Path == path {
				return label(row)
			}
		}
		return label(revise.Row{Path: path})
	}
	switch c := change.(type) {
	case revise.Add:
		return "add: " + label(revise.Row{Path: c.To, Rule: c.Rule})
	case revise.Remove:
		return "remove: " + of(c.Path)
	case revise.Move:
		if c.By < 0 {
			return "move up: " + of(c.Path)
		}
		return "move down: " + of(c.Path)
	case revise.Put:
		if s, is := c.Rule["suspend"]; is && s.State == revise.Listed {
			return "switch off: " + of(c.Path)
		} else if is {
			return "switch on: " + of(c.Path)
		}
		return "change: " + of(c.Path) + ": " + strings.Join(slices.Sorted(maps.Keys(c.Rule)), ", ")
	}
	return change.String()
}

// answer begins the answer with a status.
func (r *request) answer(status int) {
	r.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	r.w.WriteHeader(status)
}
