package fn

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/mesh"
	"github.com/krm-bypass/krm-bypass/internal/spelling"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// decoder reads a spec strictly: it knows every field, and it reports
// everything that is wrong instead of the first thing. It follows the Go types
// and their schema tags, as the JSON Schema does, so that the two agree.
type decoder struct {
	file string
	// node is what is read, for who wants to name it; nil if nobody does.
	node *yaml.Node
	// line of the file in which the text begins, from 1; 0 if it is not known.
	line int
	// options go before what is read.
	options  Options
	problems Problems
	// warnings are what is to be said of a spec in which nothing is wrong.
	warnings Problems
	// places counts the values in the order of the text, by their paths, and
	// lines holds the lines in which they stand.
	places, lines map[string]int
	// more counts the problems beyond the most that are kept.
	more int
	// unread are the paths of values of which nothing could be read.
	unread []string
	// compiled is the spec that a policy was made of, and placed gives a field's
	// path where the user wrote it.
	compiled *ClusterBypass
	placed   func(path string) string
}

// visit notes that a value stands next in the text.
func (d *decoder) visit(node *yaml.Node, path string) {
	if d.places == nil {
		d.places, d.lines = map[string]int{}, map[string]int{}
	}
	if _, known := d.places[path]; !known {
		d.places[path] = len(d.places)
		d.lines[path] = d.inFile(node.Line)
	}
}

// inFile gives the line of the file for one of the text, 0 if it is not known.
func (d *decoder) inFile(line int) int {
	if d.line == 0 || line == 0 {
		return 0
	}
	return d.line + line - 1
}

// lineOf gives the line of the file in which the value at a path stands, or the
// innermost one around it; 0 if it is not known.
func (d *decoder) lineOf(path string) int {
	for ; path != ""; path = outer(path) {
		if line, known := d.lines[path]; known {
			return line
		}
	}
	return d.lines[""]
}

// outer gives the path around a path.
func outer(path string) string { return path[:max(0, strings.LastIndexAny(path, ".["))] }

// inOrder gives problems in the order of the text. What is missing stands where
// it would have to be put.
func (d *decoder) inOrder(problems Problems) Problems {
	place := func(p Problem) int {
		for path := p.Path; path != ""; path = outer(path) {
			if n, known := d.places[path]; known {
				return n
			}
		}
		return -1
	}
	slices.SortStableFunc(problems, func(a, b Problem) int { return cmp.Compare(place(a), place(b)) })
	more := d.more + len(problems) - mostProblems
	if more <= 0 {
		return problems
	}
	last := problems[mostProblems-1]
	last.Value = ""
	last.Message = fmt.Sprintf("there are %d more mistakes: put these right first", more)
	return append(problems[:mostProblems:mostProblems], last)
}

// mostProblems is how many are told at once: more than anybody reads, and few
// enough that a text which is no spec at all, however long, costs no memory.
const mostProblems = 1000

// unreadable is a problem because of which nothing of the value is known.
func (d *decoder) unreadable(node *yaml.Node, path, value, format string, args ...any) {
	d.unread = append(d.unread, path)
	d.problem(node, path, value, format, args...)
}

// covers says whether a problem within the path, or around it, was found
// already, so that whatever follows from it need not be said.
func (d *decoder) covers(path string) bool {
	return slices.ContainsFunc(d.problems, func(p Problem) bool { return within(p.Path, path) }) ||
		slices.ContainsFunc(d.unread, func(unread string) bool { return within(path, unread) })
}

// within says whether a path is an outer one or leads on from it.
func within(path, outer string) bool {
	rest, found := strings.CutPrefix(path, outer)
	return found && (rest == "" || outer == "" || rest[0] == '.' || rest[0] == '[')
}

func (d *decoder) problem(node *yaml.Node, path, value, format string, args ...any) {
	if len(d.problems) == mostProblems {
		d.more++
		return
	}
	p := Problem{File: d.file, Path: path, Value: value, Message: fmt.Sprintf(format, args...)}
	if node != nil {
		p.Line = d.inFile(node.Line)
	} else {
		p.Line = d.lineOf(path)
	}
	d.problems = append(d.problems, p)
}

// constraint is what a schema tag says of a field.
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
		case "meshes":
			c.enum = mesh.Names()
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

var (
	metadataType  = reflect.TypeFor[Metadata]()
	portType      = reflect.TypeFor[Port]()
	dataValueType = reflect.TypeFor[dataValue]()
	ipRangeType   = reflect.TypeFor[IPRange]()
	quantityType  = reflect.TypeFor[Quantity]()
	dateType      = reflect.TypeFor[Date]()
)

