package spec

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/pattern"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// decoder reads a spec strictly: it knows every field, and it reports
// everything that is wrong instead of the first thing. It follows the Go types
// and their schema tags, as the JSON Schema does, so that the two agree.
type decoder struct {
	file string
	places
	problems Problems
	// more counts the problems beyond the most that are kept.
	more int
	// unread are the paths of values of which nothing could be read.
	unread []string
}

// mostProblems is how many are told at once: more than anybody reads, and few
// enough that a text which is no spec at all, however long, costs no memory.
const mostProblems = 1000

// problem reports what is wrong with the value at a path. Where the node is nil,
// the path tells the line.
func (d *decoder) problem(node *yaml.Node, path, value, format string, args ...any) {
	if len(d.problems) == mostProblems {
		d.more++
		return
	}
	line := int(d.of(path).line)
	if node != nil {
		line = d.inFile(node.Line)
	}
	d.problems = append(d.problems, Problem{File: d.file, Line: line, Path: path, Value: value, Message: fmt.Sprintf(format, args...)})
}

// unreadable reports a problem because of which nothing of the value is known.
func (d *decoder) unreadable(node *yaml.Node, path, value, format string, args ...any) {
	d.unread = append(d.unread, path)
	d.problem(node, path, value, format, args...)
}

// covers reports whether a problem within the path, or around it, was found
// already, so that whatever follows from it need not be said.
func (d *decoder) covers(path string) bool {
	return slices.ContainsFunc(d.problems, func(p Problem) bool { return within(p.Path, path) }) ||
		slices.ContainsFunc(d.unread, func(unread string) bool { return within(path, unread) })
}

// inOrder gives problems in the order of the text. What is missing stands where
// it would have to be put.
func (d *decoder) inOrder(problems Problems) Problems {
	slices.SortStableFunc(problems, func(a, b Problem) int { return cmp.Compare(d.of(a.Path).turn, d.of(b.Path).turn) })
	more := d.more + len(problems) - mostProblems
	if more <= 0 {
		return problems
	}
	last := problems[mostProblems-1]
	last.Value = ""
	last.Message = fmt.Sprintf("there are %d more mistakes: fix these first", more)
	return append(problems[:mostProblems:mostProblems], last)
}

// value reads a node into a Go value.
func (d *decoder) value(node *yaml.Node, into reflect.Value, path string) {
	d.visit(path, node.Line)
	for node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if node.Kind == yaml.ScalarNode && node.ShortTag() == "!!null" {
		d.unreadable(node, path, "", "there is no value here: %s, or remove the line", giving(into.Kind()))
		return
	}
	switch into.Kind() {
	case reflect.Pointer:
		into.Set(reflect.New(into.Type().Elem()))
		d.value(node, into.Elem(), path)
	case reflect.Struct:
		d.object(node, into, path)
	case reflect.Map:
		d.stringMap(node, into, path)
	case reflect.Slice:
		d.list(node, into, path)
	case reflect.Bool:
		d.boolean(node, into, path)
	case reflect.Int:
		d.number(node, into, path)
	case reflect.String:
		d.text(node, into, path)
	}
}

// giving says what to put where nothing stands.
func giving(kind reflect.Kind) string {
	switch kind {
	case reflect.Slice:
		return "write " + emptyList
	case reflect.Pointer, reflect.Struct:
		return "write its fields"
	case reflect.Map:
		return "write its entries"
	}
	return "write one"
}

// emptyList is a list, for messages where nothing stands in its place.
const emptyList = "a list ([] for an empty one)"

func (d *decoder) boolean(node *yaml.Node, into reflect.Value, path string) {
	if node.ShortTag() != "!!bool" {
		remedy := "write true or false"
		if node.Value == "true" || node.Value == "false" {
			remedy = "remove the quotes"
		}
		d.unreadable(node, path, node.Value, "expected true or false, but found %s: %s", describe(node), remedy)
		return
	}
	into.SetBool(strings.EqualFold(node.Value, "true"))
}

