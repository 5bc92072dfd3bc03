package object

import (
	"bytes"
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// Aliases may stand for so much of any document, and for so many times a longer one:
// work and memory grow with what they stand for.
const (
	mostExpanded  = 1 << 20
	timesExpanded = 20
)

// errIfExpands refuses a document of a text whose aliases stand for far more than
// stands there.
func errIfExpands(document *yaml.Node, text []byte) error {
	if !bytes.ContainsRune(text, '&') || !bytes.ContainsRune(text, '*') {
		return nil
	}
	return exceeded(node.Expand(document), len(text))
}

// ErrIfExpands refuses nodes of which the same is true.
func ErrIfExpands(document *yaml.Node) error {
	expansion := node.Expand(document)
	return exceeded(expansion, expansion.Size)
}

func exceeded(e node.Expansion, size int) error {
	at, problem := e.Largest, ""
	switch {
	case e.Within != nil:
		at = e.Within
		problem = fmt.Sprintf("the alias *%s stands within what it stands for: remove it", at.Value)
	case e.Added > max(mostExpanded, timesExpanded*size):
		problem = fmt.Sprintf("aliases stand for at least %d KiB in a document of %d bytes, *%s for most, and more than %d KiB, or %d times the document, are refused: write it out, or put each object into a document of its own",
			e.Added>>10, size, at.Value, mostExpanded>>10, timesExpanded)
	default:
		return nil
	}
	return &yamltext.Error{Line: max(at.Line, 1), Kind: yamltext.ErrUnsupported, Problem: problem}
}
