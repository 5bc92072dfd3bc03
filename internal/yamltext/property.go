package yamltext

import "bytes"

// A head is the beginning of a node: its anchor and tag, and where a mapping
// would begin if the node turns out to be that mapping's first key.
type head struct {
	anchor, tag Span
	// key is where a key would begin, line the start of its line; -1 if no
	// key may begin here.
	key, line int
}

func (h *head) any() bool { return h.anchor.End > 0 || h.tag.End > 0 }

// properties scans an anchor and a tag, if any stand here. Those that stand on an earlier line
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

// propertyEnd returns where the anchor or tag that comes next ends, 0 if it is none.
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
