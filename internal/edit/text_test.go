package edit

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// value reads a value written as YAML.
func value(t testing.TB, text string) *yaml.Node {
	t.Helper()
	var document yaml.Node
	require.NoError(t, yaml.Unmarshal([]byte(text), &document))
	return document.Content[0]
}

func text(value string) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value}
}

// path reads "a.b[0].c"; a key with a dot is the last one, after a slash-free
// "!".
func path(text string) Path {
	var p Path
	text, last, dotted := strings.Cut(text, "!")
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return r == '.' || r == '[' }) {
		if index, ok := strings.CutSuffix(part, "]"); ok {
			n := 0
			for _, c := range index {
				n = 10*n + int(c-'0')
			}
			p = append(p, n)
			continue
		}
		p = append(p, part)
	}
	if dotted {
		p = append(p, last)
	}
	return p
}

func TestSetTakesTheStyleOfItsSurroundings(t *testing.T) {
	for name, test := range map[string]struct {
		in, path, value, want string
	}{
		"a new entry comes last": {
			"a:\n  b: 1\n  c: x # why\n# foot\nd: 2\n", "a.e", "w", "a:\n  b: 1\n  c: x # why\n  e: w\n# foot\nd: 2\n"},
		"no final newline": {
			"a:\n  b: x", "a.e", "w", "a:\n  b: x\n  e: w"},
		"CRLF": {
			"a:\r\n  b: x\r\n", "a.e", "w", "a:\r\n  b: x\r\n  e: w\r\n"},
		"four columns, sequences indented": {
			"a:\n    b:\n        c: x\n    d:\n      - e\n", "a.f", "{g: [h, {i: j, k: []}], l: {}}",
			"a:\n    b:\n        c: x\n    d:\n      - e\n    f:\n        g:\n          - h\n          - i: j\n            k: []\n        l: {}\n"},
		"sequences not indented": {
			"a:\n  d:\n  - e\n", "a.f", "{g: [h]}", "a:\n  d:\n  - e\n  f:\n    g:\n    - h\n"},
		"parents are made": {
			"a: 1\n", "b.c!d.e/f", "x", "a: 1\nb:\n  c:\n    d.e/f: x\n"},
		"an existing value keeps its quotes": {
			"a: 'x' # why\n", "a", "it's", "a: 'it''s' # why\n"},
		"an item keeps its quotes and its comment": {
			"a:\n- x # one\n- '1' # two\n", "a[1]", "it's", "a:\n- x # one\n- 'it''s' # two\n"},
		"an item in brackets": {
			"a: [\n  x, # one\n  y # two\n]\n", "a[0]", "z", "a: [\n  z, # one\n  y # two\n]\n"},
		"double quotes": {
			"a: \"x\"\nb: y\n", "a", "z", "a: \"z\"\nb: y\n"},
		"siblings in single quotes": {
			"a:\n  b: '1'\n  c: 'x'\n", "a.d", "w", "a:\n  b: '1'\n  c: 'x'\n  d: 'w'\n"},
		"siblings in double quotes": {
			"a:\n  b: \"1\"\n", "a.d", "w", "a:\n  b: \"1\"\n  d: \"w\"\n"},
		"siblings differ": {
			"a:\n  b: \"1\"\n  c: x\n", "a.d", "w", "a:\n  b: \"1\"\n  c: x\n  d: w\n"},
		"numbers are quoted": {
			"a:\n  b: x\n", "a.d", "'7001,7002'", "a:\n  b: x\n  d: \"7001,7002\"\n"},
		"empty flow": {
			"a: {} # c\n", "a.b", "x", "a: {b: x} # c\n"},
		"null": {
			"a: null\nc: d\n", "a.b", "x", "a: {b: x}\nc: d\n"},
		"tilde": {
			"a: ~\n", "a.b", "x", "a: {b: x}\n"},
		"implicit null": {
			"a:\n  b: # why\n  c: d\n", "a.b.e", "x", "a:\n  b: # why\n    e: x\n  c: d\n"},
		"implicit null at the end": {
			"a:\n  b:", "a.b.e", "x", "a:\n  b:\n    e: x"},
		"implicit null becomes a scalar": {
			"a: # why\nb: c\n", "a", "x", "a: x # why\nb: c\n"},
		"flow": {
			"a: {b: x, c: y}\n", "a.d", "[z, {e: f}]", "a: {b: x, c: y, d: [z, {e: f}]}\n"},
		"flow with a comma at the end": {
			"a: {b: x,}\n", "a.d", "z", "a: {b: x, d: z,}\n"},
		"flow over lines": {
			"a: {\n  b: x, # one\n  c: y # two\n}\n", "a.d", "z", "a: {\n  b: x, # one\n  c: y, # two\n  d: z\n}\n"},
		"flow in block": {
			"- a: {b: x}\n  c: d\n", "[0].a.e", "'1'", "- a: {b: x, e: \"1\"}\n  c: d\n"},
		"tight JSON": {
			`{"a":{"b":1},"c":[]}`, "a.d", "[x, 2, true, {e: '3'}]", `{"a":{"b":1,"d":["x",2,true,{"e":"3"}]},"c":[]}`},
		"JSON": {
			"{\n  \"a\": {\n    \"b\": 1\n  }\n}\n", "a.d", "[x, {e: f}, [], {}]",
			"{\n  \"a\": {\n    \"b\": 1,\n    \"d\": [\n      \"x\",\n      {\n        \"e\": \"f\"\n      },\n      [],\n      {}\n    ]\n  }\n}\n"},
		"JSON with tabs": {
			"{\n\t\"a\": {\n\t\t\"b\": 1\n\t}\n}\n", "a.d", "{e: f}", "{\n\t\"a\": {\n\t\t\"b\": 1,\n\t\t\"d\": {\n\t\t\t\"e\": \"f\"\n\t\t}\n\t}\n}\n"},
		"empty in JSON": {
			"{\n  \"a\": {}\n}\n", "a.d", "x", "{\n  \"a\": {\n    \"d\": \"x\"\n  }\n}\n"},
		"null in JSON": {
			"{\n  \"a\": null\n}\n", "a.d", "x", "{\n  \"a\": {\n    \"d\": \"x\"\n  }\n}\n"},
		"after a literal": {
			"a:\n  b: |\n    x\n\nc: d\n", "a.e", "w", "a:\n  b: |\n    x\n  e: w\n\nc: d\n"},
		"after a literal that keeps": {
			"a:\n  b: |+\n    x\n\nc: d\n", "a.e", "w", "a:\n  b: |+\n    x\n\n  e: w\nc: d\n"},
		"before a literal that has no newline": {
			"a:\n  b: |\n    x", "a.e", "w", "a:\n  e: w\n  b: |\n    x"},
		"after a literal that strips": {
			"a:\n  b: |-\n    x", "a.e", "w", "a:\n  b: |-\n    x\n  e: w"},
		"a comment between key and value": {
			"a:\n  # why\n  b\nc: d\n", "a", "x", "a:\n  # why\n  x\nc: d\n"},
		"quoted keys": {
			"\"a\": {'b.c/d': x}\n", "a!b.c/d", "w", "\"a\": {'b.c/d': w}\n"},
		"tabs before a comment": {
			"a:\tx\t# why\n", "a", "w", "a:\tw\t# why\n"},
		"NEL in a comment ends it": {
			"a: x # why\u0085b: y\n", "a", "z", "a: z # why\u0085b: y\n"},
		"over a mapping": {
			"a:\n  b: c\nd: e\n", "a", "x", "a: x\nd: e\n"},
		"a tag goes with its value": {
			"a: !!str 1\n", "a", "x", "a: x\n"},
		"an alias as the value": {
			"a: &x y\nb: *x\n", "b", "z", "a: &x y\nb: z\n"},
		"beside a merge key": {
			"a: &x {k: y}\nb:\n  <<: *x\n", "b.k", "z", "a: &x {k: y}\nb:\n  <<: *x\n  k: z\n"},
		"a literal is replaced": {
			"a: |\n  x\n  y\nb: c\n", "a", "z", "a: z\nb: c\n"},
		"items in items": {
			"- - a: 1\n  - b\n", "[0][0].c", "x", "- - a: 1\n    c: x\n  - b\n"},
		"markers": {
			"%YAML 1.1\n---\na: b\n...\n", "c", "d", "%YAML 1.1\n---\na: b\nc: d\n...\n"},
		"the line break of the neighbour, not of the first line": {
			"# old editor\ra:\n  b: x\n", "a.c", "{d: e}", "# old editor\ra:\n  b: x\n  c:\n    d: e\n"},
		"line breaks that differ": {
			"a:\r\n  b: x\r  c: v\nd: e\r\n", "a.f", "{g: h}", "a:\r\n  b: x\r  c: v\n  f:\n    g: h\nd: e\r\n"},
		"CR alone": {
			"a:\r  b: x\rd: e\r", "a.f", "w", "a:\r  b: x\r  f: w\rd: e\r"},
		"a line break that not every reader knows": {
			"a: x\r\nb: v\u0085", "c", "w", "a: x\r\nb: v\u0085c: w\r\n"},
		"blanks after a literal that keeps": {
			"a: b\nc: |+\n  x\n  ", "a", "w", "a: w\nc: |+\n  x\n  "},
		"a literal that keeps, before blanks": {
			"c: |+\n  x\n  ", "c", "w", "c: w\n  "},
		"a literal that keeps a line of CR": {
			"c: |+\n  x\n\r\r\nd: e\n", "c", "w", "c: w\r\nd: e\n"},
		"byte order mark": {
			"\xef\xbb\xbfa: b\n", "c", "d", "\xef\xbb\xbfa: b\nc: d\n"},
	} {
		t.Run(name, func(t *testing.T) {
			p := path(test.path)
			got, err := Text([]byte(test.in), []Edit{{Path: p, Op: Set, Value: value(t, test.value)}})
			require.NoError(t, err)
			assert.Equal(t, test.want, string(got))
			undo := undoing(t, []byte(test.in), Edit{Path: p, Op: Set})
			back, err := Text(got, []Edit{undo})
			require.NoError(t, err)
			assert.Equal(t, test.in, string(back), "taken back")
		})
	}
}

