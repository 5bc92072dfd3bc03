package object

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// Templated is how the templates of a Helm chart begin what Helm fills in.
const Templated = "{{"

// RenderFirst is what to do with such a template.
const RenderFirst = "render the chart first, as in helm template DIR | krm-bypass render -"

// ErrTemplate is the error for a value that IsTemplate.
var ErrTemplate = errors.New("what stands in {{ }} is filled in by Helm: " + RenderFirst)

// IsTemplate reports whether Helm fills in a value. {{inputs.parameters.x}} of Argo
// Workflows and {{ name }} of others are for another program.
func IsTemplate(value string) bool {
	_, action, _ := strings.Cut(value, Templated)
	action = strings.TrimLeft(strings.TrimPrefix(action, "-"), " ")
	return slices.ContainsFunc(helmActions, func(begin string) bool { return strings.HasPrefix(action, begin) })
}

// helmActions are how what Helm fills in begins in names and images: a value of the
// chart, a variable, or a function with arguments.
var helmActions = []string{".", "$", "include ", "template ", "tpl ", "printf ", "default ", "required ", "coalesce "}

// unreadable says in plain words, and with the line, why a text cannot be read, and
// what it may be instead. yaml/v3 speaks of tokens and names the line in which the
// collection around begins (go.yaml.in/yaml/v3 decode.go, parser.fail).
func unreadable(f yamltext.Fragment, err error) error {
	if err == nil {
		return nil
	}
	if _, own := f.Parse(); errors.Is(own, yamltext.ErrSyntax) || own != nil && strings.Contains(err.Error(), "UTF-8") {
		err = own
	}
	told := &yamltext.Error{Kind: yamltext.ErrSyntax}
	if own, is := errors.AsType[*yamltext.Error](err); is {
		*told = *own
	} else if words, is := strings.CutPrefix(err.Error(), "yaml: "); is {
		told.Line, told.Problem = plainWords(f.Text, words)
	} else {
		return err
	}
	if bytes.Contains(lineOf(f.Text, told.Line), []byte(Templated)) {
		told.Problem = strings.TrimSuffix(told.Problem, yamltext.InQuotes) // which would not be what is meant
	}
	told.Problem += notYet(f.Text, told.Line)
	return told
}

// plainWords says what yaml/v3 says. What is not here has no other words, or the
// scanner of yamltext has refused it before.
func plainWords(text []byte, words string) (line int, problem string) {
	if rest, is := strings.CutPrefix(words, "unknown anchor '"); is {
		name := strings.TrimSuffix(rest, "' referenced")
		at := bytes.Index(text, []byte("*"+name))
		return yamltext.Line(text, max(at, 0)), fmt.Sprintf("*%[1]s refers to an anchor &%[1]s that is not there: write the value out, or put *%[1]s in quotes", name)
	}
	if words == "control characters are not allowed" {
		return 1, "the file is no text"
	}
	line, words = yamltext.Located(errors.New("yaml: " + words))
	words = strings.TrimPrefix(words, yamltext.ErrSyntax.Error()+": ")
	if words == "found unknown escape character" {
		words = `a backslash before a letter that has no such meaning in double quotes: write \\, or use single quotes`
	}
	return line, words
}

// notYet says which program has to fill in a text before it is the YAML that is meant;
// "" for none. A variable must stand on the line that cannot be read, since scripts in
// ConfigMaps have them too.
func notYet(text []byte, line int) string {
	if bytes.Contains(text, []byte(Templated)) {
		return "; it looks like a template of a Helm chart: " + RenderFirst
	}
	if bytes.Contains(lineOf(text, line), []byte("${")) {
		return "; it looks like a template with variables: fill it in first, as envsubst does"
	}
	return ""
}

// lineOf gives a line of a text, nil if it has none of that number.
func lineOf(text []byte, line int) []byte {
	if lines := bytes.SplitN(text, []byte("\n"), line+1); line > 0 && line <= len(lines) {
		return lines[line-1]
	}
	return nil
}

// errIfTemplate is the error for a template of a Helm chart that is YAML by chance:
// {{ .Values.x }} is a mapping whose key is a mapping, which no object has.
func errIfTemplate(document *yaml.Node, text []byte) error {
	if !bytes.Contains(text, []byte(Templated)) {
		return nil
	}
	key := mappingAsKey(document)
	if key == nil {
		return nil
	}
	return &yamltext.Error{Line: key.Line, Kind: yamltext.ErrUnsupported, Problem: "a value that begins with {{ and is not in quotes" + notYet(text, key.Line)}
}

// mappingAsKey gives the first key that is a mapping; nil for none. Aliases are not
// followed: what they stand for is looked at where it stands.
func mappingAsKey(n *yaml.Node) *yaml.Node {
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 && child.Kind == yaml.MappingNode {
			return child
		}
		if found := mappingAsKey(child); found != nil {
			return found
		}
	}
	return nil
}
