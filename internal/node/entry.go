package node

import (
	"iter"

	"go.yaml.in/yaml/v3"
)

// Entry is an entry of a mapping.
type Entry struct {
	// Key is what the key says, Name the key itself.
	Key  string
	Name Value
	// Line is that of the key.
	Line int
	// Merged says that a merge key brings the entry in.
	Merged bool
	Value  Value
}

// Entry gives the value of a mapping's key: that of its own entry, else the
// first that its merge keys bring in.
func (v Value) Entry(key string) Value {
	if !v.IsMapping() {
		return Value{}
	}
	merges := false
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		if own := v.node.Content[i]; IsMerge(own) {
			merges = true
		} else if text, ok := Key(own); ok && text == key {
			return Value{resolved(v.node.Content[i+1])}
		}
	}
	if merges {
		for e := range v.Entries() {
			if e.Key == key {
				return e.Value
			}
		}
	}
	return Value{}
}

// Entries visits a mapping's own entries, then those that its merge keys bring
// in.
func (v Value) Entries() iter.Seq[Entry] {
	return func(yield func(Entry) bool) {
		if v.IsMapping() {
			visit(v.node, nil, yield)
		}
	}
}

// visit passes over the mappings that were seen on the way, so that merge keys
// that lead to one mapping on many ways cost no more than once, and one that
// leads to itself ends. seen is nil for the mapping itself.
func visit(mapping *yaml.Node, seen map[*yaml.Node]bool, yield func(Entry) bool) bool {
	if seen != nil {
		seen[mapping] = true
	}
	var merged []*yaml.Node
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		key, value := mapping.Content[i], mapping.Content[i+1]
		if IsMerge(key) {
			merged = append(merged, value)
		} else if text, ok := Key(key); ok && !yield(Entry{text, Value{resolved(key)}, key.Line, seen != nil, Value{resolved(value)}}) {
			return false
		}
	}
	if len(merged) == 0 {
		return true
	}
	if seen == nil {
		seen = map[*yaml.Node]bool{mapping: true}
	}
	for _, m := range merged {
		if !bring(m, seen, yield) {
			return false
		}
	}
	return true
}

// bring visits what the value of a merge key brings in.
func bring(value *yaml.Node, seen map[*yaml.Node]bool, yield func(Entry) bool) bool {
	for _, source := range Sources(value) {
		source = resolved(source)
		if source != nil && source.Kind == yaml.MappingNode && !seen[source] && !visit(source, seen, yield) {
			return false
		}
	}
	return true
}

// Sources gives the mappings that the value of a merge key names.
func Sources(value *yaml.Node) []*yaml.Node {
	if list := resolved(value); list != nil && list.Kind == yaml.SequenceNode {
		return list.Content
	}
	return []*yaml.Node{value}
}

// Brings gives the entries that the value of a merge key brings in, but none of a
// mapping among those seen, to which it adds those that it goes through.
func Brings(value *yaml.Node, seen map[*yaml.Node]bool) iter.Seq[Entry] {
	return func(yield func(Entry) bool) { bring(value, seen, yield) }
}

// Key gives what a mapping's key says; false for one that is no text.
func Key(key *yaml.Node) (string, bool) {
	if key = resolved(key); key == nil || key.Kind != yaml.ScalarNode {
		return "", false
	}
	return decoded(key), true
}

// IsMerge reports whether a mapping's key is the merge key.
func IsMerge(key *yaml.Node) bool { return key.Value == "<<" && key.ShortTag() == "!!merge" }

// Items gives the items of a list, none for anything else.
func (v Value) Items() []Value {
	if !v.IsList() {
		return nil
	}
	items := make([]Value, len(v.node.Content))
	for i, item := range v.node.Content {
		items[i] = Value{resolved(item)}
	}
	return items
}

// Item gives an item of a list.
func (v Value) Item(index int) Value {
	if !v.IsList() || index < 0 || index >= len(v.node.Content) {
		return Value{}
	}
	return Value{resolved(v.node.Content[index])}
}

// Len is how many items a list has, or entries a mapping; the merge key is one.
func (v Value) Len() int {
	switch {
	case v.IsList():
		return len(v.node.Content)
	case v.IsMapping():
		return len(v.node.Content) / 2
	}
	return 0
}

// At gives the value at a path, whose strings are keys and whose ints are
// places in lists.
func (v Value) At(path ...any) Value {
	for _, step := range path {
		switch step := step.(type) {
		case string:
			v = v.Entry(step)
		case int:
			v = v.Item(step)
		}
	}
	return v
}

// Below gives the value at a path of keys.
func (v Value) Below(keys ...string) Value {
	for _, key := range keys {
		v = v.Entry(key)
	}
	return v
}

// Strings gives the entries of a mapping whose values are single ones.
func (v Value) Strings() map[string]string {
	values := map[string]string{}
	for e := range v.Entries() {
		if _, known := values[e.Key]; !known && e.Value.IsScalar() && !e.Value.IsNull() {
			values[e.Key] = e.Value.Text()
		}
	}
	return values
}