// undoing returns the edit that takes back a Set or an Insert, as the record
// of a plan would: the value that was replaced, or the first parent that was
// made.
func undoing(t require.TestingT, before []byte, done Edit) Edit {
	undo, err := takeBack(before, done)
	require.NoError(t, err)
	return undo
}

func takeBack(before []byte, done Edit) (Edit, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(before, &document); err != nil {
		return Edit{}, err
	}
	a := newDraft(&document, nil)
	target := done.Path
	if done.Op == Insert {
		target = done.Path[:len(done.Path)-1]
	}
	for n := 1; n <= len(target); n++ {
		at, err := a.walk(done, target[:n])
		if err != nil {
			return Edit{}, err
		}
		if at.steps < n && !isNull(at.node) {
			return Edit{Path: target[:n], Op: Remove}, nil
		}
		if isNull(at.node) || n == len(target) && done.Op == Set {
			source, err := Source(before, target[:at.steps])
			return Edit{Path: target[:at.steps], Op: Restore, Source: source}, err
		}
	}
	return Edit{Path: done.Path, Op: Remove}, nil
}

func TestInsertTakesTheStyleOfItsSurroundings(t *testing.T) {
	for name, test := range map[string]struct {
		in, path, value, want string
	}{
		"before the first item and its comment": {
			"a:\n# about b\n- name: b\n  x: y\n", "a[0]", "{name: m, args: [--c=1, '2']}",
			"a:\n- name: m\n  args:\n  - --c=1\n  - \"2\"\n# about b\n- name: b\n  x: y\n"},
		"a comment at another column": {
			"a:\n  # about a\n- b\n", "a[0]", "x", "a:\n  # about a\n- x\n- b\n"},
		"at the end": {
			"a:\n  - b # c\n  # foot\nd: e\n", "a[1]", "x", "a:\n  - b # c\n  - x\n  # foot\nd: e\n"},
		"in the middle":    {"a:\n- b\n- c\n", "a[1]", "x", "a:\n- b\n- x\n- c\n"},
		"wide dashes":      {"a:\n-   b: c\n", "a[0]", "{d: e, f: g}", "a:\n-   d: e\n    f: g\n-   b: c\n"},
		"sequence is made": {"a:\n  b:\n  - c\n", "a.d[0]", "{e: f}", "a:\n  b:\n  - c\n  d:\n  - e: f\n"},
		"empty":            {"a: []\n", "a[0]", "{e: f}", "a: [{e: f}]\n"},
		"null":             {"a:\nb: c\n", "a[0]", "{e: f}", "a:\n- e: f\nb: c\n"},
		"flow":             {"a: [b, c]\n", "a[0]", "x", "a: [x, b, c]\n"},
		"flow, at the end": {"a: [b, c]\n", "a[2]", "x", "a: [b, c, x]\n"},
		"JSON": {"{\n  \"a\": [\n    {\n      \"b\": 1\n    }\n  ]\n}\n", "a[0]", "{c: d}",
			"{\n  \"a\": [\n    {\n      \"c\": \"d\"\n    },\n    {\n      \"b\": 1\n    }\n  ]\n}\n"},
		"empty in JSON":     {"{\n  \"a\": []\n}", "a[0]", "{c: d}", "{\n  \"a\": [\n    {\n      \"c\": \"d\"\n    }\n  ]\n}"},
		"tight JSON":        {`{"a":[{"b":1}]}`, "a[0]", "{c: d}", `{"a":[{"c":"d"},{"b":1}]}`},
		"items in items":    {"- - a\n", "[0][0]", "x", "- - x\n  - a\n"},
		"no final newline":  {"a:\n- b", "a[1]", "x", "a:\n- b\n- x"},
		"empty with blanks": {"a: [ ]\n", "a[0]", "x", "a: [x ]\n"},
	} {
		t.Run(name, func(t *testing.T) {
			edit := Edit{Path: path(test.path), Op: Insert, Value: value(t, test.value)}
			got, err := Text([]byte(test.in), []Edit{edit})
			require.NoError(t, err)
			assert.Equal(t, test.want, string(got))
			back, err := Text(got, []Edit{undoing(t, []byte(test.in), edit)})
			require.NoError(t, err)
			assert.Equal(t, test.in, string(back), "taken back")
		})
	}
}

