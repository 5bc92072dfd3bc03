package page

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/report"
	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/revise"
	"github.com/krm-bypass/krm-bypass/internal/spec"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"

	"github.com/krm-bypass/krm-bypass/internal/pattern"
)

// rulesView is the specification as its rules, in the order in which they count.
type rulesView struct {
	// Locked says why nothing can be changed here, "" if it can. Broken is what is wrong
	// with the text.
	Locked string
	Broken []brokenLine
	// Action is where the buttons of the rules go.
	Action string
	// Later is where to ask whom the rules reach, where that is not known yet.
	Later  string
	Scopes []scopeView
	// Wrong is why a change was not made, Did what the last change of the draft is.
	Wrong  []string
	Did    string
	Filter rulesFilter
}

// rulesFilter is the form of the filter, with what was chosen.
type rulesFilter struct {
	Text, Draft string
	Shows       []choiceView
	// Clear is the view without a filter, "" where there is none.
	Clear string
}

// ruleKinds are the kinds of rules that can be asked for.
var ruleKinds = []struct {
	value, word string
	fits        func(revise.Row, *fn.Reach) bool
}{
	{"off", "switched off", func(row revise.Row, _ *fn.Reach) bool { return row.Suspended }},
	{"expired", "expired", func(_ revise.Row, reach *fn.Reach) bool { return reach != nil && reach.Expired }},
	{"nobody", "reaching nobody", func(_ revise.Row, reach *fn.Reach) bool { return reach != nil && reach.Unreached }},
	{"dated", "with a last day", func(row revise.Row, _ *fn.Reach) bool { return row.Rule["expires"].State == revise.Listed }},
}

func newRulesFilter(r *request) rulesFilter {
	v := rulesFilter{Text: r.query.Get("text")}
	if r.draft != nil {
		v.Draft = r.draft.id
	}
	if r.query.Get("text")+r.query.Get("show") != "" {
		v.Clear = r.link("/rules")
	}
	for _, one := range ruleKinds {
		v.Shows = append(v.Shows, choiceView{one.value, one.word, one.value == r.query.Get("show")})
	}
	return v
}

// keeps reports whether the filter of the request leaves a rule.
func (r *request) keeps(row revise.Row, reach *fn.Reach, text *sought) bool {
	for _, one := range ruleKinds {
		if one.value == r.query.Get("show") && !one.fits(row, reach) {
			return false
		}
	}
	if text.text == "" || text.isPartOf(label(row)) || text.isPartOf(row.Path) || text.isPartOf(row.Name) {
		return true
	}
	for field, s := range row.Rule {
		if text.isPartOf(field) || slices.ContainsFunc(s.Entries, text.isPartOf) {
			return true
		}
		if isTraffic(field) && slices.ContainsFunc(s.Entries, func(entry string) bool { return text.finds(field, entry) }) {
			return true
		}
	}
	return false
}

// isTraffic reports whether the entries of a rule's field are ports or addresses.
func isTraffic(field string) bool {
	return slices.Contains(traffic.Fields, traffic.Field(strings.TrimPrefix(field, fn.InitialPrefix)))
}

// scopeView are the rules of one scope.
type scopeView struct {
	Title, Says string
	// Class is that of the style sheet.
	Class string
	// Add is where a rule is added, "" where there is one place for one.
	Add, AddTitle string
	Rules         []ruleView
	// All counts the rules that the filter leaves, From is the place of the first that is
	// shown. Previous and Next show others.
	All, From, Last int
	Previous, Next  string
}

// mostRules is how many rules of a scope a page shows.
const mostRules = 50

type ruleView struct {
	Path, Title, Name, Edit string
	Line                    int
	// Fields are the settings, Notes what else the rule says.
	Fields                 []settingView
	Reason, Owner, Expires string
	Merge                  string
	Expired, Suspended     bool
	CanSuspend, Up, Down   bool
	Removable              bool
	// Alone says that no other rule stands in its place.
	Alone bool
	// Reaches says whom it reaches, "" where that is not known; Some names a few of them, and
	// More says that there are others.
	Reaches string
	Some    []string
	More    bool
	Idle    bool
	// Void names a few for which nothing of it holds, and VoidOf says how many there are,
	// where these are some of those that it reaches.
	Void   []string
	VoidOf string
}

// settingView is a field of a rule, and what it is called. None says that it is the
// empty list.
type settingView struct {
	Field, Word string
	Entries     []string
	None        bool
}

