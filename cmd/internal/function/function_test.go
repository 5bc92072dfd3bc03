package function

import (
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestVersion(t *testing.T) {
	defer func() { version, commit = "", "" }()
	assert.Equal(t, "dev", Version())
	commit = "1469d521d2d5-dirty"
	assert.Equal(t, "dev-1469d521d2d5-dirty", Version())
	version = "v0.2.0"
	assert.Equal(t, "v0.2.0", Version())
}

func TestOutputThatIsClosedTakesNothing(t *testing.T) {
	for flag, taken := range map[int]bool{os.O_WRONLY: true, os.O_RDWR: false} {
		null, err := os.OpenFile(os.DevNull, flag, 0)
		require.NoError(t, err)
		_, err = Output(null).Write([]byte("a"))
		assert.Equal(t, !taken, errors.Is(err, ErrClosed))
		_, err = Output(null).Write(nil)
		require.NoError(t, err, "of nothing, nothing is lost")
		require.NoError(t, null.Close())
	}
	var all strings.Builder
	assert.Same(t, &all, Output(&all))
}
