package revise

import (
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/node"
)

func (c Add) make(t *text) error {
	list, err := stepsTo(c.To, true)
	if err != nil {
		return err
	}
	fields, err := c.Rule.sorted(Fields(c.To))
	if err != nil {
		return err
	}
	standing := t.says().At(list...)
	at := max(0, min(c.At, standing.Len()))
	path := append(list[:len(list):len(list)], at)
	p := putting{text: t, at: path, rule: standing.Item(max(0, at-1))}
	rule := node.Map()
	for _, f := range fields {
		want, err := f.canonical(t.file.Path, fmt.Sprintf("%s[%d]", c.To, at), c.Rule[f.Path], Setting{})
		if err != nil {
			return err
		}
		if value := p.fresh(f, want); value != nil {
			within(rule, f.steps[:len(f.steps)-1], p.rule).Content = append(within(rule, f.steps[:len(f.steps)-1], p.rule).Content, node.Str(f.steps[len(f.steps)-1].(string)), value)
		}
	}
	var edits []edit.Edit
	if standing.IsList() && standing.Len() == 0 && own(t.says(), list) && t.inBlock(list) {
		// Brackets would have the rule on their line.
		edits = append(edits, edit.Edit{Path: list, Op: edit.Remove})
	}
	if err := t.edit(append(edits, edit.Edit{Path: path, Op: edit.Insert, Value: rule})...); err != nil {
		return err
	}
	return t.listed(list, func(was []string) []string { return slices.Insert(was, at, "") })
}

// fresh gives the value of a field of a rule that is new, nil for none.
func (p *putting) fresh(f Field, want Setting) *yaml.Node {
	switch {
	case want.State == Unset:
		return nil
	case f.form.mapping:
		return f.mapping(want)
	case !f.List:
		return f.form.item(want.Entries[0], p.quotes(node.Value{}))
	}
	return p.styled(f.list(want, 0))
}

// within gives the mapping at the steps into a rule, and makes it as it is written in the
// rule beside; where there is none, a match stands on one line.
func within(rule *yaml.Node, steps edit.Path, beside node.Value) *yaml.Node {
	for i, step := range steps {
		inner := node.Of(rule).Entry(step.(string)).Node()
		if inner == nil {
			inner = node.Map()
			if like := beside.At(steps[:i+1]...); like.IsMapping() {
				inner.Style = like.Node().Style & yaml.FlowStyle
			} else if step == "match" {
				node.Line(inner)
			}
			rule.Content = append(rule.Content, node.Str(step.(string)), inner)
		}
		rule = inner
	}
	return rule
}

// inBlock reports whether what holds the value at a path has a line for each entry.
func (t *text) inBlock(path edit.Path) bool {
	return t.says().At(path[:len(path)-1]...).Node().Style&yaml.FlowStyle == 0
}

func (c Remove) make(t *text) error {
	path, err := stepsTo(c.Path, false)
	if err != nil {
		return err
	}
	if !own(t.says(), path) {
		return fmt.Errorf("there is no %s", c.Path)
	}
	index, inList := path[len(path)-1].(int)
	if !inList {
		if err := t.remove(path); err != nil {
			return err
		}
		return t.unchangedBut(path)
	}
	list := path[:len(path)-1]
	gone := func(was []string) []string { return slices.Delete(was, index, index+1) }
	if t.says().At(list...).Len() == 1 {
		path = t.around(list)
		gone = func([]string) []string { return nil }
	}
	if err := t.remove(path); err != nil {
		return err
	}
	if len(path) < len(list) {
		return t.unchangedBut(path)
	}
	return t.listed(list, gone)
}

// around gives the path to a list, or to what holds nothing else; spec stays.
func (t *text) around(list edit.Path) edit.Path {
	for len(list) > 2 && t.says().At(list[:len(list)-1]...).Len() == 1 {
		list = list[:len(list)-1]
	}
	return list
}

func (c Move) make(t *text) error {
	path, err := stepsTo(c.Path, false)
	if err != nil {
		return err
	}
	from, inList := path[len(path)-1].(int)
	list := path[:len(path)-1]
	count := t.says().At(list...).Len()
	to := from + c.By
	if !inList || from >= count || to < 0 || to >= count {
		return fmt.Errorf("there is no place %d from %s", c.By, c.Path)
	}
	moved := func(all []string) []string { return moving(all, from, to) }
	places := make([]int, count)
	for i := range places {
		places[i] = i
	}
	if err := t.permute(list, moving(places, from, to)); err != nil {
		return err
	}
	return t.listed(list, moved)
}

func moving[T any](all []T, from, to int) []T {
	one := all[from]
	return slices.Insert(slices.Delete(slices.Clone(all), from, from+1), to, one)
}