// scopes are those of a specification, from broad to narrow.
var scopes = []scopeView{
	{Title: "Mesh defaults", Says: "What the mesh's own configuration lets bypass already.", Class: "defaults"},
	{Title: "Global", Says: "One rule for every workload.", Class: "global"},
	{Title: "Namespaces", Says: "Rules for all workloads of a namespace. A later rule is narrower than an earlier one.", Class: "namespace", AddTitle: "Add a rule for namespaces"},
	{Title: "Workloads", Says: "Rules for single workloads. A later rule is narrower than an earlier one.", Class: "workload", AddTitle: "Add a rule for workloads"},
	{Title: "Accepted findings", Says: "Findings that are known and meant. Reports count them.", AddTitle: "Accept findings"},
}

// scopePaths are their places in the specification.
var scopePaths = []string{"spec.meshDefaults", "spec.global", "spec.namespaces", "spec.workloads", "spec.lint.accept"}

// rules shows the rules of the specification.
func (s *Site) rules(r *request) error {
	view, err := s.rulesView(r, nil)
	if err != nil {
		return err
	}
	return s.show(r, "rules", "Rules", view)
}

func (s *Site) rulesView(r *request, wrong []string) (*rulesView, error) {
	file := r.file()
	v := &rulesView{Locked: s.locked(r), Wrong: wrong, Filter: newRulesFilter(r)}
	if d := r.draft; d.isChange() && !bytes.Equal(d.text, r.spec.Text) {
		v.Did = d.did
	}
	rows, err := revise.Rows(file)
	if err != nil && file.Path != "" { // where no file is named, that is why
		v.Locked, v.Broken = "the specification has mistakes: mend them in the file, then it can be changed here", broken(file, err)
	}
	if v.Locked == "" {
		v.Action = r.pinned(s).link("/rules/edit")
	}
	reach, later, err := s.reach(r)
	if err != nil {
		return nil, err
	}
	if later {
		v.Later = r.again("wait", "1")
	}
	text := newSought(r.query.Get("text"))
	for i, scope := range scopes {
		path := scopePaths[i]
		of := slices.DeleteFunc(slices.Clone(rows), func(row revise.Row) bool { return list(row.Path) != path })
		if scope.AddTitle != "" {
			scope.Add = r.link("/rules/edit", "add", path)
		} else if len(of) == 0 {
			of = []revise.Row{{Path: path}}
		}
		all := len(of)
		of = slices.DeleteFunc(of, func(row revise.Row) bool { return !r.keeps(row, reach[row.Path], text) })
		begin := scope.page(r, path, len(of))
		for j, row := range of[begin:min(begin+mostRules, len(of))] {
			j += begin
			one := newRule(r, row, reach[row.Path])
			one.Alone = scope.Add == ""
			movable := scope.Add != "" && len(of) == all // else its neighbours are not those that are seen
			one.Up, one.Down = movable && j > 0, movable && j < all-1
			scope.Rules = append(scope.Rules, one)
		}
		if len(of) > 0 || v.Filter.Clear == "" {
			v.Scopes = append(v.Scopes, scope)
		}
	}
	return v, nil
}

// page gives the place of the first rule that is shown.
func (v *scopeView) page(r *request, path string, all int) int {
	key := "from." + path
	link := func(from int) string {
		return r.link("/rules", key, strconv.Itoa(from), "text", r.query.Get("text"), "show", r.query.Get("show"))
	}
	begin, _ := strconv.Atoi(r.query.Get(key)) // what is no number is the beginning
	begin = max(min(begin, all-1), 0) / mostRules * mostRules
	v.All, v.From, v.Last = all, begin+1, min(begin+mostRules, all)
	if begin > 0 {
		v.Previous = link(begin - mostRules)
	}
	if begin+mostRules < all {
		v.Next = link(begin + mostRules)
	}
	return begin
}

// rulesURL is where a rule is shown among the others.
func (r *request) rulesURL(rule string) string {
	name, rest, _ := strings.Cut(rule, "[")
	at, _ := strconv.Atoi(strings.TrimSuffix(rest, "]"))
	if at < mostRules {
		return r.link("/rules") + "#" + rule
	}
	return r.link("/rules", "from."+name, strconv.Itoa(at)) + "#" + rule
}

// locked says why nothing can be changed, "" if it can.
func (s *Site) locked(r *request) string {
	if s.options.ReadOnly != "" {
		return s.options.ReadOnly
	}
	return r.spec.Locked
}

// pinned gives the request with a draft: one that changes nothing where there is none yet.
// What is posted then is about the text that the user saw, whatever became of the file.
func (r *request) pinned(s *Site) *request {
	if r.draft != nil {
		return r
	}
	pinned := *r
	pinned.draft = s.drafts.add(draft{base: r.spec.Text, text: r.spec.Text})
	return &pinned
}

