package filter

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestManyDifferencesAreShortened(t *testing.T) {
	assert.Empty(t, Differences{}.String())
	assert.Equal(t, "a; b", Differences{"a", "b"}.String())
	many := make(Differences, 10000)
	for i := range many {
		many[i] = "x"
	}
	assert.Equal(t, strings.Repeat("x; ", 20)+"and 9980 more", many.String())
}

func TestChainsAreCompared(t *testing.T) {
	rules := func(spelled ...string) []Rule {
		var all []Rule
		for _, s := range spelled {
			all = append(all, Rule{Spelled: s, Words: strings.ToUpper(s)})
		}
		return all
	}
	read := func(spelled ...string) []Rule {
		all := rules(spelled...)
		for i := range all {
			all[i].Words = ""
		}
		return all
	}
	for _, test := range []struct {
		name      string
		want, got []Chain
		found     Differences
	}{
		{"the same", []Chain{{Name: "c", Rules: rules("a", "b", "a")}}, []Chain{{Name: "c", Rules: read("a", "b", "a")}}, nil},
		{"none", nil, nil, nil},
		{"another hook", []Chain{{Name: "c", Hook: "in"}}, []Chain{{Name: "c", Hook: "out"}}, Differences{`chain c is hooked by "out" instead of "in"`}},
		{"another order", []Chain{{Name: "c", Rules: rules("a", "b")}}, []Chain{{Name: "c", Rules: read("b", "a")}}, Differences{"chain c has its rules in another order"}},
		{"once instead of twice", []Chain{{Name: "c", Rules: rules("a", "a")}}, []Chain{{Name: "c", Rules: read("a")}}, Differences{"missing rule in chain c: A"}},
		{"twice instead of once", []Chain{{Name: "c", Rules: rules("a")}}, []Chain{{Name: "c", Rules: read("a", "a")}}, Differences{"foreign rule in chain c: a"}},
		{"other rules", []Chain{{Name: "c", Rules: rules("a")}}, []Chain{{Name: "c", Rules: read("b")}}, Differences{"missing rule in chain c: A", "foreign rule in chain c: b"}},
		{"other chains", []Chain{{Name: "c"}}, []Chain{{Name: "d"}}, Differences{"missing chain c", "foreign chain d"}},
	} {
		assert.Equal(t, test.found, CompareChains(test.want, test.got), test.name)
	}
}
