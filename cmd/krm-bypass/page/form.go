package page

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/revise"
	"github.com/krm-bypass/krm-bypass/internal/spec"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// The states of a field with a list, as a form has them.
const (
	notSet = "unset"
	none   = "none"
	listed = "list"
)

// formView is a rule as a form.
type formView struct {
	Title, Of, Add string
	// Action is where the form goes. Its URL names a draft with the text that the form
	// was made from, so that a change of the file meanwhile does not change what it means.
	Action, Ask, Back string
	Groups            []fieldGroup
	// Messages are what is wrong with something that has no field here.
	Messages []string
	Line     int
	Effect   *effectView
}

type fieldGroup struct {
	// Help says what its fields have in common, "" where each says all.
	Legend, Help string
	// Messages are what is wrong with its fields together.
	Messages []string
	// Class is that of the style sheet: fields stand side by side where they are short.
	Class  string
	Fields []fieldView
	// Folded says that it needs no room: nothing in it is set.
	Folded bool
}

type fieldView struct {
	// Name is the path of the field below its rule, Kind how it is shown: list, entries,
	// choice, flag, line or text.
	Name, Label, Kind, Example string
	// Help says what it is in a line, More what else there is to know.
	Help, More  string
	State, Text string
	Rows        int
	Options     []string
	Inherited   []inherited
	Messages    []string
	// Ask is the URL that says what is wrong with what is being typed.
	Ask string
}

// inherited is what a broader rule says of a field.
type inherited struct {
	Rule    string
	Entries []string
}

// form is a rule that is being changed, with what was typed.
type form struct {
	of, add string
	// text is the file that the form was made from, rows what stands there.
	file yamltext.File
	rows []revise.Row
	row  revise.Row
	// problems are what is wrong with a specification.
	problems func(yamltext.File) spec.Problems
	// typed is what came with the request, nil for what stands there.
	typed url.Values
	// fields are those of the rule, says what they would say.
	fields []revise.Field
	says   revise.Rule
}

// newForm reads what a request is about: the rule at ?of=, or a new one in the list ?add=.
func (s *Site) newForm(r *request, typed url.Values) (*form, error) {
	f := &form{of: cmp.Or(r.query.Get("of"), r.PostForm.Get("of")), add: r.query.Get("add"), file: r.file(), typed: typed, problems: s.problems}
	var err error
	if f.rows, err = revise.Rows(f.file); err != nil {
		return nil, &failure{http.StatusConflict, err}
	}
	place := f.of
	if f.add != "" {
		place = f.add
		f.of = ""
	}
	if f.fields = revise.Fields(place); len(f.fields) == 0 {
		return nil, &failure{http.StatusNotFound, fmt.Errorf("there is no place of a rule called %q", place)}
	}
	i := slices.IndexFunc(f.rows, func(row revise.Row) bool { return row.Path == f.of })
	switch {
	case f.add != "":
		f.row = revise.Row{Path: f.newPath()}
	case i >= 0:
		f.row = f.rows[i]
	case strings.Contains(f.of, "["):
		return nil, &failure{http.StatusNotFound, fmt.Errorf("there is no rule %s any more: it was removed or moved", f.of)}
	default: // it is made when it says something
		f.row = revise.Row{Path: f.of}
	}
	f.says = maps.Clone(f.row.Rule)
	if f.says == nil {
		f.says = revise.Rule{}
	}
	changed, _ := f.settings() // result tells what is wrong
	maps.Copy(f.says, changed)
	return f, nil
}

// newPath is that of a rule behind all others of its list.
func (f *form) newPath() string {
	n := 0
	for _, row := range f.rows {
		if list(row.Path) == f.add {
			n++
		}
	}
	return fmt.Sprintf("%s[%d]", f.add, n)
}

// list gives the path of a rule without its index.
func list(rule string) string {
	name, _, _ := strings.Cut(rule, "[")
	return name
}

