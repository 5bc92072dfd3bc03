package spec

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/internal/each"
	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/spelling"
)

// Field is a field of the API, and what its schema tag demands.
type Field struct {
	// Name is that in JSON.
	Name     string
	Type     reflect.Type
	Required bool
	// Filled forbids the empty string.
	Filled bool
	// Enum are the values that there are, nil for any, and refusal says what is wrong
	// with another.
	Enum    []string
	refusal func(value string, valid []string) string
	Default string
	// A number lies between Minimum and Maximum where these differ.
	Minimum, Maximum int

	index []int
	// owner is the type of which it is a field, and named its name there.
	owner reflect.Type
	named string
}

// Go gives the name of the type and of the field in Go.
func (f Field) Go() string { return f.owner.Name() + "." + f.named }

// fieldsOf has the fields of each type that was asked for: a spec may have very many
// mappings, of few types.
var fieldsOf sync.Map

// FieldsOf gives the fields of a struct, those of an inlined struct among them. Nobody
// writes into them.
func FieldsOf(t reflect.Type) []Field {
	known, found := fieldsOf.Load(t)
	if !found {
		known, _ = fieldsOf.LoadOrStore(t, readFields(t))
	}
	return known.([]Field)
}

func readFields(t reflect.Type) []Field {
	var room [32]Field // with an inlined struct there are more than t's own
	fields := room[:0]
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			for _, inner := range FieldsOf(f.Type) {
				inner.index = slices.Concat(f.Index, inner.index)
				fields = append(fields, inner)
			}
			continue
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		field := Field{Name: name, Type: f.Type, index: f.Index, owner: t, named: f.Name}
		if tag := f.Tag.Get("schema"); tag != "" {
			field.constrain(tag)
		}
		fields = append(fields, field)
	}
	return slices.Clone(fields)
}

func (f *Field) constrain(tag string) {
	for part := range strings.SplitSeq(tag, ";") {
		switch key, value, _ := strings.Cut(part, "="); key {
		case "required":
			f.Required = true
		case "minLength":
			f.Filled = true
		case "enum":
			f.Enum, f.refusal = strings.Split(value, "|"), spelling.Refusal
		case "meshes":
			f.Enum, f.refusal = mesh.Names(), func(name string, _ []string) string { return mesh.Refusal(name) }
		case "default":
			f.Default = value
		case "minimum":
			f.Minimum, _ = strconv.Atoi(value)
		case "maximum":
			f.Maximum, _ = strconv.Atoi(value)
		}
	}
}

// namesOf lists the names of fields.
func namesOf(fields []Field) []string {
	return each.As(fields, func(f Field) string { return f.Name })
}

// exactly finds the name among the names.
func exactly(name string, names []string) []string {
	if slices.Contains(names, name) {
		return []string{name}
	}
	return nil
}

// deeper gives the paths of fields one step below that are found by a name. The last
// step counts: spec.global rather than spec.meshDefaults.
func deeper(name string, fields []Field, find func(name string, names []string) []string) (paths []string) {
	for _, f := range fields {
		t := f.Type
		if t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		if t.Kind() != reflect.Struct || t == metadataType {
			continue
		}
		if found := find(name, namesOf(FieldsOf(t))); len(found) > 0 {
			paths = nil
			for _, n := range found {
				paths = append(paths, f.Name+"."+n)
			}
		}
	}
	return paths
}

var (
	metadataType    = reflect.TypeFor[v1alpha1.Metadata]()
	portType        = reflect.TypeFor[v1alpha1.Port]()
	inboundPortType = reflect.TypeFor[v1alpha1.InboundPort]()
	ipRangeType     = reflect.TypeFor[v1alpha1.IPRange]()
	quantityType    = reflect.TypeFor[v1alpha1.Quantity]()
	dateType        = reflect.TypeFor[v1alpha1.Date]()
	dataValueType   = reflect.TypeFor[dataValue]()
)
