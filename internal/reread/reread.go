package reread

import (
	"bytes"
	"strings"

	"go.yaml.in/yaml/v3"
)

const (
	// deepest is how many collections it follows into one another.
	deepest = 64
	// longestKey is well below the 1024 characters after which YAML knows no key
	// without "? ".
	longestKey = 256
)

// Confirms reports whether a text with one document says what a node says: kinds,
// tags, values, keys in their order, anchors and aliases. It is false also where this
// reader does not know what the text says. column is where the text's first line
// begins.
func Confirms(text []byte, column int, want *yaml.Node) bool {
	if !plainBytes(text) {
		return false
	}
	r := reader{lines: lines{text: text, end: -1, lead: column}}
	if r.begin(0); r.at == r.end || r.text[r.at] == '#' {
		r.next()
	}
	if !r.done && r.column == 0 && string(r.text[r.at:r.end]) == "---" {
		r.next()
	}
	if !r.done && (r.text[r.at] == '{' || r.text[r.at] == '[') {
		return r.value(want, 0, -1) && r.done
	}
	return !r.done && r.collection(want, "", 0, -1) && r.done
}

// reader stands at a place in a line and follows the nodes that are wanted.
type reader struct {
	lines
	anchors map[string]bool
}

// collection reads the block collection that begins here, behind an anchor or "".
// outside is the column of the one around it. Behind it the next line is the current one.
func (r *reader) collection(want *yaml.Node, anchor string, depth, outside int) bool {
	if want.Anchor != anchor || depth > deepest || r.column <= outside && !r.dash() || r.marker() {
		return false
	}
	if r.dash() {
		return want.Kind == yaml.SequenceNode && r.sequence(want, depth)
	}
	return want.Kind == yaml.MappingNode && r.mapping(want, depth)
}

// marker reports whether the line begins as one between documents, or as a directive.
func (r *reader) marker() bool {
	if r.column > 0 || r.at != r.start {
		return false
	}
	line := r.text[r.at:r.end]
	return bytes.HasPrefix(line, []byte("---")) || bytes.HasPrefix(line, []byte("...")) || line[0] == '%'
}

// dash reports whether an item begins here.
func (r *reader) dash() bool {
	return r.text[r.at] == '-' && (r.at+1 == r.end || r.text[r.at+1] == ' ')
}

func (r *reader) sequence(want *yaml.Node, depth int) bool {
	if !tagged(want, "!!seq") {
		return false
	}
	column := r.column
	for _, item := range want.Content {
		if r.done || r.column != column || r.marker() || !r.dash() {
			return false
		}
		dash := r.at
		if !r.skip(dash + 1) {
			r.next()
			if r.done || r.column <= column || !r.collection(item, "", depth+1, column) {
				return false
			}
			continue
		}
		r.column = column + r.at - dash
		if r.dash() || r.keyEnd() > 0 {
			if !r.collection(item, "", depth+1, column) {
				return false
			}
			continue
		}
		if !r.value(item, depth, column) {
			return false
		}
	}
	return r.done || r.column < column || r.column == column && !r.dash()
}

func (r *reader) mapping(want *yaml.Node, depth int) bool {
	if !tagged(want, "!!map") {
		return false
	}
	column := r.column
	for i := 0; i+1 < len(want.Content); i += 2 {
		if r.done || r.column != column || r.marker() || !r.key(want.Content[i]) {
			return false
		}
		value := want.Content[i+1]
		if r.skip(r.at) {
			if !r.value(value, depth, column) {
				return false
			}
			continue
		}
		r.next()
		if !r.under(value, depth, column) {
			return false
		}
	}
	return r.done || r.column < column
}

// under reads what stands in the lines below a key: a collection, or nothing, which
// is null. An item may stand in the key's own column.
func (r *reader) under(value *yaml.Node, depth, column int) bool {
	if r.done || r.column < column || r.column == column && !r.dash() {
		return value.Anchor == "" && plain(value, nil)
	}
	return r.collection(value, "", depth+1, column)
}

// skip goes to what comes next in the line, false if that is its end or a comment,
// which begins behind a blank.
func (r *reader) skip(from int) bool {
	at := from
	for ; at < r.end && r.text[at] == ' '; at++ {
	}
	r.at = at
	return at < r.end && (r.text[at] != '#' || at == from)
}

// value reads what stands in the line behind a colon or a dash, and under it.
func (r *reader) value(want *yaml.Node, depth, column int) bool {
	anchor := ""
	if r.text[r.at] == '&' {
		name, behind := r.name(r.at + 1)
		if name == "" || name != want.Anchor {
			return false
		}
		anchor = name
		r.remember(name)
		if !r.skip(behind) {
			r.next()
			return !r.done && r.column > column && r.collection(want, anchor, depth+1, column)
		}
	}
	if want.Anchor != anchor {
		return false
	}
	switch r.text[r.at] {
	case '|':
		return r.literal(want, column)
	case '-':
		if r.dash() {
			return false
		}
	}
	behind, ok := r.inline(want, depth, false)
	if !ok || r.skip(behind) {
		return false
	}
	r.next()
	return r.done || r.column <= column
}