func TestRemove(t *testing.T) {
	for name, test := range map[string]struct{ in, path, want string }{
		"with its line and comment":     {"a: 1\nb: 2 # why\nc: 3\n", "b", "a: 1\nc: 3\n"},
		"with all its lines":            {"a: 1\nb:\n  - x\n  # y\n  - z\nc: 3\n", "b", "a: 1\nc: 3\n"},
		"the last one":                  {"a:\n  b: 1\nc: 3\n", "a.b", "a: {}\nc: 3\n"},
		"the last item":                 {"a: # why\n- b\nc: 3\n", "a[0]", "a: [] # why\nc: 3\n"},
		"no final newline":              {"a: 1\nb: 2", "b", "a: 1"},
		"after a literal":               {"a: |\n  x\nb: 2", "b", "a: |\n  x\n"},
		"beside a dash":                 {"- a: 1 # why\n  # b\n  b: 2\n", "[0].a", "- # b\n  b: 2\n"},
		"in flow":                       {"{a: 1, b: 2, c: 3}\n", "b", "{a: 1, c: 3}\n"},
		"in flow, the last":             {"{a: 1, b: 2}\n", "b", "{a: 1}\n"},
		"in flow, the only one":         {"{a: 1}\n", "a", "{}\n"},
		"in JSON":                       {"{\n  \"a\": 1,\n  \"b\": 2\n}", "a", "{\n  \"b\": 2\n}"},
		"in JSON, the last":             {"{\n  \"a\": 1,\n  \"b\": 2\n}", "b", "{\n  \"a\": 1\n}"},
		"what is not there":             {"a: 1\n", "b.c", "a: 1\n"},
		"what is there by a merge only": {"a: &x {k: 1}\nb: {<<: *x}\n", "b.k", "a: &x {k: 1}\nb: {<<: *x}\n"},
		"the whole document":            {"a: 1\n", "a", "{}\n"},
		"a literal that keeps":          {"a: |+\n  x\n\nb: c\n", "a", "b: c\n"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Text([]byte(test.in), []Edit{{Path: path(test.path), Op: Remove}})
			require.NoError(t, err)
			assert.Equal(t, test.want, string(got))
		})
	}
}