// setting gives what a field says in the form.
func (f *form) setting(field revise.Field) (state, text string) {
	if !f.typed.Has(field.Path) {
		return shown(f.row.Rule[field.Path])
	}
	text = strings.ReplaceAll(strings.Join(f.typed[field.Path], "\n"), "\r\n", "\n")
	state = f.typed.Get(field.Path + ".state")
	if state == "" && isStateful(field) && text != "" {
		state = listed
	}
	return state, text
}

// shown gives a setting as a form has it.
func shown(s revise.Setting) (state, text string) {
	switch s.State {
	case revise.None:
		return none, ""
	case revise.Listed:
		return listed, strings.Join(s.Entries, "\n")
	}
	return notSet, ""
}

// isStateful reports whether a field tells nothing from none.
func isStateful(field revise.Field) bool {
	return field.List && !strings.HasPrefix(field.Path, "match.") && !strings.HasPrefix(field.Path, "ports")
}

// errNoEntries asks for what a list without entries means.
var errNoEntries = errors.New("no entry is typed: choose not set for what broader rules say, or none")

// said gives what a field says in the form, where typing entries says that there are some,
// whatever was chosen beside them.
func (f *form) said(field revise.Field) (state, text string) {
	state, text = f.setting(field)
	if wasState, was := shown(f.row.Rule[field.Path]); isStateful(field) && state == wasState && text != was && strings.TrimSpace(text) != "" {
		state = listed
	}
	return state, text
}

// settings gives the fields that differ from what stands there.
func (f *form) settings() (revise.Rule, map[string][]string) {
	rule, wrong := revise.Rule{}, map[string][]string{}
	for _, field := range f.fields {
		wasState, was := shown(f.row.Rule[field.Path])
		state, text := f.said(field)
		if !isStateful(field) {
			if state = wasState; text != was {
				state = listed
			}
		}
		entries := field.Split(text)
		switch {
		case state == wasState && (text == was || state != listed):
		case state == none:
			rule[field.Path] = revise.Setting{State: revise.None}
		case state == listed && len(entries) > 0:
			rule[field.Path] = revise.Says(entries...)
		case state == listed && isStateful(field):
			wrong[field.Path] = append(wrong[field.Path], errNoEntries.Error())
		default:
			rule[field.Path] = revise.Setting{}
		}
	}
	return rule, wrong
}

// change gives the change that the form asks for, nil for none.
func (f *form) change() (revise.Change, map[string][]string) {
	rule, wrong := f.settings()
	switch {
	case f.add != "":
		return revise.Add{To: f.add, At: revise.Last, Rule: rule}, wrong
	case len(rule) == 0:
		return nil, wrong
	}
	return revise.Put{Path: f.of, Rule: rule}, wrong
}

// wrongs are what is wrong with a form: by field, and with what has no field.
type wrongs struct {
	fields map[string][]string
	others []string
}

func (w wrongs) any() bool { return len(w.fields)+len(w.others) > 0 }

// result gives the text of the file with the form's change, and what is wrong with it.
func (f *form) result() (text []byte, change revise.Change, wrong wrongs) {
	change, wrong.fields = f.change()
	if len(wrong.fields) > 0 || change == nil {
		return f.file.Text, change, wrong
	}
	text, err := revise.Apply(f.file, change)
	problems, cannotBeWritten := errors.AsType[spec.Problems](err)
	switch {
	case cannotBeWritten:
		text = f.file.Text
	case err != nil:
		wrong.others = append(wrong.others, err.Error())
		return f.file.Text, change, wrong
	default:
		problems = f.problems(yamltext.File{Path: f.file.Path, Text: text})
	}
	for _, p := range problems {
		if field, is := f.fieldAt(p.Path); is {
			wrong.fields[field] = append(wrong.fields[field], p.Message)
		} else {
			wrong.others = append(wrong.others, p.Error())
		}
	}
	return text, change, wrong
}