func (r *reader) remember(anchor string) {
	if r.anchors == nil {
		r.anchors = map[string]bool{}
	}
	r.anchors[anchor] = true
}

// name reads the name of an anchor or alias, which ends the line or stands before a
// blank, a comma or what closes a flow collection.
func (r *reader) name(at int) (string, int) {
	start := at
	for ; at < r.end && letterOrDigit(r.text[at]); at++ {
	}
	if at < r.end && strings.IndexByte(" ,]}", r.text[at]) < 0 {
		return "", at
	}
	return string(r.text[start:at]), at
}

func letterOrDigit(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_' || c == '-'
}

// literal reads a block scalar behind "|".
func (r *reader) literal(want *yaml.Node, column int) bool {
	at := r.at + 1
	chomp := byte(0)
	if at < r.end && (r.text[at] == '-' || r.text[at] == '+') {
		chomp = r.text[at]
		at++
	}
	if at < r.end && r.text[at] != ' ' || r.skip(at) || want.Kind != yaml.ScalarNode || want.ShortTag() != "!!str" {
		return false
	}
	indent, blank, rest := -1, 0, want.Value
	for r.step() {
		if r.at == r.end {
			if indent < 0 || r.column > indent {
				return false // blank lines in front, or blanks that belong to the text
			}
			blank++
			continue
		}
		if indent < 0 {
			if indent = r.column; indent <= column {
				return false
			}
		}
		if r.column < indent {
			break
		}
		line := r.text[r.start+indent : r.end]
		for ; blank > 0; blank-- {
			if !strings.HasPrefix(rest, "\n") {
				return false
			}
			rest = rest[1:]
		}
		if len(rest) < len(line) || rest[:len(line)] != string(line) {
			return false
		}
		rest = rest[len(line):]
		if strings.HasPrefix(rest, "\n") {
			rest = rest[1:]
		} else if rest != "" {
			return false
		} else {
			rest = "\x00" // nothing may follow a line without its break
		}
		if r.end == len(r.text) {
			return false // no line break at the end
		}
	}
	if indent < 0 {
		return false
	}
	if r.start < len(r.text) && r.text[r.at] == '#' {
		r.next()
	} else if r.start >= len(r.text) {
		r.done = true
	}
	switch ended := rest != "\x00"; chomp {
	case '-':
		return !ended
	case '+':
		return ended && len(rest) == blank && strings.Trim(rest, "\n") == ""
	default:
		return ended && rest == ""
	}
}

// tagged reports whether a collection has a tag, which it need not say.
func tagged(want *yaml.Node, tag string) bool {
	return want.Tag == tag || want.Tag == "" || want.ShortTag() == tag
}

// plain reports whether a node is the plain scalar that a text says.
func plain(want *yaml.Node, text []byte) bool {
	if want.Kind != yaml.ScalarNode || want.Value != string(text) {
		return false
	}
	if want.Value == "<<" {
		return want.ShortTag() == "!!merge"
	}
	switch {
	case want.Tag == "" && want.Style == 0,
		want.Tag == "!!str" && surelyString(text),
		want.Tag == "!!bool" && (want.Value == "true" || want.Value == "false"),
		want.Tag == "!!int" && surelyNumber(text):
		return true
	}
	said := yaml.Node{Kind: yaml.ScalarNode, Value: want.Value}
	return want.ShortTag() == said.ShortTag()
}

// surelyNumber reports whether a plain text is a few decimal digits and nothing else.
func surelyNumber(text []byte) bool {
	if len(text) == 0 || len(text) > 15 || text[0] == '0' && len(text) > 1 {
		return false
	}
	for _, c := range text {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// surelyString reports whether a plain text is a string without looking at all of it:
// by its first letters, and where it is as long as a word that is none, by that word
// (yaml/v3 resolve.go, resolveTable). No number and no date has the letters of units, or
// two dashes in front.
func surelyString(text []byte) bool {
	if len(text) == 0 {
		return false
	}
	switch c := text[0]; {
	case '0' <= c && c <= '9':
		return bytes.ContainsAny(text, "gGikKmM")
	case c == '-':
		return len(text) > 1 && text[1] == '-'
	case letterOrDigit(c), c == '/':
		return len(text) > len("false") || !bytes.EqualFold(text, []byte("true")) && !bytes.EqualFold(text, []byte("false")) && !bytes.EqualFold(text, []byte("null"))
	}
	return false
}
