package revise

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/spec"
)

// Field is one that a rule may set.
type Field struct {
	// Path is that below the rule, such as excludeInboundPorts or match.names.
	Path string
	// List says that it has entries; otherwise it has a single value.
	List bool
	// Flag says that its value is true or false.
	Flag bool
	// Enum are the values that there are, nil for any.
	Enum []string

	steps edit.Path
	form  form
}

// scopes are the types of the rules by where they stand: a list of them ends in [].
var scopes = map[string]reflect.Type{
	"spec.meshDefaults":  reflect.TypeFor[v1alpha1.Traffic](),
	"spec.global":        reflect.TypeFor[v1alpha1.GlobalRule](),
	"spec.namespaces[]":  reflect.TypeFor[v1alpha1.NamespaceRule](),
	"spec.workloads[]":   reflect.TypeFor[v1alpha1.WorkloadRule](),
	"spec.lint.accept[]": reflect.TypeFor[v1alpha1.Acceptance](),
}

// Fields gives the fields of the rule at a path, or of the rules in the list at a path, in
// the order of the API; none where no rule can be.
func Fields(path string) []Field {
	name, _, _ := strings.Cut(path, "[")
	for _, known := range []string{name, name + "[]"} {
		if t := scopes[known]; t != nil {
			return fieldsOf(t, "", nil)
		}
	}
	return nil
}

// fieldsOf gives the fields of a type whose values are not structs themselves.
func fieldsOf(t reflect.Type, under string, steps edit.Path) []Field {
	var all []Field
	for _, f := range spec.FieldsOf(t) {
		inner := f.Type
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		to := append(steps[:len(steps):len(steps)], f.Name)
		if inner.Kind() == reflect.Struct {
			all = append(all, fieldsOf(inner, under+f.Name+".", to)...)
			continue
		}
		all = append(all, Field{
			Path: under + f.Name, List: inner.Kind() == reflect.Slice || inner.Kind() == reflect.Map, Flag: inner.Kind() == reflect.Bool,
			Enum: f.Enum, steps: to, form: formOf(inner),
		})
	}
	return all
}

// stepsTo gives the steps to a rule, or to a list of rules where listed is true.
func stepsTo(path string, listed bool) (edit.Path, error) {
	name, index, inList := strings.Cut(path, "[")
	kind := name
	if inList || listed {
		kind += "[]"
	}
	if scopes[kind] == nil || inList && listed {
		return nil, fmt.Errorf("%s is no place of a rule", path)
	}
	steps := edit.Keys(strings.Split(name, "."))
	if !inList {
		return steps, nil
	}
	i, err := strconv.Atoi(strings.TrimSuffix(index, "]"))
	if err != nil || i < 0 {
		return nil, fmt.Errorf("%s is no place of a rule", path)
	}
	return append(steps, i), nil
}
