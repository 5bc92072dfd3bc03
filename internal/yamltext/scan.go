package yamltext

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"unicode/utf8"
)

// MaxDepth is how deep collections may nest.
const MaxDepth = 1000

// A simple key, one without "? ", ends at most this many characters after it
// began (YAML 1.2, 7.4.2).
const maxKeyLength = 1024

// A parser goes once over a text. The names follow yaml/v3 scannerc.go where
// they mean the same, so that the two can be compared.
type parser struct {
	src []byte
	pos int
	// lineStart is the offset that counts as column 0 in this line; negative
	// in the first line of a fragment that begins at a later column.
	lineStart int
	// indent is the column of the innermost block collection, -1 outside.
	indent int
	// flow is the number of open braces and brackets.
	flow int
	// keyAllowed says whether a key without "? " may begin here.
	keyAllowed bool
	depth      int
	// keep is the number of levels of which the content is kept.
	keep   int
	breaks breaks
	// lineFeeds says whether lines can be found by the byte LF.
	lineFeeds bool

	aliases []string
	aliased map[string]bool
	nodes   []Node
	scratch Node
	// visited is the key that visit sees.
	visited Node
	// visit, if set, sees the entries of the outermost mapping as they come
	// and says when it has seen enough.
	visit func(key, value *Node) (enough bool)
}

// errEnough ends a scan early.
var errEnough = errors.New("enough was seen")

// Parse scans a text with one document in it and keeps all of it.
func Parse(text []byte) (*Tree, error) {
	return Fragment{Text: text}.Parse()
}

// nextSlab is how many nodes to make room for. A manifest has one for about
// every twelve bytes; where only the outer levels are kept it is a few.
func (p *parser) nextSlab() int {
	if cap(p.nodes) > 0 || p.keep < everything {
		return max(16, min(256, cap(p.nodes)))
	}
	return max(16, min(512, len(p.src)/12))
}

// newNode returns a node to be filled. What lies below the levels to be kept
// shares one node, which nobody looks at.
func (p *parser) newNode() *Node {
	if p.depth > p.keep {
		return &p.scratch
	}
	if len(p.nodes) == cap(p.nodes) {
		p.nodes = make([]Node, 0, p.nextSlab())
	}
	p.nodes = p.nodes[:len(p.nodes)+1]
	return &p.nodes[len(p.nodes)-1]
}

// newKey is newNode for a key; one that is visited is not kept, but must not
// be overwritten by its value.
func (p *parser) newKey() *Node {
	if p.visit != nil && p.depth == 1 {
		return &p.visited
	}
	return p.newNode()
}

func (p *parser) syntax(offset int, format string, args ...any) error {
	return &Error{Line: Line(p.src, offset), Problem: fmt.Sprintf(format, args...), Kind: ErrSyntax}
}

func (p *parser) unsupported(offset int, format string, args ...any) error {
	return &Error{Line: Line(p.src, offset), Problem: fmt.Sprintf(format, args...), Kind: ErrUnsupported}
}

// at returns the byte at i, 0 behind the end.
func (p *parser) at(i int) byte {
	if i < len(p.src) {
		return p.src[i]
	}
	return 0
}

func (p *parser) column() int { return p.pos - p.lineStart }

// ended says whether no further content of this document comes.
func (p *parser) ended() bool {
	return p.pos >= len(p.src) || p.pos == p.lineStart && markerAt(p.src, p.pos)
}

// newLine steps over the line break of n bytes at hand.
func (p *parser) newLine(n int) {
	p.pos += n
	p.lineStart = p.pos
}

func (p *parser) lineEnd(i int) int {
	if p.lineFeeds {
		n := bytes.IndexByte(p.src[i:], '\n')
		if n < 0 {
			return len(p.src)
		}
		if n > 0 && p.src[i+n-1] == '\r' {
			n--
		}
		return i + n
	}
	return LineEnd(p.src, i)
}