func TestEditsAreRefused(t *testing.T) {
	for name, test := range map[string]struct{ in, op, path, want string }{
		"through an alias":               {"a: &x {b: c}\nd: *x\n", "set", "d.b", `setting d.b: d (line 2) is an alias of the anchor &x, and editing through it would change every use of the anchor; write the value out in place of the alias`},
		"in an anchored value":           {"a: &x {b: c}\nd: *x\n", "set", "a.b", `setting a.b: a (line 1) has the anchor &x, and editing it would change every alias *x; write the values out in place of the aliases`},
		"an anchored value":              {"a: &x b\nd: *x\n", "set", "a", `setting a: the value (line 1) has the anchor &x, which an alias *x needs; write the value out in place of the alias`},
		"an anchor below":                {"a: {b: &x c}\nd: *x\n", "remove", "a", `removing a: the value (line 1) has the anchor &x, which an alias *x needs; write the value out in place of the alias`},
		"duplicate keys":                 {"a: 1\nb: 2\na: 3\n", "set", "a", `setting a: the key "a" is twice in the document (lines 1 and 3); remove one of them`},
		"duplicate keys on the way":      {"m:\n  a: {}\n  a: {}\n", "set", "m.a.b", `setting m.a.b: the key "a" is twice in m (lines 2 and 3); remove one of them`},
		"a scalar on the way":            {"a: text\n", "set", "a.b", `setting a.b: a (line 1) is "text", not a mapping`},
		"a sequence on the way":          {"a: [b]\n", "set", "a.b", `setting a.b: a (line 1) is a list, not a mapping`},
		"a mapping on the way":           {"a: {b: c}\n", "insert", "a[0]", `inserting a[0]: a (line 1) is a mapping, not a list`},
		"no such place":                  {"a: [b]\n", "insert", "a[2]", `inserting a[2]: a has 1 items, so 2 is no place for another one`},
		"no such item":                   {"a: [b]\n", "set", "a[1].b", `setting a[1].b: a has 1 items, none with the index 1`},
		"an item with values of its own": {"a: [{b: c}]\n", "set", "a[0]", `setting a[0]: an item can be set where it is a single value, to another one`},
		"no such item to set":            {"a: [b]\n", "set", "a[1]", `setting a[1]: a has 1 items, none with the index 1`},
		"a parent that is merged": {"a: &x {k: {l: 1}}\nb:\n  <<: *x\n", "set", "b.k.m",
			`setting b.k.m: b.k (line 3) is there by a merge key (<<) only, and an explicit one would hide all of it; write k with all its entries beside the merge key`},
	} {
		t.Run(name, func(t *testing.T) {
			ops := map[string]Op{"set": Set, "insert": Insert, "remove": Remove}
			edits := []Edit{{Path: path(test.path), Op: ops[test.op], Value: text("x")}}
			_, err := Text([]byte(test.in), edits)
			assert.EqualError(t, err, test.want)
			var document yaml.Node
			require.NoError(t, yaml.Unmarshal([]byte(test.in), &document))
			assert.EqualError(t, Nodes(&document, edits), test.want)
		})
	}
}

