package transform

import (
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/each"
	"github.com/krm-bypass/krm-bypass/internal/edit"
)

// sharedList is a list to which the user's entries belong, and then ours.
type sharedList struct {
	// name is that of the list in a record: its path from the object.
	name string
	// entries are what stands in it, "" for what can be none of ours.
	entries []string
}

// ours gives the places of the entries that an earlier run added. Of entries
// that are there twice, the later one is ours.
func (l sharedList) ours(r *record) []int {
	var places []int
	for _, added := range r.Added[l.name] {
		for i, entry := range slices.Backward(l.entries) {
			if entry == added && !slices.Contains(places, i) {
				places = append(places, i)
				break
			}
		}
	}
	slices.Sort(places)
	return places
}

// users gives the entries that are the user's.
func (l sharedList) users(r *record) []string {
	ours := l.ours(r)
	var entries []string
	for i, entry := range l.entries {
		if !slices.Contains(ours, i) {
			entries = append(entries, entry)
		}
	}
	return entries
}

// list plans a list: the user's entries, then ours, each written by value.
func (dr *draft) list(g *group, l sharedList, wanted []string, value func(entry string) *yaml.Node) {
	if len(wanted) > 0 {
		dr.will.Added[l.name] = wanted
	}
	ours := l.ours(dr.was)
	standing := each.As(ours, func(place int) string { return l.entries[place] })
	if slices.Equal(standing, wanted) {
		return
	}
	item := func(i int) edit.Path { return append(slices.Clone(g.path), i) }
	// The new ones come before the old ones go, so that the list is never
	// empty and keeps its style.
	for i, entry := range wanted {
		g.added++
		g.edits = append(g.edits, edit.Edit{Path: item(len(l.entries) + i), Op: edit.Insert, Value: value(entry)})
	}
	for _, place := range slices.Backward(ours) {
		g.removed++
		g.edits = append(g.edits, edit.Edit{Path: item(place), Op: edit.Remove})
	}
}
