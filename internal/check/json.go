package check

import (
	"encoding/json"
	"io"
)

// jsonFormat is the report itself, for scripts.
type jsonFormat struct{}

func (jsonFormat) Write(w io.Writer, r Report, _ string) error { return writeJSON(w, r) }

func writeJSON(w io.Writer, value any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(value)
}
