package yamltext

import "bytes"

// A skip steps over an entry of a mapping of which nothing is kept, line by line: block
// mappings and sequences, scalars and flow collections that end in their line, literal
// and folded text, comments. Where a line is of another kind, or stands where none may
// stand, the scanner reads the entry as it reads any other.
type skip struct {
	*parser
	// levels are the block collections that are open, the entry's mapping first.
	levels [32]level
	depth  int
	// open says that a key has no value yet: a collection may begin below it.
	open bool
}

// level is a block collection by its column.
type level struct {
	column   int
	sequence bool
}

// skipEntry skips the entry that begins here, at a column, and gives the end of its last
// line. It leaves the position where the next line's content begins, or does nothing.
func (p *parser) skipEntry(column int) (end int, ok bool) {
	// What is tried in vain is tried again for each entry inside.
	if !p.lineFeeds || !p.keyAllowed || p.vain > 8*p.pos+1<<12 {
		return 0, false
	}
	s := skip{parser: p, depth: 1}
	s.levels[0] = level{column: column}
	pos, line, depth, flow := p.pos, p.lineStart, p.depth, p.flow
	if end, ok = s.lines(column); !ok {
		p.vain += p.pos - pos
		p.pos, p.lineStart, p.depth, p.flow = pos, line, depth, flow
	}
	p.keyAllowed = true
	return end, ok
}

// lines steps over lines up to the first that is no part of the entry.
func (s *skip) lines(column int) (end int, ok bool) {
	for s.line() {
		end = s.pos
		if !s.toContent() {
			return 0, false
		}
		if s.pos >= len(s.src) || s.column() < column || s.column() == column && !s.goesOn() {
			return end, true
		}
		if !s.place() {
			return 0, false
		}
	}
	return 0, false
}

// goesOn reports whether an item in the column of the entry's key belongs to it.
func (s *skip) goesOn() bool {
	return s.dash() && (s.open && s.depth == 1 || s.depth > 1 && s.levels[1] == level{s.levels[0].column, true})
}

// toContent steps to the next line that holds something.
func (s *skip) toContent() bool {
	for s.pos < len(s.src) {
		s.newLine(1)
		for s.at(s.pos) == ' ' {
			s.pos++
		}
		switch s.at(s.pos) {
		case '\n':
		case '\r', '\t':
			return false
		case '#':
			if !s.toLineFeed() {
				return false
			}
		default:
			return true
		}
	}
	return true
}

// toLineFeed steps to the end of the line. The last line of a text has to have one.
func (s *skip) toLineFeed() bool {
	n := bytes.IndexByte(s.src[s.pos:], '\n')
	s.pos += max(n, 0)
	return n >= 0
}

// place closes the collections that end before this line, and opens the one that begins.
func (s *skip) place() bool {
	at := level{s.column(), s.dash()}
	if top := s.levels[s.depth-1]; s.open && (at.column > top.column || at.column == top.column && at.sequence) {
		return s.push(at)
	}
	for s.depth > 0 && (s.levels[s.depth-1].column > at.column || s.levels[s.depth-1].sequence && s.levels[s.depth-1].column == at.column && !at.sequence) {
		s.depth--
	}
	return s.depth > 0 && s.levels[s.depth-1] == at
}

func (s *skip) push(l level) bool {
	if s.depth == len(s.levels) {
		return false
	}
	s.levels[s.depth] = l
	s.depth++
	return true
}

// line steps over a line from its content to its line feed: dashes, a key, a value.
func (s *skip) line() bool {
	s.open = false
	for dashes := s.levels[s.depth-1].sequence; dashes; {
		s.pos++
		for s.at(s.pos) == ' ' {
			s.pos++
		}
		dashes = s.dash()
		_, key := s.commonKey()
		if (dashes || key) && !s.push(level{s.column(), dashes}) {
			return false
		}
	}
	colon, key := s.commonKey()
	if !key {
		return s.levels[s.depth-1].sequence && s.value()
	}
	if s.levels[s.depth-1].sequence {
		return false
	}
	for s.pos = colon + 1; s.at(s.pos) == ' '; {
		s.pos++
	}
	if s.open = s.at(s.pos) == '\n'; s.open {
		return true
	}
	if s.open = s.at(s.pos) == '#'; s.open {
		return s.toLineFeed()
	}
	return s.value()
}

// value steps over a value that begins here.
func (s *skip) value() bool {
	switch c := s.at(s.pos); {
	case c == '"' || c == '\'':
		line := s.pos + 1
		if !s.toLineFeed() {
			return false
		}
		said := s.src[line:s.pos]
		n := bytes.IndexByte(said, c)
		return n >= 0 && (c == '\'' || bytes.IndexByte(said[:n], '\\') < 0) && isRest(said[n+1:])
	case c == '[' || c == '{':
		line := s.lineStart
		var collection Node
		if s.flowCollection(&collection) != nil || s.lineStart != line {
			return false
		}
		behind := s.pos
		return s.toLineFeed() && isRest(s.src[behind:s.pos])
	case c == '|' || c == '>':
		return s.text()
	case classes[c]&indicator == 0 || c == '-' && classes[s.at(s.pos+1)]&(indicator|breakStart) == 0:
		begin := s.pos
		return s.toLineFeed() && isPlain(s.src[begin:s.pos])
	}
	return false
}

// isRest reports whether nothing but a comment stands behind a value.
func isRest(line []byte) bool {
	rest := bytes.TrimLeft(line, " ")
	return len(rest) == 0 || rest[0] == '#' && len(rest) < len(line)
}

// isPlain reports whether a plain scalar, and a comment behind it, is all of a line.
func isPlain(line []byte) bool {
	for rest := line; ; {
		colon := bytes.IndexByte(rest, ':')
		switch {
		case colon < 0:
			return true
		case colon+1 == len(rest) || rest[colon+1] == ' ' || rest[colon+1] == '\t' || rest[colon+1] == '\r':
			return bytes.Contains(line[:len(line)-len(rest)+colon], []byte(" #"))
		}
		rest = rest[colon+1:]
	}
}

// text steps over the lines of a block scalar, to the end of the last one.
func (s *skip) text() bool {
	s.pos++
	if s.at(s.pos) == '-' {
		s.pos++
	}
	header := s.pos
	if !s.toLineFeed() || !isRest(s.src[header:s.pos]) {
		return false
	}
	indent := 0
	for at := s.pos; ; {
		line := at + 1
		next := line
		for s.at(next) == ' ' {
			next++
		}
		switch c := s.at(next); {
		case c == '\n' && next-line <= indent:
			at = next
			continue
		case c == '\n' || c == '\t' || c == '\r' || next == len(s.src) && next-line > indent:
			return false // which may be text or not
		case next == len(s.src) || next-line <= s.levels[s.depth-1].column || next-line < indent:
			return true
		}
		if indent == 0 {
			indent = next - line
		}
		s.pos, s.lineStart = next, line
		if !s.toLineFeed() {
			return false
		}
		at = s.pos
	}
}
