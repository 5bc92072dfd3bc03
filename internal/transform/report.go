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
	// Accepted is what accepts it, nil where nothing does.
	Accepted *Acceptance
}

// AcceptedBy gives the finding as it is told where something accepts it; nil for
// nothing.
func (f Finding) AcceptedBy(a *Acceptance) Finding {
	if a != nil {
		f.Severity, f.Accepted = Info, a
	}
	return f
}

// report collects what there is to tell about an object.
type report struct {
	Findings []Finding
	// lint are the severities that the policy sets.
	lint map[string]string
	// accept gives what accepts a finding of a kind; it may be nil.
	accept func(*finding.Kind) *Acceptance
}

// find adds what is refused, or a note.
func (r *report) find(severity Severity, path edit.Path, value, format string, args ...any) {
	r.Findings = append(r.Findings, Finding{Severity: severity, Message: fmt.Sprintf(format, args...), Path: path, Value: value})
}

// warn adds a finding of a kind, unless the policy ignores those.
func (r *report) warn(kind *finding.Kind, path edit.Path, value, format string, args ...any) {
	if severity := kind.In(r.lint); severity != finding.Ignore {
		r.add(kind, SeverityOf(severity), path, value, format, args...)
	}
}

// refuse adds a finding of a kind that is an error unless the policy sets its severity.
func (r *report) refuse(kind *finding.Kind, path edit.Path, value, format string, args ...any) {
	if r.lint[kind.ID] == "" {
		r.add(kind, Error, path, value, format, args...)
		return
	}
	r.warn(kind, path, value, format, args...)
}

func (r *report) add(kind *finding.Kind, severity Severity, path edit.Path, value, format string, args ...any) {
	f := Finding{Kind: kind, Severity: severity, Message: fmt.Sprintf(format, args...), Path: path, Value: value}
	if r.accept != nil {
		f = f.AcceptedBy(r.accept(kind))
	}
	r.Findings = append(r.Findings, f)
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
