package function

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestVersion(t *testing.T) {
	defer func() { version, commit = "", "" }()
	assert.Equal(t, "dev", Version())
	commit = "1469d521d2d5-dirty"
	assert.Equal(t, "dev-1469d521d2d5-dirty", Version())
	version = "v0.2.0"
	assert.Equal(t, "v0.2.0", Version())
}
