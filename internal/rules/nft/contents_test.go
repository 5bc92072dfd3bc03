package nft

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func zeros(n int) string { return strings.Repeat("\x00", n) }
func ones(n int) string  { return strings.Repeat("\xff", n) }

func TestElementsMakeIntervals(t *testing.T) {
	start := func(key string) element { return element{key: key} }
	end := func(key string) element { return element{key: key, isEnd: true} }
	for name, test := range map[string]struct {
		elements []element
		want     []Interval
	}{
		"none":                               {nil, []Interval{}},
		"from the highest down, as it dumps": {[]element{end("\x30\x00"), start("\x20\x00"), end("\x11\x00"), start("\x10\x00")}, []Interval{{"\x10\x00", "\x10\xff"}, {"\x20\x00", "\x2f\xff"}}},
		"adjacent":                           {[]element{start("\x20\x00"), end("\x20\x00"), start("\x10\x00"), end("\x30\x00")}, []Interval{{"\x10\x00", "\x1f\xff"}, {"\x20\x00", "\x2f\xff"}}},
		"to the last key":                    {[]element{start("\xff\x00")}, []Interval{{"\xff\x00", "\xff\xff"}}},
		"an end that nft puts first":         {[]element{end("\x00\x00"), start("\x10\x00"), end("\x10\x01")}, []Interval{{"\x10\x00", "\x10\x00"}}},
		"a beginning without an end":         {[]element{start("\x10\x00"), start("\x20\x00"), end("\x30\x00")}, []Interval{{"\x10\x00", "\x1f\xff"}, {"\x20\x00", "\x2f\xff"}}},
		"concatenations, in any order":       {[]element{{key: "\x02", end: "\x03"}, {key: "\x01", end: "\x01"}}, []Interval{{"\x01", "\x01"}, {"\x02", "\x03"}}},
	} {
		assert.Equal(t, test.want, intervalsOf(test.elements), name)
	}
}

// The kernel's answers are read by hand, so nothing that it might say may crash
// us.
func FuzzAnswers(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("\xfe\xff\xff\xff"))
	f.Add([]byte(anAnswer))
	f.Fuzz(func(_ *testing.T, answer []byte) { intervalsOf(elementsIn(answer)) })
}

// anAnswer has one attribute, a list of one element: the end 7001.
const anAnswer = "\x1c\x00\x03\x80\x18\x00\x01\x80\x0c\x00\x01\x80\x06\x00\x01\x00\x1b\x59\x00\x00\x08\x00\x03\x00\x00\x00\x00\x01"

func elementsIn(answer []byte) []element {
	var found []element
	for _, list := range attributes(answer) {
		for _, e := range attributes(list) {
			found = append(found, elementOf(e))
		}
	}
	return found
}

func TestAnswersAreRead(t *testing.T) {
	assert.Equal(t, []element{{key: "\x1b\x59", isEnd: true}}, elementsIn([]byte(anAnswer)))
	assert.Empty(t, elementsIn([]byte(anAnswer)[:len(anAnswer)-1]), "an answer that is cut off")
}