// file gives the specification that the request is about.
func (r *request) file() yamltext.File {
	if r.draft == nil {
		return yamltext.File{Path: r.spec.Path, Text: r.spec.Text}
	}
	return yamltext.File{Path: r.spec.Path, Text: r.draft.text}
}

// reach gives whom each rule reaches; later says that this is not known yet.
func (s *Site) reach(r *request) (of map[string]*fn.Reach, later bool, err error) {
	// It goes on when the page is shown: then what it asks for is there already.
	done := s.looking(context.WithoutCancel(r.Context()), r)
	wait := patience
	if r.query.Get("wait") != "" || r.query.Get("show") != "" {
		wait = time.Hour
	}
	select {
	case a := <-done:
		if a.err != nil {
			return nil, false, a.err
		}
		of = map[string]*fn.Reach{}
		for _, one := range a.seen.Explanation.Reach() {
			of[one.Path] = &one
		}
		return of, false, nil
	case <-r.Context().Done():
		return nil, false, r.Context().Err()
	case <-time.After(wait):
		return nil, true, nil
	}
}

func newRule(r *request, row revise.Row, reach *fn.Reach) ruleView {
	one := func(field string) string { return strings.Join(row.Rule[field].Entries, " ") }
	v := ruleView{
		Path: row.Path, Title: label(row), Name: row.Name, Line: row.Line, Edit: r.link("/rules/edit", "of", row.Path),
		Reason: one("reason"), Owner: one("owner"), Expires: one("expires"), Merge: one("merge"), Suspended: row.Suspended,
		Removable: row.Line > 0,
	}
	if reach != nil {
		inForce := *reach
		inForce.Expired = false // a mark says it
		if void := reach.Workloads - reach.Decided; void > 0 && reach.Decided > 0 {
			inForce.Decided = reach.Workloads // the sentence behind names the others
			if v.Void = reach.Undecided; void > len(v.Void) {
				v.VoidOf = strconv.Itoa(void) + " of them, such as"
			}
		}
		v.Expired, v.Idle, v.Reaches = reach.Expired, reach.Unreached || reach.Suspended, report.Reaches(inForce)
		v.Some, v.More = reach.Some, len(reach.Some) < reach.Workloads+reach.LeftAlone
	}
	for _, f := range revise.Fields(row.Path) {
		s, set := row.Rule[f.Path]
		switch legend, _ := groupOf(f.Path); {
		case f.Path == "suspend":
			v.CanSuspend = row.Line > 0
		case !set || f.Path == "merge" || legend == why || strings.HasPrefix(f.Path, "match.") && list(row.Path) != "spec.lint.accept":
		default:
			v.Fields = append(v.Fields, settingView{f.Path, called(f.Path), s.Entries, s.State == revise.None})
		}
	}
	return v
}

// brokenLine is something that is wrong with the specification, and what stands there.
type brokenLine struct {
	Line    int
	Message string
	Around  []numbered
}

type numbered struct {
	Number int
	Text   string
	Here   bool
}

// broken shows where the mistakes of a text are. Of what else stands in its file nothing
// is shown.
func broken(file yamltext.File, err error) (all []brokenLine) {
	found, is := errors.AsType[spec.Problems](err)
	if !is {
		return []brokenLine{{Message: err.Error()}}
	}
	text, first := specIn(file.Text)
	var lines []string
	if !holdsMore(text) {
		lines = strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	}
	for _, p := range found {
		b := brokenLine{Line: p.Line, Message: p.Error()}
		for i := max(p.Line-first-2, 0); p.Line >= first && i <= p.Line-first+2 && i < len(lines); i++ {
			b.Around = append(b.Around, numbered{i + first, strings.TrimRight(lines[i], "\r"), i+first == p.Line})
		}
		all = append(all, b)
	}
	return all
}

// holdsMore reports whether another object may stand in the text of a specification, as
// where somebody forgot the line --- between the two: it may be a Secret.
func holdsMore(text []byte) bool {
	return len(kindKey.Regexp().FindAll(text, 2)) > 1 || dataKey.Regexp().Match(text)
}

var (
	kindKey = pattern.Of(`(?:^|[\s{,])["']?kind["']?[ \t]*:`)
	dataKey = pattern.Of(`(?:^|[\s{,])["']?(?:stringData|data|binaryData)["']?[ \t]*:`)
)

// refusedForm is the status of what comes back with what is wrong with it.
const refusedForm = http.StatusUnprocessableEntity
