// Command schemagen writes schema.json, the JSON Schema of ClusterBypass, from the
// Go types of package v1alpha1: their fields, their comments and their schema
// tags. go generate runs it in internal/spec.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"reflect"
	"strconv"
	"strings"

	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/internal/spec"
)

func main() {
	text, err := Generate("../../api/v1alpha1/types.go")
	if err == nil {
		err = os.WriteFile("schema.json", text, 0o644)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "generating schema.json: %v\n", err)
		os.Exit(1)
	}
}

// Generate gives the schema; types is the path of the file that declares the
// types.
func Generate(types string) ([]byte, error) {
	comments, err := commentsOf(types)
	if err != nil {
		return nil, err
	}
	g := generator{comments: comments, definitions: map[string]*node{}}
	root := g.of(reflect.TypeFor[v1alpha1.ClusterBypass]())
	top := &node{}
	top.set("$schema", "https://json-schema.org/draft/2020-12/schema")
	top.set("title", v1alpha1.Kind)
	top.append(root)
	definitions := &node{}
	for _, name := range g.order {
		definitions.set(name, g.definitions[name])
	}
	top.set("$defs", definitions)
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(top); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// node is a JSON object whose keys keep their order, so that the schema reads
// as the types do.
type node struct {
	keys   []string
	values map[string]any
}

func (n *node) set(key string, value any) {
	if n.values == nil {
		n.values = map[string]any{}
	}
	if _, known := n.values[key]; !known {
		n.keys = append(n.keys, key)
	}
	n.values[key] = value
}

func (n *node) append(other *node) {
	for _, key := range other.keys {
		n.set(key, other.values[key])
	}
}

// MarshalJSON writes the keys in the order in which they were set.
func (n *node) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, key := range n.keys {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Quote(key) + ":")
		var value bytes.Buffer
		enc := json.NewEncoder(&value)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(n.values[key]); err != nil {
			return nil, err
		}
		b.Write(value.Bytes())
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

type generator struct {
	comments    map[string]string
	definitions map[string]*node
	order       []string
}

// scalars are the string types with a grammar of their own.
var scalars = map[reflect.Type]func(*node){
	reflect.TypeFor[v1alpha1.Port](): func(n *node) {
		number := &node{}
		number.set("type", "integer")
		number.set("minimum", 1)
		number.set("maximum", 65535)
		text := &node{}
		text.set("type", "string")
		text.set("pattern", `^[1-9][0-9]{0,4}(-[1-9][0-9]{0,4})?(/(TCP|UDP))?$`)
		n.set("anyOf", []*node{number, text})
	},
	reflect.TypeFor[v1alpha1.IPRange](): func(n *node) {
		n.set("type", "string")
		n.set("pattern", `^[0-9A-Fa-f:.]+(/[0-9]{1,3})?$`)
	},
	reflect.TypeFor[v1alpha1.Date](): func(n *node) {
		n.set("type", "string")
		n.set("format", "date")
		n.set("pattern", `^[0-9]{4}-[0-9]{2}-[0-9]{2}$`)
	},
	reflect.TypeFor[v1alpha1.Quantity](): func(n *node) {
		n.set("type", []string{"string", "number"})
	},
}

var selections = map[reflect.Type]bool{
	reflect.TypeFor[v1alpha1.PortSelection]():    true,
	reflect.TypeFor[v1alpha1.IPRangeSelection](): true,
}

func (g *generator) of(t reflect.Type) *node {
	n := &node{}
	if scalar, known := scalars[t]; known {
		return g.defined(t, scalar)
	}
	if selections[t] {
		return g.defined(t, func(n *node) {
			everything := &node{}
			everything.set("const", "*")
			only := &node{}
			only.set("type", "array")
			only.set("items", &node{keys: []string{"const"}, values: map[string]any{"const": "*"}})
			only.set("minItems", 1)
			only.set("maxItems", 1)
			some := &node{}
			some.set("type", "array")
			some.set("items", g.of(t.Elem()))
			n.set("anyOf", []*node{everything, only, some})
		})
	}
	switch t.Kind() {
	case reflect.Pointer:
		return g.of(t.Elem())
	case reflect.Struct:
		return g.defined(t, func(n *node) { g.object(t, n) })
	case reflect.Slice:
		n.set("type", "array")
		n.set("items", g.of(t.Elem()))
	case reflect.Map:
		n.set("type", "object")
		n.set("additionalProperties", g.of(t.Elem()))
	case reflect.Bool:
		n.set("type", "boolean")
	case reflect.Int:
		n.set("type", "integer")
	case reflect.String:
		n.set("type", "string")
	default:
		panic("no schema for " + t.String())
	}
	return n
}

// defined writes a type once and refers to it.
func (g *generator) defined(t reflect.Type, write func(*node)) *node {
	name := t.Name()
	if _, known := g.definitions[name]; !known {
		n := &node{}
		g.definitions[name] = n
		g.order = append(g.order, name)
		if comment := g.comments[name]; comment != "" {
			n.set("description", comment)
		}
		write(n)
	}
	reference := &node{}
	reference.set("$ref", "#/$defs/"+name)
	return reference
}

func (g *generator) object(t reflect.Type, n *node) {
	properties := &node{}
	var required []string
	for _, f := range spec.FieldsOf(t) {
		if properties.set(f.Name, g.property(f)); f.Required {
			required = append(required, f.Name)
		}
	}
	n.set("type", "object")
	n.set("properties", properties)
	if len(required) > 0 {
		n.set("required", required)
	}
	if t != reflect.TypeFor[v1alpha1.Metadata]() {
		n.set("additionalProperties", false)
	}
}

func (g *generator) property(f spec.Field) *node {
	property := &node{}
	if comment := g.comments[f.Go]; comment != "" {
		property.set("description", comment)
	}
	property.append(g.of(f.Type))
	if len(f.Enum) > 0 {
		property.set("enum", f.Enum)
	}
	if f.Default != "" {
		property.set("default", f.Default)
	}
	if f.Minimum < f.Maximum {
		property.set("minimum", f.Minimum)
		property.set("maximum", f.Maximum)
	}
	if f.Filled {
		property.set("minLength", 1)
	}
	return property
}

// commentsOf gives the comments of the types ("Type") and of their fields
// ("Type.Field") in one line each.
func commentsOf(path string) (map[string]string, error) {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	comments := map[string]string{}
	note := func(name string, groups ...*ast.CommentGroup) {
		for _, group := range groups {
			if text := strings.Join(strings.Fields(group.Text()), " "); text != "" {
				comments[name] = text
			}
		}
	}
	for _, declaration := range file.Decls {
		types, ok := declaration.(*ast.GenDecl)
		if !ok || types.Tok != token.TYPE {
			continue
		}
		for _, spec := range types.Specs {
			declared := spec.(*ast.TypeSpec)
			note(declared.Name.Name, types.Doc, declared.Doc)
			body, ok := declared.Type.(*ast.StructType)
			if !ok {
				continue
			}
			for _, field := range body.Fields.List {
				for _, name := range field.Names {
					note(declared.Name.Name+"."+name.Name, field.Doc)
				}
			}
		}
	}
	return comments, nil
}
