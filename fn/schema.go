package fn

import (
	_ "embed"
	"strings"
)

//go:generate go run ./internal/schemagen

//go:embed schema.json
var schema string

// Schema gives the JSON Schema (draft 2020-12) of ClusterBypass. It is made of
// the Go types and their comments by go generate.
func Schema() string { return strings.TrimSpace(schema) }
