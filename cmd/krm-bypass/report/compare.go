package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/kinds"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/pattern"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// Comparison says what changed since an earlier state.
type Comparison struct {
	// Changed counts the workloads whose bypass or template changed, Restarted
	// those of them whose pods the change replaces.
	Changed   int `json:"changed"`
	Restarted int `json:"restarted"`
	// Gone are the workloads that no longer exist.
	Gone []fn.TemplateRef `json:"gone,omitempty"`
	// Unreached are the parts of a specification that reach nobody, and either reached
	// somebody before or were not there.
	Unreached []fn.Reach `json:"unreached,omitempty"`
	// Warnings are of what one of the states does not hold, so that it was not compared.
	Warnings []string `json:"warnings,omitempty"`
}

// NotCompared warns of what was not compared with the earlier state.
func (r *Explanation) NotCompared() []string {
	switch {
	case r.Uncompared != "":
		return []string{r.Uncompared}
	case r.Comparison != nil:
		return r.Comparison.Warnings
	}
	return nil
}

// Doubtful are the warnings that make the result doubtful, of whatever state.
func (r *Explanation) Doubtful() []string { return slices.Concat(r.Doubts, r.NotCompared()) }

// GoneTitles names the workloads that no longer exist.
func (c *Comparison) GoneTitles() (titles []string) {
	for _, ref := range c.Gone {
		titles = append(titles, titleOf(ref))
	}
	return titles
}

// ChangeKind says how a workload changed.
type ChangeKind string

const (
	// New is a workload that did not exist before.
	New ChangeKind = "new"
	// Changed is one whose bypass, enforcement or template changed.
	Changed ChangeKind = "changed"
	// Unchanged is one that stayed as it was.
	Unchanged ChangeKind = "unchanged"
	// Unknown is one that the function refuses now, or refused before.
	Unknown ChangeKind = "unknown"
)

// Change says how a workload differs from its earlier state.
type Change struct {
	Kind ChangeKind `json:"kind"`
	// Outcome says what becomes of the workload now, and what became of it before, if
	// that changed.
	Outcome string `json:"outcome,omitempty"`
	// Fields are those whose entries in force changed, then OtherField for what else
	// lets traffic bypass, and PlaneField for pods that move to or from Ambient.
	Fields []FieldChange `json:"fields,omitempty"`
	// Template says that the pod template changes, Because says why: settings
	// means the entries in force, enforcement the init container, its image or
	// other fields, template whatever krm-bypass does not write.
	Template bool     `json:"template"`
	Because  []string `json:"because,omitempty"`
	// Restarts says that the change replaces running pods. A kind that leaves its
	// running pods alone, such as a CronJob, uses the new template next time.
	Restarts bool `json:"restarts"`
	// AsItStands says that one of the states is not as its specification writes it, and was
	// compared as it stands in a file.
	AsItStands bool `json:"-"`
}

// FieldChange is a field whose entries in force changed.
type FieldChange struct {
	Field   string              `json:"field"`
	Added   []fn.ExplainedEntry `json:"added,omitempty"`
	Removed []fn.ExplainedEntry `json:"removed,omitempty"`
}

// The reasons for which a template changes.
const (
	BecauseOfSettings    = "settings"
	BecauseOfEnforcement = "enforcement"
	BecauseOfTemplate    = "template"
)

// Compare says how every workload differs from an earlier state, if that could be read. Two workloads
// are the same if kind, namespace, name and place of the template are.
func (r *Explanation) Compare(earlier Explanation) {
	if r.Uncompared = earlier.Uncompared; r.Uncompared != "" {
		return
	}
	was := map[string]*Workload{}
	for i := range earlier.Workloads {
		was[earlier.Workloads[i].identity()] = &earlier.Workloads[i]
	}
	r.Comparison, r.earlier = &Comparison{Warnings: earlier.Lacks}, earlier.checked
	here, files := map[string]bool{}, filesOf(earlier.stands, r.stands)
	for i := range r.Workloads {
		w := &r.Workloads[i]
		here[w.identity()] = true
		then, now, asItStands := files.compared(was[w.identity()], w)
		w.Change = now.compare(then)
		w.Change.AsItStands = asItStands
	}
	r.Comparison.Warnings = append(slices.Clip(r.Comparison.Warnings), files.warnings(earlier.State)...)
	for i := range earlier.Workloads {
		if w := &earlier.Workloads[i]; !here[w.identity()] {
			r.Comparison.Gone = append(r.Comparison.Gone, w.TemplateRef)
		}
	}
	r.Comparison.Unreached = newlyUnreached(earlier.reach, r.reach)
	r.count()
}

