package transform

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/krm-bypass/krm-bypass/internal/edit"
)

func TestWhereAMovedItemStands(t *testing.T) {
	item := func(i int) edit.Path { return edit.Path{"spec", "initContainers", i} }
	assert.Equal(t, item(4), settled(item(5), item(3)), "moved behind others")
	assert.Equal(t, item(0), settled(item(0), item(3)), "moved before others")
}
