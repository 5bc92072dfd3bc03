package fn

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/pass"
	"github.com/krm-bypass/krm-bypass/internal/spec"
	"github.com/krm-bypass/krm-bypass/internal/terminal"
	"github.com/krm-bypass/krm-bypass/internal/transform"
)

// Severity says how serious a Result is.
type Severity = transform.Severity

// The severities of the KRM functions specification.
const (
	Error   = transform.Error
	Warning = transform.Warning
	Info    = transform.Info
)

// Result is something that the function tells its user, in the form of the KRM
// functions specification
// (kubernetes-sigs/kustomize cmd/config/docs/api-conventions/functions-spec.md).
type Result struct {
	// Message says what is the matter and what would mend it.
	Message  string   `json:"message" yaml:"message"`
	Severity Severity `json:"severity" yaml:"severity"`
	// ResourceRef is the object that it is about.
	ResourceRef *ResourceRef `json:"resourceRef,omitempty" yaml:"resourceRef,omitempty"`
	// Field is the field that it is about.
	Field *Field `json:"field,omitempty" yaml:"field,omitempty"`
	// File is the file that the object came from, if an orchestrator said.
	File *File `json:"file,omitempty" yaml:"file,omitempty"`
	// Line of the file, from 1, where what it is about stands; 0 if it is not
	// known, which it is not where an orchestrator has read the file.
	Line int `json:"-" yaml:"-"`
	// Tags are further facts; under CheckTag stands the name of the check that
	// found it: one of spec.lint, or Expired or Expiring. There is none where the
	// function itself has.
	Tags map[string]string `json:"tags,omitempty" yaml:"tags,omitempty"`
}

// CheckTag is the tag that names a check.
const CheckTag = "check"

// ResourceRef names an object.
type ResourceRef struct {
	APIVersion string `json:"apiVersion" yaml:"apiVersion"`
	Kind       string `json:"kind" yaml:"kind"`
	Name       string `json:"name" yaml:"name"`
	Namespace  string `json:"namespace,omitempty" yaml:"namespace,omitempty"`
}

// Field names a field and what stands there.
type Field struct {
	Path         string `json:"path" yaml:"path"`
	CurrentValue string `json:"currentValue,omitempty" yaml:"currentValue,omitempty"`
	// ProposedValue is YAML that would mend what the result is about: whole
	// objects, of which some may be new.
	ProposedValue string `json:"proposedValue,omitempty" yaml:"proposedValue,omitempty"`
}

// File names a file, and the place of the object in it, counted from 0.
type File struct {
	Path  string `json:"path" yaml:"path"`
	Index int    `json:"index,omitempty" yaml:"index,omitempty"`
}

// String gives the result in one line, for a person at a terminal.
func (r Result) String() string {
	parts := []string{string(r.Severity)}
	if r.File != nil {
		file := r.File.Path
		if r.Line > 0 {
			file += ":" + strconv.Itoa(r.Line)
		}
		parts = append(parts, file)
	}
	if ref := r.ResourceRef; ref != nil {
		parts = append(parts, object.Named(ref.Kind, ref.Namespace, ref.Name))
	}
	if r.Field != nil {
		parts = append(parts, clipped(r.Field.Path))
	}
	line := terminal.Line(strings.Join(append(parts, clipped(r.Message)), ": "))
	if check := r.Tags[CheckTag]; check != "" {
		line += " [" + check + "]"
	}
	return line
}

// longestPart is how much of a path or a message is shown, in bytes: a value
// that somebody gives may have any length. What is longer loses its middle,
// for what to do stands at the end.
const longestPart = 1500

func clipped(text string) string {
	if len(text) <= longestPart {
		return text
	}
	half := longestPart / 2
	head, tail := text[:half], text[len(text)-half:]
	return strings.ToValidUTF8(head, "") + fmt.Sprintf(" [%d more bytes] ", len(text)-2*half) + strings.ToValidUTF8(tail, "")
}

