package transform

import (
	"fmt"
	"slices"

	"github.com/krm-bypass/krm-bypass/internal/edit"
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

// Finding is something to tell the user about an object.
type Finding struct {
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
}

func (r *report) find(severity Severity, path edit.Path, value, format string, args ...any) {
	r.Findings = append(r.Findings, Finding{severity, fmt.Sprintf(format, args...), path, value})
}

// tolerate warns of keys that appear twice where nobody here reads them.
func (r *report) tolerate(o *Object) {
	for i, twice := range o.tolerated {
		if i == mostTold {
			r.find(Warning, nil, "", "%d more keys appear twice", len(o.tolerated)-i)
			break
		}
		r.find(Warning, twice.Path, "", "%v", twice.Err)
	}
}

// Failed reports whether there is a finding of severity Error; the plan's edits
// must not be used then.
func (r *report) Failed() bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Severity == Error })
}