// newlyUnreached gives the parts that reach nobody now, and of which the earlier ones do not
// say so, wherever they stood.
func newlyUnreached(was, is []fn.Reach) (newly []fn.Reach) {
	had := map[string]int{}
	known := func(one fn.Reach) string { return anywhere(one.Path) + " " + one.Of }
	for _, one := range was {
		if one.Unreached {
			had[known(one)]++
		}
	}
	for _, one := range is {
		if !one.Unreached {
			continue
		}
		if had[known(one)]--; had[known(one)] < 0 {
			newly = append(newly, one)
		}
	}
	return newly
}

// IsNewlyUnreached reports whether a part reaches nobody since the change.
func (c *Comparison) IsNewlyUnreached(one fn.Reach) bool {
	return c != nil && slices.ContainsFunc(c.Unreached, func(newly fn.Reach) bool { return newly.File == one.File && newly.Path == one.Path })
}

// count counts the workloads that changed.
func (r *Explanation) count() {
	r.Comparison.Changed, r.Comparison.Restarted = 0, 0
	for i := range r.Workloads {
		if c := r.Workloads[i].Change; c.Kind != Unchanged {
			r.Comparison.Changed++
			if c.Restarts {
				r.Comparison.Restarted++
			}
		}
	}
}

func (w *Workload) identity() string {
	group, _, grouped := strings.Cut(w.APIVersion, "/")
	if !grouped {
		group = ""
	}
	return strings.Join([]string{group, w.Kind, w.Namespace, w.Name, w.Template}, "\x00")
}

func (w *Workload) compare(was *Workload) *Change {
	switch {
	case was == nil:
		return &Change{Kind: New, Fields: fieldChanges(&Workload{}, w)}
	case w.Outcome == fn.RefusedOutcome || was.Outcome == fn.RefusedOutcome:
		return &Change{Kind: Unknown}
	}
	c := &Change{Kind: Unchanged, Outcome: w.becomes(was), Fields: fieldChanges(was, w), Template: w.Rendered.Template != was.Rendered.Template}
	if c.Template {
		if len(c.Fields) > 0 {
			c.Because = append(c.Because, BecauseOfSettings)
		}
		if w.enforcedOtherwise(was) || w.Rendered.Container != was.Rendered.Container && c.Because == nil {
			c.Because = append(c.Because, BecauseOfEnforcement)
		}
		if w.Rendered.Own != was.Rendered.Own || c.Because == nil {
			c.Because = append(c.Because, BecauseOfTemplate)
		}
		known, _ := kinds.Find(object.Group(w.APIVersion), w.Kind)
		c.Restarts = known.Restarts(w.Rendered.Container != was.Rendered.Container)
	}
	c.Fields = append(c.Fields, planeChange(was, w)...)
	if c.Template || len(c.Fields) > 0 || w.Outcome != was.Outcome || c.Outcome != "" {
		c.Kind = Changed
	}
	return c
}

// enforcedOtherwise reports whether settings that were and are in force are enforced
// differently now.
func (w *Workload) enforcedOtherwise(was *Workload) bool {
	if w.Outcome != fn.Written || was.Outcome != fn.Written {
		return false
	}
	both := w.Rendered.Container != "" && was.Rendered.Container != ""
	return w.Mode != was.Mode || w.plane() != was.plane() || both && w.Rendered.Container != was.Rendered.Container
}

// becomes says what becomes of a workload now, and what became of it before; "" if that
// is the same, or goes without saying since the settings do.
func (w *Workload) becomes(was *Workload) string {
	settings := func(w *Workload) bool { return w.Reason == "" && (w.Outcome == fn.Written || w.Outcome == fn.Unspoken) }
	now, before := w.fate(), was.fate()
	if now == before || settings(w) && settings(was) {
		return ""
	}
	return fmt.Sprintf("now %s; before: %s", now, before)
}

