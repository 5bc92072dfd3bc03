package report

import (
	"encoding/json"
	"io"
)

// writeJSON writes the report itself, for scripts.
func writeJSON[Report any](w io.Writer, r Report) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(r)
}