// fieldAt gives the field of the form that a problem is about, or what several fields
// are in, such as match.
func (f *form) fieldAt(at string) (string, bool) {
	below, is := strings.CutPrefix(at, f.row.Path+".")
	if !is {
		return "", false
	}
	for _, field := range f.fields {
		if rest, is := strings.CutPrefix(below, field.Path); is && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			return field.Path, true
		}
	}
	within := slices.DeleteFunc(slices.Clone(f.fields), func(field revise.Field) bool { return !strings.HasPrefix(field.Path, below+".") })
	if len(within) == 1 {
		return within[0].Path, true
	}
	return below, len(within) > 0
}

// problems are what is wrong with a specification.
func (s *Site) problems(f yamltext.File) spec.Problems {
	source, err := spec.In(f)
	if err == nil {
		_, err = source.Read(s.options.Given)
	}
	if found, is := errors.AsType[spec.Problems](err); is {
		return found
	}
	if err != nil {
		return spec.Problems{{File: f.Path, Message: err.Error()}}
	}
	return nil
}

// view gives the form as it is shown.
func (f *form) view(wrong wrongs) *formView {
	v := &formView{Of: f.of, Add: f.add, Line: f.row.Line, Messages: wrong.others, Title: label(f.row)}
	if f.add != "" {
		v.Title = added[f.add]
	}
	for _, field := range f.fields {
		if field.Flag { // a button of the rules does that
			continue
		}
		one := f.field(field, wrong.fields[field.Path])
		legend, folded := groupOf(field.Path)
		i := slices.IndexFunc(v.Groups, func(g fieldGroup) bool { return g.Legend == legend })
		if i < 0 {
			i, v.Groups = len(v.Groups), append(v.Groups, fieldGroup{Legend: legend, Help: groupHelp(list(f.row.Path), legend), Class: classes[legend], Folded: folded})
		}
		group := &v.Groups[i]
		group.Fields = append(group.Fields, one)
		group.Folded = group.Folded && one.State != listed && one.State != none && len(one.Messages) == 0
	}
	for path, messages := range wrong.fields {
		if slices.ContainsFunc(f.fields, func(field revise.Field) bool { return field.Path == path }) {
			continue
		}
		legend, _ := groupOf(path)
		group := &v.Groups[slices.IndexFunc(v.Groups, func(g fieldGroup) bool { return g.Legend == legend })]
		for _, message := range messages {
			group.Messages, group.Folded = append(group.Messages, path+": "+message), false
		}
	}
	slices.SortStableFunc(v.Groups, func(a, b fieldGroup) int { return turn(a.Legend) - turn(b.Legend) })
	return v
}

// added are the titles of forms for what is new.
var added = map[string]string{
	"spec.namespaces": "A rule for namespaces", "spec.workloads": "A rule for workloads", "spec.lint.accept": "Accept findings",
}

// The groups of fields, in their order.
var legends = []string{whatFor, forWhom, whatBypasses, initially, why, how}

const (
	whatFor      = "What is accepted"
	forWhom      = "Whom it is for"
	whatBypasses = "What bypasses"
	initially    = "While init containers run"
	why          = "Why"
	how          = "How"
)

// classes are those of groups whose fields are short.
var classes = map[string]string{whatFor: "short", forWhom: "short", why: "short", how: "short"}

func turn(legend string) int { return slices.Index(legends, legend) }

// groupOf gives the group of a field, and whether it may be folded.
func groupOf(field string) (legend string, folded bool) {
	switch step, _, _ := strings.Cut(field, "."); step {
	case "match":
		return forWhom, false
	case "forInitContainers":
		return initially, true
	case "name", "reason", "owner", "expires":
		return why, false
	case "merge", "dataPlane", "enforcement", "suspend":
		return how, false
	case "check", "rule", "ports":
		return whatFor, false
	}
	return whatBypasses, false
}

