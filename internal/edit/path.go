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
