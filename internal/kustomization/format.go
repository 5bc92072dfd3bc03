package kustomization

import (
	"bytes"

	sigsyaml "sigs.k8s.io/yaml"

	"github.com/krm-bypass/krm-bypass/internal/object"
)

// Formatted writes those documents of a stream that have changed in the way of
// the kustomize CLI: block style, keys sorted, no comments.
func Formatted(was, stream []byte) ([]byte, error) {
	before := object.Documents(was)
	var formatted []byte
	for i, d := range object.Documents(stream) {
		if i < len(before) && bytes.Equal(before[i].Text, d.Text) {
			formatted = append(formatted, d.Text...)
			continue
		}
		asJSON, err := sigsyaml.YAMLToJSON(d.Text)
		if err != nil {
			return nil, err
		}
		text, err := sigsyaml.JSONToYAML(asJSON)
		if err != nil {
			return nil, err
		}
		if len(formatted) > 0 {
			formatted = append(formatted, "---\n"...)
		}
		formatted = append(formatted, text...)
	}
	return formatted, nil
}
