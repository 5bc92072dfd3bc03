package yamltext

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"sync/atomic"
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
	// keyAllowed is true where a key without "? " may begin here.
	keyAllowed bool
	depth      int
	// keep is how many levels keep their content.
	keep   int
	breaks breaks
	// lineFeeds is true if lines can be found by the byte LF.
	lineFeeds bool
	// vain is how many bytes were stepped over in vain, see skipEntry.
	vain int
	// processors are those that this parser may share a long list with, itself among them;
	// 0 for all there are. stopped, if set, says that nobody waits for the rest.
	processors int
	stopped    *atomic.Bool

	aliases []string
	aliased map[string]bool
	nodes   []Node
	slabs   []*slab
	scratch Node
	// visited is the key that visit sees.
	visited Node
	// visit, if set, sees the entries of the outermost mapping as they come
	// and says when it has seen enough.
	visit func(key, value *Node) (enough bool)
}

// errEnough ends a scan early, and errStopped one of which nothing will be taken.
var errEnough, errStopped = errors.New("enough was seen"), errors.New("nobody waits for the rest")

// Parse scans a text with one document in it and keeps all of it.
func Parse(text []byte) (*Tree, error) {
	return Fragment{Text: text}.Parse()
}

// room is for more nodes. Where only the outer levels are kept it is for a few, which
// stay as long as the text.
func (p *parser) room() []Node {
	switch p.keep {
	case 0:
		return make([]Node, 1)
	case everything:
		s := slabs.Get().(*slab)
		p.slabs = append(p.slabs, s)
		return s[:]
	}
	return make([]Node, max(16, min(256, cap(p.nodes))))
}

// newNode returns a node to be filled. What lies below the levels to be kept
// shares one node, which nobody looks at.
func (p *parser) newNode() *Node {
	if p.depth > p.keep {
		return &p.scratch
	}
	if len(p.nodes) == cap(p.nodes) {
		p.nodes = p.room()[:0]
	}
	p.nodes = p.nodes[:len(p.nodes)+1]
	n := &p.nodes[len(p.nodes)-1]
	*n = Node{}
	return n
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

// ended reports whether no further content of this document comes.
func (p *parser) ended() bool {
	return p.pos >= len(p.src) || p.pos == p.lineStart && markerAt(p.src, p.pos)
}

// newLine steps over the line break of n bytes that comes next.
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
			n := BreakAt(p.src, p.pos)
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
	if err := p.look(); err != nil {
		return nil, err
	}
	p.indent = -1
	p.keyAllowed = true
	p.toToken()
	for p.column() == 0 && p.at(p.pos) == '%' {
		p.pos = p.lineEnd(p.pos)
		p.toToken()
	}
	explicit := p.ended() && p.at(p.pos) == '-'
	if explicit {
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
	switch {
	case p.pos >= len(p.src):
		return root, nil
	case p.ended():
		return nil, p.unsupported(p.pos, "a second document in a text that should hold one")
	}
	return nil, p.syntax(p.pos, "%s where the document should end", p.found())
}

// look goes over the whole text once, unless the text around it has been looked
// at: for its encoding and for its line breaks.
func (p *parser) look() error {
	if p.breaks == unknown {
		controls := p.controls()
		invalid, mark, feeds, control := notUTF8(p.src), bytes.Index(p.src[p.pos:], []byte("\xef\xbb\xbf")), onlyLineFeeds(p.src), controls()
		switch {
		case invalid >= 0:
			return p.unsupported(invalid, "a byte that is not UTF-8 (%#x): save the file as UTF-8", p.src[invalid])
		case mark >= 0:
			return p.unsupported(p.pos+mark, "a byte order mark (U+FEFF) inside the text")
		case control >= 0:
			return p.syntax(control, "a control character (%U): remove it, or write it as an escape in double quotes", p.src[control])
		}
		p.breaks = various
		if feeds {
			p.breaks = lineFeeds
		}
	}
	p.lineFeeds = p.breaks == lineFeeds
	return nil
}

// controls looks for the first control character, in a long text by another processor, and
// gives what waits for it.
func (p *parser) controls() func() int {
	if len(p.src) < aheadFrom {
		return func() int { return control(p.src, p.pos) }
	}
	found := make(chan int, 1)
	go func() { found <- control(p.src, p.pos) }()
	return func() int { return <-found }
}

// notUTF8 gives where the first byte stands that is not UTF-8, -1 for none.
func notUTF8(src []byte) int {
	if utf8.Valid(src) {
		return -1
	}
	for i := 0; ; {
		r, size := utf8.DecodeRune(src[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
}

// control gives where the first control character is behind an offset, -1 for none.
func control(src []byte, from int) int {
	for i := from; i < len(src); i++ {
		if c := src[i]; c >= ' ' && c < 0x7f || c == '\n' {
			continue
		}
		if r, size := utf8.DecodeRune(src[i:]); !isControl(r) {
			i += size - 1
			continue
		}
		return i
	}
	return -1
}

// isControl reports whether a character may not stand in YAML (YAML 1.2.2, 5.1).
func isControl(r rune) bool {
	switch {
	case r >= ' ' && r <= '~', r >= 0xa0 && r < 0xfffe, r > 0xffff:
		return false
	}
	return r != '\n' && r != '\t' && r != '\r' && r != 0x85
}

// found names what comes next, for messages.
func (p *parser) found() string {
	if p.pos >= len(p.src) {
		return "the end of the text"
	}
	r, _ := utf8.DecodeRune(p.src[p.pos:])
	return fmt.Sprintf("%q", r)
}

// enter begins a collection, and says whether its content is kept.
func (p *parser) enter() (kept bool, err error) {
	p.depth++
	if p.depth > MaxDepth {
		return false, p.unsupported(p.pos, "more than %d nested levels", MaxDepth)
	}
	return p.depth <= p.keep, nil
}

// leave ends a collection.
func (p *parser) leave(n *Node, content []*Node, kept bool) {
	p.depth--
	n.Content, n.Collapsed = content, !kept
}

// fill sets what is common to all nodes.
func (p *parser) fill(n *Node, h head, kind Kind, style Style, span Span, column int) {
	*n = Node{Kind: kind, Style: style, Span: span, Anchor: h.anchor, Tag: h.tag, Column: column,
		Indicator: -1, Comma: -1}
}

// everything is the number of levels to keep for a whole tree.
const everything = math.MaxInt
