package pass

import (
	"slices"

	"github.com/krm-bypass/krm-bypass/internal/lint"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// judge says what the checks found in single workloads, and beside other objects.
func (p *Pass) judge(linter *lint.Linter, all *outcome) []lint.Finding {
	types := p.types()
	wanted := linter.Wants(all.workloads, func(is func(object.Type) bool) bool { return slices.ContainsFunc(types, is) })
	var places []int
	for i, h := range p.Heads {
		if is, _ := wanted.Type(h); is {
			places = append(places, i)
		}
	}
	found := make([]lint.Items, len(places))
	inParallel(len(places), func(i int) { found[i] = p.wanted(places[i], wanted) })
	return append(all.linted, linter.Judge(all.workloads, wanted, slices.Concat(found...))...)
}

// wanted reads what the checks need of an item. An item that cannot be read passes
// through as it is, and nothing judges it.
func (p *Pass) wanted(i int, wanted lint.Wanted) lint.Items {
	item, head := &p.Items[i], p.Heads[i]
	if item.Nodes != nil {
		return wanted.Read(item.Part, node.Of(item.Nodes), i)
	}
	if _, named := wanted.Type(head); named && !item.named(head, wanted) {
		return nil
	}
	if !wanted.Text(head, item.Text.Text) {
		return nil
	}
	text, err := object.Read(item.Text)
	if err != nil {
		return nil
	}
	return wanted.Read(item.Part, node.Of(text.Nodes), i)
}

// named says by the item's name alone whether it is wanted.
func (i *Item) named(head object.Type, wanted lint.Wanted) bool {
	return i.called(func(name string) bool { return wanted.Name(head, name) })
}

// called reports whether the item's name is one of some. One that cannot be seen is.
func (i *Item) called(is func(name string) bool) bool {
	if i.Nodes != nil {
		return true
	}
	may := true
	entry(i.Text, "metadata", func(text *yamltext.Tree, metadata *yamltext.Node) {
		entry(text.Within(metadata), "name", func(text *yamltext.Tree, name *yamltext.Node) {
			value, readable := text.Value(name)
			may = !readable || is(value)
		})
	})
	return may
}

// entry finds the first entry of a text's mapping with a key, and shows its value.
func entry(in yamltext.Fragment, called string, show func(text *yamltext.Tree, value *yamltext.Node)) {
	// What comes before a mistake counts: who reads the item says what is wrong with it.
	_ = in.Entries(func(text *yamltext.Tree, key, value *yamltext.Node) bool {
		if !text.Is(key, called) {
			return false
		}
		show(text, value)
		return true
	})
}

// located finds the places of what the checks found, in the items as they came.
func (p *Pass) located(found []lint.Finding) []Finding {
	documents := map[int]*Document{}
	findings := make([]Finding, len(found))
	for i, f := range found {
		at := f.Object.Item
		d := documents[at]
		if d == nil {
			d = &Document{Item: p.Items[at]}
			if d.File != "" && d.Line > 0 {
				d, _ = p.Items[at].read(at) // it has been read before
			}
			documents[at] = d
		}
		findings[i] = d.finding(f.Object, f.Finding)
		findings[i].Proposed, findings[i].Workloads, findings[i].Ports = f.Proposed, f.Workloads, f.Ports
		if f.Proposed != "" && f.Path == nil {
			findings[i].Field = f.Object.Path().String()
		}
	}
	return findings
}
