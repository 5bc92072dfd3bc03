package edit

import (
	"fmt"
	"strconv"

	"github.com/krm-bypass/krm-bypass/internal/each"
)

// A Path leads from the root of a document to a value. A string is a key of a
// mapping, an int the index of an item.
type Path []any

// Keys gives the path by keys alone.
func Keys(keys []string) Path { return each.As(keys, func(key string) any { return key }) }

// String writes the path as in spec.template.spec.initContainers[0].name and
// metadata.annotations["a.b/c"].
func (p Path) String() string {
	if len(p) == 0 {
		return "the document"
	}
	var room [128]byte
	b := room[:0]
	for i, step := range p {
		switch step := step.(type) {
		case int:
			b = append(strconv.AppendInt(append(b, '['), int64(step), 10), ']')
		case string:
			switch {
			case !isName(step):
				b = append(strconv.AppendQuote(append(b, '['), step), ']')
			case i > 0:
				b = append(append(b, '.'), step...)
			default:
				b = append(b, step...)
			}
		default:
			b = fmt.Appendf(b, "[%T?]", step)
		}
	}
	return string(b)
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