func (d *decoder) number(node *yaml.Node, into reflect.Value, path string) {
	n, err := strconv.Atoi(node.Value)
	if node.ShortTag() != "!!int" || err != nil {
		remedy := "write a number"
		if err == nil {
			remedy = "remove the quotes"
		}
		d.unreadable(node, path, node.Value, "expected a number, but found %s: %s", describe(node), remedy)
		return
	}
	into.SetInt(int64(n))
}

// parsed are the types whose values are judged by who parses them: they are
// often written in a form that YAML takes for a number or a time.
var parsed = []reflect.Type{portType, inboundPortType, ipRangeType, quantityType, dataValueType}

func (d *decoder) text(node *yaml.Node, into reflect.Value, path string) {
	switch {
	case node.Kind != yaml.ScalarNode && into.Type() == dataValueType:
		d.unreadable(node, path, "", "expected a string, but found %s: write the entries as one, separated by commas", describe(node))
	case node.Kind != yaml.ScalarNode:
		d.unreadable(node, path, "", "expected a single value, but found %s: write just that value", describe(node))
	case node.Value == "" && into.Type() == dateType:
		d.unreadable(node, path, "", "empty: write a day such as 2026-12-31, or remove the line")
	case into.Type() == dateType:
		// kustomize hands on a day without quotes as the time at which it begins.
		into.SetString(strings.TrimSuffix(node.Value, "T00:00:00Z"))
	case into.Type() == inboundPortType && node.ShortTag() != "!!str" && isPortName(node.Value):
		d.unreadable(node, path, node.Value, "expected a port or the name of one, but found %s: put it in quotes if it is a name, or write a port from 1 to 65535", describe(node))
	case node.ShortTag() == "!!str" || slices.Contains(parsed, into.Type()):
		into.SetString(node.Value)
	default:
		d.unreadable(node, path, node.Value, "expected a string, but found %s: put it in quotes", describe(node))
	}
}

func (d *decoder) stringMap(node *yaml.Node, into reflect.Value, path string) {
	if node.Kind != yaml.MappingNode {
		d.unreadable(node, path, node.Value, "expected a mapping, but found %s: write key: value", describe(node))
		return
	}
	into.Set(reflect.MakeMap(into.Type()))
	for _, entry := range d.entries(node, path) {
		value := reflect.New(into.Type().Elem()).Elem()
		d.value(entry.value, value, join(path, entry.key.Value))
		into.SetMapIndex(reflect.ValueOf(entry.key.Value), value)
	}
}

func (d *decoder) list(node *yaml.Node, into reflect.Value, path string) {
	element := into.Type().Elem()
	if node.Kind == yaml.ScalarNode && node.Value == traffic.Everything && (element == portType || element == inboundPortType || element == ipRangeType) {
		// Which lists take it is for who parses them to say.
		node = &yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{node}}
	}
	if node.Kind != yaml.SequenceNode {
		remedy := `write it as an item, after "- "`
		switch {
		case node.Kind == yaml.ScalarNode && strings.TrimSpace(node.Value) == "":
			remedy = "write " + emptyList + ", or remove the line"
		case node.Kind == yaml.ScalarNode && plain.Matches(node.Value):
			remedy = fmt.Sprintf("write [%s]", node.Value)
		case node.Kind == yaml.ScalarNode:
			remedy = fmt.Sprintf("write [%q]", node.Value)
		}
		d.unreadable(node, path, node.Value, "expected a list, but found %s: %s", describe(node), remedy)
		return
	}
	list := reflect.MakeSlice(into.Type(), len(node.Content), len(node.Content))
	for i, item := range node.Content {
		d.value(item, list.Index(i), fmt.Sprintf("%s[%d]", path, i))
	}
	into.Set(list)
}

// plain are values that need no quotes within brackets.
var plain = pattern.Of(`^[A-Za-z0-9][A-Za-z0-9./,-]*$`)
