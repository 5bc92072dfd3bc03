package each

// As gives what each item comes to, nil for no items.
func As[From, To any](items []From, as func(From) To) []To {
	var all []To
	for _, item := range items {
		all = append(all, as(item))
	}
	return all
}
