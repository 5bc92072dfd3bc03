package edit

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// A layout is how a generated document is written.
type layout struct {
	newlines []string
	step     int
	sequence int
	comments bool
	t        *rapid.T
}

func drawLayout(t *rapid.T) layout {
	return layout{
		newlines: rapid.SampledFrom([][]string{{"\n"}, {"\r\n"}, {"\n"}, {"\n", "\r\n", "\r"}}).Draw(t, "newlines"),
		step:     rapid.SampledFrom([]int{2, 4, 1}).Draw(t, "step"),
		sequence: rapid.SampledFrom([]int{0, 2, 4}).Draw(t, "sequence"),
		comments: rapid.Bool().Draw(t, "comments"),
		t:        t,
	}
}

var keys = []string{"alpha", "beta", "gamma", "traffic.sidecar.istio.io/x", "delta"}

// newline draws a line break: people and editors mix them in one file.
func (l layout) newline() string {
	if len(l.newlines) == 1 {
		return l.newlines[0]
	}
	return rapid.SampledFrom(l.newlines).Draw(l.t, "newline")
}

// chance is true once in n times.
func (l layout) chance(n int, label string) bool {
	return rapid.IntRange(1, n).Draw(l.t, label) == n
}

func (l layout) comment(column int) string {
	if !l.comments || !l.chance(4, "comment line") {
		return ""
	}
	if l.chance(3, "blank line") {
		return l.newline()
	}
	return strings.Repeat(" ", column) + "# a comment: with, things {" + l.newline()
}

func (l layout) trailing() string {
	if !l.comments || !l.chance(4, "trailing comment") {
		return ""
	}
	return rapid.SampledFrom([]string{" # why", "\t# tab, comma", "  #", " "}).Draw(l.t, "trailing")
}

func (l layout) key(i int) string {
	switch rapid.IntRange(0, 5).Draw(l.t, "key style") {
	case 0:
		return `"` + keys[i] + `"`
	case 1:
		return "'" + keys[i] + "'"
	}
	return keys[i]
}

var scalars = []string{"x", "1", "true", "~", "'single'", `"double"`, `"esc\u00e9\n"`, "plain text", "http://x/y", "''", "null", "*known", "!!str 5", "&own z"}

func (l layout) scalar() string {
	text := rapid.SampledFrom(scalars).Draw(l.t, "scalar")
	if strings.HasPrefix(text, "*") || strings.HasPrefix(text, "&") {
		return "v"
	}
	return text
}

// value writes what follows a colon (or a dash), with the line end.
func (l layout) value(b *strings.Builder, column, depth int, dash bool) {
	kind := rapid.IntRange(0, 9).Draw(l.t, "kind")
	if depth > 3 && kind < 4 {
		kind = 9
	}
	switch {
	case kind < 2 && dash:
		b.WriteString(strings.Repeat(" ", 1))
		l.mapping(b, column+2, depth+1, true)
	case kind < 2:
		b.WriteString(l.trailing() + l.newline())
		l.mapping(b, column+l.step, depth+1, false)
	case kind < 4 && dash:
		b.WriteString(" ")
		l.items(b, column+2, depth+1, true)
	case kind < 4:
		b.WriteString(l.trailing() + l.newline())
		l.items(b, column+l.sequence, depth+1, false)
	case kind == 4:
		b.WriteString(" " + l.flow(depth) + l.trailing() + l.newline())
	case kind == 5:
		header := rapid.SampledFrom([]string{"|", ">", "|-", "|+", ">+"}).Draw(l.t, "header")
		indent := strings.Repeat(" ", column+l.step+1)
		b.WriteString(" " + header + l.newline() + indent + "text" + l.newline())
		if l.chance(2, "more text") {
			b.WriteString(l.newline() + indent + " # more: text" + l.newline())
		}
		if l.chance(3, "blank lines") {
			b.WriteString(l.newline() + l.newline())
		}
	case kind == 6:
		b.WriteString(strings.TrimPrefix(l.trailing(), "\t# tab, comma") + l.newline())
	case kind == 7:
		indent := strings.Repeat(" ", column+l.step)
		b.WriteString(" " + rapid.SampledFrom([]string{
			"plain" + l.newline() + indent + "lines", "\"double" + l.newline() + "quoted\"", "'single" + l.newline() + l.newline() + indent + "quoted'",
			"{alpha: x," + l.newline() + indent + " beta: [y" + l.newline() + "]}",
			"{" + l.newline() + indent + "\"alpha\": 1, # c" + l.newline() + indent + "\"beta\": [],  # ," + l.newline() + "}",
		}).Draw(l.t, "lines") + l.trailing() + l.newline())
	default:
		b.WriteString(" " + l.scalar() + l.trailing() + l.newline())
	}
}