func join(path, step string) string {
	switch {
	case step == "" || strings.ContainsAny(step, "./"):
		return fmt.Sprintf("%s[%q]", path, step)
	case path == "":
		return step
	}
	return path + "." + step
}

// value reads a node into a Go value.
func (d *decoder) value(node *yaml.Node, into reflect.Value, path string) {
	d.visit(node, path)
	for node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if node.Kind == yaml.ScalarNode && node.ShortTag() == "!!null" {
		d.unreadable(node, path, "", "nothing stands here: %s, or take the line away", giving(into.Kind()))
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
		if node.ShortTag() != "!!bool" {
			remedy := "write true or false"
			if node.Value == "true" || node.Value == "false" {
				remedy = "take the quotes away"
			}
			d.unreadable(node, path, node.Value, "%s where true or false is needed: %s", describe(node), remedy)
			return
		}
		into.SetBool(strings.EqualFold(node.Value, "true"))
	case reflect.Int:
		n, err := strconv.Atoi(node.Value)
		if node.ShortTag() != "!!int" || err != nil {
			remedy := "write one"
			if err == nil {
				remedy = "take the quotes away"
			}
			d.unreadable(node, path, node.Value, "%s where a number is needed: %s", describe(node), remedy)
			return
		}
		into.SetInt(int64(n))
	case reflect.String:
		d.scalar(node, into, path)
	}
}

// number gives the value of a field that is bounded.
func number(field reflect.Value) int {
	return int(reflect.Indirect(field).Int())
}

// giving says what to put where nothing stands.
func giving(kind reflect.Kind) string {
	switch kind {
	case reflect.Slice:
		return "give a list, [] for the empty one"
	case reflect.Pointer, reflect.Struct:
		return "give it fields"
	case reflect.Map:
		return "give it entries"
	}
	return "give a value"
}

// parsed are the types whose values are judged by who parses them: they are
// often written in a form that YAML takes for a number or a time.
var parsed = []reflect.Type{portType, ipRangeType, quantityType, dateType, dataValueType}

func (d *decoder) scalar(node *yaml.Node, into reflect.Value, path string) {
	switch {
	case node.Kind != yaml.ScalarNode && into.Type() == dataValueType:
		d.unreadable(node, path, "", "%s where a string is needed: write the entries into one, with commas between them", describe(node))
	case node.Kind != yaml.ScalarNode:
		d.unreadable(node, path, "", "%s where a single value is needed: write that alone", describe(node))
	case node.Value == "" && into.Type() == dateType:
		d.unreadable(node, path, "", "empty: write a day such as 2026-12-31, or take the line away")
	case node.ShortTag() == "!!str" || slices.Contains(parsed, into.Type()):
		into.SetString(node.Value)
	default:
		d.unreadable(node, path, node.Value, "%s where a string is needed: put it into quotes", describe(node))
	}
}

func (d *decoder) object(node *yaml.Node, into reflect.Value, path string) {
	fields := fieldsOf(into.Type())
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = jsonName(f)
	}
	if node.Kind != yaml.MappingNode {
		d.unreadable(node, path, node.Value, "%s where a mapping is needed: its fields are %s", describe(node), quotedList(names))
		return
	}
	given, meant := map[string]bool{}, map[string]bool{}
	for _, entry := range d.entries(node, path) {
		key, value := entry.key, entry.value
		at := join(path, key.Value)
		d.visit(key, at)
		given[key.Value] = true
		index := slices.Index(names, key.Value)
		if index < 0 {
			if into.Type() == metadataType {
				continue
			}
			remedy := "the fields here are " + quotedList(names)
			near := cmp.Or(deeper(key.Value, fields), nearest(key.Value, names))
			if near != "" {
				remedy = fmt.Sprintf("did you mean %s?%s", near, spelling.LookAlike(key.Value))
				meant[near] = true
				d.unread = append(d.unread, path+"."+near)
			}
			d.problem(key, at, key.Value, "unknown field %q: %s", key.Value, remedy)
			continue
		}
		field := into.FieldByIndex(fields[index].Index)
		before := len(d.problems)
		d.value(value, field, at)
		switch c := constraintOf(fields[index]); {
		case len(d.problems) > before:
		case len(c.enum) > 0 && !slices.Contains(c.enum, field.String()):
			remedy := "one of " + quotedList(c.enum)
			if len(c.enum) == 1 {
				remedy = c.enum[0]
			}
			d.problem(value, at, field.String(), "%q is not known: write %s", field.String(), remedy)
		case c.bounded && (number(field) < c.minimum || number(field) > c.maximum):
			d.problem(value, at, strconv.Itoa(number(field)), "%d is out of bounds: write a number from %d to %d", number(field), c.minimum, c.maximum)
		case c.filled && field.String() == "":
			d.problem(value, at, "", "empty: give a value, or take the line away")
		case c.byDefault != "" && field.String() == "":
			d.problem(value, at, "", "empty: give a value, or take the line away for the default, %s", c.byDefault)
		}
	}
	for i, f := range fields {
		if constraintOf(f).required && !given[names[i]] && !meant[names[i]] {
			d.problem(node, join(path, names[i]), "", "missing: it has to be given")
		}
	}
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

