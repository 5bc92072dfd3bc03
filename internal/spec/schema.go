package spec

import (
	_ "embed"
	"strings"
)

//go:generate go run ./schemagen

//go:embed schema.json
var schema string

// Schema gives the JSON Schema (draft 2020-12) of ClusterBypass. go generate
// makes it of the Go types and their comments.
func Schema() string { return strings.TrimSpace(schema) }
