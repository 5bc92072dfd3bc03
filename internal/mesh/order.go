package mesh

// Order is in which order the mesh's init container and the one of krm-bypass run.
type Order struct {
	// Key is the annotation that says so, and Former the value by which the mesh's comes
	// last; with any other but none it comes first.
	Key, Former string
	// First and Last say how it is then, Depends what it depends on where nobody says it.
	First, Last string
	Depends     Fact
}

// Of says in which order they run in pods with these annotations, and whether the
// annotations say so; "" where nothing is known.
func (o Order) Of(annotations map[string]string) (says string, said bool) {
	switch value := annotations[o.Key]; {
	case o.Key == "":
		return "", false
	case value == "":
		return o.Depends.String(), false
	case value == o.Former:
		return o.Last, true
	}
	return o.First, true
}
