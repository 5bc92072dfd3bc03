package page

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
)

// A page that previews while somebody types makes a draft each time, all of one draft.
func TestTheDraftThatIsUsedStays(t *testing.T) {
	var all drafts
	used := all.add(draft{text: []byte("used")})
	for i := range 3 * mostDrafts {
		all.add(draft{parent: used, text: []byte(strconv.Itoa(i))})
		_, err := all.find(used.id)
		assert.NoError(t, err)
	}
	assert.Len(t, all.byID, mostDrafts)
	assert.Len(t, all.order, mostDrafts)
}

func TestDraftsAreBoundedByTheirSize(t *testing.T) {
	var all drafts
	const large = 4 << 20
	for i := range 3 * mostOfDrafts / large {
		last := all.add(draft{text: append(make([]byte, large), strconv.Itoa(i)...)})
		_, err := all.find(last.id)
		assert.NoError(t, err)
		assert.LessOrEqual(t, all.size, mostOfDrafts)
	}
	assert.NotEmpty(t, all.order)
	assert.Len(t, all.byID, len(all.order))
}