func (w *Workload) fate() string {
	if w.Reason == "" {
		return string(w.Outcome)
	}
	return string(w.Outcome) + ", since " + w.Reason
}

// OtherField stands for what lets traffic bypass beside the traffic fields.
const OtherField = "other"

func fieldChanges(was, is *Workload) []FieldChange {
	var changes []FieldChange
	names := make([]string, 0, len(traffic.Fields)+len(initialNames))
	for _, f := range traffic.Fields {
		names = append(names, string(f))
	}
	for _, name := range append(names, initialNames...) {
		f, _ := initialField(name)
		before, after := find(was.Fields, name), find(is.Fields, name)
		c := FieldChange{Field: name, Added: beyond(f, after, before), Removed: beyond(f, before, after)}
		if len(c.Added)+len(c.Removed) > 0 {
			changes = append(changes, c)
		}
	}
	c := FieldChange{Field: OtherField, Added: othersBeyond(is, was), Removed: othersBeyond(was, is)}
	if len(c.Added)+len(c.Removed) > 0 {
		changes = append(changes, c)
	}
	return changes
}

// PlaneField stands for the data plane in which the pods are.
const PlaneField = "dataPlane"

func planeChange(was, is *Workload) []FieldChange {
	before, after := was.planeEntry(), is.planeEntry()
	written, moves := was.Outcome == fn.Written || is.Outcome == fn.Written, was.plane() != is.plane()
	if ambient := string(mesh.Ambient); !written || !moves || was.plane() != ambient && is.plane() != ambient {
		return nil
	}
	return []FieldChange{{Field: PlaneField, Added: after, Removed: before}}
}

// planeEntry gives the data plane as the entry of a field, none where the pods may be in
// no mesh.
func (w *Workload) planeEntry() []fn.ExplainedEntry {
	if w.plane() == "" {
		return nil
	}
	from := w.DataPlaneFrom
	from.Scope = cmp.Or(from.Scope, fn.FromDefault)
	return []fn.ExplainedEntry{{Entry: w.plane(), Holds: []string{w.plane()}, InForce: true, From: from}}
}

// othersBeyond gives what else lets traffic bypass a workload, and not another.
func othersBeyond(w, beyond *Workload) []fn.ExplainedEntry {
	var more []fn.ExplainedEntry
	for _, o := range w.Others {
		if !slices.ContainsFunc(beyond.Others, func(b fn.ExplainedOther) bool {
			return other(b).entry().Entry == other(o).entry().Entry && other(b).both() == other(o).both()
		}) {
			more = append(more, other(o).entry())
		}
	}
	return more
}

// initialNames are those of the fields that hold while init containers run.
var initialNames = []string{
	fn.InitialPrefix + string(traffic.ExcludeOutboundPorts), fn.InitialPrefix + string(traffic.ExcludeOutboundIPRanges), fn.InitialPrefix + string(traffic.ExcludeOutbound),
}

func find(fields []fn.ExplainedField, name string) fn.ExplainedField {
	i := slices.IndexFunc(fields, func(field fn.ExplainedField) bool { return field.Field == name })
	if i < 0 {
		f, _ := initialField(name)
		return fn.ExplainedField{Field: name, Effective: traffic.Settings{}.Entries(f)}
	}
	return fields[i]
}

// beyond gives the entries that put more into force than the other field does, each
// with just that part.
func beyond(f traffic.Field, field, other fn.ExplainedField) []fn.ExplainedEntry {
	if slices.Equal(field.Effective, other.Effective) {
		return nil
	}
	var more []fn.ExplainedEntry
	rest := without(f, other.Effective)
	for _, e := range field.Entries {
		if !e.InForce {
			continue
		}
		holds := rest(e.Holds)
		if len(holds) == 0 && len(e.Holds) > 0 {
			continue
		}
		e.Holds = holds
		more = append(more, e)
	}
	return more
}

