package yamltext

// tabbed is what is wrong with a tab in front of a line.
const tabbed = "a tab, and YAML allows only spaces for indentation: put spaces in its place"

// InQuotes ends what is said of a value that YAML reads as something else.
const InQuotes = ": put the value in quotes"

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
			return n, p.syntax(start, "a malformed alias: put a value that begins with * in quotes")
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
		if p.at(start) == '\t' {
			return n, p.syntax(start, tabbed)
		}
		if !p.plainBegins() {
			return n, p.syntax(start, "%s cannot begin a value"+InQuotes, p.found())
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

// plainBegins reports whether a plain scalar may begin here.
func (p *parser) plainBegins() bool {
	c := p.src[p.pos]
	if classes[c]&indicator == 0 {
		return BreakAt(p.src, p.pos) == 0
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
	for p.at(p.pos) != '#' && !(p.pos == p.lineStart && markerAt(p.src, p.pos)) {
		i := p.plainRun(stop)
		if i > p.pos {
			end = i
			crossed = false
		}
		p.pos = i
		if !blankAt(p.src, i) && BreakAt(p.src, i) == 0 {
			break
		}
		var err error
		if crossed, err = p.plainGap(crossed); err != nil {
			return 0, err
		}
		if p.pos >= len(p.src) || p.flow == 0 && p.column() < p.indent+1 {
			break
		}
	}
	p.keyAllowed = crossed
	return end, nil
}

// plainRun returns where the run of plain text that begins here ends.
func (p *parser) plainRun(stop class) int {
	i := p.pos
	for i < len(p.src) {
		c := p.src[i]
		if classes[c]&stop == 0 {
			i++
			continue
		}
		switch c {
		case ':':
			if blankOrEndAt(p.src, i+1) {
				return i
			}
		case 0xC2, 0xE2:
			if BreakAt(p.src, i) > 0 {
				return i
			}
		default:
			return i
		}
		i++
	}
	return i
}

// plainGap steps over the blanks and line breaks between two runs of plain text
// and reports whether one was a line break, or crossed was true before.
func (p *parser) plainGap(crossed bool) (bool, error) {
	for p.pos < len(p.src) {
		switch p.src[p.pos] {
		case '\t':
			if crossed && p.column() < p.indent+1 {
				return false, p.syntax(p.pos, tabbed)
			}
			fallthrough
		case ' ':
			p.pos++
			continue
		}
		n := BreakAt(p.src, p.pos)
		if n == 0 {
			break
		}
		p.newLine(n)
		crossed = true
	}
	return crossed, nil
}

// quoted scans a scalar from its opening quote.
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
		case c == '\\' && BreakAt(p.src, i+1) == 0:
			i += 2
		case c == '\\':
			i++
		default:
			n := BreakAt(p.src, i)
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

// blockScalar scans a literal or folded scalar from its indicator.
func (p *parser) blockScalar(n *Node, h head, column int) error {
	start := p.pos
	style := Literal
	if p.src[p.pos] == '>' {
		style = Folded
	}
	p.fill(n, h, Scalar, style, Span{}, column)
	indent, end, err := p.blockHeader(n)
	if err != nil {
		return err
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
	if n.Keep && tail > end {
		// The line break at the very end is also the next line's beginning.
		end = tail - BreakBefore(p.src, tail)
	}
	n.Span = Span{start, end}
	return nil
}

// blockHeader scans the line of a block scalar's indicator. It returns the
// indentation, 0 if the text has to tell it, and where the header ends.
func (p *parser) blockHeader(n *Node) (indent, end int, err error) {
	p.pos++
	for range 2 {
		switch c := p.at(p.pos); {
		case (c == '+' || c == '-') && !n.Keep && !n.Strip:
			n.Keep, n.Strip = c == '+', c == '-'
			p.pos++
		case c >= '1' && c <= '9' && indent == 0:
			indent = int(c - '0')
			p.pos++
		}
	}
	n.Indented = indent > 0
	end = p.pos
	for blankAt(p.src, p.pos) {
		p.pos++
	}
	if p.at(p.pos) == '#' {
		p.pos = p.lineEnd(p.pos)
		end = p.pos
	}
	if p.pos < len(p.src) && BreakAt(p.src, p.pos) == 0 {
		return 0, 0, p.syntax(p.pos, "%s after the indicator of a block scalar", p.found())
	}
	p.newLineIfAny()
	if n.Indented && p.indent > 0 {
		indent += p.indent
	}
	return indent, end, nil
}

func (p *parser) newLineIfAny() bool {
	n := BreakAt(p.src, p.pos)
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
			return 0, p.syntax(p.pos, tabbed)
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