func (f *form) field(field revise.Field, messages []string) fieldView {
	v := fieldView{Name: field.Path, Label: called(field.Path), Kind: "line", Options: field.Enum, Messages: messages}
	v.Help, v.More = brief(help(list(f.row.Path), field.Path))
	v.State, v.Text = f.said(field)
	v.Example = examples[field.Path[strings.LastIndex(field.Path, ".")+1:]]
	switch {
	case isStateful(field):
		v.Kind = "list"
		v.Inherited = f.inherited(field.Path)
	case field.List:
		v.Kind = "entries"
	case len(field.Enum) > 0:
		v.Kind = "choice"
	case field.Path == "reason", strings.Contains(v.Text, "\n"):
		v.Kind = "text"
	}
	if v.Kind == "choice" && v.Text != "" && !slices.Contains(v.Options, v.Text) {
		v.Options = append(slices.Clone(v.Options), v.Text) // what was sent comes back
	}
	v.Rows = min(strings.Count(v.Text, "\n")+1, 12)
	return v
}

// breadth orders the scopes of rules from broad to narrow.
func breadth(rule string) int { return slices.Index(scopePaths, list(rule)) }

// inherited gives what broader rules say of a field, from broad to narrow.
func (f *form) inherited(field string) (all []inherited) {
	for _, row := range f.rows {
		if row.Path == f.row.Path || breadth(row.Path) > breadth(f.row.Path) {
			break
		}
		if row.Suspended || list(row.Path) == "spec.lint.accept" || !f.meets(row) {
			continue
		}
		switch s := row.Rule[field]; s.State {
		case revise.None:
			all = append(all, inherited{Rule: label(row), Entries: []string{"none"}})
		case revise.Listed:
			all = append(all, inherited{Rule: label(row), Entries: s.Entries})
		}
	}
	return all
}

// meets reports whether a broader rule may be for some of the same workloads.
func (f *form) meets(broader revise.Row) bool {
	spaces := func(path string, rule revise.Rule) revise.Setting {
		if list(path) == "spec.namespaces" {
			return rule["match.names"]
		}
		return rule["match.namespaces"]
	}
	meet := overlap(spaces(f.row.Path, f.says), spaces(broader.Path, broader.Rule))
	if list(broader.Path) != "spec.workloads" {
		return meet
	}
	return meet && overlap(f.says["match.names"], broader.Rule["match.names"]) && overlap(f.says["match.kinds"], broader.Rule["match.kinds"])
}

// overlap reports whether a name may match both of two lists of globs.
func overlap(a, b revise.Setting) bool {
	if len(a.Entries) == 0 || len(b.Entries) == 0 {
		return true
	}
	return slices.ContainsFunc(a.Entries, func(one string) bool {
		return slices.ContainsFunc(b.Entries, func(other string) bool {
			there, _ := path.Match(one, other)
			back, _ := path.Match(other, one)
			return there || back || isGlob(one) && isGlob(other)
		})
	})
}

func isGlob(name string) bool { return strings.ContainsAny(name, "*?[") }

// label names a rule for a person.
func label(row revise.Row) string {
	match := func(field string) string { return strings.Join(row.Rule["match."+field].Entries, ", ") }
	switch list(row.Path) {
	case "spec.meshDefaults":
		return "Mesh defaults"
	case "spec.global":
		return "Every workload"
	case "spec.namespaces":
		return "Namespace " + match("names")
	case "spec.lint.accept":
		return "Accepted: " + strings.Join(row.Rule["check"].Entries, "")
	}
	parts := []string{match("kinds"), match("names")}
	if labels := slices.Concat(row.Rule["match.labelSelector.matchLabels"].Entries, row.Rule["match.labelSelector.matchExpressions"].Entries); len(labels) > 0 {
		parts = append(parts, "with "+strings.Join(labels, ", "))
	}
	if in := match("namespaces"); in != "" {
		parts = append(parts, "in "+in)
	}
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), " ")
}
