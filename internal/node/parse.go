package node

import (
	"bytes"
	"errors"
	"io"

	"go.yaml.in/yaml/v3"
)

// Parse reads a text with one document to its end. yaml.Unmarshal stops at the
// end of the first value and does not look at what comes behind it.
func Parse(text []byte) (*yaml.Node, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var document, more yaml.Node
	if err := decoder.Decode(&document); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	switch err := decoder.Decode(&more); {
	case err == nil:
		return nil, errors.New("a second document in a text that should hold one")
	case !errors.Is(err, io.EOF):
		return nil, err
	}
	return &document, nil
}