// toToken steps over blanks, comments and line breaks.
func (p *parser) toToken() {
	for p.pos < len(p.src) {
		switch c := p.src[p.pos]; c {
		case ' ':
			p.pos++
		case '\t':
			// A tab is no indentation; before a comment it does no harm.
			if p.flow == 0 && p.keyAllowed {
				i := p.pos
				for blankAt(p.src, i) {
					i++
				}
				if p.at(i) != '#' {
					return
				}
				p.pos = i
				continue
			}
			p.pos++
		case '#':
			p.pos = p.lineEnd(p.pos)
		default:
			if classes[c]&breakStart == 0 {
				return
			}
			n := breakAt(p.src, p.pos)
			if n == 0 {
				return
			}
			p.newLine(n)
			if p.flow == 0 {
				p.keyAllowed = true
			}
		}
	}
}

// document scans directives, the marker and the content, up to the end.
func (p *parser) document() (*Node, error) {
	if bytes.HasPrefix(p.src, []byte("\xef\xbb\xbf")) {
		p.pos, p.lineStart = 3, 3
	}
	if p.breaks == unknown {
		if !utf8.Valid(p.src) {
			return nil, p.unsupported(0, "a text that is not UTF-8")
		}
		if i := bytes.Index(p.src[p.pos:], []byte("\xef\xbb\xbf")); i >= 0 {
			return nil, p.unsupported(p.pos+i, "a byte order mark (U+FEFF) inside the text")
		}
		p.breaks = various
		if onlyLineFeeds(p.src) {
			p.breaks = lineFeeds
		}
	}
	p.lineFeeds = p.breaks == lineFeeds
	p.indent = -1
	p.keyAllowed = true
	p.toToken()
	for p.column() == 0 && p.at(p.pos) == '%' {
		p.pos = p.lineEnd(p.pos)
		p.toToken()
	}
	explicit := false
	if p.ended() && p.at(p.pos) == '-' {
		explicit = true
		p.pos += 3
		p.keyAllowed = false
	}
	p.toToken()
	var root *Node
	if explicit || !p.ended() {
		root = p.newNode()
		if err := p.blockNode(root, false); err != nil {
			return nil, err
		}
		p.toToken()
	}
	for p.pos < len(p.src) && p.column() == 0 && markerAt(p.src, p.pos) && p.src[p.pos] == '.' {
		p.pos += 3
		p.keyAllowed = false
		p.toToken()
	}
	if p.pos < len(p.src) {
		if p.ended() {
			return nil, p.unsupported(p.pos, "a second document in a text that should hold one")
		}
		return nil, p.syntax(p.pos, "%s where the document should end", p.found())
	}
	return root, nil
}

// found names what stands at hand, for messages.
func (p *parser) found() string {
	if p.pos >= len(p.src) {
		return "the end of the text"
	}
	r, _ := utf8.DecodeRune(p.src[p.pos:])
	return fmt.Sprintf("%q", r)
}

func (p *parser) enter() error {
	p.depth++
	if p.depth > MaxDepth {
		return p.unsupported(p.pos, "more than %d nested levels", MaxDepth)
	}
	return nil
}

// A head is the beginning of a node: its anchor and tag, and where a mapping
// would begin if the node turns out to be that mapping's first key.
type head struct {
	anchor, tag Span
	// key is where a key would begin, line the start of its line; -1 if no
	// key may begin here.
	key, line int
}

func (h *head) any() bool { return h.anchor.End > 0 || h.tag.End > 0 }

