package revise

import (
	"errors"
	"fmt"
	"slices"

	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/internal/spec"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// State is what a field of a rule says.
type State uint8

const (
	// Unset says nothing: what broader rules say holds.
	Unset State = iota
	// None is the empty list.
	None
	// Listed is some entries, or a single value.
	Listed
)

// Setting is what a field says. A field with a single value has it as its only entry.
type Setting struct {
	State   State
	Entries []string
}

// Says gives a setting with entries; without any it is none.
func Says(entries ...string) Setting {
	if len(entries) == 0 {
		return Setting{State: None}
	}
	return Setting{Listed, entries}
}

// Rule is the settings of a rule, or of an accepted finding, by the paths of their fields
// below it, such as match.names or forInitContainers.excludeOutboundPorts.
type Rule map[string]Setting

// A Change is one change of a spec. String says it in words.
type Change interface {
	fmt.Stringer
	make(*text) error
}

// Put gives the rule at Path the settings of Rule. Fields that Rule does not have stay, and
// so does every byte of one that says the same already. spec.global and spec.meshDefaults
// are created where they are missing.
type Put struct {
	Path string
	Rule Rule
}

// Add adds a rule to the list To, which is spec.namespaces, spec.workloads or
// spec.lint.accept: before the one that has the index At, or as the last one where there
// is none.
type Add struct {
	To   string
	At   int
	Rule Rule
}

// Last is a place behind all others.
const Last = 1 << 30

// Remove takes away the rule at Path with the comment lines right above it, and its list
// where that is left empty.
type Remove struct{ Path string }

// Move moves the rule at Path By places, down the text where that is more than 0, with the
// comment lines right above it.
type Move struct {
	Path string
	By   int
}

func (c Put) String() string    { return "changing " + c.Path }
func (c Add) String() string    { return "adding to " + c.To }
func (c Remove) String() string { return "removing " + c.Path }
func (c Move) String() string   { return "moving " + c.Path }

// Apply makes changes, one after the other, in a file with one ClusterBypass, and gives
// the new text of the file.
func Apply(f yamltext.File, changes ...Change) ([]byte, error) {
	for _, c := range changes {
		t, err := read(f)
		if err == nil {
			err = c.make(t)
		}
		if _, named := errors.AsType[spec.Problems](err); named {
			return nil, fmt.Errorf("%v: %w", c, err)
		}
		if err != nil {
			return nil, fmt.Errorf("%v in %s: %w", c, f.Path, err)
		}
		f = t.file
	}
	return f.Text, nil
}

// read finds the one ClusterBypass of a file.
func read(f yamltext.File) (*text, error) {
	texts, problems := spec.Texts(f)
	switch {
	case len(texts) == 1:
		return &text{file: f, Text: texts[0]}, nil
	case len(problems) > 0:
		return nil, problems
	case len(texts) > 1:
		return nil, fmt.Errorf("there are %d objects of kind %s: keep one", len(texts), v1alpha1.Kind)
	}
	if _, err := spec.In(f); err != nil {
		return nil, err //nolint:wrapcheck // the problems name the file
	}
	return nil, errors.New("the specification is a ConfigMap, which has no place for rules: change its data by hand, or write a " + v1alpha1.Kind)
}

// sorted gives the fields of a scope that a rule sets, in the order of the API, and an
// error for others.
func (r Rule) sorted(fields []Field) ([]Field, error) {
	var set []Field
	for _, f := range fields {
		if _, is := r[f.Path]; is {
			set = append(set, f)
		}
	}
	for path := range r {
		if !slices.ContainsFunc(fields, func(f Field) bool { return f.Path == path }) {
			return nil, fmt.Errorf("there is no field %s in this place", path)
		}
	}
	return set, nil
}
