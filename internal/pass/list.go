package pass

import (
	"slices"

	"github.com/krm-bypass/krm-bypass/internal/object"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// cut says which part of the items that were split an item is.
type cut struct {
	// whole is the place of the item that it was cut from.
	whole int
	span  yamltext.Span
	// list is the head of the list in which it stands, if it does.
	list *object.Head
}

// InList says whether the item stands in a list.
func (i *Item) InList() bool { return i.Part.Path != nil }

// Split gives the items with those of each list in the list's place. It takes the room of
// the items up to the first list.
func Split(items []Item) []Item {
	split := items[:0]
	for whole, item := range items {
		parts, list := object.Items(item.Text)
		if list == nil {
			item.cut = cut{whole: whole}
			split = append(split, item)
			continue
		}
		head := object.HeadOf(list)
		split = slices.Clip(split)
		for _, part := range parts {
			one := item
			one.Text, one.Part, one.cut = part.Text, part.Part, cut{whole, part.Span, &head}
			if one.Line > 0 {
				one.Line += part.Line - 1
			}
			split = append(split, one)
		}
	}
	return split
}

// Joined gives the changes of so many items, as they were before they were split.
func Joined(items int, split []Item, changes [][]yamltext.Replacement) [][]yamltext.Replacement {
	joined := make([][]yamltext.Replacement, items)
	for i, changes := range changes {
		switch at := split[i].cut; {
		case len(changes) == 0:
		case !split[i].InList():
			joined[at.whole] = changes
		default:
			joined[at.whole] = append(joined[at.whole], yamltext.Shifted(changes, at.span.Start)...)
		}
	}
	return joined
}