// properties scans an anchor and a tag. Those that stand on an earlier line
// than the content belong to it as a whole, those on the same line to a key,
// if it is one.
func (p *parser) properties() (head, error) {
	h := head{key: -1}
	if p.keyAllowed {
		h.key, h.line = p.pos, p.lineStart
	}
	first := p.lineStart
	for {
		var span *Span
		switch p.at(p.pos) {
		case '&':
			span = &h.anchor
		case '!':
			span = &h.tag
		default:
			return h, nil
		}
		if span.End > 0 {
			return h, p.syntax(p.pos, "a second anchor or tag for one value")
		}
		if p.lineStart != first {
			return h, p.unsupported(p.pos, "an anchor or tag on a line after another one")
		}
		start := p.pos
		if *span = (Span{start, p.propertyEnd()}); span.End == 0 {
			return h, p.syntax(start, "a malformed anchor or tag")
		}
		p.pos = span.End
		p.keyAllowed = false
		p.toToken()
		if p.lineStart != first && p.flow == 0 {
			h.key = -1
			if p.keyAllowed && p.column() > p.indent {
				h.key, h.line = p.pos, p.lineStart
			}
		}
	}
}

// propertyEnd returns where the anchor or tag at hand ends, 0 if it is none.
func (p *parser) propertyEnd() int {
	i := p.pos + 1
	if p.src[p.pos] != '!' {
		for i < len(p.src) && classes[p.src[i]]&anchorName != 0 {
			i++
		}
		if i == p.pos+1 || !blankOrEndAt(p.src, i) && !bytes.ContainsRune([]byte("?:,]}%@`"), rune(p.src[i])) {
			return 0
		}
		return i
	}
	if p.at(i) == '<' {
		n := bytes.IndexAny(p.src[i:], "> \t\n\r")
		if n < 0 || p.src[i+n] != '>' {
			return 0
		}
		i += n + 1
	}
	for !blankOrEndAt(p.src, i) {
		if p.flow > 0 && bytes.IndexByte([]byte(",[]{}"), p.src[i]) >= 0 {
			return 0
		}
		i++
	}
	return i
}

// fill sets what is common to all nodes.
func (p *parser) fill(n *Node, h head, kind Kind, style Style, span Span, column int) {
	*n = Node{Kind: kind, Style: style, Span: span, Anchor: h.anchor, Tag: h.tag, Column: column,
		Indicator: -1, Comma: -1}
}

// blockNode scans the value at hand in block style. A sequence that is a
// mapping's value may stand at the column of its key.
func (p *parser) blockNode(n *Node, keyValue bool) error {
	after := p.pos
	p.toToken()
	column := p.column()
	var h head
	if !p.ended() && column > p.indent {
		h.key = -1
		if c := p.src[p.pos]; c == '&' || c == '!' {
			var err error
			if h, err = p.properties(); err != nil {
				return err
			}
			after = max(h.anchor.End, h.tag.End)
		} else if p.keyAllowed {
			h.key, h.line = p.pos, p.lineStart
		}
	}
	if p.ended() || p.column() <= p.indent {
		if !p.ended() && keyValue && p.column() == p.indent && p.dash() {
			return p.blockSequence(n, h, false)
		}
		p.fill(n, h, Scalar, Plain, Span{after, after}, column)
		return nil
	}

	start := p.pos
	line := p.lineStart
	switch c := p.src[p.pos]; {
	case p.dash():
		if !p.keyAllowed {
			return p.syntax(p.pos, "a sequence may not begin here")
		}
		return p.blockSequence(n, h, true)
	case c == '?' && blankOrEndAt(p.src, p.pos+1):
		if !p.keyAllowed {
			return p.syntax(p.pos, "a mapping may not begin here")
		}
		return p.blockMapping(n, h, head{key: start, line: line}, nil)
	case c == ':' && blankOrEndAt(p.src, p.pos+1):
		return p.unsupported(p.pos, "a value without a key")
	case c == '|' || c == '>':
		return p.blockScalar(n, h, column)
	}
	content, err := p.content(h)
	if err != nil {
		return err
	}
	i := p.contentEnd(content)
	if p.at(i) != ':' || p.lineStart != line || !blankOrEndAt(p.src, i+1) {
		if p.at(i) == ':' && blankOrEndAt(p.src, i+1) {
			return p.syntax(i, "a key that spans lines")
		}
		*n = content
		n.Anchor, n.Tag = h.anchor, h.tag
		n.Column = start - line
		if full := n.Full(); full.Start < start {
			n.Column = column
		}
		return nil
	}
	if h.key < 0 {
		return p.syntax(i, "a mapping may not begin here")
	}
	p.pos = i
	var outer, inner head
	if h.key < start {
		inner = h
	} else {
		outer, inner = h, head{key: start, line: line}
	}
	content.Anchor, content.Tag = inner.anchor, inner.tag
	content.Column = inner.key - line
	return p.blockMapping(n, outer, inner, &content)
}

