package revise

import (
	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/node"
)

// styled has a new list stand on one line, unless the first list of the rule, or else of
// the specification, has a line for each entry. A list of mappings always has.
func (p *putting) styled(list *yaml.Node) *yaml.Node {
	if len(list.Content) > 0 && list.Content[0].Kind == yaml.MappingNode {
		return list
	}
	for _, near := range []node.Value{p.rule, p.says().Entry("spec")} {
		if first := firstList(near.Node()); first != nil && len(list.Content) > 0 {
			list.Style |= first.Style & yaml.FlowStyle
			return list
		}
	}
	return node.Line(list)
}

// firstList finds a list of single values that could have a line for each.
func firstList(n *yaml.Node) *yaml.Node {
	if n == nil || n.Kind == yaml.MappingNode && n.Style&yaml.FlowStyle != 0 {
		return nil
	}
	if n.Kind == yaml.SequenceNode && len(n.Content) > 0 && n.Content[0].Kind == yaml.ScalarNode {
		return n
	}
	for _, child := range n.Content {
		if found := firstList(child); found != nil {
			return found
		}
	}
	return nil
}

// inStyleOf gives what writes mappings as a neighbour is written.
func inStyleOf(neighbour node.Value) func(*yaml.Node) *yaml.Node {
	return func(item *yaml.Node) *yaml.Node {
		if neighbour.IsMapping() && item.Kind == yaml.MappingNode {
			item.Style = neighbour.Node().Style & yaml.FlowStyle
		}
		return item
	}
}

// quotes are those of a value that comes in the place of another one, or of none. JSON knows
// no dates: there a value without quotes would make the text unreadable to its readers.
func (t *text) quotes(standing node.Value) yaml.Style {
	if root := t.says().Node(); root.Style&yaml.FlowStyle != 0 && len(root.Content) > 0 && root.Content[0].Style&yaml.DoubleQuotedStyle != 0 {
		return yaml.DoubleQuotedStyle
	}
	return quotesOf(standing)
}