func (l layout) flow(depth int) string {
	kind := rapid.IntRange(0, 4).Draw(l.t, "flow kind")
	if depth > 4 {
		kind = 4
	}
	n := rapid.IntRange(0, 3).Draw(l.t, "entries")
	end := ""
	if n > 0 && l.chance(4, "comma at the end") {
		end = ","
	}
	var parts []string
	for i := range n {
		switch kind {
		case 0, 1:
			value := l.flow(depth + 1)
			if l.chance(6, "no value") {
				value = ""
			}
			parts = append(parts, l.key(i)+": "+value)
		case 2, 3:
			parts = append(parts, l.flow(depth+1))
		}
	}
	comma := rapid.SampledFrom([]string{", ", ",", " , "}).Draw(l.t, "comma")
	blank := rapid.SampledFrom([]string{"", "", " "}).Draw(l.t, "blank")
	switch kind {
	case 0, 1:
		return "{" + blank + strings.Join(parts, comma) + end + blank + "}"
	case 2, 3:
		return "[" + blank + strings.Join(parts, comma) + end + blank + "]"
	}
	return l.scalar()
}

func (l layout) mapping(b *strings.Builder, column, depth int, inline bool) {
	for i := range rapid.IntRange(1, 3).Draw(l.t, "entries") {
		if i > 0 || !inline {
			b.WriteString(l.comment(column))
			b.WriteString(strings.Repeat(" ", column))
		}
		b.WriteString(l.key(i) + ":")
		l.value(b, column, depth, false)
	}
}

func (l layout) items(b *strings.Builder, column, depth int, inline bool) {
	for i := range rapid.IntRange(1, 3).Draw(l.t, "items") {
		if i > 0 || !inline {
			b.WriteString(l.comment(column))
			b.WriteString(strings.Repeat(" ", column))
		}
		b.WriteString("-")
		l.value(b, column, depth, true)
	}
}

// drawJSON writes a JSON object.
func drawJSON(t *rapid.T) string {
	indent := rapid.SampledFrom([]string{"", "  ", "\t", "    "}).Draw(t, "indent")
	colon := rapid.SampledFrom([]string{": ", ":"}).Draw(t, "colon")
	if indent != "" {
		colon = ": "
	}
	var write func(depth int, line string) string
	write = func(depth int, line string) string {
		kind := rapid.IntRange(0, 5).Draw(t, "json kind")
		if depth == 0 {
			kind = 0
		} else if depth > 3 {
			kind = 5
		}
		if kind > 3 {
			return rapid.SampledFrom([]string{`"x"`, `1`, `true`, `null`, `"a\"b,]"`, `{}`, `[]`}).Draw(t, "json scalar")
		}
		var parts []string
		for i := range rapid.IntRange(1, 3).Draw(t, "json entries") {
			text := write(depth+1, line+indent)
			if kind < 2 {
				text = `"` + keys[i] + `"` + colon + text
			}
			parts = append(parts, text)
		}
		before, between, after := "", ",", ""
		if indent != "" {
			before, between, after = "\n"+line+indent, ",\n"+line+indent, "\n"+line
		}
		brackets := "{}"
		if kind >= 2 {
			brackets = "[]"
		}
		return brackets[:1] + before + strings.Join(parts, between) + after + brackets[1:]
	}
	return write(0, "")
}

func drawDocument(t *rapid.T) []byte {
	if rapid.IntRange(0, 3).Draw(t, "json") == 0 {
		text := drawJSON(t)
		if rapid.Bool().Draw(t, "newline at the end") {
			text += "\n"
		}
		return []byte(text)
	}
	l := drawLayout(t)
	var b strings.Builder
	b.WriteString(rapid.SampledFrom([]string{"", "", "---\n", "# head\n\n", "# old editor\r"}).Draw(t, "head"))
	l.mapping(&b, 0, 0, false)
	text := b.String()
	if rapid.IntRange(0, 2).Draw(t, "cut") == 0 {
		text = strings.TrimRight(text, "\r\n")
	}
	// A last line of blanks belongs to a block scalar that keeps.
	text += rapid.SampledFrom([]string{"", "", "", "\n", "\n  ", "  ", "\r"}).Draw(t, "tail")
	return []byte(text)
}

// drawPath draws a path that is in the document, at least in part.
func drawPath(t *rapid.T, document *yaml.Node) Path {
	var p Path
	node := document.Content[0]
	for {
		switch {
		case node.Kind == yaml.MappingNode:
			i := rapid.IntRange(0, len(keys)-1).Draw(t, "key")
			p = p.with(keys[i])
			at, _ := entryOf(node, keys[i])
			if at < 0 {
				return p
			}
			node = node.Content[at+1]
		case node.Kind == yaml.SequenceNode && len(node.Content) > 0:
			i := rapid.IntRange(0, len(node.Content)-1).Draw(t, "item")
			p = p.with(i)
			node = node.Content[i]
		default:
			if isNull(node) && rapid.Bool().Draw(t, "into null") {
				p = p.with(keys[rapid.IntRange(0, len(keys)-1).Draw(t, "key")])
			}
			return p
		}
		if rapid.IntRange(0, 3).Draw(t, "stop") == 0 {
			return p
		}
	}
}