// dash says whether the "-" of an item stands at hand.
func (p *parser) dash() bool {
	return p.at(p.pos) == '-' && blankOrEndAt(p.src, p.pos+1)
}

// contentEnd steps over the blanks between a possible key and its colon.
func (p *parser) contentEnd(content Node) int {
	i := content.End
	for blankAt(p.src, i) {
		i++
	}
	return i
}

// content scans a scalar in one of the styles that can be a key, an alias or
// a flow collection.
func (p *parser) content(h head) (n Node, err error) {
	start := p.pos
	n = Node{Indicator: -1, Comma: -1, Column: start - p.lineStart}
	switch c := p.src[start]; c {
	case '\'', '"':
		n.Style = SingleQuoted
		if c == '"' {
			n.Style = DoubleQuoted
		}
		if err = p.quoted(c); err != nil {
			return n, err
		}
		n.Span = Span{start, p.pos}
	case '*':
		if h.any() {
			return n, p.syntax(start, "an alias with an anchor or tag")
		}
		end := p.propertyEnd()
		if end == 0 {
			return n, p.syntax(start, "a malformed alias")
		}
		n.Kind = Alias
		n.Span = Span{start, end}
		p.pos = end
		p.addAlias(string(p.src[start+1 : end]))
	case '[', '{':
		if err = p.flowCollection(&n); err != nil {
			return n, err
		}
	default:
		if !p.plainBegins() {
			return n, p.syntax(start, "%s cannot begin a value", p.found())
		}
		end, err := p.plain()
		if err != nil {
			return n, err
		}
		n.Span = Span{start, end}
		return n, nil
	}
	p.keyAllowed = false
	return n, nil
}

func (p *parser) addAlias(name string) {
	if p.aliased[name] {
		return
	}
	if p.aliased == nil {
		p.aliased = make(map[string]bool)
	}
	p.aliased[name] = true
	p.aliases = append(p.aliases, name)
}

// plainBegins says whether a plain scalar may begin at hand.
func (p *parser) plainBegins() bool {
	c := p.src[p.pos]
	if classes[c]&indicator == 0 {
		return breakAt(p.src, p.pos) == 0
	}
	switch c {
	case '-':
		return !blankAt(p.src, p.pos+1)
	case '?', ':':
		return p.flow == 0 && !blankOrEndAt(p.src, p.pos+1)
	}
	return false
}

// plain scans a plain scalar over all its lines and returns its end. It leaves
// the position at the next token.
func (p *parser) plain() (int, error) {
	stop := plainStop
	if p.flow > 0 {
		stop = flowStop
	}
	end := p.pos
	crossed := false
	for {
		if p.pos == p.lineStart && markerAt(p.src, p.pos) || p.at(p.pos) == '#' {
			break
		}
		i := p.pos
	run:
		for i < len(p.src) {
			c := p.src[i]
			if classes[c]&stop == 0 {
				i++
				continue
			}
			switch c {
			case ':':
				if blankOrEndAt(p.src, i+1) {
					break run
				}
			case 0xC2, 0xE2:
				if breakAt(p.src, i) > 0 {
					break run
				}
			default:
				break run
			}
			i++
		}
		if i > p.pos {
			end = i
			crossed = false
		}
		p.pos = i
		if !blankAt(p.src, i) && breakAt(p.src, i) == 0 {
			break
		}
		for i < len(p.src) {
			if c := p.src[i]; c == ' ' {
				i++
				continue
			} else if c == '\t' {
				if crossed && i-p.lineStart < p.indent+1 {
					return 0, p.syntax(i, "a tab where indentation is expected")
				}
				i++
				continue
			}
			n := breakAt(p.src, i)
			if n == 0 {
				break
			}
			p.pos = i
			p.newLine(n)
			i = p.pos
			crossed = true
		}
		p.pos = i
		if i >= len(p.src) || p.flow == 0 && p.column() < p.indent+1 {
			break
		}
	}
	p.keyAllowed = crossed
	return end, nil
}