func TestPathString(t *testing.T) {
	assert.Equal(t, `spec.initContainers[0].name`, Path{"spec", "initContainers", 0, "name"}.String())
	assert.Equal(t, `metadata.annotations["a.b/c"]`, Path{"metadata", "annotations", "a.b/c"}.String())
}

func TestItemsOfAList(t *testing.T) {
	for name, test := range map[string]struct{ in, want string }{
		"block": {
			"items:\n- kind: A\n  metadata:\n    name: x\n# about B\n- kind: B\nresults: []\n",
			"items:\n- kind: A\n  metadata:\n    name: x\n    annotations:\n      a/b: \"1\"\n# about B\n- kind: B\nresults: []\n"},
		"metadata in the first line": {
			"items:\n  - metadata:\n      name: x\n    kind: A\n",
			"items:\n  - metadata:\n      name: x\n      annotations:\n        a/b: \"1\"\n    kind: A\n"},
		"flow": {
			"items: [{kind: A, metadata: {name: x}}, {kind: B}]\n",
			"items: [{kind: A, metadata: {name: x, annotations: {a/b: \"1\"}}}, {kind: B}]\n"},
		"JSON": {
			"{\n  \"items\": [\n    {\n      \"kind\": \"A\"\n    },\n    {\n      \"kind\": \"B\"\n    }\n  ]\n}\n",
			"{\n  \"items\": [\n    {\n      \"kind\": \"A\",\n      \"metadata\": {\n        \"annotations\": {\n          \"a/b\": \"1\"\n        }\n      }\n    },\n    {\n      \"kind\": \"B\"\n    }\n  ]\n}\n"},
		"tight JSON": {
			`{"items":[{"kind":"A","metadata":{"name":"x"}},{"kind":"B"}]}`,
			`{"items":[{"kind":"A","metadata":{"name":"x","annotations":{"a/b":"1"}}},{"kind":"B"}]}`},
	} {
		t.Run(name, func(t *testing.T) {
			tree, err := yamltext.Fragment{Text: []byte(test.in)}.Outline(2)
			require.NoError(t, err)
			items := tree.Entry(tree.Root, "items")
			item := Document{Fragment: tree.Item(items, 0)}
			got, err := item.Apply([]Edit{{Path: path("metadata.annotations.a/b"), Op: Set, Value: text("1")}})
			require.NoError(t, err)
			span := tree.ItemSpan(items, 0)
			assert.Equal(t, test.want, test.in[:span.Start]+string(got)+test.in[span.End:])
		})
	}
}

