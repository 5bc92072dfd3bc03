package reread

import (
	"bytes"
	"strings"

	"go.yaml.in/yaml/v3"
)

// keyEnd gives where the key ends that begins here, 0 where none does that this
// reader knows: the offset of its colon.
func (r *reader) keyEnd() int {
	line := r.text[r.at:r.end]
	switch c := line[0]; {
	case c == '"' || c == '\'':
		behind := r.quoted(r.at)
		if behind > 0 && behind < r.end && r.text[behind] == ':' && (behind+1 == r.end || r.text[behind+1] == ' ') {
			return behind
		}
		return 0
	case !beginsPlain(line):
		return 0
	}
	for i := 1; i < len(line) && i <= longestKey; i++ {
		switch {
		case line[i] == ':' && (i+1 == len(line) || line[i+1] == ' '):
			if line[i-1] == ' ' {
				return 0
			}
			return r.at + i
		case line[i] == '#' && line[i-1] == ' ':
			return 0
		}
	}
	return 0
}

// key reads a key and its colon.
func (r *reader) key(want *yaml.Node) bool {
	colon := r.keyEnd()
	if colon == 0 || colon-r.at > longestKey || want.Anchor != "" {
		return false
	}
	text := r.text[r.at:colon]
	said := false
	if text[0] == '"' || text[0] == '\'' {
		said = quotedAs(want, text)
	} else {
		said = plain(want, text)
	}
	r.at = colon + 1
	return said
}

// beginsPlain reports whether a plain scalar may begin so, also in a flow collection.
// YAML knows more beginnings.
func beginsPlain(text []byte) bool {
	switch c := text[0]; {
	case letterOrDigit(c) && c != '-', c == '.', c == '/', c == '$', c == '(', c == '+', c == '~', c == '^', c == '<', c == '\\', c >= 0x80:
		return true
	case c == '-':
		return len(text) > 1 && (letterOrDigit(text[1]) || text[1] == '.')
	}
	return false
}

// inline reads a value behind which its line goes on or ends, and gives where. Of all
// values a flow collection alone may begin in an earlier line.
func (r *reader) inline(want *yaml.Node, depth int, flow bool) (behind int, ok bool) {
	text := r.text[r.at:r.end]
	switch c := text[0]; {
	case c == '*':
		name, behind := r.name(r.at + 1)
		return behind, name != "" && r.anchors[name] && want.Kind == yaml.AliasNode && want.Value == name
	case c == '"' || c == '\'':
		behind := r.quoted(r.at)
		return behind, behind > 0 && quotedAs(want, r.text[r.at:behind])
	case c == '[' || c == '{':
		return r.flow(want, depth+1)
	case !beginsPlain(text):
		return 0, false
	}
	end := 0
	if flow {
		end = flowEnd(text)
	} else {
		end = plainEnd(text)
	}
	if end < 0 {
		return 0, false
	}
	return r.at + end, plain(want, bytes.TrimRight(text[:end], " "))
}

// plainEnd gives where a plain scalar ends that may fill the rest of its line: before a
// comment; -1 where it is a key, or a value in which a key's colon stands.
func plainEnd(text []byte) int {
	for i, c := range text {
		switch {
		case c == ':' && (i+1 == len(text) || text[i+1] == ' '):
			return -1
		case c == '#' && text[i-1] == ' ':
			return i - 1
		}
	}
	return len(text)
}

// flowEnd gives where a plain scalar ends inside a flow collection, if that is in its line;
// -1 where this reader does not know.
func flowEnd(text []byte) int {
	for i, c := range text {
		switch c {
		case ',', ']', '}':
			return i
		case '[', '{', '?', '"', '\'':
			return -1
		case '#':
			if text[i-1] == ' ' {
				return i - 1 // a comment
			}
		case ':':
			if i+1 == len(text) || strings.IndexByte(" ,]}[{", text[i+1]) >= 0 {
				return i
			}
		}
	}
	return len(text)
}

// within goes to what comes next in a flow collection, in this line or a later one.
func (r *reader) within(from int) bool {
	if !r.skip(from) {
		r.next()
	}
	return !r.done && !r.marker()
}

// flow reads a flow collection.
func (r *reader) flow(want *yaml.Node, depth int) (behind int, ok bool) {
	kind, tag, closing, width := yaml.SequenceNode, "!!seq", byte(']'), 1
	if r.text[r.at] == '{' {
		kind, tag, closing, width = yaml.MappingNode, "!!map", '}', 2
	}
	if depth > deepest || want.Kind != kind || !tagged(want, tag) {
		return 0, false
	}
	at := r.at + 1
	for i := 0; i < len(want.Content); i += width {
		if i > 0 {
			if at >= r.end || r.text[at] != ',' {
				return 0, false
			}
			at++
		}
		if !r.within(at) {
			return 0, false
		}
		if width == 2 {
			if !r.flowKey(want.Content[i]) {
				return 0, false
			}
		}
		value := want.Content[i+width-1]
		if value.Anchor != "" {
			return 0, false
		}
		if width == 2 && (r.text[r.at] == ',' || r.text[r.at] == closing) {
			if !plain(value, nil) {
				return 0, false
			}
			at = r.at
			continue
		}
		behind, ok := r.inline(value, depth, true)
		if !ok {
			return 0, false
		}
		if !r.within(behind) {
			return 0, false
		}
		at = r.at
	}
	if !r.within(at) || r.text[r.at] != closing {
		return 0, false
	}
	return r.at + 1, true
}

// flowKey reads a key of a flow mapping, its colon, and the blanks behind that.
func (r *reader) flowKey(want *yaml.Node) bool {
	if want.Anchor != "" || strings.IndexByte("[{*", r.text[r.at]) >= 0 {
		return false
	}
	start := r.at
	behind, ok := r.inline(want, 0, true)
	if !ok || behind-start > longestKey || behind >= r.end || r.text[behind] != ':' || r.text[behind-1] == ' ' {
		return false
	}
	quoted := r.text[start] == '"' || r.text[start] == '\''
	if behind+1 < r.end && r.text[behind+1] != ' ' && !quoted {
		return false
	}
	return r.within(behind + 1)
}

// quoted gives where the scalar in quotes ends that begins at an offset, 0 where it
// does not end in its line, or has escapes that this reader does not know.
func (r *reader) quoted(at int) int {
	quote := r.text[at]
	for i := at + 1; i < r.end; i++ {
		switch c := r.text[i]; {
		case c == '\\' && quote == '"':
			if i+1 >= r.end || strings.IndexByte(`"\/nt`, r.text[i+1]) < 0 {
				return 0
			}
			i++
		case c != quote:
		case quote == '\'' && i+1 < r.end && r.text[i+1] == '\'':
			i++
		default:
			return i + 1
		}
	}
	return 0
}

// quotedAs reports whether a node is the string that a text in quotes says.
func quotedAs(want *yaml.Node, text []byte) bool {
	if want.Kind != yaml.ScalarNode || want.Tag != "!!str" && want.ShortTag() != "!!str" {
		return false
	}
	quote, said := text[0], text[1:len(text)-1]
	rest := want.Value
	for i := 0; i < len(said); i++ {
		c := said[i]
		switch {
		case c == '\\' && quote == '"':
			i++
			c = escaped(said[i])
		case c == '\'' && quote == '\'':
			i++
		}
		if rest == "" || rest[0] != c {
			return false
		}
		rest = rest[1:]
	}
	return rest == ""
}

// escaped is what a backslash and a character stand for, of those that quoted knows.
func escaped(c byte) byte {
	switch c {
	case 'n':
		return '\n'
	case 't':
		return '\t'
	}
	return c
}