// quoted scans a scalar in the quotes at hand.
func (p *parser) quoted(quote byte) error {
	start := p.pos
	stop := doubleStop
	if quote == '\'' {
		stop = singleStop
	}
	i := p.pos + 1
	for i < len(p.src) {
		c := p.src[i]
		if classes[c]&stop == 0 {
			i++
			continue
		}
		switch {
		case c == quote && quote == '\'' && p.at(i+1) == '\'':
			i += 2
		case c == quote:
			p.pos = i + 1
			return nil
		case c == '\\' && breakAt(p.src, i+1) == 0:
			i += 2
		case c == '\\':
			i++
		default:
			n := breakAt(p.src, i)
			if n == 0 {
				i++
				continue
			}
			i += n
			p.lineStart = i
			if markerAt(p.src, i) {
				return p.syntax(i, "a document marker inside quotes")
			}
		}
	}
	return p.syntax(start, "quotes that are not closed")
}

// blockMapping scans a mapping in block style. The first key has been scanned
// already unless it is nil, then "? " stands at hand.
func (p *parser) blockMapping(n *Node, h, keyHead head, first *Node) error {
	if err := p.enter(); err != nil {
		return err
	}
	indent := p.indent
	start := keyHead.key
	column := start - keyHead.line
	p.indent = column
	kept := p.depth <= p.keep
	var content []*Node
	if kept {
		content = make([]*Node, 0, 8)
	}
	end := start
	visiting := p.visit != nil && p.depth == 1
	for {
		if first == nil && !kept && !visiting && p.lineFeeds && p.skipEntry(column) {
			end = p.lineStart - 1
			p.toToken()
			if p.ended() || p.column() < column {
				break
			}
			if p.column() > column {
				return p.syntax(p.pos, "%s where a key in column %d or less is expected", p.found(), column+1)
			}
			continue
		}
		key := p.newKey()
		if first != nil {
			*key = *first
			first = nil
		} else if err := p.blockKey(key); err != nil {
			return err
		}
		explicit := key.Explicit
		// In the scratch node the key is overwritten by its value.
		keySpan := key.Full()
		value := p.newNode()
		mark := -1
		switch {
		case explicit && !(p.at(p.pos) == ':' && p.column() == column && !p.ended() && blankOrEndAt(p.src, p.pos+1)):
			p.fill(value, head{}, Scalar, Plain, Span{keySpan.End, keySpan.End}, column)
		default:
			mark = p.pos
			if !explicit && utf8.RuneCount(p.src[keySpan.Start:mark]) > maxKeyLength {
				return p.syntax(keySpan.Start, "a key of more than %d characters without \"? \" before it", maxKeyLength)
			}
			p.pos++
			p.keyAllowed = explicit
			if err := p.blockNode(value, true); err != nil {
				return err
			}
		}
		value.Indicator = mark
		end = max(value.Full().End, mark+1, keySpan.End)
		if kept {
			content = append(content, key, value)
		}
		if visiting && p.visit(key, value) {
			return errEnough
		}
		p.toToken()
		if p.ended() || p.column() < column {
			break
		}
		if p.column() > column {
			return p.syntax(p.pos, "%s where a key in column %d or less is expected", p.found(), column+1)
		}
	}
	p.indent = indent
	p.depth--
	p.fill(n, h, Mapping, Block, Span{start, end}, column)
	n.Content = content
	n.Collapsed = !kept
	return nil
}

