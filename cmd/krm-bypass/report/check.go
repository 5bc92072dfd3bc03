package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/fn"
	"github.com/krm-bypass/krm-bypass/internal/finding"
)

// The rules of results that have no check of their own.
const (
	// Refused marks an error of the function.
	Refused = "refused"
	// Warned marks a warning of the function.
	Warned = "warned"
)

// Check is what a check found.
type Check struct {
	// Version is that of krm-bypass.
	Version string `json:"-"`
	// Passed is true if nothing was found that fails the check.
	Passed bool `json:"passed"`
	// Nothing says why there was nothing to check, "" where there was something.
	Nothing string `json:"nothing,omitempty"`
	// Checked counts the objects that were compared, Differing those of them
	// that differ or that the function refuses.
	Checked   int `json:"checked"`
	Differing int `json:"differing"`
	// Refused counts those of the latter that the function refuses, so that nobody knows how
	// they differ.
	Refused int `json:"refused,omitempty"`
	// Unruled counts the objects to which no ClusterBypass applies.
	Unruled int `json:"unruled,omitempty"`
	// LeftAlone counts the workloads that the function does not touch, Built
	// those that krm-bypass built itself, so that comparing them would say nothing.
	LeftAlone int `json:"leftAlone"`
	Built     int `json:"built,omitempty"`
	// Others counts those left alone that another ClusterBypass wrote, by its name.
	Others map[string]int `json:"others,omitempty"`
	// Errors and Warnings count the results of the function.
	Errors   int `json:"errors"`
	Warnings int `json:"warnings"`
	// Accepted counts the findings that spec.lint.accept accepts.
	Accepted int `json:"accepted"`
	// Subjects are all objects that were compared, and whatever else there are
	// findings about, in the order of the input.
	Subjects []Subject `json:"subjects"`
	// PassedOver are files in the folders that hold no Kubernetes object.
	PassedOver []string `json:"passedOver,omitempty"`
	// Doubts are warnings of what was not read, or is read otherwise than it is deployed.
	Doubts []string `json:"doubts,omitempty"`
	// Pipelines are the commands that compare what was built.
	Pipelines []string `json:"pipelines,omitempty"`
	// Spec is the file of the specification, for findings whose own file is not
	// known; "" if that is not known either.
	Spec string `json:"-"`
	// linted says that nothing was compared.
	linted bool
}

// StandardInput is the file of what came from standard input.
const StandardInput = "standard input"

// Checked is what fn.Check found with one spec. Built says that krm-bypass itself
// has made the manifests what they are, Unruled that no ClusterBypass applies to them.
type Checked struct {
	*fn.Checked
	Built, Unruled bool
}

// Subject is what findings are about: an object, or a file if they concern no
// object in it.
type Subject struct {
	APIVersion string `json:"apiVersion,omitempty"`
	Kind       string `json:"kind,omitempty"`
	Namespace  string `json:"namespace,omitempty"`
	Name       string `json:"name,omitempty"`
	File       string `json:"file,omitempty"`
	// Line counts from 1; 0 if it is not known.
	Line     int       `json:"line,omitempty"`
	Findings []Finding `json:"findings,omitempty"`
	// Accepted are findings that spec.lint.accept accepts.
	Accepted []Finding `json:"accepted,omitempty"`
	// Remedy says what to do about findings that are differences.
	Remedy string `json:"remedy,omitempty"`
	// LeftAlone says why the function does not touch the object.
	LeftAlone string `json:"leftAlone,omitempty"`
	// is says what was done with the object, other names another ClusterBypass that
	// wrote to it.
	is    outcome
	other string
}

// outcome is what was done with an object; zero if it was not looked at, or if
// there is none. An object that several specs were applied to has the greatest.
type outcome int

const (
	isLeftAlone outcome = iota + 1
	isUnruled
	isBuilt
	isCompared
)

// Finding is one thing that is wrong, or may be.
type Finding struct {
	// Rule is missing, stale or foreign for a difference, otherwise the check
	// that found it: expired, expiring, one of spec.lint, refused or warned.
	Rule     string      `json:"rule"`
	Severity fn.Severity `json:"severity"`
	// Path is the field that it is about; "" means all of the subject.
	Path string `json:"path,omitempty"`
	Line int    `json:"line,omitempty"`
	// Value is the value of the field, if that helps.
	Value   string `json:"value,omitempty"`
	Message string `json:"message"`
	// Also are further fields that differ for the same cause.
	Also []string `json:"also,omitempty"`
	// Proposed is YAML that fixes it, if the message does not say everything.
	Proposed string `json:"proposed,omitempty"`
	// Reason says why it is accepted.
	Reason string `json:"reason,omitempty"`
	// Workloads and Ports are those of the result.
	Workloads []string `json:"-"`
	Ports     []string `json:"-"`
	// New says that an earlier state, with which it was compared, did not have it.
	New bool `json:"-"`
}

