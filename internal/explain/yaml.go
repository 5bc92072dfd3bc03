package explain

import (
	"bytes"
	"io"

	"go.yaml.in/yaml/v3"
)

// yamlFormat says what jsonFormat says, with the same names.
type yamlFormat struct{}

func (yamlFormat) Write(w io.Writer, r Report) error {
	var text bytes.Buffer
	if err := (jsonFormat{}).Write(&text, r); err != nil {
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
