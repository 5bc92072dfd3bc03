package transform

import (
	"fmt"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/finding"
)

// Severity says how serious a finding is.
type Severity string

// The severities, by the names of the KRM functions specification. A finding of
// severity Error means that nothing may be written.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
	Info    Severity = "info"
)

// SeverityOf gives the severity by one that spec.lint sets.
func SeverityOf(s finding.Severity) Severity { return Severity(strings.ToLower(string(s))) }

// Finding is something to tell the user about an object.
type Finding struct {
	// Kind is nil for what is refused in any case, and for a mere note.
	Kind     *finding.Kind
	Severity Severity
	Message  string
	// Path is the field that the finding is about; nil if it is about the
	// whole object.
	Path edit.Path
	// Value is what is there, "" if that says nothing.
	Value string
}

// report collects what there is to tell about an object.
type report struct {
	Findings []Finding
	// lint are the severities that the policy sets.
	lint map[string]string
}

// find adds what is refused, or a note.
func (r *report) find(severity Severity, path edit.Path, value, format string, args ...any) {
	r.Findings = append(r.Findings, Finding{nil, severity, fmt.Sprintf(format, args...), path, value})
}

// warn adds a finding of a kind, unless the policy ignores those.
func (r *report) warn(kind *finding.Kind, path edit.Path, value, format string, args ...any) {
	if severity := kind.In(r.lint); severity != finding.Ignore {
		r.Findings = append(r.Findings, Finding{kind, SeverityOf(severity), fmt.Sprintf(format, args...), path, value})
	}
}

// refuse adds a finding of a kind that is an error unless the policy sets its severity.
func (r *report) refuse(kind *finding.Kind, path edit.Path, value, format string, args ...any) {
	if r.lint[kind.ID] == "" {
		r.Findings = append(r.Findings, Finding{kind, Error, fmt.Sprintf(format, args...), path, value})
		return
	}
	r.warn(kind, path, value, format, args...)
}

// tells reports whether there is something of one of the severities about a field
// already.
func (r *report) tells(path edit.Path, of ...Severity) bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool { return slices.Contains(of, f.Severity) && slices.Equal(f.Path, path) })
}

// tolerate warns of keys that appear twice where nobody here reads them.
func (r *report) tolerate(o *Object) {
	for i, twice := range o.tolerated {
		if i == mostTold {
			r.warn(finding.DuplicateKey, nil, "", "%d more keys appear twice", len(o.tolerated)-i)
			break
		}
		r.warn(finding.DuplicateKey, twice.Path, "", "%v", twice.Err)
	}
}

// Failed reports whether there is a finding of severity Error; the plan's edits
// must not be used then.
func (r *report) Failed() bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Severity == Error })
}
