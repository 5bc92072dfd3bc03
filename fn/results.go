package fn

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/each"
	"github.com/krm-bypass/krm-bypass/internal/finding"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/pass"
	"github.com/krm-bypass/krm-bypass/internal/pattern"
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

// Result is something to tell the user, in the form of the KRM functions
// specification
// (kubernetes-sigs/kustomize cmd/config/docs/api-conventions/functions-spec.md).
type Result struct {
	// Message says what is wrong and how to fix it.
	Message  string   `json:"message" yaml:"message"`
	Severity Severity `json:"severity" yaml:"severity"`
	// ResourceRef names the object that the result is about.
	ResourceRef *ResourceRef `json:"resourceRef,omitempty" yaml:"resourceRef,omitempty"`
	// Field names the field that the result is about.
	Field *Field `json:"field,omitempty" yaml:"field,omitempty"`
	// File is the file that the object came from, if that is known.
	File *File `json:"file,omitempty" yaml:"file,omitempty"`
	// Line is the line in the file, from 1. It is 0 if it is not known, as when
	// another program read the file.
	Line int `json:"-" yaml:"-"`
	// Tags are further facts. CheckTag names the kind of finding that this is,
	// as in spec.lint. What is refused in any case has no such tag.
	Tags map[string]string `json:"tags,omitempty" yaml:"tags,omitempty"`

	// Workloads and Ports are those that a finding about ports speaks of, each as the
	// message names it; nil where they are too many. The message may name a few.
	Workloads []string `json:"-" yaml:"-"`
	Ports     []string `json:"-" yaml:"-"`

	// unreached are the parts of the spec of which it says that they reach nobody.
	unreached []Reach
	// idle is the acceptance of which it says that it accepts nothing here.
	idle acceptance
}

// acceptance is an entry of spec.lint.accept.
type acceptance struct{ file, path string }

// The keys of tags.
const (
	// CheckTag is that of the tag that names a kind of finding.
	CheckTag = "check"
	// AcceptedTag is that of the tag of an accepted finding: the reason that
	// spec.lint.accept gives. The finding is an Info then.
	AcceptedTag = "accepted"
)

// ResourceRef names an object.
type ResourceRef struct {
	APIVersion string `json:"apiVersion" yaml:"apiVersion"`
	Kind       string `json:"kind" yaml:"kind"`
	Name       string `json:"name" yaml:"name"`
	Namespace  string `json:"namespace,omitempty" yaml:"namespace,omitempty"`
}

// Field names a field and its value.
type Field struct {
	Path         string `json:"path" yaml:"path"`
	CurrentValue string `json:"currentValue,omitempty" yaml:"currentValue,omitempty"`
	// ProposedValue is YAML that fixes what the result is about: whole objects,
	// some of which may be new.
	ProposedValue string `json:"proposedValue,omitempty" yaml:"proposedValue,omitempty"`
}

// File names a file, and which of its documents holds the object, from 0.
type File struct {
	Path  string `json:"path" yaml:"path"`
	Index int    `json:"index,omitempty" yaml:"index,omitempty"`
}

// String gives the result as one line for a person. It escapes control characters.
func (r Result) String() string { return r.line("") }

