package report

import (
	"cmp"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/fn"
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
	// Checked counts the objects that were compared, Differing those of them
	// that differ or that the function refuses.
	Checked   int `json:"checked"`
	Differing int `json:"differing"`
	// Errors and Warnings count the results of the function.
	Errors   int `json:"errors"`
	Warnings int `json:"warnings"`
	// Subjects are all objects that were compared, and whatever else there are
	// findings about, in the order of the input.
	Subjects []Subject `json:"subjects"`
	// linted says that nothing was compared.
	linted bool
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
	// Remedy says what to do about findings that are differences.
	Remedy string `json:"remedy,omitempty"`
	// checked says that this is an object that was compared.
	checked bool
}

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
	// Proposed is YAML that fixes it, if the message does not say everything.
	Proposed string `json:"proposed,omitempty"`
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

// NewCheck reports what fn.Check found with each of several specs.
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

// NewLint reports the findings of fn.Check alone, whether or not objects are as the
// function makes them.
func NewLint(version string, all ...*fn.Checked) Check {
	var results []*fn.Checked
	for _, checked := range all {
		results = append(results, &fn.Checked{Results: checked.Results})
	}
	r := NewCheck(version, results...)
	r.linted = true
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
