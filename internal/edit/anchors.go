package edit

import (
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/node"
)

// aliased says whether an alias uses the anchor.
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

func aliasesIn(n *yaml.Node) map[string]int {
	used := make(map[string]int)
	var visit func(*yaml.Node)
	visit = func(node *yaml.Node) {
		if node.Kind == yaml.AliasNode {
			used[node.Value]++
		}
		for _, child := range node.Content {
			visit(child)
		}
	}
	visit(n)
	return used
}

func anchorsIn(node *yaml.Node, names []string) []string {
	if node.Anchor != "" {
		names = append(names, node.Anchor)
	}
	for _, child := range node.Content {
		names = anchorsIn(child, names)
	}
	return names
}

func anchored(node *yaml.Node, name string) *yaml.Node {
	if node.Anchor == name {
		return node
	}
	for _, child := range node.Content {
		if found := anchored(child, name); found != nil {
			return found
		}
	}
	return nil
}

// loose returns an error if aliases elsewhere use an anchor of what is about
// to be taken away.
func (d *draft) loose(edit Edit, node *yaml.Node) error {
	var inside map[string]int
	for _, anchor := range anchorsIn(node, nil) {
		if !d.aliased(anchor) {
			continue
		}
		if inside == nil {
			inside = aliasesIn(node)
		}
		if d.uses()[anchor] != inside[anchor] || slices.Contains(d.outside, anchor) {
			return edit.refused("write the value out in place of the alias",
				"the value%s has the anchor &%s, which an alias *%s needs", lineOf(node), anchor, anchor)
		}
	}
	return nil
}

// merged says whether a mapping has a key by way of its merge keys.
func merged(mapping *yaml.Node, key string) bool {
	for e := range node.Of(mapping).Entries() {
		if e.Merged && e.Key == key {
			return true
		}
	}
	return false
}