func TestAnchorsOutsideTheFragment(t *testing.T) {
	item := Document{Fragment: yamltext.Fragment{Text: []byte("a: &x {b: c}\n")}, Aliases: []string{"x"}}
	_, err := item.Apply([]Edit{{Path: path("a.b"), Op: Set, Value: text("d")}})
	assert.ErrorContains(t, err, "has the anchor &x")
}

func TestSourceIsRestored(t *testing.T) {
	for name, in := range map[string]string{
		"plain":                  "a: b # why\nc: d\n",
		"single quotes":          "a: 'it''s'\n",
		"double quotes":          "a: \"x\\u00e9\\n\"\n",
		"a literal":              "m:\n  a: |\n      x\n\n       y\n  c: d\n",
		"a literal that keeps":   "a: |+ # why\n  x\n\n\nc: d\n",
		"a literal at the end":   "m:\n  a: >\n    x\n    y",
		"many lines":             "a: 'x\r\n  y'\r\n",
		"nothing":                "a:   # why\nc: d\n",
		"a mapping":              "a: # why\n\n  b: c\n  # d\n  d: e\nf: g\n",
		"a sequence at its key":  "a:\n- b\n-   c: d\n    e: f\ng: h\n",
		"flow over lines":        "a: {b: c, # d\n  e: [\n]}\n",
		"JSON":                   "{\n\t\"a\": [\n\t\t1\n\t]\n}",
		"an alias":               "b: &x 1\na: *x\n",
		"an anchor and a tag":    "a: !!str &x 1\n",
		"an anchor on a mapping": "a: &x\n  b: c\n",
	} {
		t.Run(name, func(t *testing.T) {
			p := path("a")
			if strings.HasPrefix(in, "m:") {
				p = path("m.a")
			}
			source, err := Source([]byte(in), p)
			require.NoError(t, err)
			changed, err := Text([]byte(in), []Edit{{Path: p, Op: Set, Value: text("changed")}})
			require.NoError(t, err)
			require.NotEqual(t, in, string(changed))
			back, err := Text(changed, []Edit{{Path: p, Op: Restore, Source: source}})
			require.NoError(t, err)
			assert.Equal(t, in, string(back))
		})
	}
}