// skipEntry steps over an entry of the most common form, a plain key and a
// plain value on one line, in a text of which nothing is kept. It leaves the
// position where the next line's content begins. If anything is uncommon about
// the entry it does nothing.
func (p *parser) skipEntry(column int) bool {
	src := p.src
	i := p.pos
	for i < len(src) && classes[src[i]]&common != 0 {
		i++
	}
	if i == p.pos || i+2 >= len(src) || src[i] != ':' || src[i+1] != ' ' || classes[src[i+2]]&common == 0 ||
		src[p.pos] == '-' || src[i+2] == '-' || !p.keyAllowed || i-p.pos > maxKeyLength {
		return false
	}
	n := bytes.IndexByte(src[i+2:], '\n')
	if n < 0 {
		return false
	}
	line := i + 2 + n + 1
	next := line
	for next < len(src) && src[next] == ' ' {
		next++
	}
	// A deeper line goes on with the value; blank lines may lie before it.
	if next >= len(src) || next-line > column || src[next] == '\n' || src[next] == '\r' || src[next] == '\t' {
		return false
	}
	p.pos, p.lineStart = next, line
	return true
}

// blockKey scans a key in block style up to its colon.
func (p *parser) blockKey(key *Node) error {
	start, line := p.pos, p.lineStart
	column := p.column()
	if p.at(p.pos) == '?' && blankOrEndAt(p.src, p.pos+1) {
		if !p.keyAllowed {
			return p.syntax(p.pos, "a key may not begin here")
		}
		p.pos++
		p.keyAllowed = true
		if err := p.blockNode(key, true); err != nil {
			return err
		}
		key.Explicit = true
		key.Indicator = start
		p.toToken()
		return nil
	}
	if p.dash() {
		return p.syntax(p.pos, "an item where a key is expected")
	}
	if !p.keyAllowed {
		return p.syntax(p.pos, "a key may not begin here")
	}
	h := head{key: start, line: line}
	if c := p.src[p.pos]; c == '&' || c == '!' {
		var err error
		if h, err = p.properties(); err != nil {
			return err
		}
	}
	if p.lineStart != line || p.pos >= len(p.src) {
		return p.syntax(start, "a key without a colon")
	}
	if p.at(p.pos) == ':' && blankOrEndAt(p.src, p.pos+1) {
		return p.unsupported(p.pos, "a value without a key")
	}
	content, err := p.content(h)
	if err != nil {
		return err
	}
	i := p.contentEnd(content)
	if p.at(i) != ':' || !blankOrEndAt(p.src, i+1) || p.lineStart != line {
		return p.syntax(start, "a key without a colon")
	}
	p.pos = i
	*key = content
	key.Anchor, key.Tag = h.anchor, h.tag
	key.Column = column
	return nil
}

// blockSequence scans a sequence in block style, its first dash at hand.
func (p *parser) blockSequence(n *Node, h head, indented bool) error {
	if err := p.enter(); err != nil {
		return err
	}
	indent := p.indent
	start := p.pos
	column := p.column()
	if indented {
		p.indent = column
	}
	kept := p.depth <= p.keep
	var content []*Node
	end := start
	for {
		mark := p.pos
		p.pos++
		p.keyAllowed = true
		item := p.newNode()
		if err := p.blockNode(item, false); err != nil {
			return err
		}
		item.Indicator = mark
		end = max(item.Full().End, mark+1)
		if kept {
			content = append(content, item)
		}
		p.toToken()
		if p.ended() || p.column() < column {
			break
		}
		if p.column() == column && p.dash() {
			if !p.keyAllowed {
				return p.syntax(p.pos, "an item may not begin here")
			}
			continue
		}
		if p.column() == column && !indented {
			break
		}
		return p.syntax(p.pos, "%s where an item in column %d or less is expected", p.found(), column+1)
	}
	p.indent = indent
	p.depth--
	p.fill(n, h, Sequence, Block, Span{start, end}, column)
	n.Content = content
	n.Collapsed = !kept
	return nil
}

