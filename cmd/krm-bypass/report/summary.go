package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/pattern"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// Summary counts what an explanation says.
type Summary struct {
	Workloads int `json:"workloads"`
	// Outcomes counts the workloads by what becomes of them.
	Outcomes map[fn.Outcome]int `json:"outcomes"`
	// Bypassing counts the workloads that let something bypass the sidecar which
	// not every pod of the mesh does.
	Bypassing int `json:"bypassing"`
	// Bypasses are what bypasses, the most frequent first.
	Bypasses []Bypass `json:"bypasses,omitempty"`
	// Rules say whom the parts of the spec reach.
	Rules []fn.Reach `json:"rules,omitempty"`
	// Findings counts what there is to tell, by kind.
	Findings []FindingCount `json:"findings,omitempty"`
	// LeftAlone are the workloads that the function does not touch, by reason.
	LeftAlone []Reason `json:"leftAlone,omitempty"`
	// likeTheMesh counts the workloads that let bypass what every pod of the mesh does.
	likeTheMesh int
	// refused says that the function refuses one of those that let something bypass.
	refused bool
}

// Bypass is something that bypasses the sidecar of some workloads.
type Bypass struct {
	// Direction is inbound or outbound.
	Direction string `json:"direction"`
	// What is an entry in force, or says in words what it comes to.
	What      string `json:"what"`
	Workloads int    `json:"workloads"`
}

// FindingCount counts the findings of one kind.
type FindingCount struct {
	Check string `json:"check"`
	// Severity is "accepted" for those that spec.lint.accept accepts.
	Severity fn.Severity `json:"severity"`
	Count    int         `json:"count"`
}

// Reason is why workloads are left alone.
type Reason struct {
	Reason    string   `json:"reason"`
	Workloads []string `json:"workloads"`
	// headings name them with their places.
	headings []string
}

// counts is a list of things that are counted, each once.
type counts[K comparable, T any] struct {
	all []T
	at  map[K]int
}

func (c *counts[K, T]) of(key K, first T) *T {
	if c.at == nil {
		c.at = map[K]int{}
	}
	i, known := c.at[key]
	if !known {
		i = len(c.all)
		c.at[key] = i
		c.all = append(c.all, first)
	}
	return &c.all[i]
}

// summarise counts what the workloads and the results say.
func (r *Explanation) summarise() {
	s := Summary{Workloads: len(r.Workloads), Outcomes: map[fn.Outcome]int{}}
	var past counts[[2]string, Bypass]
	var reasons counts[string, Reason]
	var findings counts[[2]string, FindingCount]
	for i := range r.Workloads {
		w := &r.Workloads[i]
		s.Outcomes[w.Outcome]++
		if w.Outcome == fn.LeftAlone {
			reason := reasons.of(w.Reason, Reason{Reason: w.Reason})
			reason.Workloads, reason.headings = append(reason.Workloads, w.Title()), append(reason.headings, w.heading())
		}
		for _, b := range w.bypasses() {
			past.of([2]string{b.Direction, b.What}, b).Workloads++
		}
		ofItsOwn, ofMesh := w.Bypasses()
		switch {
		case ofItsOwn:
			s.Bypassing++
			s.refused = s.refused || w.Outcome == fn.RefusedOutcome
		case ofMesh:
			s.likeTheMesh++
		}
	}
	for _, one := range r.results {
		if _, accepted := one.Tags[fn.AcceptedTag]; accepted {
			one.Severity = fn.AcceptedTag
		}
		if check := cmp.Or(one.Tags[fn.CheckTag], map[fn.Severity]string{fn.Error: Refused, fn.Warning: Warned}[one.Severity]); one.Severity != fn.Info {
			findings.of([2]string{check, string(one.Severity)}, FindingCount{Check: check, Severity: one.Severity}).Count++
		}
	}
	slices.SortStableFunc(past.all, func(a, b Bypass) int { return b.Workloads - a.Workloads })
	slices.SortStableFunc(reasons.all, func(a, b Reason) int { return len(b.Workloads) - len(a.Workloads) })
	s.Bypasses, s.Rules, s.Findings, s.LeftAlone = past.all, r.reach, findings.all, reasons.all
	r.Summary = s
}

// Bypasses reports whether a workload lets something bypass the sidecar which not every
// pod of the mesh does, and whether it lets bypass what each does.
func (w *Workload) Bypasses() (ofItsOwn, ofMesh bool) {
	ofItsOwn = len(w.Others) > 0
	for _, f := range w.Fields {
		for _, e := range f.Entries {
			byMesh := slices.Equal(e.CarriedBy, []string{fn.ByMesh})
			ofItsOwn, ofMesh = ofItsOwn || bypasses(f, e) && !byMesh, ofMesh || bypasses(f, e) && byMesh
		}
	}
	return ofItsOwn, ofMesh
}

