package node

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"sync"

	"go.yaml.in/yaml/v3"
)

// Digest is equal for values that mean the same, whatever their style and the
// order of their keys.
func (v Value) Digest() string {
	d := digesters.Get().(*digester)
	defer digesters.Put(d)
	d.text, d.left = d.text[:0], mostAliased
	d.write(v.node, false)
	return shortened(d.text)
}

// digesters keep their room: a template has some kilobytes.
var digesters = sync.Pool{New: func() any { return &digester{text: make([]byte, 0, 4<<10)} }}

// mostAliased is how many nodes behind aliases a digest looks at. A text has no
// more nodes than bytes, but aliases of aliases lead to any number.
const mostAliased = 1 << 11

type digester struct {
	text []byte
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
		order := make([]int, 0, 16) // few mappings have more keys
		for i := 0; i+1 < len(n.Content); i += 2 {
			order = append(order, i)
		}
		slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(n.Content[a].Value, n.Content[b].Value) })
		d.number("{", len(order))
		for _, i := range order {
			d.write(n.Content[i], aliased)
			d.write(n.Content[i+1], aliased)
		}
	case yaml.SequenceNode:
		d.number("[", len(n.Content))
		for _, item := range n.Content {
			d.write(item, aliased)
		}
	default:
		d.text = append(d.text, n.ShortTag()...)
		d.number(" ", len(n.Value))
		d.text = append(d.text, n.Value...)
	}
}

// number writes a number between a text and a blank.
func (d *digester) number(before string, n int) {
	d.text = append(strconv.AppendInt(append(d.text, before...), int64(n), 10), ' ')
}

// digestLength is that of every digest, in hexadecimal digits: 64 bits tell
// values apart. They are no defence against forgery.
const digestLength = 16

func shortened(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:digestLength/2])
}

// Digest gives a digest of texts, which is equal for equal ones.
func Digest(parts ...string) string {
	var room [256]byte // enough for most
	d := digester{text: room[:0]}
	for _, p := range parts {
		d.number("", len(p))
		d.text = append(d.text, p...)
	}
	return shortened(d.text)
}
