package check

import (
	"io"
)

// Format writes a report.
type Format interface {
	// Write writes the whole report; version is that of krm-bypass.
	Write(w io.Writer, r Report, version string) error
}

// formats are the formats by their names on the command line.
var formats = []struct {
	name string
	Format
}{
	{"text", text{}},
	{"json", jsonFormat{}},
	{"sarif", sarif{}},
	{"junit", junit{}},
}

// Formats lists the names of the formats; the first is the default.
func Formats() []string {
	names := make([]string, len(formats))
	for i, f := range formats {
		names[i] = f.name
	}
	return names
}

// FormatByName finds a format.
func FormatByName(name string) (Format, bool) {
	for _, f := range formats {
		if f.name == name {
			return f, true
		}
	}
	return nil, false
}
