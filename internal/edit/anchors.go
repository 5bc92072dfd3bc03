package edit

import (
	"iter"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/node"
)

// aliased reports whether an alias uses the anchor.
func (d *draft) aliased(anchor string) bool {
	return slices.Contains(d.outside, anchor) || d.uses()[anchor] > 0
}

// uses counts the aliases of the document by the name of their anchor.
func (d *draft) uses() map[string]int {
	if d.used == nil {
		d.used = aliasesIn(d.holder)
	}
	return d.used
}

// all visits a value and everything inside it.
func all(n *yaml.Node) iter.Seq[*yaml.Node] {
	return func(yield func(*yaml.Node) bool) { visit(n, yield) }
}

func visit(n *yaml.Node, yield func(*yaml.Node) bool) bool {
	return yield(n) && !slices.ContainsFunc(n.Content, func(child *yaml.Node) bool { return !visit(child, yield) })
}

func aliasesIn(value *yaml.Node) map[string]int {
	used := make(map[string]int)
	for n := range all(value) {
		if n.Kind == yaml.AliasNode {
			used[n.Value]++
		}
	}
	return used
}

func anchored(value *yaml.Node, name string) *yaml.Node {
	for n := range all(value) {
		if n.Anchor == name {
			return n
		}
	}
	return nil
}

// loose returns an error if aliases elsewhere use an anchor of what is about
// to be taken away.
func (d *draft) loose(edit Edit, value *yaml.Node) error {
	var inside map[string]int
	for n := range all(value) {
		if n.Anchor == "" || !d.aliased(n.Anchor) {
			continue
		}
		if inside == nil {
			inside = aliasesIn(value)
		}
		if d.uses()[n.Anchor] != inside[n.Anchor] || slices.Contains(d.outside, n.Anchor) {
			return edit.refused("write the value out in place of the alias",
				"the value%s has the anchor &%s, which an alias *%s needs", d.lineOf(value), n.Anchor, n.Anchor)
		}
	}
	return nil
}

// merged reports whether a mapping has a key by way of its merge keys.
func merged(mapping *yaml.Node, key string) bool {
	for e := range node.Of(mapping).Entries() {
		if e.Merged && e.Key == key {
			return true
		}
	}
	return false
}
