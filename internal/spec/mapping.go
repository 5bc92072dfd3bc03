package spec

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/api/v1alpha1"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/traffic"
)

// object reads a mapping into a struct.
func (d *decoder) object(node *yaml.Node, into reflect.Value, path string) {
	fields := FieldsOf(into.Type())
	if node.Kind != yaml.MappingNode {
		d.unreadable(node, path, node.Value, "expected a mapping, but found %s: %s", describe(node), fieldsRemedy(node, fields))
		return
	}
	given := map[string]bool{}
	for _, entry := range d.entries(node, path) {
		at := join(path, entry.key.Value)
		d.visit(at, entry.key.Line)
		given[entry.key.Value] = true
		index := slices.IndexFunc(fields, func(f Field) bool { return f.Name == entry.key.Value })
		switch {
		case index >= 0:
			d.field(entry.value, fields[index], into.FieldByIndex(fields[index].index), at)
		case elsewhere(into.Type(), entry.key.Value) != "":
			d.problem(entry.key, at, entry.key.Value, "%s", elsewhere(into.Type(), entry.key.Value))
		case into.Type() != metadataType:
			for _, near := range d.unknown(entry.key, fields, path) {
				first, _, _ := strings.Cut(near, ".")
				given[first] = true
			}
		}
	}
	for _, f := range fields {
		if f.Required && !given[f.Name] {
			d.problem(node, join(path, f.Name), "", "missing: this field is required")
		}
	}
}

// elsewhere says of a field that other types have why this one does not, "" of any other.
func elsewhere(in reflect.Type, field string) string {
	switch in {
	case reflect.TypeFor[v1alpha1.Traffic](): // the mesh's defaults alone
		if field == "forInitContainers" {
			return "the mesh's own configuration knows no time in which init containers run: write this in spec.global, or in another rule"
		}
	case reflect.TypeFor[v1alpha1.InitTraffic]():
		switch traffic.Field(field) {
		case traffic.ExcludeInboundPorts, traffic.IncludeInboundPorts:
			return "nobody calls a pod while its init containers run: write this in the rule itself"
		case traffic.IncludeOutboundPorts, traffic.IncludeOutboundIPRanges:
			return "what is intercepted afterwards is intercepted for init containers too, but for what this excludes: write this in the rule itself"
		}
	}
	return ""
}

// fieldsRemedy says what to write in place of a node that is no mapping of fields.
func fieldsRemedy(node *yaml.Node, fields []Field) string {
	name, _, hasColon := strings.Cut(node.Value, ":")
	switch only := fields[0]; {
	case node.Kind == yaml.ScalarNode && slices.Contains(namesOf(fields), name) && hasColon:
		return "put a space after the colon"
	case len(fields) > 1:
		return "its fields are " + listed(namesOf(fields))
	case node.Kind == yaml.SequenceNode && only.Type.Kind() == reflect.Slice:
		return "put the list under " + only.Name
	case node.Kind == yaml.ScalarNode && only.Type.Kind() == reflect.String:
		return fmt.Sprintf("write {%s: %s}", only.Name, node.Value)
	}
	return "its only field is " + fields[0].Name
}

// unknown reports a field that does not exist, and gives those that were likely
// meant.
func (d *decoder) unknown(key *yaml.Node, fields []Field, path string) (near []string) {
	if near = deeper(key.Value, fields, exactly); len(near) == 0 {
		near = meant(key.Value, namesOf(fields))
	}
	if len(near) == 0 {
		near = deeper(key.Value, fields, meant)
	}
	for _, n := range near {
		d.unread = append(d.unread, path+"."+n)
	}
	d.problem(key, join(path, key.Value), key.Value, "%s", unknown("field", key.Value, near, namesOf(fields)))
	return near
}

// field reads a field's value and holds it to what the field's tag demands.
func (d *decoder) field(node *yaml.Node, f Field, into reflect.Value, at string) {
	before := len(d.problems)
	d.value(node, into, at)
	if len(d.problems) > before {
		return
	}
	switch {
	case len(f.Enum) > 0 && !slices.Contains(f.Enum, into.String()):
		d.problem(node, at, into.String(), "%s", f.refusal(into.String(), f.Enum))
	case f.Minimum < f.Maximum:
		if n := int(reflect.Indirect(into).Int()); n < f.Minimum || n > f.Maximum {
			d.problem(node, at, strconv.Itoa(n), "%d is out of range: write a number from %d to %d", n, f.Minimum, f.Maximum)
		}
	case f.Filled && into.String() == "":
		d.problem(node, at, "", "empty: write a value, or remove the line")
	}
}

type entry struct{ key, value *yaml.Node }

// entries gives the entries of a mapping, then those that a merge key (<<)
// brings in and that are not among them. Keys are nodes, since one that is no
// text is reported too.
func (d *decoder) entries(mapping *yaml.Node, path string) []entry {
	var all []entry
	lines := map[string]int{}
	// An anchor may hold itself, and many ways may lead to one.
	seen := map[*yaml.Node]bool{}
	var collect func(from *yaml.Node)
	collect = func(from *yaml.Node) {
		if from = node.Of(from).Node(); from == nil || seen[from] {
			return
		}
		seen[from] = true
		if from.Kind == yaml.SequenceNode {
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
			case node.IsMerge(key):
				merged = append(merged, value)
			case twice && from == mapping:
				d.twice(key, join(path, key.Value), line)
			case !twice:
				lines[key.Value] = key.Line
				all = append(all, entry{key, value})
			}
		}
		for _, m := range merged {
			collect(m)
		}
	}
	collect(mapping)
	return all
}

// twice reports a key that stands on an earlier line already.
func (d *decoder) twice(key *yaml.Node, at string, line int) {
	where := ""
	if d.first > 0 {
		where = fmt.Sprintf(", on lines %d and %d", d.inFile(line), d.inFile(key.Line))
	}
	d.problem(key, at, "", "this key appears twice%s: remove one", where)
}

// describe says in words what a node is, for messages.
func describe(n *yaml.Node) string { return node.Of(n).Describe() }
