package page

import (
	"io"

	"github.com/krm-bypass/krm-bypass/internal/pattern"
	"github.com/krm-bypass/krm-bypass/internal/terminal"
)

// typedParts are the parts of a page that a browser sends back. What stands there is what
// stands in the file.
var typedParts = pattern.Of(`(?s)<textarea[^>]*>.*?</textarea>| value="[^"]*"`)

// visible gives a page in which control characters are escaped, so that a reason or a name
// cannot turn the direction of what stands beside it, or hide it. Forms keep what they send.
func visible(page []byte) []byte {
	shown := terminal.Lines(string(page))
	if shown == string(page) { // as nearly all are
		return page
	}
	var all []byte
	from := 0
	for _, part := range typedParts.Regexp().FindAllIndex(page, -1) {
		all = append(append(all, terminal.Lines(string(page[from:part[0]]))...), page[part[0]:part[1]]...)
		from = part[1]
	}
	return append(all, terminal.Lines(string(page[from:]))...)
}

// visibleWriter does so with a page without forms, whose pieces are whole texts.
type visibleWriter struct{ io.Writer }

func (w visibleWriter) Write(piece []byte) (int, error) {
	if _, err := io.WriteString(w.Writer, terminal.Lines(string(piece))); err != nil {
		return 0, err //nolint:wrapcheck // it is the writer's
	}
	return len(piece), nil
}
