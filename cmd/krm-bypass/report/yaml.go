package report

import (
	"bytes"
	"io"

	"go.yaml.in/yaml/v3"
)

// writeYAML writes what writeJSON writes, with the same names.
func writeYAML[Report any](w io.Writer, r Report) error {
	var text bytes.Buffer
	if err := writeJSON(&text, r); err != nil {
		return err
	}
	// JSON is YAML, whose nodes keep the order of the fields.
	var node yaml.Node
	if err := yaml.Unmarshal(text.Bytes(), &node); err != nil {
		return err
	}
	inBlockStyle(&node)
	enc := yaml.NewEncoder(w)
	enc.SetIndent(2)
	enc.CompactSeqIndent()
	return enc.Encode(&node)
}

// inBlockStyle writes nodes as people write YAML; strings keep quotes where they
// need them.
func inBlockStyle(node *yaml.Node) {
	node.Style = 0
	for _, child := range node.Content {
		inBlockStyle(child)
	}
}