// text is the message, with the fields that it is about too.
func (f Finding) text() string {
	if len(f.Also) == 0 {
		return f.Message
	}
	return f.Message + " (and for the same cause: " + few(f.Also, 3) + ")"
}

// Title names the object for a person; it is "" for a file.
func (s Subject) Title() string {
	return title(fn.ResourceRef{Kind: s.Kind, Namespace: s.Namespace, Name: s.Name})
}

// Failed reports whether a finding about the subject fails the check.
func (s Subject) Failed() bool {
	return slices.ContainsFunc(s.Findings, func(f Finding) bool { return f.Severity == fn.Error })
}

// Place gives FILE:LINE of a finding, or as much of it as is known.
func (s Subject) Place(line int) string {
	return place(s.File, cmp.Or(line, s.Line))
}

// message says all of a finding, for a report that shows nothing else beside it.
func (s Subject) message(f Finding) string {
	message := f.text()
	for _, about := range []string{f.Path, s.Title()} {
		if about != "" {
			message = about + ": " + message
		}
	}
	if s.Remedy != "" && slices.Contains(kindsOfDifferences, f.Rule) {
		message += ". Remedy: " + s.Remedy
	}
	if f.Proposed != "" {
		message += "\n\n" + indented("    ", f.Proposed)
	}
	return message
}

// at gives the file and line of a finding in the repository: those of the spec where
// its own are not known, since it was read from a pipe.
func (r Check) at(s Subject, f Finding) (file string, line int) {
	if s.File == "" || s.File == StandardInput {
		return r.Spec, 0
	}
	return s.File, f.Line
}

// NewCheck reports what fn.Check found with each of several specs.
func NewCheck(version string, all ...Checked) Check {
	r := Check{Version: version, Passed: true, Others: map[string]int{}, Subjects: []Subject{}}
	told := map[string]bool{} // what is wrong with a spec is told by each of the manifests to which it applies
	places := map[string]int{}
	subject := func(ref fn.ResourceRef, file string, line int) *Subject {
		key := strings.Join([]string{ref.APIVersion, ref.Kind, ref.Namespace, ref.Name, file}, "\x00")
		if _, known := places[key]; !known {
			places[key] = len(r.Subjects)
			r.Subjects = append(r.Subjects, Subject{
				APIVersion: ref.APIVersion, Kind: ref.Kind, Namespace: ref.Namespace, Name: ref.Name, File: file, Line: line,
			})
		}
		return &r.Subjects[places[key]]
	}
	together := make([]*fn.Checked, len(all))
	for i, checked := range all {
		together[i] = checked.Checked
	}
	fn.Together(together...)
	for _, checked := range all {
		for _, o := range checked.Objects {
			s := subject(o.ResourceRef, o.File, o.Line)
			switch {
			case o.LeftAlone != "" && len(o.Differences) == 0:
				s.is, s.LeftAlone = max(s.is, isLeftAlone), o.LeftAlone
				s.other = cmp.Or(s.other, o.Other)
			case checked.Unruled:
				s.is = max(s.is, isUnruled)
			case checked.Built:
				s.is = max(s.is, isBuilt)
			default:
				s.is = isCompared
				s.Findings = append(s.Findings, causes(o.Differences)...)
				s.Remedy = cmp.Or(o.Remedy, s.Remedy)
			}
		}
		for _, result := range checked.Results.Once(told) {
			r.add(result, subject)
		}
	}
	for i := range r.Subjects {
		s := &r.Subjects[i]
		if s.Kind == v1alpha1.Kind { // each of the manifests found some of what there is to say of a specification
			slices.SortStableFunc(s.Findings, func(a, b Finding) int {
				return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Message, b.Message))
			})
		}
		r.count(s)
	}
	return r
}

func (r *Check) count(s *Subject) {
	failed := s.Failed()
	r.Passed = r.Passed && !failed
	switch {
	case s.is == 0:
	case s.is == isCompared, failed:
		r.Checked++
		if failed {
			r.Differing++
		}
		if s.isRefused() {
			r.Refused++
		}
	case s.is == isBuilt:
		r.Built++
	case s.is == isUnruled:
		r.Unruled++
	default:
		r.LeftAlone++
		if s.other != "" {
			r.Others[s.other]++
		}
		return
	}
	s.LeftAlone = ""
}

// isRefused reports whether the function refuses the object, so that it was not compared.
func (s *Subject) isRefused() bool {
	has := func(rules ...string) bool {
		return slices.ContainsFunc(s.Findings, func(f Finding) bool { return slices.Contains(rules, f.Rule) })
	}
	return s.is >= isBuilt && has(Refused) && !has(kindsOfDifferences...)
}