func (d *decoder) stringMap(node *yaml.Node, into reflect.Value, path string) {
	if node.Kind != yaml.MappingNode {
		d.unreadable(node, path, node.Value, "%s where a mapping is needed: write key: value", describe(node))
		return
	}
	into.Set(reflect.MakeMap(into.Type()))
	for _, entry := range d.entries(node, path) {
		value := reflect.New(into.Type().Elem()).Elem()
		d.value(entry.value, value, join(path, entry.key.Value))
		into.SetMapIndex(reflect.ValueOf(entry.key.Value), value)
	}
}

type entry struct{ key, value *yaml.Node }

// entries gives the entries of a mapping, then those that a merge key (<<)
// brings in and that are not among them.
func (d *decoder) entries(node *yaml.Node, path string) []entry {
	var all []entry
	lines := map[string]int{}
	// An anchor may hold itself, and many ways may lead to one.
	seen := map[*yaml.Node]bool{}
	var collect func(from *yaml.Node)
	collect = func(from *yaml.Node) {
		if from.Kind == yaml.AliasNode {
			from = from.Alias
		}
		if seen[from] {
			return
		}
		seen[from] = true
		if from.Kind == yaml.SequenceNode && from != node {
			for _, each := range from.Content {
				collect(each)
			}
		}
		if from.Kind != yaml.MappingNode {
			return
		}
		var merged []*yaml.Node
		for i := 0; i+1 < len(from.Content); i += 2 {
			key, value := from.Content[i], from.Content[i+1]
			line, twice := lines[key.Value]
			switch {
			case key.ShortTag() == "!!merge":
				merged = append(merged, value)
			case twice && from == node:
				where := ""
				if d.line > 0 {
					where = fmt.Sprintf(", on lines %d and %d", d.inFile(line), d.inFile(key.Line))
				}
				d.problem(key, join(path, key.Value), "", "the key stands twice%s: take one away", where)
			case !twice:
				lines[key.Value] = key.Line
				all = append(all, entry{key, value})
			}
		}
		for _, m := range merged {
			collect(m)
		}
	}
	collect(node)
	return all
}

func (d *decoder) list(node *yaml.Node, into reflect.Value, path string) {
	element := into.Type().Elem()
	if node.Kind == yaml.ScalarNode && node.Value == traffic.Everything && (element == portType || element == ipRangeType) {
		// Which lists take it is for who parses them to say.
		node = &yaml.Node{Kind: yaml.SequenceNode, Content: []*yaml.Node{node}}
	}
	if node.Kind != yaml.SequenceNode {
		remedy := `write it as an item, behind "- "`
		if node.Kind == yaml.ScalarNode {
			remedy = fmt.Sprintf("write [%s]", node.Value)
			if !plain.matches(node.Value) {
				remedy = fmt.Sprintf("write [%q]", node.Value)
			}
		}
		d.unreadable(node, path, node.Value, "%s where a list is needed: %s", describe(node), remedy)
		return
	}
	list := reflect.MakeSlice(into.Type(), len(node.Content), len(node.Content))
	for i, item := range node.Content {
		d.value(item, list.Index(i), fmt.Sprintf("%s[%d]", path, i))
	}
	into.Set(list)
}

// plain are values that need no quotes within brackets.
var plain = newGrammar(`^[A-Za-z0-9][A-Za-z0-9./,-]*$`)

// describe names what a node is, for messages.
func describe(node *yaml.Node) string {
	switch node.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	return fmt.Sprintf("%q", node.Value)
}

// decodeSpec reads a ClusterBypass. What it could not read is at its zero value
// and among the decoder's problems.
func decodeSpec(d *decoder, node *yaml.Node) *ClusterBypass {
	spec := &ClusterBypass{}
	d.value(node, reflect.ValueOf(spec).Elem(), "")
	return spec
}
