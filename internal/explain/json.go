package explain

import (
	"encoding/json"
	"io"
)

// jsonFormat is the report itself, for scripts.
type jsonFormat struct{}

func (jsonFormat) Write(w io.Writer, r Report) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}