// Compares reports whether objects were compared, and not findings collected alone.
func (r *Check) Compares() bool { return !r.linted }

// Same is a finding, and what it is about: more than one object where the same is wrong
// with them.
type Same struct {
	Finding
	About, Places []string
}

// Alike gives the findings that are not only a note, each once.
func (r *Check) Alike() []Same {
	var all counts[string, Same]
	for _, s := range r.Subjects {
		for _, f := range s.Findings {
			if f.Severity == fn.Info {
				continue
			}
			same := all.of(fmt.Sprintf("%v\x00%s\x00%s\x00%s\x00%s", f.New, f.Severity, f.Rule, f.text(), f.Proposed), Same{Finding: f})
			same.Message = f.text()
			same.About, same.Places = append(same.About, s.Title()), append(same.Places, s.Place(f.Line))
		}
	}
	return all.all
}

// IsEmpty reports whether there was no object to compare.
func (r *Check) IsEmpty() bool { return !r.linted && r.Checked+r.Built+r.Unruled+r.LeftAlone == 0 }

// kindsOfDifferences are those of fn.Difference.
var kindsOfDifferences = []string{"foreign", "stale", "missing"}

// causes gives one finding for what differs in an object for one cause. Each value
// that somebody else wrote is one; what follows from it, and what is missing or
// stale where nobody else wrote, makes no other.
func causes(differences []fn.Difference) []Finding {
	all := slices.Clone(differences)
	slices.SortStableFunc(all, func(a, b fn.Difference) int { return cmp.Compare(telling(a), telling(b)) })
	var found []Finding
	for _, d := range all {
		if len(found) == 0 || d.Kind == "foreign" {
			found = append(found, Finding{Rule: d.Kind, Severity: fn.Error, Path: d.Path, Line: d.Line, Value: d.Has, Message: d.Message})
			continue
		}
		if found[0].Also = append(found[0].Also, d.Path); found[0].Rule == "missing" {
			found[0].Rule = d.Kind // something of an earlier spec is there
		}
	}
	return found
}

// telling orders differences by how much they tell of their cause: what somebody
// else wrote, the mesh's annotations, the init container, and krm-bypass's own marks.
func telling(d fn.Difference) int {
	switch {
	case d.Kind == "foreign":
		return 0
	case strings.Contains(d.Path, "krm-bypass.dev/"):
		return 3
	case strings.Contains(d.Path, "Containers"):
		return 2
	}
	return 1
}

// NewLint reports the findings of fn.Check alone, whether or not objects are as the
// function makes them.
func NewLint(version string, all ...Checked) Check {
	var results []Checked
	for _, checked := range all {
		results = append(results, Checked{Checked: checked.Findings()})
	}
	r := NewCheck(version, results...)
	r.linted = true
	return r
}

// about gives the object and the file that a result is about.
func about(result fn.Result) (ref fn.ResourceRef, file string) {
	if result.ResourceRef != nil {
		ref = *result.ResourceRef
	}
	if result.File != nil {
		file = result.File.Path
	}
	return ref, file
}

func findingOf(result fn.Result) Finding {
	rule := Warned
	if _, accepted := result.Tags[fn.AcceptedTag]; result.Severity == fn.Error && !accepted {
		rule = Refused
	}
	f := Finding{
		Rule: cmp.Or(result.Tags[fn.CheckTag], rule), Severity: result.Severity, Line: result.Line, Message: result.Message,
		Reason: result.Tags[fn.AcceptedTag], Workloads: result.Workloads, Ports: result.Ports,
	}
	if result.Field != nil {
		f.Path, f.Value, f.Proposed = result.Field.Path, result.Field.CurrentValue, result.Field.ProposedValue
	}
	return f
}

func (r *Check) add(result fn.Result, subject func(fn.ResourceRef, string, int) *Subject) {
	f := findingOf(result)
	_, accepted := result.Tags[fn.AcceptedTag]
	if accepted {
		r.Accepted++
	} else if result.Severity == fn.Info && f.Rule == Warned {
		return // no finding
	}
	ref, file := about(result)
	s := subject(ref, file, 0)
	if accepted {
		s.Accepted = append(s.Accepted, f)
		return
	}
	if f.Rule == finding.HandEdited.ID && slices.ContainsFunc(s.Findings, func(of Finding) bool { return of.Rule == kindsOfDifferences[0] && of.Path == f.Path }) {
		return // the difference says it
	}
	switch result.Severity {
	case fn.Error:
		r.Errors++
	case fn.Warning:
		r.Warnings++
	}
	s.Findings = append(s.Findings, f)
}