// without gives what tells the part of some entries that others do not cover. It reads
// the others once: there may be thousands.
func without(f traffic.Field, others []string) func(entries []string) []string {
	ports := func(list []string) traffic.Ports {
		var l traffic.Layer
		_ = l.Set(traffic.ExcludeOutboundPorts, list) // in canonical form, which reads back
		return l.Settings().ExcludeOutboundPorts
	}
	switch f {
	case traffic.ExcludeInboundPorts, traffic.ExcludeOutboundPorts, traffic.IncludeOutboundPorts:
		covered := ports(others)
		return func(entries []string) []string { return ports(entries).Without(covered).Entries() }
	}
	covered := map[string]bool{}
	for _, other := range others {
		covered[other] = true
	}
	return func(entries []string) []string {
		return slices.DeleteFunc(slices.Clone(entries), func(entry string) bool { return covered[entry] })
	}
}

// ComparedWith gives the explanation compared with an earlier one, and leaves its own as
// it is.
func (r Explanation) ComparedWith(earlier Explanation) Explanation {
	r.Workloads = slices.Clone(r.Workloads)
	r.Compare(earlier)
	return r
}

// IsNew gives what tells of a result whether it is a finding that the earlier state, with which
// the explanation was compared, did not have.
func (r *Explanation) IsNew() func(fn.Result) bool {
	type known struct{ title, place, rule, path, message string }
	newly := map[known]bool{}
	if r.Comparison != nil {
		for _, s := range r.Findings().Subjects {
			for _, f := range s.Findings {
				newly[known{s.Title(), s.Place(f.Line), f.Rule, f.Path, f.Message}] = f.New
			}
		}
	}
	return func(result fn.Result) bool {
		ref, file := about(result)
		f := findingOf(result)
		return newly[known{title(ref), place(file, f.Line), f.Rule, f.Path, f.Message}]
	}
}

// told is what a finding tells: of a port of a workload, or in its message.
type told struct{ title, rule, path, workload, says string }

// tells gives all that a finding tells. Which workloads and ports one finding speaks of, hangs
// on what else is said of them.
func (s *Subject) tells(f Finding) (all []told) {
	one := told{title: s.Title(), rule: f.Rule, path: anywhere(f.Path), says: anywhere(f.Message)}
	ports := singly(f.Ports)
	for _, workload := range f.Workloads {
		for _, port := range ports {
			one.workload, one.says = workload, port
			all = append(all, one)
		}
	}
	if all == nil {
		return []told{one}
	}
	return all
}

// singly gives ports without ranges, if they are few: two ports side by side are a range.
func singly(entries []string) (single []string) {
	var l traffic.Layer
	_ = l.Set(traffic.ExcludeInboundPorts, entries) // in canonical form, which reads back
	ports := l.Settings().ExcludeInboundPorts
	if ports.Count(traffic.TCP) > mostSingle {
		return entries
	}
	for port := range ports.Numbers(traffic.TCP) {
		single = append(single, strconv.Itoa(int(port)))
	}
	return single
}

const mostSingle = 100

// since marks the findings of a check that another does not have, wherever they stand. A
// rule that comes to stand elsewhere keeps its findings.
func (r *Check) since(was Check) {
	had := map[told]int{}
	for _, s := range was.Subjects {
		for _, f := range s.Findings {
			for _, one := range s.tells(f) {
				had[one]++
			}
		}
	}
	for i := range r.Subjects {
		s := &r.Subjects[i]
		s.Findings = slices.Clone(s.Findings)
		for j, f := range s.Findings {
			for _, one := range s.tells(f) {
				s.Findings[j].New = s.Findings[j].New || had[one] == 0
				had[one] = max(had[one]-1, 0)
			}
		}
	}
}

// Beyond gives the findings of a check that another does not have.
func Beyond(is, was Check) (beyond []Subject) {
	is.Subjects = slices.Clone(is.Subjects)
	is.since(was)
	for _, s := range is.Subjects {
		s.Findings = slices.DeleteFunc(s.Findings, func(f Finding) bool { return !f.New })
		if len(s.Findings) > 0 {
			beyond = append(beyond, s)
		}
	}
	return beyond
}

// anywhere is a text without the places in it.
func anywhere(text string) string { return places.Regexp().ReplaceAllString(text, "[]") }

// places are those of items in the path of a field, and lines.
var places = pattern.Of(`\[[0-9]+\]|\blines? [0-9]+( and [0-9]+)?\b`)