// Results is a list of Result.
type Results []Result

// Failed says whether one of the results is an error.
func (r Results) Failed() bool {
	return slices.ContainsFunc(r, func(one Result) bool { return one.Severity == Error })
}

// Report gives the warnings and errors, a line each, with what they propose
// indented below: what a person must see
// even where an orchestrator throws results away, as kustomize does
// (kubernetes-sigs/kustomize kyaml/runfn/runfn.go). It is empty where there is
// nothing to say, since kpt writes it into the Kptfile.
func (r Results) Report() string {
	var b strings.Builder
	for _, one := range r {
		if one.Severity != Info {
			b.WriteString(one.String() + "\n")
			if one.Field != nil {
				for line := range strings.Lines(one.Field.ProposedValue) {
					b.WriteString("    " + terminal.Line(strings.TrimSuffix(line, "\n")) + "\n")
				}
			}
		}
	}
	return b.String()
}

// inOrder gives the results in an order that depends on what they say alone,
// not on the order of the items: items in another order are the same package.
func (r Results) inOrder() Results {
	type keyed struct {
		Result
		key string
	}
	all := make([]keyed, len(r))
	for i, one := range r {
		rank := map[Severity]string{Error: "0", Warning: "1", Info: "2"}[one.Severity]
		ref, _ := json.Marshal(one.ResourceRef)
		whole, _ := json.Marshal(one)
		all[i] = keyed{one, strings.Join([]string{rank, string(ref), one.String(), string(whole)}, "\x00")}
	}
	slices.SortStableFunc(all, func(a, b keyed) int { return cmp.Compare(a.key, b.key) })
	sorted := make(Results, len(r))
	for i, one := range all {
		sorted[i] = one.Result
	}
	return sorted
}

// entries gives the results as a ResourceList takes them.
func (r Results) entries() []any {
	entries := make([]any, len(r))
	for i, one := range r {
		entries[i] = one
	}
	return entries
}

// resultsOf gives findings as results.
func resultsOf(findings ...pass.Finding) Results {
	results := make(Results, len(findings))
	for i, f := range findings {
		results[i] = Result{Message: f.Message, Severity: f.Severity, ResourceRef: refTo(f.About), File: fileOf(f.File, f.Index), Line: f.Line}
		if f.Field != "" || f.Proposed != "" {
			results[i].Field = &Field{Path: f.Field, CurrentValue: f.Value, ProposedValue: f.Proposed}
		}
		if f.Check != "" {
			results[i].Tags = map[string]string{CheckTag: f.Check}
		}
	}
	return results
}

// refTo gives a reference to an object, nil where that cannot be named.
func refTo(to pass.Ref) *ResourceRef {
	if to.Kind == "" {
		return nil
	}
	return &ResourceRef{APIVersion: to.APIVersion, Kind: to.Kind, Name: to.Name, Namespace: to.Namespace}
}

func fileOf(path string, index int) *File {
	if path == "" {
		return nil
	}
	return &File{Path: path, Index: index}
}

// problemResults gives what is to be said of a spec as results.
func problemResults(severity Severity, problems error, ref *ResourceRef) Results {
	var all spec.Problems
	if !errors.As(problems, &all) {
		return Results{{Message: problems.Error(), Severity: severity, ResourceRef: ref}}
	}
	results := make(Results, len(all))
	for i, p := range all {
		results[i] = problemResult(severity, p, ref)
	}
	return results
}

func problemResult(severity Severity, p spec.Problem, ref *ResourceRef) Result {
	r := Result{Message: p.Message, Severity: severity, ResourceRef: ref, File: fileOf(p.File, 0), Line: p.Line}
	if p.Path != "" && ref != nil {
		r.Field = &Field{Path: p.Path, CurrentValue: p.Value}
	} else if p.Path != "" {
		r.Message = p.Path + ": " + p.Message
	}
	return r
}