// LetsPast reports whether a workload is among those that a Bypass counts.
func (w *Workload) LetsPast(direction, what string) bool {
	return slices.Contains(w.bypasses(), Bypass{Direction: direction, What: what})
}

// bypasses says what bypasses the sidecar of a workload.
func (w *Workload) bypasses() []Bypass {
	var all []Bypass
	add := func(direction traffic.Direction, whats ...string) {
		for _, what := range whats {
			all = append(all, Bypass{Direction: direction.String(), What: what})
		}
	}
	for _, f := range w.Fields {
		switch _, initial := initialField(f.Field); {
		case initial:
			for _, what := range f.Effective {
				add(traffic.Outbound, what+" while init containers run")
			}
		case !slices.ContainsFunc(f.Entries, func(e fn.ExplainedEntry) bool { return bypasses(f, e) }):
		case f.Field == string(traffic.IncludeInboundPorts):
			add(traffic.Inbound, everythingBut("TCP port", f.Effective))
		case f.Field == string(traffic.IncludeOutboundIPRanges):
			add(traffic.Outbound, everythingBut("address", f.Effective))
		case f.Field == string(traffic.ExcludeInboundPorts):
			add(traffic.Inbound, f.Effective...)
		default:
			add(traffic.Outbound, f.Effective...)
		}
	}
	for _, o := range w.Others {
		for _, direction := range []traffic.Direction{traffic.Inbound, traffic.Outbound} {
			if lets := other(o).lets(direction); lets != "" {
				add(direction, lets+" by "+other(o).says())
			}
		}
	}
	return all
}

func everythingBut(one string, entries []string) string {
	if len(entries) == 0 {
		return "every " + one
	}
	return fmt.Sprintf("every %s but %s", one, strings.Join(entries, " "))
}

// other is what lets something bypass beside the traffic fields.
type other fn.ExplainedOther

func (o other) says() string { return o.Name + ": " + strings.Join(strings.Fields(o.Value), " ") }

// entry gives it in the form of an entry.
func (o other) entry() fn.ExplainedEntry {
	return fn.ExplainedEntry{Entry: o.says(), From: o.From, InForce: true, Holds: []string{o.both()}}
}

// OtherEntries are what else of a workload lets traffic bypass, in the form of entries.
func (w *Workload) OtherEntries() (all []fn.ExplainedEntry) {
	for _, o := range w.Others {
		all = append(all, other(o).entry())
	}
	return all
}

// layer gives what it lets bypass, in the form of settings.
func (o other) layer() traffic.Settings {
	var l traffic.Layer
	for f, entries := range o.Lets {
		_ = l.Set(traffic.Field(f), entries) // in canonical form, which reads back
	}
	return l.Settings()
}

// lets says what it lets bypass in a direction, "" for nothing.
func (o other) lets(direction traffic.Direction) string {
	s := o.layer()
	whats := []string{s.ExcludeOutboundPorts.String(), s.ExcludeOutboundIPRanges.String(), strings.Join(s.ExcludeOutbound.Entries(), ", ")}
	if in := s.IncludeOutboundIPRanges; !in.All() {
		whats = append(whats, "everything but "+in.Set().String())
	}
	everything := s.ExcludeOutbound.Equal(traffic.NewPairs(traffic.Everywhere, traffic.EveryPort))
	if direction == traffic.Inbound {
		whats, everything = []string{s.ExcludeInboundPorts.String()}, s.ExcludeInboundPorts.Equal(traffic.EveryPort)
	}
	what := strings.Join(slices.DeleteFunc(whats, func(one string) bool { return one == "" }), ", ")
	if everything {
		what = "everything"
	}
	if what != "" && !o.Sure {
		what = "perhaps " + what
	}
	return what
}

// both says what it lets bypass.
func (o other) both() string {
	var parts []string
	for _, direction := range []traffic.Direction{traffic.Inbound, traffic.Outbound} {
		if lets := o.lets(direction); lets != "" {
			parts = append(parts, lets+" "+direction.String())
		}
	}
	return strings.Join(parts, ", ")
}

// outcomes says what becomes of the workloads.
func (s *Summary) outcomes() string {
	var outcomes []string
	for _, o := range []fn.Outcome{fn.Written, fn.Adopted, fn.Unspoken, fn.ChangedOutcome, fn.LeftAlone, fn.RefusedOutcome, fn.UnknownOutcome, fn.LaterOutcome} {
		if n := s.Outcomes[o]; n > 0 {
			outcomes = append(outcomes, fmt.Sprintf("%d %s", n, o))
		}
	}
	return strings.Join(outcomes, ", ")
}

