package traffic

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// TestMembersAreInTheOrderOfTheFields: a field's flag is its name, written as flags are.
func TestMembersAreInTheOrderOfTheFields(t *testing.T) {
	capital := regexp.MustCompile(`[A-Z]+[a-z]*`)
	for _, f := range Fields {
		words := capital.ReplaceAllStringFunc(strings.Replace(string(f), "IPRanges", "IpRanges", 1), func(word string) string { return "-" + strings.ToLower(word) })
		assert.Equal(t, words, f.Flag())
	}
	assert.Len(t, members, len(Fields))
	assert.Nil(t, Field("excludeInbound").member())
}