// blockScalar scans a literal or folded scalar, its indicator at hand.
func (p *parser) blockScalar(n *Node, h head, column int) error {
	start := p.pos
	style := Literal
	if p.src[p.pos] == '>' {
		style = Folded
	}
	p.pos++
	var keep, strip bool
	indent := 0
	for range 2 {
		switch c := p.at(p.pos); {
		case (c == '+' || c == '-') && !keep && !strip:
			keep, strip = c == '+', c == '-'
			p.pos++
		case c >= '1' && c <= '9' && indent == 0:
			indent = int(c - '0')
			p.pos++
		}
	}
	indented := indent > 0
	end := p.pos
	for blankAt(p.src, p.pos) {
		p.pos++
	}
	if p.at(p.pos) == '#' {
		p.pos = p.lineEnd(p.pos)
		end = p.pos
	}
	if p.pos < len(p.src) && breakAt(p.src, p.pos) == 0 {
		return p.syntax(p.pos, "%s after the indicator of a block scalar", p.found())
	}
	p.newLineIfAny()
	if indented && p.indent > 0 {
		indent += p.indent
	}
	tail, err := p.blankLines(&indent)
	if err != nil {
		return err
	}
	for p.pos < len(p.src) && p.column() == indent {
		end = p.lineEnd(p.pos)
		p.pos = end
		if p.newLineIfAny() {
			tail = p.pos
		} else {
			tail = -1
		}
		blank, err := p.blankLines(&indent)
		if err != nil {
			return err
		}
		if blank > 0 {
			tail = blank
		}
	}
	p.keyAllowed = true
	if keep && tail > end {
		// The line break at the very end is also the next line's beginning.
		end = tail - breakEndsAt(p.src, tail)
	}
	p.fill(n, h, Scalar, style, Span{start, end}, column)
	n.Keep, n.Strip, n.Indented = keep, strip, indented
	return nil
}

func (p *parser) newLineIfAny() bool {
	n := breakAt(p.src, p.pos)
	if n > 0 {
		p.newLine(n)
	}
	return n > 0
}

// blankLines steps over the blank lines of a block scalar and the next line's
// indentation, which it determines where it is 0. It returns the end of the
// last line break it stepped over, 0 if there was none.
func (p *parser) blankLines(indent *int) (int, error) {
	last := 0
	widest := 0
	for {
		for (*indent == 0 || p.column() < *indent) && p.at(p.pos) == ' ' {
			p.pos++
		}
		widest = max(widest, p.column())
		if (*indent == 0 || p.column() < *indent) && p.at(p.pos) == '\t' {
			return 0, p.syntax(p.pos, "a tab where indentation is expected")
		}
		if !p.newLineIfAny() {
			break
		}
		last = p.pos
	}
	if *indent == 0 {
		*indent = max(widest, p.indent+1, 1)
	}
	return last, nil
}

// flowNode scans a value in flow style, at hand.
func (p *parser) flowNode(n *Node) error {
	column := p.column()
	var h head
	if c := p.src[p.pos]; c == '&' || c == '!' {
		var err error
		if h, err = p.properties(); err != nil {
			return err
		}
	}
	switch c := p.at(p.pos); {
	case h.any() && c == ':':
		return p.unsupported(p.pos, "a value without a key")
	case h.any() && (c == ',' || c == ']' || c == '}'):
		end := max(h.anchor.End, h.tag.End)
		p.fill(n, h, Scalar, Plain, Span{end, end}, column)
		return nil
	case p.ended():
		return p.syntax(p.pos, "brackets that are not closed")
	case c == '?':
		return p.unsupported(p.pos, "a key after \"?\" in flow style")
	}
	if c := p.src[p.pos]; c == '[' || c == '{' {
		if err := p.flowCollection(n); err != nil {
			return err
		}
		p.keyAllowed = false
	} else {
		content, err := p.content(h)
		if err != nil {
			return err
		}
		*n = content
	}
	n.Anchor, n.Tag = h.anchor, h.tag
	n.Column = column
	return nil
}