// says counts the workloads that let something bypass.
func (s *Summary) says() string {
	says := fmt.Sprintf("%d of %d bypass something", s.Bypassing, s.Workloads)
	if s.refused {
		says += ", if what is refused is allowed"
	}
	if s.likeTheMesh > 0 {
		says += fmt.Sprintf(", %d only what the mesh's own configuration lets past", s.likeTheMesh)
	}
	return says
}

// writeSummary writes it for a person.
func (p *page) writeSummary(r *Explanation) {
	s := r.Summary
	p.line(0, "%s: %s", Counted(s.Workloads, "workload", "workloads"), s.outcomes())
	var rows [][]string
	for _, direction := range []traffic.Direction{traffic.Outbound, traffic.Inbound} {
		var whats []string
		for _, b := range s.Bypasses {
			if b.Direction == direction.String() {
				whats = append(whats, fmt.Sprintf("%s (%d)", b.What, b.Workloads))
			}
		}
		if whats != nil {
			rows = append(rows, []string{direction.String(), p.few(whats, mostBypasses)})
		}
	}
	p.line(0, "%s%s", s.says(), map[bool]string{true: ":"}[rows != nil])
	p.columns(rows)
	p.writeRules(s.Rules)
	if s.Findings != nil {
		var kinds []string
		for _, f := range s.Findings {
			kinds = append(kinds, fmt.Sprintf("%s %s (%d)", f.Check, f.Severity, f.Count))
		}
		p.line(0, "findings: %s", strings.Join(kinds, ", "))
	}
	if rows = nil; s.LeftAlone != nil {
		p.line(0, "left alone:")
		for _, reason := range s.LeftAlone {
			names := reason.headings
			if len(names) > 2 {
				names, p.elided = reason.Workloads, true
			}
			rows = append(rows, []string{fmt.Sprint(len(names)), reason.Reason, p.few(names, mostNames)})
		}
		p.columns(rows)
	}
}

// ruled matches the path of a whole rule.
var ruled = pattern.Of(`^spec\.(global|(namespaces|workloads)\[\d+\])$`)

// Reaches says whom a part of a spec reaches.
func Reaches(one fn.Reach) string {
	if one.Suspended {
		return "nobody: suspended"
	}
	says := Counted(one.Workloads, "workload", "workloads")
	switch idle := one.Workloads - one.Decided; {
	case one.Unreached && one.Meant != "":
		says = "nobody: " + one.Meant
	case one.Unreached:
		says = "nobody here"
	case one.Decided == 0:
		says += ", and nothing of it holds there"
	case idle > 0:
		says += fmt.Sprintf(", and nothing of it holds for %d", idle)
	}
	if one.LeftAlone > 0 && !one.Unreached {
		says += fmt.Sprintf(", and %d left alone", one.LeftAlone)
	}
	if one.Unsure && !one.Unreached {
		says += ", perhaps more whose namespace or labels are unknown"
	}
	if one.Expired {
		says += ", EXPIRED on " + string(one.Expires)
	}
	return says
}

// writeRules says whom each rule reaches, and which parts of the spec reach nobody,
// those first.
func (p *page) writeRules(reach []fn.Reach) {
	var nobody, somebody [][]string
	of, at := "rules", func(one fn.Reach) string { return place(one.File, one.Line) }
	if first := ""; len(reach) > 0 {
		first = reach[0].File
		if first != "" && !slices.ContainsFunc(reach, func(one fn.Reach) bool { return one.File != first || one.Line == 0 }) {
			of, at = "rules of "+first, func(one fn.Reach) string { return fmt.Sprintf("line %d", one.Line) }
		}
	}
	for _, one := range reach {
		row := []string{strings.TrimSpace(one.Path + " " + one.Name), Reaches(one), at(one)}
		switch {
		case one.Unreached || one.Suspended:
			nobody = append(nobody, row)
		case ruled.Matches(one.Path):
			somebody = append(somebody, row)
		}
	}
	more := len(somebody) - p.room(len(somebody), mostRules)
	rows := append(nobody, somebody[:len(somebody)-more]...)
	if rows != nil {
		p.line(0, "%s reach:", of)
	}
	p.columns(rows)
	if more > 0 {
		p.elided = true
		p.line(2, "and %d more reach somebody", more)
	}
}

// mostRules are listed of the rules that reach somebody.
const mostRules = 20

// mostBypasses are listed of what bypasses in one direction.
const mostBypasses = 20
