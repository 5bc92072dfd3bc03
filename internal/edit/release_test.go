package edit

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// Documents that have had the same room say nothing of one another.
func TestRoomIsGivenOnEmpty(t *testing.T) {
	texts := []string{"a: &x {b: [1, 2], c: '3'}\nd: *x\ne: |\n  text\n", "b: c\n", "- 1\n- {x: y}\n", "only\n", "a: !!str 1\n", "{}\n"}
	for range 3 {
		for _, text := range texts {
			d, err := Read(yamltext.Fragment{Text: []byte(text)})
			require.NoError(t, err)
			want, err := node.Parse([]byte(text))
			require.NoError(t, err)
			assert.NoError(t, same(d.Nodes.Content[0], want.Content[0], nil), text)
			d.Release()
			d.Release()
		}
	}
}
