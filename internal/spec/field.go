package spec

import (
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
)

// constraint is what a field's schema tag demands.
type constraint struct {
	required  bool
	filled    bool // not the empty string
	enum      []string
	byDefault string
	// A number lies between minimum and maximum where bounded.
	bounded          bool
	minimum, maximum int
}

func constraintOf(field reflect.StructField) constraint {
	var c constraint
	for part := range strings.SplitSeq(field.Tag.Get("schema"), ";") {
		key, value, _ := strings.Cut(part, "=")
		switch key {
		case "required":
			c.required = true
		case "minLength":
			c.filled = true
		case "enum":
			c.enum = strings.Split(value, "|")
		case "default":
			c.byDefault = value
		case "minimum":
			c.minimum, _ = strconv.Atoi(value)
			c.bounded = true
		case "maximum":
			c.maximum, _ = strconv.Atoi(value)
			c.bounded = true
		}
	}
	return c
}

// fieldsOf lists the fields of a struct by their JSON names, those of an
// inlined struct among them.
func fieldsOf(t reflect.Type) []reflect.StructField {
	var fields []reflect.StructField
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous {
			for _, inner := range fieldsOf(f.Type) {
				inner.Index = append(slices.Clone(f.Index), inner.Index...)
				fields = append(fields, inner)
			}
			continue
		}
		fields = append(fields, f)
	}
	return fields
}

func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}

// deeper gives the path of a field of that name which belongs one step below,
// "" if there is none. The last one counts: spec.global rather than
// spec.meshDefaults.
func deeper(name string, fields []reflect.StructField) string {
	path := ""
	for _, f := range fields {
		t := f.Type
		if t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		if t.Kind() != reflect.Struct || t == metadataType {
			continue
		}
		if slices.ContainsFunc(fieldsOf(t), func(inner reflect.StructField) bool { return jsonName(inner) == name }) {
			path = jsonName(f) + "." + name
		}
	}
	return path
}

var (
	metadataType  = reflect.TypeFor[v1alpha1.Metadata]()
	portType      = reflect.TypeFor[v1alpha1.Port]()
	ipRangeType   = reflect.TypeFor[v1alpha1.IPRange]()
	quantityType  = reflect.TypeFor[v1alpha1.Quantity]()
	dateType      = reflect.TypeFor[v1alpha1.Date]()
	dataValueType = reflect.TypeFor[dataValue]()
)