var values = []string{"x", "'7001,7002'", "{alpha: x, beta: [y, '1']}", "[x, {alpha: '', beta: []}]", "{}", "5", "true", "\"a\\nb \\u2028\"", "'yes'", "'{x}: y # z'", "[[x], {}]"}

func drawEdit(t *rapid.T, document *yaml.Node) Edit {
	p := drawPath(t, document)
	e := Edit{Path: p, Op: Set, Value: read(rapid.SampledFrom(values).Draw(t, "value"))}
	if _, ok := p[len(p)-1].(int); ok {
		e.Op = rapid.SampledFrom([]Op{Insert, Insert, Set}).Draw(t, "to the item")
	} else if rapid.IntRange(0, 3).Draw(t, "insert") == 0 {
		e.Path = p.with(0)
		e.Op = Insert
	}
	return e
}

func parsed(t require.TestingT, text []byte) *yaml.Node {
	var document yaml.Node
	require.NoError(t, yaml.Unmarshal(text, &document), "%q", text)
	return &document
}

// Taking back what was done gives back the bytes, whatever the style; that
// both appliers agree and that the text says what was asked is checked inside
// Apply itself.
func TestTakingBackGivesBackTheBytes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := drawDocument(t)
		before := text
		var undo []Edit
		for range rapid.IntRange(1, 4).Draw(t, "edits") {
			edit := drawEdit(t, parsed(t, text))
			if Nodes(parsed(t, text), []Edit{edit}) != nil {
				continue
			}
			after, err := Text(text, []Edit{edit})
			if refusable(text, err) {
				continue
			}
			require.NoError(t, err, "%q %v", text, edit.Path)
			undo = append([]Edit{undoing(t, text, edit)}, undo...)
			text = after
		}
		if !nested(undo) {
			all, err := Text(text, undo)
			require.NoError(t, err, "%q: %v from %q", before, undo, text)
			require.Equal(t, string(before), string(all), "at once, from %q", text)
		}
		for _, edit := range undo {
			after, err := Text(text, []Edit{edit})
			require.NoError(t, err, "%q: %v from %q", before, edit, text)
			text = after
		}
		require.Equal(t, string(before), string(text))
	})
}

// nested reports whether an edit is at a value inside that of another one.
func nested(edits []Edit) bool {
	for i, inner := range edits {
		for j, outer := range edits {
			if n := len(outer.Path); i != j && len(inner.Path) >= n && slices.Equal(inner.Path[:n], outer.Path) {
				return true
			}
		}
	}
	return false
}

// refusable reports whether an error is one of the documented limits: a block
// scalar that ends the document without a line break, which cannot be followed
// by an item.
func refusable(text []byte, err error) bool {
	if err == nil || bytes.HasSuffix(text, []byte("\n")) {
		return false
	}
	tree, scanErr := yamltext.Parse(text)
	if scanErr != nil {
		return false
	}
	node := tree.Root
	for len(node.Content) > 0 {
		node = node.Content[len(node.Content)-1]
	}
	return node.Style == yamltext.Literal || node.Style == yamltext.Folded
}

// mayComeEarlier reports whether a new entry may come before the last one, because that
// is a block scalar without a line break.
func mayComeEarlier(text []byte) bool { return !bytes.HasSuffix(text, []byte("\n")) }

// Many edits at once are the same as one by one.
func TestEditsAtOnceAreEditsInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := drawDocument(t)
		one := text
		var edits []Edit
		for range rapid.IntRange(2, 5).Draw(t, "edits") {
			edit := drawEdit(t, parsed(t, one))
			if rapid.IntRange(0, 3).Draw(t, "remove") == 0 {
				edit.Op = Remove
			}
			after, err := Text(one, []Edit{edit})
			if err != nil {
				continue
			}
			one = after
			edits = append(edits, edit)
		}
		all, err := Text(text, edits)
		require.NoError(t, err, "%q: %v became %q", text, edits, one)
		// What was learnt of the layout may differ, if an edit takes away
		// what it was learnt from; what is said must not.
		require.NoError(t, judged(yamltext.Fragment{Text: all}, parsed(t, one)), "%q: %q and %q", text, one, all)
	})
}

