package each

import "slices"

// As gives what each item comes to, nil for no items.
func As[From, To any](items []From, as func(From) To) []To {
	var all []To
	for _, item := range items {
		all = append(all, as(item))
	}
	return all
}

// First gives the first item of which something is true.
func First[T any](items []T, is func(T) bool) (item T, found bool) {
	if i := slices.IndexFunc(items, is); i >= 0 {
		return items[i], true
	}
	return item, false
}