// line does so with a mark behind the severity.
func (r Result) line(mark string) string {
	parts := []string{string(r.Severity) + mark}
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

// longestPart is how much of a path or a message is shown, in bytes, because a
// user's value may have any length. What is longer loses its middle, because the
// end says what to do.
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

// Failed reports whether any result is an error.
func (r Results) Failed() bool {
	return slices.ContainsFunc(r, func(one Result) bool { return one.Severity == Error })
}

// Once gives those that have not been told, and notes them as told.
func (r Results) Once(told map[string]bool) Results {
	return slices.DeleteFunc(slices.Clone(r), func(one Result) bool {
		before := told[one.String()]
		told[one.String()] = true
		return before
	})
}

// Report gives the warnings and errors, one line each, without what they propose: the
// objects are long, and lint prints them. A command prints it to standard error, because kustomize drops
// results (kubernetes-sigs/kustomize kyaml/runfn/runfn.go). It is "" if there are
// none, because kpt writes standard error into the Kptfile. A warning that is the
// same for many objects is written for the first few, and says how many more there
// are.
func (r Results) Report() string {
	return r.ReportSince(func(Result) bool { return false })
}

// ReportSince does so and marks what is new since an earlier state.
func (r Results) ReportSince(isNew func(Result) bool) string {
	alike, marks := make([]string, len(r)), make([]string, len(r))
	count := map[string]int{}
	for i, one := range r {
		if isNew(one) {
			marks[i] = ", new"
		}
		if one.Severity == Warning { // infos are not written, and there may be very many
			alike[i] = marks[i] + one.about()
			count[alike[i]]++
		}
	}
	var b strings.Builder
	written := map[string]int{}
	for i, one := range r {
		if one.Severity == Info || one.Severity == Warning && written[alike[i]] == fewAlike {
			continue
		}
		b.WriteString(one.line(marks[i]))
		if one.Severity == Warning {
			written[alike[i]]++
			if left := count[alike[i]] - fewAlike; left > 0 && written[alike[i]] == fewAlike {
				fmt.Fprintf(&b, " (and %d more like it: krm-bypass lint lists them all)", left)
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

// LeftAlone counts the workloads of which the spec speaks and which the function does
// not touch.
func (r Results) LeftAlone() (count int) {
	for _, one := range r {
		if one.Severity == Info && strings.HasPrefix(one.Message, transform.LeftAloneIs) {
			count++
		}
	}
	return count
}

// fewAlike is how many warnings are written that differ in their object alone.
const fewAlike = 3

// inList is how the path of a field of an object in a list begins.
var inList = pattern.Of(`^(items\[\d+\]\.)+`)

// about gives what the result says but for the object of which it says so.
func (r Result) about() string {
	r.ResourceRef, r.File, r.Line = nil, nil, 0
	if r.Field != nil {
		field := *r.Field
		field.Path = inList.Regexp().ReplaceAllString(field.Path, "")
		r.Field = &field
	}
	text, _ := json.Marshal(r)
	return string(text)
}

// inOrder sorts the results by their place in a file, and where there is none by what
// they say. The order of the items must not matter, because items in another order are
// the same package.
func (r Results) inOrder() Results {
	type keyed struct {
		Result
		key string
	}
	all := make([]keyed, len(r))
	for i, one := range r {
		rank := map[Severity]string{Error: "0", Warning: "1", Info: "2"}[one.Severity]
		place := ""
		if one.Line > 0 && one.File != nil {
			place = fmt.Sprintf("%s\x00%9d", one.File.Path, one.Line)
		}
		ref, _ := json.Marshal(one.ResourceRef)
		whole, _ := json.Marshal(one)
		all[i] = keyed{one, strings.Join([]string{rank, place, string(ref), counting(one.String()), string(whole)}, "\x00")}
	}
	slices.SortStableFunc(all, func(a, b keyed) int { return cmp.Compare(a.key, b.key) })
	sorted := make(Results, len(r))
	for i, one := range all {
		sorted[i] = one.Result
	}
	return sorted
}

// counting gives a text in which 3 comes before 20: what is in brackets is filled up.
func counting(text string) string {
	head, rest, found := strings.Cut(text, "[")
	if !found {
		return text
	}
	index, rest, _ := strings.Cut(rest, "]")
	return fmt.Sprintf("%s[%9s]%s", head, index, counting(rest))
}

// resultsOf turns findings into results.
func resultsOf(findings ...pass.Finding) Results {
	results := make(Results, len(findings))
	for i, f := range findings {
		results[i] = Result{Message: f.Message, Severity: f.Severity, ResourceRef: refTo(f.About), File: fileOf(f.File, f.Index), Line: f.Line, Workloads: f.Workloads, Ports: f.Ports}
		if f.Field != "" || f.Proposed != "" {
			results[i].Field = &Field{Path: f.Field, CurrentValue: f.Value, ProposedValue: f.Proposed}
		}
		if f.Kind != nil {
			results[i].tag(f.Kind, f.Accepted)
		}
	}
	return results
}

// tag says of which kind a finding is, and what accepts it; nil for nothing.
func (r *Result) tag(kind *finding.Kind, accepted *transform.Acceptance) {
	r.Tags = map[string]string{CheckTag: kind.ID}
	if accepted != nil {
		r.Severity, r.Tags[AcceptedTag] = Info, accepted.Reason
	}
}

// refTo gives a reference to an object, or nil if the object cannot be named.
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

// problemResults turns problems of a spec into errors.
func problemResults(problems error, ref *ResourceRef) Results {
	if problems == nil {
		return nil
	}
	if all, is := errors.AsType[spec.Problems](problems); is {
		return each.As(all, func(p spec.Problem) Result { return problemResult(Error, p, ref) })
	}
	return Results{{Message: problems.Error(), Severity: Error, ResourceRef: ref}}
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