func TestSourceIsRefused(t *testing.T) {
	for _, text := range []string{"{a}\n", "{b: 1, a}\n", "? a\n"} {
		_, err := Source([]byte(text), path("a"))
		assert.EqualError(t, err, "setting a: the key in line 1 has no colon, and taking a value back would leave one behind; write the colon")
	}
	_, err := Source([]byte("a: |2\n    x\n"), path("a"))
	assert.EqualError(t, err, "setting a: the block scalar in line 1 has an indentation indicator, so its text cannot be put back elsewhere; write it without the digit")
}

// A record may have been edited by somebody: its text must not become more
// than a value.
func TestRestoreTakesNoMoreThanAValue(t *testing.T) {
	for _, source := range []string{
		"x\nb: y", "x\n---\nkind: Secret", "x # comment", "x, y: z}", "'x' 'y'", "*nothing", "x\n...", "a: b", "- x", "|\n  x\nb: y",
		"\n  x: y\nz: w", " x\nb: y", "{a: b", "\"", "#", "%x", "\n---\nx: y",
	} {
		_, err := Text([]byte("a: 1\nc: {d: 1}\n"), []Edit{{Path: path("a"), Op: Restore, Source: source}})
		assert.Error(t, err, "%q", source)
	}
	got, err := Text([]byte("a: 1\n"), []Edit{{Path: path("a"), Op: Restore, Source: "'x", Value: text("x")}})
	require.NoError(t, err)
	assert.Equal(t, "a: x\n", string(got), "the value where the text will not do")
	got, err = Text([]byte("a: {b: 1}\n"), []Edit{{Path: path("a.b"), Op: Restore, Source: "x,y", Value: text("x,y")}})
	require.NoError(t, err)
	assert.Equal(t, "a: {b: \"x,y\"}\n", string(got), "the value where the style cannot hold the text")
}

func TestNodeSource(t *testing.T) {
	for _, in := range []string{
		"plain text", "'it''s'", `"x\ty"`, "12", "true", "~", "null", "", "http://x/y", "{a: b, c: [d]}", "|-\n  x\n  y", "|\n  x",
	} {
		document := []byte("a: " + in + "\n")
		source, err := Source(document, path("a"))
		require.NoError(t, err)
		var nodes yaml.Node
		require.NoError(t, yaml.Unmarshal(document, &nodes))
		assert.Equal(t, source, NodeSource(nodes.Content[0].Content[1]))
	}
}

