package spec

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"
)

// TestIsQuantity: what needs no expression decides as the expression does.
func TestIsQuantity(t *testing.T) {
	for _, text := range []string{"10m", "64Mi", "1", "1.", ".5", "-1.5e3", "+1E-3", "1E", "1e", "1Ei", "1ee3", "1e+-3", "", "-", ".", "1.2.3", "--1", "+-1", "-+1", "1 ", "1KiB", "Mi", "1i"} {
		assert.Equal(t, quantity.Matches(text), isQuantity(text), "%q", text)
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOfN(rapid.SampledFrom([]rune("01.+-eEmkKMi ")), 0, 6, -1).Draw(t, "text")
		assert.Equal(t, quantity.Matches(text), isQuantity(text), "%q", text)
	})
}
