package explain

import (
	"io"
)

// Format writes a report.
type Format interface {
	Write(w io.Writer, r Report) error
}

// formats are the formats by their names on the command line.
var formats = []struct {
	name string
	Format
}{
	{"table", table{}},
	{"json", jsonFormat{}},
	{"yaml", yamlFormat{}},
	{"csv", csvFormat{}},
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