func TestNodesKeepCommentsAndStyles(t *testing.T) {
	var document yaml.Node
	require.NoError(t, yaml.Unmarshal([]byte("# head\na: 'x' # why\nb: {c: d}\ne:\n# about f\n- f\n"), &document))
	require.NoError(t, Nodes(&document, []Edit{
		{Path: path("a"), Op: Set, Value: text("7001,7002")},
		{Path: path("b.g"), Op: Set, Value: text("yes")},
		{Path: path("e[0]"), Op: Insert, Value: value(t, "{h: i}")},
		{Path: path("j.k"), Op: Set, Value: text("1:30")},
	}))
	var got strings.Builder
	encoder := yaml.NewEncoder(&got)
	encoder.SetIndent(2)
	require.NoError(t, encoder.Encode(&document))
	assert.Equal(t, "# head\na: '7001,7002' # why\nb: {c: d, g: \"yes\"}\ne:\n  - h: i\n  # about f\n  - f\nj:\n  k: \"1:30\"\n", got.String())
}

func TestWhatIsNotAStringPlainIsQuoted(t *testing.T) {
	for _, value := range []string{
		"", "yes", "No", "ON", "off", "y", "N", "true", "False", "null", "~", "1", "0x1f", "1e3", ".5", "-1", "+1", "1_000", "1:30", "2001-01-01",
		"7001,7002", "<<", "=", "- a", "? a", "a: b", "a #b", " a", "a ", "a:", "{a}", "[a]", "*a", "&a", "!a", "|", ">", "%a", "@a", "`a", "---", "...", "--", "--1", ".inf", ".nan", "a\nb", "a\tb", "\u00e9", "\ufeff", "\u0085", "a,",
	} {
		got, err := Text([]byte("k: v\n"), []Edit{{Path: path("a"), Op: Set, Value: text(value)}})
		require.NoError(t, err)
		assert.Regexp(t, `^k: v\na: "[^\n]*"\n$`, string(got))
	}
	for _, value := range []string{"x", "ghcr.io/krm-bypass/init:v0.1.0", "--exclude-inbound-ports=7001,8000-8010", "v1:4f2a", "some words", "a/b.c", "NET_ADMIN"} {
		got, err := Text([]byte("k: v\n"), []Edit{{Path: path("a"), Op: Set, Value: text(value)}})
		require.NoError(t, err)
		assert.Equal(t, "k: v\na: "+value+"\n", string(got))
	}
}

func TestNoEditsNoChange(t *testing.T) {
	in := []byte("not: [yaml")
	got, err := Text(in, nil)
	require.NoError(t, err)
	assert.Equal(t, in, got)
}

func TestTextsThatAreRefused(t *testing.T) {
	for in, want := range map[string]string{
		"":                   "reading the document: there is nothing in it",
		"# only a comment\n": "reading the document: there is nothing in it",
		"a: [b\n":            "reading the document: yaml: line 1: did not find expected ',' or ']'",
		"[{? b : c}]\n":      "setting a: the document (line 1) is a list, not a mapping",
		"a: {? b : c}\n":     `editing a: the text cannot be changed in that place alone: line 1: unsupported YAML: a key after "?" in flow style`,
	} {
		_, err := Text([]byte(in), []Edit{{Path: path("a"), Op: Set, Value: text("x")}})
		assert.EqualError(t, err, want)
	}
}

// A list that ends the document grows twice, beside a new list: in one go over
// the text, the new list would come between it and its items.
func TestItemsAreInsertedBehindAListThatEndsTheDocument(t *testing.T) {
	edits := []Edit{
		{Path: path("a.new[0]"), Op: Insert, Value: text("x")},
		{Path: path("a.old[1]"), Op: Insert, Value: text("z")},
		{Path: path("a.old[2]"), Op: Insert, Value: text("w")},
	}
	got, err := Text([]byte("a:\n  old:\n  - y\n"), edits)
	require.NoError(t, err)
	assert.Equal(t, "a:\n  old:\n  - y\n  - z\n  - w\n  new:\n  - x\n", string(got))
}
