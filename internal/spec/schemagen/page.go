package main

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/krm-bypass/krm-bypass/internal/each"
)

const pageHead = `# Every field of the specification

` + "`krm-bypass schema`" + ` prints the same as a JSON Schema, for editors. A field that is not named
here is an error. [Semantics](semantics.md) says what the traffic fields mean for a
connection.

This page is generated from the types in api/v1alpha1: ` + "`go generate ./internal/spec`" + `.
`

// ownPages are the definitions that another page lists field by field.
var ownPages = map[string]string{"Lint": "Each kind of finding is a field, with `Error`, `Warning` or `Ignore`: [all of them](lint.md). One field more:"}

// Page gives the reference of the fields, as Markdown; top is the schema.
func Page(top *schema) string {
	var b strings.Builder
	b.WriteString(pageHead)
	shared := definition(top, "Traffic")
	for i, name := range top.Definitions.names {
		s := top.Definitions.schemas[i]
		fmt.Fprintf(&b, "\n## %s\n\n%s\n", name, s.Description)
		if s.Properties == nil {
			fmt.Fprintf(&b, "\nWrite %s.\n", oneOf(s))
			continue
		}
		if said := ownPages[name]; said != "" {
			fmt.Fprintf(&b, "\n%s\n", said)
		}
		b.WriteString("\n| field | value | meaning |\n|---|---|---|\n")
		inlined := name != "Traffic" && len(s.Properties.names) > len(shared.Properties.names) && subset(shared.Properties.names, s.Properties.names)
		for j, field := range s.Properties.names {
			of := s.Properties.schemas[j]
			switch {
			case ownPages[name] != "" && of.Reference == "" && of.Items == nil:
				continue
			case inlined && field == shared.Properties.names[0]:
				b.WriteString("| the fields of [Traffic](#traffic) | | |\n")
				continue
			case inlined && slices.Contains(shared.Properties.names, field):
				continue
			}
			required := ""
			if slices.Contains(s.Required, field) {
				required = ", required"
			}
			fmt.Fprintf(&b, "| `%s` | %s%s | %s |\n", field, form(of), required, cell(meaning(field, of)))
		}
	}
	return b.String()
}

func definition(top *schema, name string) *schema {
	return top.Definitions.schemas[slices.Index(top.Definitions.names, name)]
}

func subset(some, of []string) bool {
	return !slices.ContainsFunc(some, func(one string) bool { return !slices.Contains(of, one) })
}

// oneOf says in a sentence what a value may be.
func oneOf(s *schema) string {
	var forms []string
	add := func(one string) {
		switch {
		case strings.HasPrefix(one, "integer"):
			one = "an " + one
		case one == "list of "+star:
			one = "`[\"*\"]`"
		case !strings.HasPrefix(one, "`"):
			one = "a " + one
		}
		if !slices.Contains(forms, one) { // several patterns of strings are strings to a reader
			forms = append(forms, one)
		}
	}
	types, _ := s.Type.([]string)
	switch {
	case len(s.AnyOf) > 0:
		for _, one := range s.AnyOf {
			add(form(one))
		}
	case len(types) > 0:
		for _, one := range types {
			add(one)
		}
	default:
		add(form(s))
	}
	if last := len(forms) - 1; last > 1 {
		return strings.Join(forms[:last], ", ") + ", or " + forms[last]
	}
	return strings.Join(forms, " or ")
}

// star is how "*" is written: without the quotes YAML takes it for an alias.
const star = "`\"*\"`"

// form says what a value may be.
func form(s *schema) string {
	switch {
	case s.Reference != "":
		name := s.Reference[strings.LastIndex(s.Reference, "/")+1:]
		return fmt.Sprintf("[%s](#%s)", name, strings.ToLower(name))
	case s.Constant == "*":
		return star
	case s.Constant != "":
		return "`" + s.Constant + "`"
	case len(s.AnyOf) > 0:
		return strings.Join(each.As(s.AnyOf, form), " or ")
	case len(s.Enum) > 0:
		return "`" + strings.Join(s.Enum, "`, `") + "`"
	case s.Items != nil:
		return "list of " + form(s.Items)
	}
	if what, is := s.Additional.(*schema); is {
		return "map of " + form(what)
	}
	switch of := s.Type.(type) {
	case []string:
		return strings.Join(of, " or ")
	case string:
		if s.Minimum != nil {
			return fmt.Sprintf("%s from %d to %d", of, *s.Minimum, *s.Maximum)
		}
		return of
	}
	return "any value"
}

// meaning gives the comment of a field, in which it has its own name.
func meaning(field string, s *schema) string {
	text := s.Description
	if word, rest, found := strings.Cut(text, " "); found && strings.EqualFold(word, strings.ReplaceAll(field, "-", "")) {
		for _, verb := range []string{"is ", "are "} {
			rest = strings.TrimPrefix(rest, verb)
		}
		if text = rest; !strings.Contains(strings.Fields(rest)[0], "/") { // which is a value
			text = string(unicode.ToUpper(rune(rest[0]))) + rest[1:]
		}
	}
	if s.Default != "" {
		text += " Default: `" + s.Default + "`."
	}
	return text
}

// cell writes a text into a table.
func cell(text string) string {
	return strings.ReplaceAll(text, "|", `\|`)
}
