// Package yamltext finds the byte spans of what stands in a YAML text.
//
// It owns the scanner: which bytes are a document, an entry, an item, a key, a
// value, in block style, flow style and JSON. It follows go.yaml.in/yaml/v3 in
// what it takes for a line break, an indentation or a key, because that is the
// parser Kubernetes tools read with; where the two could differ it refuses the
// text with [ErrUnsupported].
//
// It does not own meaning: it resolves no tags, follows no aliases, and is not
// a validator. A text that yaml/v3 refuses may pass here. What a change of the
// text means is package edit's.
package yamltext
