package kpt

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/test/ways"
)

// TestEveryWay renders the tree that is rendered in every way.
func TestEveryWay(t *testing.T) {
	p := checkOut(t, filepath.Base(ways.Example))
	p.render()
	var stream []byte
	for _, name := range []string{"web.yaml", "orders.yaml"} {
		text, err := os.ReadFile(filepath.Join(p.folder, "templates", name))
		require.NoError(t, err)
		stream = slices.Concat(stream, []byte("---\n"), text)
	}
	ways.Compare(t, stream)
}
