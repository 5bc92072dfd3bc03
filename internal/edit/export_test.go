package edit

import "github.com/krm-bypass/krm-bypass/internal/yamltext"

// with returns a path that is one step longer; p stays as it is.
func (p Path) with(step any) Path { return append(p[:len(p):len(p)], step) }

// Source returns the text of the value at a path of a document; see
// [Document.Source].
func Source(document []byte, path Path) (string, error) {
	return Document{Fragment: yamltext.Fragment{Text: document}}.Source(path)
}
