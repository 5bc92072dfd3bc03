package edit

import (
	"fmt"
	"strconv"
	"strings"
)

// A Path leads from the root of a document to a value. A string is a key of a
// mapping, an int the index of an item.
type Path []any

// String writes the path as in spec.template.spec.initContainers[0].name and
// metadata.annotations["a.b/c"].
func (p Path) String() string {
	if len(p) == 0 {
		return "the document"
	}
	var b strings.Builder
	for i, step := range p {
		switch step := step.(type) {
		case int:
			fmt.Fprintf(&b, "[%d]", step)
		case string:
			switch {
			case !isName(step):
				b.WriteString("[" + strconv.Quote(step) + "]")
			case i > 0:
				b.WriteString("." + step)
			default:
				b.WriteString(step)
			}
		default:
			fmt.Fprintf(&b, "[%T?]", step)
		}
	}
	return b.String()
}

func isName(key string) bool {
	for i := range len(key) {
		c := key[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-') {
			return false
		}
	}
	return key != ""
}

// with returns a path that is one step longer; p stays as it is.
func (p Path) with(step any) Path { return append(p[:len(p):len(p)], step) }

// A region is a set of paths, each with everything that it leads to.
type region struct {
	whole bool
	below map[any]*region
}

func (r *region) add(p Path) {
	for _, step := range p {
		if r.below == nil {
			r.below = map[any]*region{}
		}
		next := r.below[step]
		if next == nil {
			next = new(region)
			r.below[step] = next
		}
		r = next
	}
	r.whole = true
}

// meets says whether a path of the region leads to p, or p to one of them.
func (r *region) meets(p Path) bool {
	for _, step := range p {
		if r.whole {
			return true
		}
		if r = r.below[step]; r == nil {
			return false
		}
	}
	return r.whole || len(r.below) > 0
}
