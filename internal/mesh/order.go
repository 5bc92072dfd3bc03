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

// Early is where what passes on the traffic of pods is there before their init containers.
type Early struct {
	// Always says why it is so in all pods, "" where it is not.
	Always string
	// Native are annotations by which it is so if the value is true: the first that
	// stands counts.
	Native []string
	// Else says when init containers are intercepted without it.
	Else string
}

// Of says why it is so in pods with these annotations, "" where nothing shows it, and which
// annotation does.
func (e Early) Of(annotations map[string]string) (why, key string) {
	for _, key := range e.Native {
		if value, stands := annotations[key]; stands {
			if value == "true" {
				return "the sidecar is a native one by this annotation, and starts before the init containers", key
			}
			break
		}
	}
	return e.Always, ""
}
