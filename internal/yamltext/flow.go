package yamltext

import "unicode/utf8"

// flowNode scans the next value, in flow style.
func (p *parser) flowNode(n *Node) error {
	column := p.column()
	h, err := p.properties()
	if err != nil {
		return err
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

// flowCollection scans a mapping or sequence in flow style from its
// bracket.
func (p *parser) flowCollection(n *Node) error {
	kept, err := p.enter()
	if err != nil {
		return err
	}
	start, column := p.pos, p.column()
	kind, closing := Sequence, byte(']')
	if p.src[p.pos] == '{' {
		kind, closing = Mapping, '}'
	}
	p.pos++
	p.flow++
	var content []*Node
	for {
		p.toToken()
		if p.ended() {
			return p.syntax(start, "brackets that are not closed")
		}
		if p.src[p.pos] == closing {
			break
		}
		key, last, err := p.flowEntry(kind, column)
		if err != nil {
			return err
		}
		if kept && key != last {
			content = append(content, key)
		}
		if kept {
			content = append(content, last)
		}
		if kind == Mapping && p.visit != nil && p.depth == 1 && p.visit(key, last) {
			return errEnough
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
	p.fill(n, head{}, kind, Flow, Span{start, p.pos}, column)
	p.leave(n, content, kept)
	return nil
}

// flowEntry scans an entry of a mapping, or an item of a sequence, for which key
// and last are the same node.
func (p *parser) flowEntry(kind Kind, column int) (key, last *Node, err error) {
	start, line := p.pos, p.lineStart
	key = p.newKey()
	if err = p.flowNode(key); err != nil {
		return nil, nil, err
	}
	end := key.Full().End
	p.toToken()
	switch {
	case p.at(p.pos) == ':' && !p.ended():
		if p.lineStart != line || utf8.RuneCount(p.src[start:p.pos]) > maxKeyLength {
			return nil, nil, p.syntax(p.pos, "a key that spans lines or is too long")
		}
	case kind == Mapping:
		value := p.newNode()
		p.fill(value, head{}, Scalar, Plain, Span{end, end}, column)
		return key, value, nil
	default:
		return key, key, nil
	}
	if kind == Mapping {
		value := p.newNode()
		return key, value, p.flowValue(value)
	}
	// A pair without braces is a mapping of its own: [a: b].
	pair := key
	inner, value := p.newNode(), p.newNode()
	*inner = *pair
	if err = p.flowValue(value); err != nil {
		return nil, nil, err
	}
	p.fill(pair, head{}, Mapping, Flow, Span{start, max(value.Full().End, value.Indicator+1)}, start-line)
	if p.depth <= p.keep {
		pair.Content = []*Node{inner, value}
	}
	return pair, pair, nil
}

// flowValue scans what follows the colon that comes next.
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
