package page

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/cmd/krm-bypass/report"
	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// connectionView answers what becomes of a connection.
type connectionView struct {
	Problems []string
	// Of, At and Inbound are what was typed, Draft names the draft that it was typed in.
	Of, At  string
	Inbound bool
	Draft   string
	// OfError and AtError say what is wrong with it.
	OfError, AtError string
	// Names are workloads to choose from, where they are few.
	Names []string
	// Counts are of those that were meant, by verdict, and Choices are a page of those with
	// the verdict that was asked for; both are empty where it was one.
	Counts  []countView
	Choices []choice
	Pager   pagerView
	Answer  *answer
}

type choice struct{ Title, URL, Class, Verdict string }

// answer is what becomes of the connection of one workload.
type answer struct {
	Title, URL, At string
	// Moments are what becomes of it for the application, and while init containers run,
	// where it is another then.
	Moments []moment
	// AddURL is the form of a rule that lets it bypass, "" where it does.
	AddURL string
}

// moment is a time in the life of a pod.
type moment struct {
	Name string
	// Class and Verdict are what becomes of it then, Says why.
	Class, Verdict, Says string
	By                   []decider
	Drawings             []drawing
	Steps                []string
	Tables               []decisionTable
}

// decider is an entry that decides.
type decider struct {
	Field, Entry, Source, URL, Place, Carried string
	Scope                                     scope
	Rule                                      []string
}

// decisionTable is a table of a decision, its lines marked as far as they were asked.
type decisionTable struct {
	Says  string
	Lines []decisionLine
	// Asked says that one of its lines was found to fit.
	Asked bool
}

type decisionLine struct {
	Number  int
	Says    []codePart
	Verdict string
	// Fits says that the connection is so, Decides that this had the last word.
	Fits, Decides bool
}

// codePart is a part of a sentence, and whether it is what somebody writes.
type codePart struct {
	Text string
	Code bool
}

// mostNames are offered while a name is typed.
const mostNames = 200

// connection says what becomes of a connection of a workload.
func (s *Site) connection(r *request) error {
	seen, err := s.seeUnder(r, "Connection")
	if err != nil {
		return err
	}
	v := &connectionView{Problems: seen.Problems, Of: r.query.Get("of"), At: strings.TrimSpace(r.query.Get("at")), Inbound: r.query.Get("direction") == traffic.Inbound.String()}
	if r.draft != nil {
		v.Draft = r.draft.id
	}
	v.ask(r, seen.Explanation)
	return s.show(r, "connection", "Connection", v)
}

// ask answers for the workloads that are meant. all is a copy, but for its workloads.
func (v *connectionView) ask(r *request, all report.Explanation) {
	if len(all.Workloads) <= mostNames {
		for i := range all.Workloads {
			v.Names = append(v.Names, written(&all.Workloads[i]))
		}
		slices.Sort(v.Names)
		v.Names = slices.Compact(v.Names)
	}
	v.choose(&all)
	read := traffic.ParseOutbound
	if v.Inbound {
		read = traffic.ParseInbound
	}
	c, err := read(v.At)
	switch {
	case v.At == "":
	case err != nil:
		v.AtError = err.Error()
	}
	if v.At == "" || v.AtError != "" || v.OfError != "" {
		return
	}
	all.Decide(c, v.At)
	if len(all.Workloads) == 1 {
		v.Answer = answerFor(r, &all.Workloads[0], c, v.At)
		return
	}
	v.list(r, &all)
}

// choose keeps the workloads that are meant: the one of that key, else all that match.
func (v *connectionView) choose(all *report.Explanation) {
	whole := all.Workloads
	if i := slices.IndexFunc(whole, func(w report.Workload) bool { return w.Key() == v.Of }); i >= 0 {
		all.Workloads = slices.Clone(whole[i : i+1])
		if name := written(&whole[i]); slices.IndexFunc(whole, func(w report.Workload) bool { return w.Key() != v.Of && written(&w) == name }) < 0 {
			v.Of = name
		}
		return
	}
	if v.Of == "" {
		all.Workloads = slices.Clone(whole)
		return
	}
	if err := all.Only(v.Of); err != nil {
		v.OfError = err.Error()
	}
}

// written names a workload as the field takes it.
func written(w *report.Workload) string {
	return strings.Join(slices.DeleteFunc([]string{w.Kind, w.Namespace, w.Name}, func(s string) bool { return s == "" }), "/")
}

// verdictClass is the class of a verdict.
var verdictClass = map[string]string{
	report.Bypassed: "bypassed", report.InDoubt: "perhaps", report.NotOurs: "alone", report.LeftToMesh: "left", report.Intercepted: "intercepted",
}

