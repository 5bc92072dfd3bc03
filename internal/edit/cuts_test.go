package edit

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// Edits that meet at one offset, or take away what others stand beside.
func TestEditsThatMeet(t *testing.T) {
	set := func(p, v string) Edit { return Edit{Path: path(p), Op: Set, Value: text(v)} }
	insert := func(p, v string) Edit { return Edit{Path: path(p), Op: Insert, Value: text(v)} }
	remove := func(p string) Edit { return Edit{Path: path(p), Op: Remove} }
	for name, test := range map[string]struct {
		in    string
		edits []Edit
		want  string
	}{
		"collections that end in one line, outermost first": {
			"a:\n  b:\n    c: 1\n", []Edit{set("x", "1"), set("a.x", "2"), set("a.b.x", "3")},
			"a:\n  b:\n    c: 1\n    x: \"3\"\n  x: \"2\"\nx: \"1\"\n"},
		"the same without a line break at the end": {
			"a:\n  b:\n    c: 1", []Edit{set("x", "1"), set("a.x", "2"), set("a.b.x", "3")},
			"a:\n  b:\n    c: 1\n    x: \"3\"\n  x: \"2\"\nx: \"1\""},
		"null at the end of a mapping that grows": {
			"a:\n  b:\n", []Edit{set("a.c", "x"), set("a.b.d", "v")}, "a:\n  b:\n    d: v\n  c: x\n"},
		"null at the end of a flow mapping that grows": {
			"{a: {b: }}\n", []Edit{set("a.c", "x"), insert("a.b[0]", "v")}, "{a: {b: [v], c: x }}\n"},
		"a key alone at the end of a flow mapping that grows": {
			"{a: {b}}\n", []Edit{set("a.c", "x"), set("a.b", "v")}, "{a: {b: v, c: x}}\n"},
		"into what an edit made": {
			"a: 1\n", []Edit{set("b.c", "x"), set("b.d", "y"), insert("b.e[0]", "z"), remove("b.c")}, "a: 1\nb:\n  d: \"y\"\n  e:\n  - z\n"},
		"two into an empty flow mapping": {
			"a: {}\n", []Edit{set("a.b", "x"), set("a.c", "w")}, "a: {b: x, c: w}\n"},
		"two into null": {
			"a: null\n", []Edit{set("a.b", "x"), set("a.c", "w")}, "a: {b: x, c: w}\n"},
		"one takes the place of the only one": {
			"a:\n  b: x # why\n", []Edit{set("a.c", "w"), remove("a.b")}, "a:\n  c: w\n"},
		"the same the other way round": {
			"a:\n  b: x # why\n", []Edit{remove("a.b"), set("a.c", "w")}, "a:\n  c: w\n"},
		"the same in flow style": {
			"a: {b: x}\n", []Edit{remove("a.b"), set("a.c", "w")}, "a: {c: w}\n"},
		"an item takes the place of another, below its comment": {
			"a:\n# about b\n- b\n- c\n", []Edit{insert("a[0]", "x"), remove("a[1]")}, "a:\n# about b\n- x\n- c\n"},
		"an item takes the place of another beside a dash": {
			"- - a # why\n", []Edit{insert("[0][0]", "x"), remove("[0][1]")}, "- - x\n"},
		"neighbours go": {
			"a: 1\nb: 2\n# c\nc: 3\nd: 4", []Edit{remove("b"), remove("c"), remove("d")}, "a: 1\n# c"},
		"the end goes, and what is before it grows": {
			"a:\n  b: x\nc: d", []Edit{remove("c"), set("a.e", "f")}, "a:\n  b: x\n  e: f"},
		"the end goes after the text of a block scalar": {
			"a:\n  b: |\n    x\nc: d", []Edit{remove("c")}, "a:\n  b: |\n    x\n"},
		"the end of a flow collection goes": {
			"[a, b, c, d]\n", []Edit{remove("[1]"), remove("[2]"), remove("[1]")}, "[a]\n"},
		"the end of a flow collection over lines goes": {
			"{\n  a: 1, # a\n  b: 2, # b\n  # c\n  c: 3\n}\n", []Edit{remove("b"), remove("c")}, "{\n  a: 1 # a\n  # c\n}\n"},
		"all of a flow collection over lines goes": {
			"a: {\n  b: 1,\n  c: 2\n}\n", []Edit{remove("a.b"), remove("a.c")}, "a: {}\n"},
		"a value that is set and then goes": {
			"a: 1\nb: 2\n", []Edit{set("a", "x"), remove("a")}, "b: 2\n"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Text([]byte(test.in), test.edits)
			require.NoError(t, err)
			assert.Equal(t, test.want, string(got))
		})
	}
}

// What was put back as text is not taken apart again in the same plan.
func TestEditsInsideWhatIsRestored(t *testing.T) {
	edits := []Edit{{Path: path("a"), Op: Restore, Source: "{b: c}"}, {Path: path("a.d"), Op: Set, Value: text("x")}}
	_, err := Text([]byte("a: 1\n"), edits)
	assert.EqualError(t, err, "setting a.d: an edit before this one puts back the text of a as a whole")
}

func TestItemsAfterABlockScalarThatEndsTheText(t *testing.T) {
	_, err := Text([]byte("- |\n  x"), []Edit{{Path: path("[1]"), Op: Insert, Value: text("y")}})
	assert.EqualError(t, err, "inserting [1]: the document ends in a block scalar without a line break, and an item after it would add one to its text; end the document with a line break")
}

// Two cuts never share a byte.
func TestOverlappingCutsAreRefused(t *testing.T) {
	read, err := Read(yamltext.Fragment{Text: []byte("a: 1\nb: 2\n")})
	require.NoError(t, err)
	w, err := newWriter(read)
	require.NoError(t, err)
	w.cut(5, 10, "")
	w.cut(3, 6, "x")
	_, err = w.text(&handle{}, nil)
	assert.EqualError(t, err, "two edits change the same bytes in line 2")
}
