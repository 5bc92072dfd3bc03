// Command schemagen writes schema.json, the JSON Schema of ClusterBypass, and the page
// docs/spec.md from the Go types of package v1alpha1: their fields, their comments and
// their schema tags. go generate runs it in internal/spec.
package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/internal/spec"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

func main() {
	top, err := schemaOf("../../api/v1alpha1")
	var text []byte
	if err == nil {
		text, err = top.text()
	}
	if err == nil {
		err = os.WriteFile("schema.json", text, 0o644)
	}
	if err == nil {
		err = os.WriteFile("../../docs/spec.md", []byte(Page(top)), 0o644)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "generating schema.json and docs/spec.md: %v\n", err)
		os.Exit(1)
	}
}

// schemaOf gives the schema; types is the path of the file that declares the types.
func schemaOf(types string) (*schema, error) {
	comments, err := commentsOf(types)
	if err != nil {
		return nil, err
	}
	g := generator{comments: comments}
	top := g.of(reflect.TypeFor[v1alpha1.ClusterBypass]())
	top.Schema, top.Title, top.Definitions = "https://json-schema.org/draft/2020-12/schema", v1alpha1.Kind, &g.definitions
	return top, nil
}

// text writes a schema as JSON.
func (s *schema) text() ([]byte, error) {
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(s); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// schema is a JSON Schema, with those of its keywords that ClusterBypass needs.
type schema struct {
	Schema      string    `json:"$schema,omitempty"`
	Title       string    `json:"title,omitempty"`
	Description string    `json:"description,omitempty"`
	Reference   string    `json:"$ref,omitempty"`
	Constant    string    `json:"const,omitempty"`
	Type        any       `json:"type,omitempty"`
	Format      string    `json:"format,omitempty"`
	Pattern     string    `json:"pattern,omitempty"`
	Items       *schema   `json:"items,omitempty"`
	MinItems    int       `json:"minItems,omitempty"`
	MaxItems    int       `json:"maxItems,omitempty"`
	AnyOf       []*schema `json:"anyOf,omitempty"`
	Properties  *named    `json:"properties,omitempty"`
	Required    []string  `json:"required,omitempty"`
	Additional  any       `json:"additionalProperties,omitempty"` // a schema or false
	Enum        []string  `json:"enum,omitempty"`
	Default     string    `json:"default,omitempty"`
	Minimum     *int      `json:"minimum,omitempty"`
	Maximum     *int      `json:"maximum,omitempty"`
	MinLength   int       `json:"minLength,omitempty"`
	MaxLength   int       `json:"maxLength,omitempty"`
	Definitions *named    `json:"$defs,omitempty"`
}

// named are schemas by name. They keep their order, so that the schema reads as
// the types do.
type named struct {
	names   []string
	schemas []*schema
}

func (n *named) add(name string, s *schema) {
	n.names, n.schemas = append(n.names, name), append(n.schemas, s)
}

// MarshalJSON writes the schemas in their order.
func (n *named) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	for i, name := range n.names {
		b.WriteString(map[bool]string{true: "{", false: ","}[i == 0] + strconv.Quote(name) + ":")
		if err := enc.Encode(n.schemas[i]); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

type generator struct {
	comments    map[string]string
	definitions named
}

var ports = []*schema{
	{Type: "integer", Minimum: new(1), Maximum: new(65535)},
	{Type: "string", Pattern: `^[1-9][0-9]{0,4}(-[1-9][0-9]{0,4})?(/(TCP|UDP))?$`},
}

// scalars are the string types with a grammar of their own.
var scalars = map[reflect.Type]schema{
	reflect.TypeFor[v1alpha1.Port]():        {AnyOf: ports},
	reflect.TypeFor[v1alpha1.InboundPort](): {AnyOf: append(slices.Clip(ports), &schema{Type: "string", Pattern: spec.PortNamePattern, MaxLength: spec.LongestPortName})},
	reflect.TypeFor[v1alpha1.IPRange]():     {Type: "string", Pattern: `^[0-9A-Fa-f:.]+(/[0-9]{1,3})?$`},
	reflect.TypeFor[v1alpha1.Date]():        {Type: "string", Format: "date", Pattern: `^[0-9]{4}-[0-9]{2}-[0-9]{2}$`},
	reflect.TypeFor[v1alpha1.Quantity]():    {Type: []string{"string", "number"}},
}

var selections = map[reflect.Type]bool{
	reflect.TypeFor[v1alpha1.InboundPortSelection](): true,
	reflect.TypeFor[v1alpha1.IPRangeSelection]():     true,
}

// everything is the entry that selects all.
var everything = &schema{Constant: traffic.Everything}

func (g *generator) of(t reflect.Type) *schema {
	if scalar, known := scalars[t]; known {
		return g.defined(t, func(s *schema) { *s = scalar })
	}
	if selections[t] {
		return g.defined(t, func(s *schema) {
			s.AnyOf = []*schema{everything, {Type: "array", Items: everything, MinItems: 1, MaxItems: 1}, {Type: "array", Items: g.of(t.Elem())}}
		})
	}
	switch t.Kind() {
	case reflect.Pointer:
		return g.of(t.Elem())
	case reflect.Struct:
		return g.defined(t, func(s *schema) { g.object(t, s) })
	case reflect.Slice:
		return &schema{Type: "array", Items: g.of(t.Elem())}
	case reflect.Map:
		return &schema{Type: "object", Additional: g.of(t.Elem())}
	case reflect.Bool:
		return &schema{Type: "boolean"}
	case reflect.Int:
		return &schema{Type: "integer"}
	case reflect.String:
		return &schema{Type: "string"}
	}
	panic("no schema for " + t.String())
}

// defined writes a type once and refers to it.
func (g *generator) defined(t reflect.Type, write func(*schema)) *schema {
	name := t.Name()
	if !slices.Contains(g.definitions.names, name) {
		s := &schema{}
		g.definitions.add(name, s)
		write(s)
		s.Description = g.comments[name]
	}
	return &schema{Reference: "#/$defs/" + name}
}

func (g *generator) object(t reflect.Type, s *schema) {
	s.Type, s.Properties = "object", &named{}
	for _, f := range spec.FieldsOf(t) {
		if s.Properties.add(f.Name, g.property(f)); f.Required {
			s.Required = append(s.Required, f.Name)
		}
	}
	if t != reflect.TypeFor[v1alpha1.Metadata]() {
		s.Additional = false
	}
}

func (g *generator) property(f spec.Field) *schema {
	s := g.of(f.Type)
	s.Description, s.Enum, s.Default = g.comments[f.Go()], f.Enum, f.Default
	if f.Minimum < f.Maximum {
		s.Minimum, s.Maximum = &f.Minimum, &f.Maximum
	}
	if f.Filled {
		s.MinLength = 1
	}
	return s
}

// commentsOf gives the comments of the types ("Type") and of their fields
// ("Type.Field") in a folder, in one line each.
func commentsOf(folder string) (map[string]string, error) {
	paths, err := filepath.Glob(filepath.Join(folder, "*.go"))
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
	for _, path := range paths {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		noteTypes(file, note)
	}
	return comments, nil
}

// noteTypes notes the comments of the types of a file.
func noteTypes(file *ast.File, note func(name string, groups ...*ast.CommentGroup)) {
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
}