// Lines that neither hold nor adjoin the path stay as they are.
func TestOtherBytesStay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := drawDocument(t)
		edit := drawEdit(t, parsed(t, text))
		after, err := Text(text, []Edit{edit})
		if err != nil {
			return
		}
		// What is common before and after the place of the edit must be all
		// of the document but the value that was replaced.
		head := 0
		for head < min(len(text), len(after)) && text[head] == after[head] {
			head++
		}
		tail := 0
		for tail < min(len(text), len(after))-head && text[len(text)-1-tail] == after[len(after)-1-tail] {
			tail++
		}
		lost := len(text) - head - tail
		limit := 2 // a comma or line break that is shared with its neighbour
		if at, err := Source(text, edit.Path); err == nil && edit.Op == Set {
			limit += len(at)
		}
		if edit.Op == Insert {
			if at, err := Source(text, edit.Path[:len(edit.Path)-1]); err == nil && !strings.Contains(at, "-") && !strings.Contains(at, "[") {
				limit += len(at)
			}
		}
		for n := range edit.Path {
			if at, err := Source(text, edit.Path[:n]); err == nil && (at == "~" || at == "null") {
				limit += len(at)
			}
		}
		require.LessOrEqual(t, lost, limit, "%q became %q", text, after)
	})
}

// An item edited inside a list leaves the rest of the list alone, and is the
// same as the whole list edited.
func TestItemsAreEditedInPlace(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := drawLayout(t)
		if l.step < 2 {
			l.step = 2
		}
		var b strings.Builder
		b.WriteString("kind: List" + l.newline() + "items:" + l.newline())
		column := rapid.SampledFrom([]int{0, 2}).Draw(t, "column")
		for range rapid.IntRange(1, 3).Draw(t, "items") {
			b.WriteString(strings.Repeat(" ", column) + "- ")
			l.mapping(&b, column+2, 1, true)
		}
		if rapid.Bool().Draw(t, "more") {
			b.WriteString("functionConfig:" + l.newline() + "  kind: X" + l.newline())
		}
		list := []byte(b.String())
		tree, err := yamltext.Fragment{Text: list}.Outline(2)
		require.NoError(t, err, "%q", list)
		items := tree.Entry(tree.Root, "items")
		index := rapid.IntRange(0, len(items.Content)-1).Draw(t, "which")
		item := tree.Item(items, index)
		edit := drawEdit(t, parsed(t, item.Standalone()))
		after, err := Document{Fragment: item}.Apply([]Edit{edit})
		if err != nil {
			return
		}
		span := tree.ItemSpan(items, index)
		got := string(list[:span.Start]) + string(after) + string(list[span.End:])
		edit.Path = append(Path{"items", index}, edit.Path...)
		require.NoError(t, judged(yamltext.Fragment{Text: []byte(got)}, edited(t, list, edit)), "%q", got)
	})
}

func edited(t require.TestingT, text []byte, edits ...Edit) *yaml.Node {
	document := parsed(t, text)
	require.NoError(t, Nodes(document, edits))
	return document
}

func FuzzText(f *testing.F) {
	for _, text := range []string{
		"a:\n  b: c\n", "a: {b: c}\n", "{\"a\": {\n  \"b\": \"c\"\n}}", "a:\n- b: |\n    c\n", "a: &x\n  b: c\nd: *x\n",
		"a:\r\n  b: 'c'\r\n", "a: [\n b, # c\n]\n", "? a\n: b\n", "a: >+\n  b\n\n", "a:\n b\n c: d",
	} {
		f.Add([]byte(text), "a", "b", uint8(0))
	}
	f.Fuzz(func(t *testing.T, text []byte, first, second string, kind uint8) {
		p := Path{first}
		if second != "" {
			p = p.with(second)
		}
		edit := Edit{Path: p, Op: Set, Value: read(values[int(kind/4)%len(values)])}
		switch kind % 4 {
		case 1:
			edit.Path, edit.Op = p.with(0), Insert
		case 2:
			edit.Op = Remove
		}
		var document yaml.Node
		if yaml.Unmarshal(text, &document) != nil || len(document.Content) == 0 {
			return
		}
		// The check inside Apply compares with Nodes, and seldom by yaml/v3.
		after, err := Text(text, []Edit{edit})
		if err != nil {
			return
		}
		if !mayComeEarlier(text) {
			require.NoError(t, judged(yamltext.Fragment{Text: after}, edited(t, text, edit)), "%q", after)
		}
		if edit.Op == Remove {
			return
		}
		undo, err := takeBack(text, edit)
		if err != nil {
			// The source of the value is tied to its place.
			return
		}
		back, err := Text(after, []Edit{undo})
		if err != nil {
			return
		}
		require.Equal(t, string(text), string(back), "%v from %q", undo, after)
	})
}

func read(v string) *yaml.Node {
	var document yaml.Node
	if err := yaml.Unmarshal([]byte(v), &document); err != nil {
		panic(err)
	}
	return document.Content[0]
}