// list says what becomes of it for each of several workloads, those first that bypass. A
// verdict that there is not asks for all of them.
func (v *connectionView) list(r *request, all *report.Explanation) {
	n, only := map[string]int{}, ""
	slices.SortStableFunc(all.Workloads, report.ByVerdict)
	for i := range all.Workloads {
		n[all.Workloads[i].Decision.Verdict]++
	}
	to := func(verdict string) string {
		return r.link("/connection", "of", v.Of, "direction", directionOf(v.Inbound).String(), "at", v.At, "verdict", verdict)
	}
	v.Counts = []countView{{N: len(all.Workloads), Of: "workloads", URL: to("")}}
	for _, verdict := range report.Verdicts {
		value := verdictClass[verdict]
		if value == r.query.Get("verdict") {
			only = verdict
		}
		if n[verdict] > 0 || only == verdict {
			v.Counts = append(v.Counts, countView{N: n[verdict], Of: verdict, URL: to(value), Chosen: only == verdict})
		}
	}
	v.Counts[0].Chosen = only == ""
	kept := slices.DeleteFunc(all.Workloads, func(w report.Workload) bool { return only != "" && w.Decision.Verdict != only })
	v.Pager = newPager(r, len(kept))
	for i := max(0, v.Pager.From-1); i < v.Pager.To; i++ {
		w := &kept[i]
		url := r.link("/connection", "of", w.Key(), "direction", directionOf(v.Inbound).String(), "at", v.At)
		v.Choices = append(v.Choices, choice{w.Title(), url, verdictClass[w.Decision.Verdict], w.Decision.Verdict})
	}
}

func directionOf(inbound bool) traffic.Direction {
	if inbound {
		return traffic.Inbound
	}
	return traffic.Outbound
}

// answerFor says and draws what becomes of the connection of a workload.
func answerFor(r *request, w *report.Workload, c traffic.Connection, at string) *answer {
	a := &answer{Title: w.Title(), URL: r.link("/workload", "of", w.Key()), At: at}
	d := w.Decision
	if d.Initially == nil {
		a.Moments = []moment{momentOf(r, w, d, c, "")}
	} else {
		a.Moments = []moment{momentOf(r, w, d, c, "For the application"), momentOf(r, w, d.Initially, c, "Before that, while init containers run")}
	}
	if d.Verdict == report.Intercepted && w.Reason == "" {
		a.AddURL = r.addURL(w.ResourceRef, proposed(c)...)
	}
	return a
}

// proposed are the field and the entry that let a connection bypass.
func proposed(c traffic.Connection) []string {
	port := fmt.Sprintf("%d/%s", c.Port, c.Protocol)
	if c.Direction == traffic.Inbound {
		return []string{string(traffic.ExcludeInboundPorts), port}
	}
	return []string{string(traffic.ExcludeOutbound), c.Address.String() + "@" + port}
}

func momentOf(r *request, w *report.Workload, d *report.Decision, c traffic.Connection, name string) moment {
	m := moment{Name: name, Class: verdictClass[d.Verdict], Verdict: d.Verdict, Says: d.Why}
	for _, e := range d.By {
		m.By = append(m.By, deciderOf(r, d.Field, e))
	}
	s := sceneOf(w, d, c)
	m.Steps, m.Drawings = s.Steps, s.draw()
	for i, table := range d.Tables(c.Direction) {
		m.Tables = append(m.Tables, tableOf(i, table, d.Fits))
	}
	slices.SortStableFunc(m.Tables, func(a, b decisionTable) int { return rank(a) - rank(b) })
	return m
}

// rank puts the tables first that decided.
func rank(t decisionTable) int {
	if t.Asked {
		return 0
	}
	return 1
}

func deciderOf(r *request, field string, e fn.ExplainedEntry) decider {
	d := decider{Field: field, Entry: e.Entry, Source: cmp.Or(e.From.Path, e.From.Scope), URL: r.editURL(e.From.Scope), Place: place(e.From.File, e.From.Line), Carried: strings.Join(e.CarriedBy, " and "), Scope: scopeOf(e.From)}
	d.Rule = because(e)
	return d
}

// because says why a rule has an entry, who answers for it, and how long it is needed.
func because(e fn.ExplainedEntry) (parts []string) {
	until := map[bool]string{false: "until ", true: "expired on "}[e.Expired]
	for _, part := range []struct{ label, text string }{{"", strings.TrimSpace(e.Reason)}, {"owner: ", e.Owner}, {until, string(e.Expires)}} {
		if part.text != "" {
			parts = append(parts, part.label+part.text)
		}
	}
	return parts
}

