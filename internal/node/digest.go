package node

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"slices"

	"go.yaml.in/yaml/v3"
)

// Digest is equal for values that mean the same, whatever their style and the
// order of their keys.
func (v Value) Digest() string {
	h := sha256.New()
	write(h, v.node, 0)
	return shortened(h)
}

// deepest bounds how deep a digest looks, against a tree of aliases.
const deepest = 64

func write(h hash.Hash, n *yaml.Node, depth int) {
	n = resolved(n)
	if n == nil || depth > deepest {
		return
	}
	switch n.Kind {
	case yaml.MappingNode:
		order := make([]int, 0, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			order = append(order, i)
		}
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(n.Content[a].Value, n.Content[b].Value) })
		fmt.Fprintf(h, "{%d ", len(order))
		for _, i := range order {
			write(h, n.Content[i], depth+1)
			write(h, n.Content[i+1], depth+1)
		}
	case yaml.SequenceNode:
		fmt.Fprintf(h, "[%d ", len(n.Content))
		for _, item := range n.Content {
			write(h, item, depth+1)
		}
	default:
		fmt.Fprintf(h, "%s %d %s", n.ShortTag(), len(n.Value), n.Value)
	}
}

// digestLength is that of every digest, in hexadecimal digits: 64 bits tell
// values apart. They are no defence against forgery.
const digestLength = 16

func shortened(h hash.Hash) string { return hex.EncodeToString(h.Sum(nil))[:digestLength] }

// Digest gives a digest of texts, which is equal for equal ones.
func Digest(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d %s", len(p), p)
	}
	return shortened(h)
}
