package revise

import (
	"cmp"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/node"
)

// items are a list as it is to be.
type items struct {
	// entries are the texts of the items, text gives that of one that stands there.
	entries []string
	text    func(node.Value) string
	// item writes the entry at a place, with the quotes of strings beside it.
	item func(i int, like yaml.Style) *yaml.Node
	// parts are what an entry is made of, by which it is known again when it changes; nil
	// for entries without parts.
	parts func(entry string) []string
}

// itemsOf gives the list of a field.
func (f Field) itemsOf(entries []string) items {
	return items{
		entries: entries, text: f.text, parts: f.form.parts,
		item: func(i int, like yaml.Style) *yaml.Node { return f.form.item(entries[i], like) },
	}
}

// itemsIn gives a list of single values that is written already.
func itemsIn(list *yaml.Node) items {
	l := items{text: node.Value.Text}
	for _, item := range list.Content {
		l.entries = append(l.entries, node.Of(item).Text())
	}
	l.item = func(i int, like yaml.Style) *yaml.Node {
		if like == 0 {
			return list.Content[i]
		}
		return quoted(l.entries[i], like)
	}
	return l
}

// none is the index of an item that is not there.
const none = -1

// common gives for each entry the place of the item that it is, where that needs no item
// to change places.
func (l items) common(standing node.Value) (from []int) {
	was := make([]string, 0, standing.Len())
	for _, item := range standing.Items() {
		was = append(was, l.text(item))
	}
	place := 0
	keep := func(n int) {
		for range n {
			from, place = append(from, place), place+1
		}
	}
	for _, d := range differences(was, l.entries) {
		keep(d.from - place)
		for range d.entries {
			from = append(from, none)
		}
		place = d.to
	}
	keep(len(l.entries) - len(from))
	return from
}

// align gives for each entry the place of the item that it is: the same text, there or
// elsewhere, or else the one that has the most parts in common with it.
func (l items) align(standing node.Value) []int {
	from := l.common(standing)
	all := standing.Items()
	left := map[string][]int{} // the items that no entry is yet, by their texts
	for i, item := range all {
		if !slices.Contains(from, i) {
			left[l.text(item)] = append(left[l.text(item)], i)
		}
	}
	for j, entry := range l.entries {
		if same := left[entry]; from[j] == none && len(same) > 0 {
			from[j], left[entry] = same[0], same[1:]
		}
	}
	if l.parts == nil {
		return from
	}
	for j, entry := range l.entries {
		if from[j] != none {
			continue
		}
		most := 0
		for i, item := range all {
			if n := inCommon(l.parts(entry), l.parts(l.text(item))); n > most && item.IsMapping() && !slices.Contains(from, i) {
				most, from[j] = n, i
			}
		}
	}
	return from
}

func inCommon(a, b []string) (n int) {
	for _, one := range a {
		if slices.Contains(b, one) {
			n++
		}
	}
	return n
}

// order gives the order of the items that stand there in which those that stay need not
// change places any more, nil if they have it. One that goes stays behind the one before.
func order(from []int, count int) []int {
	var all []int
	take := func(i int) {
		for all = append(all, i); i+1 < count && !slices.Contains(from, i+1); i++ {
			all = append(all, i+1)
		}
	}
	if count > 0 && !slices.Contains(from, 0) {
		take(0)
	}
	for _, i := range from {
		if i != none {
			take(i)
		}
	}
	if slices.IsSorted(all) {
		return nil
	}
	return all
}

// misplaced finds a list, here or within an item, whose items have to change places.
func (l items) misplaced(path edit.Path, standing node.Value) (edit.Path, []int) {
	from := l.align(standing)
	if places := order(from, standing.Len()); places != nil {
		return path, places
	}
	for j, i := range from {
		if i == none || l.text(standing.Item(i)) == l.entries[j] {
			continue
		}
		for e := range node.Of(l.item(j, 0)).Entries() {
			inner := standing.At(i, e.Key)
			if !inner.IsList() || !e.Value.IsList() {
				continue
			}
			to := append(path[:len(path):len(path)], i, e.Key)
			if at, places := itemsIn(e.Value.Node()).misplaced(to, inner); places != nil {
				return at, places
			}
		}
	}
	return nil, nil
}

// arrange has items change places until those that stay are in the order that is wanted. Where
// the text does not allow that, they go and come.
func (p *putting) arrange(f Field, want Setting) {
	for {
		standing := p.rule.At(f.steps...)
		if !own(p.rule, f.steps) || !standing.IsList() {
			return
		}
		list, places := f.itemsOf(want.Entries).misplaced(p.path(f.steps), standing)
		if places == nil || p.permute(list, places) != nil {
			return
		}
		p.rule = p.says().At(p.at...)
	}
}

// list has a list that stands there become another: what stays is not touched. Edits are
// made in their order, so those at the end come first.
func (p *putting) list(path edit.Path, standing node.Value, l items) {
	like, dress := quotesOf(standing.Items()...), inStyleOf(standing.Item(0))
	from := l.align(standing)
	if order(from, standing.Len()) != nil {
		from = l.common(standing)
	}
	to := func(i int) edit.Path { return append(path[:len(path):len(path)], i) }
	i, j := standing.Len()-1, len(from)-1
	for i >= 0 || j >= 0 {
		switch {
		case j >= 0 && i >= 0 && from[j] == i:
			if l.text(standing.Item(i)) != l.entries[j] {
				p.become(to(i), standing.Item(i), l.item(j, 0))
			}
			i, j = i-1, j-1
		case i >= 0 && j >= 0 && replaces(from, standing.Len(), i, j) && standing.Item(i).IsScalar():
			// Another number is another value of the same thing: its comment stays.
			p.set(to(i), l.item(j, cmp.Or(quotesOf(standing.Item(i)), like)))
			i, j = i-1, j-1
		case i >= 0 && (j < 0 || from[j] != none || !slices.Contains(from, i)):
			p.edits = append(p.edits, edit.Edit{Path: to(i), Op: edit.Remove})
			i--
		default:
			p.edits = append(p.edits, edit.Edit{Path: to(i + 1), Op: edit.Insert, Value: dress(l.item(j, like))})
			j--
		}
	}
}

// replaces reports whether one entry comes in the place of one item that goes, with what
// stands around both the same.
func replaces(from []int, count, i, j int) bool {
	before := i == 0 && j == 0 || i > 0 && j > 0 && from[j-1] == i-1
	behind := i+1 == count && j+1 == len(from) || i+1 < count && j+1 < len(from) && from[j+1] == i+1
	return before && behind && from[j] == none && !slices.Contains(from, i)
}

// become has a value that stands there say what another does.
func (p *putting) become(path edit.Path, standing node.Value, want *yaml.Node) {
	wanted := node.Of(want)
	switch {
	case standing.IsMapping() && wanted.IsMapping():
		for e := range wanted.Entries() {
			p.become(append(path[:len(path):len(path)], e.Key), standing.Entry(e.Key), e.Value.Node())
		}
		for e := range standing.Entries() {
			if !wanted.Entry(e.Key).Exists() {
				p.edits = append(p.edits, edit.Edit{Path: append(path[:len(path):len(path)], e.Key), Op: edit.Remove})
			}
		}
	case standing.IsList() && standing.Len() > 0 && wanted.IsList():
		p.list(path, standing, itemsIn(want))
	case !slices.Equal(textsOf(standing), textsOf(wanted)):
		want.Style = cmp.Or(quotesOf(standing), want.Style)
		p.set(path, want)
	}
}