func tableOf(i int, table report.Table, fits []report.Place) decisionTable {
	t := decisionTable{Says: table.Says}
	for n, line := range table.Lines {
		at := slices.Index(fits, report.Place{Table: i, Line: n + 1})
		t.Asked = t.Asked || at >= 0
		t.Lines = append(t.Lines, decisionLine{n + 1, parts(line.Says), line.Verdict, at >= 0, at >= 0 && at == len(fits)-1})
	}
	return t
}

// parts cuts a sentence where a name stands between backquotes.
func parts(says string) []codePart {
	var all []codePart
	for i, text := range strings.Split(says, "`") {
		all = append(all, codePart{text, i%2 == 1})
	}
	return all
}

// sceneOf stages a decision.
func sceneOf(w *report.Workload, d *report.Decision, c traffic.Connection) scene {
	s := scene{
		ID: "way", Verdict: d.Verdict, Class: verdictClass[d.Verdict], Pod: "pod of " + w.Title(), Caller: "application", opens: "The application", Inbound: c.Direction == traffic.Inbound,
		Mesh: w.Mesh, Proxy: "the sidecar", OnNode: w.DataPlane == string(mesh.Ambient),
		Bare: w.Unmeshed,
		Ours: slices.ContainsFunc(w.InitContainers, func(one fn.InitContainer) bool { return one.Of == fn.OfKrmBypass }),
	}
	if m, _ := mesh.ByName(w.Mesh); s.OnNode && m != nil {
		s.Proxy = m.On(mesh.Ambient).Proxy()
	}
	if d != w.Decision {
		s.ID, s.Caller, s.opens = "first-way", "init container", "An init container"
	}
	s.At = fmt.Sprintf("port %d", c.Port)
	if !s.Inbound {
		s.At = fmt.Sprintf("%s:%d", c.Address, c.Port)
		if c.Address.Is6() {
			s.At = fmt.Sprintf("[%s]:%d", c.Address, c.Port)
		}
	}
	if c.Protocol != traffic.TCP {
		s.At += "/" + c.Protocol.String()
	}
	s.route = routeOf(&s, d, c)
	s.Steps = s.steps(d)
	return s
}

// routeOf says where a connection goes by what was decided.
func routeOf(s *scene, d *report.Decision, c traffic.Connection) route {
	byOurs := slices.ContainsFunc(d.By, func(e fn.ExplainedEntry) bool { return slices.Contains(e.CarriedBy, fn.ByInitContainer) })
	switch {
	case c.Loopback:
		return within
	case d.Verdict == report.Bypassed && s.Ours && byOurs:
		return pastByOurs
	case d.Verdict == report.Bypassed:
		return pastByMesh
	case d.Verdict == report.Intercepted:
		return through
	case s.Bare:
		return straight
	}
	return open
}

// steps say a route in words.
func (s *scene) steps(d *report.Decision) []string {
	steps := []string{fmt.Sprintf("%s opens a connection to %s.", s.opens, s.At)}
	hook, to := "what leaves the pod (nat OUTPUT)", "the network"
	if s.Inbound {
		steps[0] = fmt.Sprintf("A caller connects to %s of the pod.", s.At)
		hook, to = "what enters the pod (nat PREROUTING)", "the application"
	}
	if s.route == within {
		return append(steps, "It stays in the pod, over loopback. The rules of krm-bypass do not touch that. What the mesh does with it is up to the mesh.")
	}
	first := "In the kernel, at the hook for " + hook + ", "
	switch {
	case s.route == pastByOurs:
		return append(steps, first+"the rules of krm-bypass come first. They let this connection go, and what the mesh's rules would redirect stays as it is.",
			"It goes on to "+to+" and does not pass "+s.Proxy+".")
	case s.Ours:
		steps = append(steps, first+"the rules of krm-bypass come first. None of them fits.")
		first = "Then "
	}
	switch s.route {
	case pastByMesh:
		steps = append(steps, first+"the rules of "+s.Mesh+" leave it alone"+cmp.Or(s.annotated(d), ".")+" It goes on to "+to+" and does not pass "+s.Proxy+".")
	case through:
		steps = append(steps, first+"the rules of "+s.Mesh+" lead it to "+s.Proxy+".",
			capital(s.Proxy)+" passes it on to "+to+". There the mesh adds its mTLS, policy and telemetry.")
	case straight:
		steps = append(steps, "The mesh intercepts nothing in these pods, so it goes straight to "+to+".")
	default:
		steps = append(steps, first+"it is up to the mesh: it passes "+s.Proxy+", or it goes past it.")
	}
	return steps
}

// annotated says by what the mesh's rules leave a connection alone.
func (s *scene) annotated(d *report.Decision) string {
	if slices.ContainsFunc(d.By, func(e fn.ExplainedEntry) bool { return slices.Contains(e.CarriedBy, fn.ByAnnotation) }) {
		return ", as the pod's annotation says."
	}
	return ""
}
