package yamltext

import (
	"bytes"
	"unicode/utf8"
)

// blockNode scans the next value in block style. A sequence that is a
// mapping's value may stand at the column of its key.
func (p *parser) blockNode(n *Node, keyValue bool) error {
	after := p.pos
	p.toToken()
	column := p.column()
	var h head
	if !p.ended() && column > p.indent {
		var err error
		if h, err = p.properties(); err != nil {
			return err
		}
		after = max(after, h.anchor.End, h.tag.End)
	}
	if p.ended() || p.column() <= p.indent {
		if !p.ended() && keyValue && p.column() == p.indent && p.dash() {
			return p.blockSequence(n, h, false)
		}
		p.fill(n, h, Scalar, Plain, Span{after, after}, column)
		return nil
	}

	start, line := p.pos, p.lineStart
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
	return p.contentOrMapping(n, h, column)
}

// contentOrMapping scans a value, or a mapping whose first key it is: only
// a colon after it tells.
func (p *parser) contentOrMapping(n *Node, h head, column int) error {
	start, line := p.pos, p.lineStart
	if !h.any() {
		if colon, ok := p.commonKey(); ok && h.key == start {
			p.pos = colon
			return p.blockMapping(n, h, h, &Node{Span: Span{start, colon}, Column: column, Indicator: -1, Comma: -1})
		}
		if end, ok := p.commonValue(); ok {
			p.fill(n, h, Scalar, Plain, Span{start, end}, column)
			return nil
		}
	}
	content, err := p.content(h)
	if err != nil {
		return err
	}
	i := p.contentEnd(content)
	if p.at(i) != ':' || !blankOrEndAt(p.src, i+1) {
		*n = content
		n.Anchor, n.Tag = h.anchor, h.tag
		n.Column = start - line
		if full := n.Full(); full.Start < start {
			n.Column = column
		}
		return nil
	}
	if p.lineStart != line {
		return p.syntax(i, "a key that spans lines: put a colon at the end of the line before, or its value in quotes")
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

// dash reports whether the "-" of an item comes next.
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

// blockMapping scans a mapping in block style. The first key has been scanned
// already unless it is nil, then "? " comes next.
func (p *parser) blockMapping(n *Node, h, keyHead head, first *Node) error {
	kept, err := p.enter()
	if err != nil {
		return err
	}
	indent := p.indent
	start := keyHead.key
	column := start - keyHead.line
	p.indent = column
	var content []*Node
	if kept {
		content = make([]*Node, 0, 8)
	}
	end := start
	visiting := p.visit != nil && p.depth == 1
	for more := true; more; {
		skipped, ok := 0, false
		if first == nil && !kept && !visiting {
			skipped, ok = p.skipEntry(column)
		}
		if ok {
			end = skipped
		} else {
			key, value, last, err := p.blockEntry(first, column)
			if err != nil {
				return err
			}
			first, end = nil, last
			if kept {
				content = append(content, key, value)
			}
			if visiting && p.visit(key, value) {
				return errEnough
			}
		}
		if more, err = p.another(column, "a key"); err != nil {
			return err
		}
	}
	p.indent = indent
	p.fill(n, h, Mapping, Block, Span{start, end}, column)
	p.leave(n, content, kept)
	return nil
}

// another reports whether a collection whose entries are at a column goes on.
func (p *parser) another(column int, what string) (bool, error) {
	p.toToken()
	if p.ended() || p.column() < column {
		return false, nil
	}
	if p.column() > column {
		if p.lineStart >= 0 && len(bytes.TrimLeft(p.src[p.lineStart:p.pos], " ")) == 0 {
			return false, p.syntax(p.pos, "a line indented by %d below lines indented by %d: indent both alike", p.column(), column)
		}
		return false, p.syntax(p.pos, "%s where %s in column %d or less is expected", p.found(), what, column+1)
	}
	return true, nil
}

// blockEntry scans an entry of a mapping, whose key may have been scanned
// already.
func (p *parser) blockEntry(first *Node, column int) (key, value *Node, end int, err error) {
	key = p.newKey()
	if first != nil {
		*key = *first
	} else if err = p.blockKey(key); err != nil {
		return nil, nil, 0, err
	}
	explicit := key.Explicit
	// In the scratch node the key is overwritten by its value.
	keySpan := key.Full()
	value = p.newNode()
	mark := -1
	if explicit && !(p.at(p.pos) == ':' && p.column() == column && !p.ended() && blankOrEndAt(p.src, p.pos+1)) {
		p.fill(value, head{}, Scalar, Plain, Span{keySpan.End, keySpan.End}, column)
	} else {
		mark = p.pos
		if !explicit && utf8.RuneCount(p.src[keySpan.Start:mark]) > maxKeyLength {
			return nil, nil, 0, p.syntax(keySpan.Start, "a key of more than %d characters without \"? \" before it", maxKeyLength)
		}
		p.pos++
		p.keyAllowed = explicit
		if err = p.blockNode(value, true); err != nil {
			return nil, nil, 0, err
		}
	}
	value.Indicator = mark
	return key, value, max(value.Full().End, mark+1, keySpan.End), nil
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
	if colon, ok := p.commonKey(); ok {
		p.fill(key, head{}, Scalar, Plain, Span{start, colon}, column)
		p.pos = colon
		return nil
	}
	h, err := p.properties()
	if err != nil {
		return err
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

// blockSequence scans a sequence in block style from its first dash.
func (p *parser) blockSequence(n *Node, h head, indented bool) error {
	kept, err := p.enter()
	if err != nil {
		return err
	}
	indent := p.indent
	start := p.pos
	column := p.column()
	if indented {
		p.indent = column
	}
	content, end, err := p.blockItems(column, indented, kept)
	if err != nil {
		return err
	}
	p.indent = indent
	p.fill(n, h, Sequence, Block, Span{start, end}, column)
	p.leave(n, content, kept)
	return nil
}

// blockItems scans the items of a sequence in block style, from a dash to the end of the
// last item.
func (p *parser) blockItems(column int, indented, kept bool) (items []*Node, end int, err error) {
	a := p.lookAhead(column, indented, kept)
	defer func() { a.stop() }()
	for more := true; more; {
		if a != nil && p.pos >= a.start {
			if p.pos == a.start {
				rest, end, err := p.join(a)
				return append(items, rest...), end, err
			}
			a.stop()
			a = nil
		}
		mark := p.pos
		p.pos++
		p.keyAllowed = true
		item := p.newNode()
		if err := p.blockNode(item, false); err != nil {
			return nil, 0, err
		}
		item.Indicator = mark
		end = max(item.Full().End, mark+1)
		if kept {
			items = append(items, item)
		}
		if more, err = p.anotherItem(column, indented); err != nil {
			return nil, 0, err
		}
	}
	return items, end, nil
}

// anotherItem reports whether a sequence goes on.
func (p *parser) anotherItem(column int, indented bool) (bool, error) {
	more, err := p.another(column, "an item")
	switch {
	case err != nil || !more || !p.dash() && !indented:
		return false, err
	case !p.dash():
		return false, p.syntax(p.pos, "%s where an item in column %d or less is expected", p.found(), column+1)
	case !p.keyAllowed:
		return false, p.syntax(p.pos, "an item may not begin here")
	case p.stopped != nil && p.stopped.Load():
		return false, errStopped
	}
	return true, nil
}
