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
	d := digester{sha256.New(), mostAliased}
	d.write(v.node, false)
	return shortened(d.Hash)
}

// mostAliased is how many nodes behind aliases a digest looks at. A text has no
// more nodes than bytes, but aliases of aliases lead to any number.
const mostAliased = 1 << 11

type digester struct {
	hash.Hash
	// left is how many nodes behind aliases may still be looked at.
	left int
}

func (d *digester) write(n *yaml.Node, aliased bool) {
	aliased = aliased || n != nil && n.Kind == yaml.AliasNode
	if n = resolved(n); n == nil {
		return
	}
	if aliased {
		if d.left == 0 {
			return
		}
		d.left--
	}
	switch n.Kind {
	case yaml.MappingNode:
		order := make([]int, 0, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			order = append(order, i)
		}
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(n.Content[a].Value, n.Content[b].Value) })
		fmt.Fprintf(d, "{%d ", len(order))
		for _, i := range order {
			d.write(n.Content[i], aliased)
			d.write(n.Content[i+1], aliased)
		}
	case yaml.SequenceNode:
		fmt.Fprintf(d, "[%d ", len(n.Content))
		for _, item := range n.Content {
			d.write(item, aliased)
		}
	default:
		fmt.Fprintf(d, "%s %d %s", n.ShortTag(), len(n.Value), n.Value)
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