// flowCollection scans a mapping or sequence in flow style, its bracket at
// hand.
func (p *parser) flowCollection(n *Node) error {
	if err := p.enter(); err != nil {
		return err
	}
	start, column := p.pos, p.column()
	kind, closing := Sequence, byte(']')
	if p.src[p.pos] == '{' {
		kind, closing = Mapping, '}'
	}
	p.pos++
	p.flow++
	kept := p.depth <= p.keep
	var content []*Node
	for {
		p.toToken()
		if p.ended() {
			return p.syntax(start, "brackets that are not closed")
		}
		if p.src[p.pos] == closing {
			break
		}
		keyStart, line := p.pos, p.lineStart
		key := p.newKey()
		if err := p.flowNode(key); err != nil {
			return err
		}
		keyEnd := key.Full().End
		p.toToken()
		last := key
		if p.at(p.pos) == ':' && !p.ended() {
			if p.lineStart != line || utf8.RuneCount(p.src[keyStart:p.pos]) > maxKeyLength {
				return p.syntax(p.pos, "a key that spans lines or is too long")
			}
			pair := key
			if kind == Sequence {
				// A pair without braces is a mapping of its own: [a: b].
				key = p.newNode()
				*key = *pair
			}
			value := p.newNode()
			if err := p.flowValue(value); err != nil {
				return err
			}
			last = value
			if kind == Sequence {
				end := max(value.Full().End, value.Indicator+1)
				p.fill(pair, head{}, Mapping, Flow, Span{keyStart, end}, keyStart-line)
				if kept {
					pair.Content = []*Node{key, value}
				}
				last = pair
				content = p.keepIn(content, kept, pair)
			} else {
				content = p.keepIn(content, kept, key, value)
				if p.visit != nil && p.depth == 1 && p.visit(key, value) {
					return errEnough
				}
			}
		} else if kind == Mapping {
			value := p.newNode()
			p.fill(value, head{}, Scalar, Plain, Span{keyEnd, keyEnd}, column)
			last = value
			content = p.keepIn(content, kept, key, value)
		} else {
			content = p.keepIn(content, kept, key)
		}
		p.toToken()
		switch c := p.at(p.pos); {
		case p.ended():
			return p.syntax(start, "brackets that are not closed")
		case c == ',':
			last.Comma = p.pos
			p.pos++
		case c != closing:
			return p.syntax(p.pos, "%s where ',' or '%c' is expected", p.found(), closing)
		}
	}
	p.pos++
	p.flow--
	p.depth--
	*n = Node{Kind: kind, Style: Flow, Span: Span{start, p.pos}, Column: column, Indicator: -1, Comma: -1,
		Content: content, Collapsed: !kept}
	return nil
}

func (p *parser) keepIn(content []*Node, kept bool, nodes ...*Node) []*Node {
	if !kept {
		return nil
	}
	return append(content, nodes...)
}

// flowValue scans what follows the colon at hand.
func (p *parser) flowValue(value *Node) error {
	mark := p.pos
	p.pos++
	p.keyAllowed = false
	p.toToken()
	if c := p.at(p.pos); p.ended() || c == ',' || c == ']' || c == '}' {
		p.fill(value, head{}, Scalar, Plain, Span{mark + 1, mark + 1}, mark+1-p.lineStart)
	} else if err := p.flowNode(value); err != nil {
		return err
	}
	value.Indicator = mark
	return nil
}

// everything is the number of levels to keep for a whole tree.
const everything = math.MaxInt
