package report

import (
	"cmp"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/fn"
)

// The rules by which findings are told apart, beside those that the function
// gives its results.
const (
	// Refused is what the function takes for an error.
	Refused = "refused"
	// Warned is what the function warns of.
	Warned = "warned"
)

// Check is what a check found.
type Check struct {
	// Version is that of krm-bypass.
	Version string `json:"-"`
	// Passed says that everything is as it shall be.
	Passed bool `json:"passed"`
	// Checked and Differing count the objects that were looked at, and those of
	// them that differ or that the function refuses.
	Checked   int `json:"checked"`
	Differing int `json:"differing"`
	// Errors and Warnings count what the function has to say.
	Errors   int `json:"errors"`
	Warnings int `json:"warnings"`
	// Subjects are what findings are about, and every object that was looked
	// at, in the order in which they were given.
	Subjects []Subject `json:"subjects"`
}

// Subject is what findings are about: an object, or a file where they are about
// no object in it.
type Subject struct {
	APIVersion string `json:"apiVersion,omitempty"`
	Kind       string `json:"kind,omitempty"`
	Namespace  string `json:"namespace,omitempty"`
	Name       string `json:"name,omitempty"`
	File       string `json:"file,omitempty"`
	// Line counts from 1; 0 where it is not known.
	Line     int       `json:"line,omitempty"`
	Findings []Finding `json:"findings,omitempty"`
	// Remedy says what to do about the differences among the findings.
	Remedy string `json:"remedy,omitempty"`
	// checked says that it is an object that was looked at.
	checked bool
}

// Finding is one thing that is not as it shall be.
type Finding struct {
	// Rule is missing, stale or foreign for a difference, and otherwise the
	// check that found it: expired, expiring, or one of spec.lint.
	Rule     string      `json:"rule"`
	Severity fn.Severity `json:"severity"`
	// Path is the field that it is about, "" if it is about the whole.
	Path string `json:"path,omitempty"`
	Line int    `json:"line,omitempty"`
	// Value is what stands there, "" if that says nothing.
	Value   string `json:"value,omitempty"`
	Message string `json:"message"`
	// Proposed is YAML that would mend it, "" where the message says all.
	Proposed string `json:"proposed,omitempty"`
}

// Title gives the object as a person names it, "" for a file.
func (s Subject) Title() string {
	return title(fn.ResourceRef{Kind: s.Kind, Namespace: s.Namespace, Name: s.Name})
}

// Failed says whether a finding of the subject keeps the check from passing.
func (s Subject) Failed() bool {
	return slices.ContainsFunc(s.Findings, func(f Finding) bool { return f.Severity == fn.Error })
}

// Place gives FILE:LINE of a finding, as much of it as is known.
func (s Subject) Place(line int) string {
	return place(s.File, cmp.Or(line, s.Line))
}

// NewCheck gives the report of what fn.Check found, for each spec in turn.
func NewCheck(version string, all ...*fn.Checked) Check {
	r := Check{Version: version, Passed: true, Subjects: []Subject{}}
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
	for _, checked := range all {
		r.Passed = r.Passed && checked.Passed()
		for _, o := range checked.Objects {
			s := subject(o.ResourceRef, o.File, o.Line)
			s.checked = true
			for _, d := range o.Differences {
				s.Findings = append(s.Findings, Finding{Rule: d.Kind, Severity: fn.Error, Path: d.Path, Line: d.Line, Value: d.Has, Message: d.Message})
			}
			s.Remedy = cmp.Or(o.Remedy, s.Remedy)
		}
		for _, result := range checked.Results {
			r.add(result, subject)
		}
	}
	for _, s := range r.Subjects {
		if s.checked {
			r.Checked++
			if s.Failed() {
				r.Differing++
			}
		}
	}
	return r
}

func (r *Check) add(result fn.Result, subject func(fn.ResourceRef, string, int) *Subject) {
	rule := cmp.Or(result.Tags[fn.CheckTag], Warned)
	switch result.Severity {
	case fn.Info:
		return
	case fn.Error:
		r.Errors++
		rule = cmp.Or(result.Tags[fn.CheckTag], Refused)
	default:
		r.Warnings++
	}
	var ref fn.ResourceRef
	if result.ResourceRef != nil {
		ref = *result.ResourceRef
	}
	file := ""
	if result.File != nil {
		file = result.File.Path
	}
	f := Finding{Rule: rule, Severity: result.Severity, Line: result.Line, Message: result.Message}
	if result.Field != nil {
		f.Path, f.Value, f.Proposed = result.Field.Path, result.Field.CurrentValue, result.Field.ProposedValue
	}
	s := subject(ref, file, 0)
	s.Findings = append(s.Findings, f)
}
