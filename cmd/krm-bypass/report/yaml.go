package report

import (
	"bytes"
	"io"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/node"
)

// writeYAML writes what writeJSON writes, with the same names.
func writeYAML[Report any](w io.Writer, r Report) error {
	var text bytes.Buffer
	if err := writeJSON(&text, r); err != nil {
		return err
	}
	// JSON is YAML, whose nodes keep the order of the fields.
	document, err := node.Parse(text.Bytes())
	if err != nil {
		return err
	}
	inBlockStyle(document)
	enc := yaml.NewEncoder(w)
	enc.SetIndent(2)
	enc.CompactSeqIndent()
	return enc.Encode(document)
}

// inBlockStyle writes nodes as people write YAML; strings keep quotes where they
// need them.
func inBlockStyle(node *yaml.Node) {
	node.Style = 0
	for _, child := range node.Content {
		inBlockStyle(child)
	}
}
