package pattern_test

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/krm-bypass/krm-bypass/internal/pattern"
)

// TestPlain: what is plain decides as the expression does.
func TestPlain(t *testing.T) {
	const expression = `^([-a-c*]|\[[a-c]+\])+$`
	p, judge := pattern.Plain("abc-*", expression), regexp.MustCompile(expression)
	for _, text := range []string{"", "a", "abc", "a-*", "[ab]", "a[b]c", "[", "d", "ad", "da", "a d", "a\nb"} {
		assert.Equal(t, judge.MatchString(text), p.Matches(text), "%q", text)
	}
	assert.True(t, pattern.Of(`^$`).Matches(""))
	assert.False(t, pattern.Of(`^a$`).Matches("b"))
}
