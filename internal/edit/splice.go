package edit

import (
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// lines adds text on lines of its own after the line around offset.
func (w *writer) lines(offset int, text string) {
	end := yamltext.LineEnd(w.src, offset)
	next := yamltext.NextLine(w.src, offset)
	if next > end {
		w.cut(next, next, text+w.lineBreak())
	} else {
		w.cut(end, end, w.lineBreak()+text)
	}
}

// replace puts a value in the place of another one.
func (w *writer) replace(at spot, value *yaml.Node) error {
	node := at.node
	full := node.Full()
	collection := value.Kind != yaml.ScalarNode && len(value.Content) > 0
	inFlow := at.parent != nil && at.parent.Style == yamltext.Flow
	switch {
	case inFlow:
		style := w.flowIn(at.parent)
		text := style.innerText(value)
		if node.Written() {
			w.cut(full.Start, full.End, text)
			return nil
		}
		if node.Indicator < 0 {
			// A key alone: {a}.
			text = style.colon() + text
		} else {
			text = strings.TrimPrefix(style.colon(), ":") + text
		}
		w.cut(full.Start, full.Start, text)
	case node.Style == yamltext.Flow && collection && node.Kind != yamltext.Scalar:
		style := w.flowIn(node)
		if len(node.Content) > 0 {
			style.prefix = strings.TrimSuffix(style.prefix, style.unit)
		}
		w.cut(full.Start, full.End, style.text(value))
	case node.Written() && node.Style != yamltext.Block:
		w.cut(full.Start, full.End, flowStyle{}.text(value))
	case at.parent == nil && node.Written():
		return errors.New("the whole document is in the way")
	case at.parent == nil:
		return errors.New("the document is empty")
	case node.Indicator < 0:
		return errors.New("a key after \"?\" has no value to replace")
	case node.Written():
		w.cut(node.Indicator+1, node.End, w.blockValue(at, value))
	case collection && at.parent.Kind == yamltext.Mapping && value.Style&yaml.FlowStyle == 0:
		// The lines of the value follow that of its key and its comment.
		text := w.blockValue(at, value)
		w.lines(node.Indicator, strings.TrimPrefix(text, w.lineBreak()))
	default:
		w.cut(node.Indicator+1, node.Indicator+1, w.blockValue(at, value))
	}
	return nil
}

// blockValue writes what follows the colon or the dash of a value.
func (w *writer) blockValue(at spot, value *yaml.Node) string {
	var b strings.Builder
	style := w.styleIn(at.parent)
	if at.parent.Kind == yamltext.Sequence {
		style.item(&b, value, at.parent.Column)
		return strings.TrimPrefix(b.String(), "-")
	}
	style.value(&b, value, at.parent.Column)
	return b.String()
}

func (s flowStyle) innerText(node *yaml.Node) string {
	var b strings.Builder
	s.inner(&b, node)
	return b.String()
}

// append adds an entry at the end of a mapping.
func (w *writer) append(at spot, c change) error {
	mapping := at.node
	key := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: c.path[len(c.path)-1].(string)}
	value := c.value
	if mapping.Kind != yamltext.Mapping {
		return errors.New("no mapping was found in the text")
	}
	key.Style = stringStyle(key.Value, w.keyStyle(mapping))
	if mapping.Style == yamltext.Flow {
		var b strings.Builder
		style := w.flowIn(mapping)
		style.at(mapping).entry(&b, key, value)
		w.addToFlow(mapping, len(mapping.Content), b.String(), style)
		return nil
	}
	var b strings.Builder
	style := w.styleIn(mapping)
	style.entry(&b, key, value, mapping.Column)
	indentation := strings.Repeat(" ", mapping.Column)
	for _, c := range w.cuts {
		if c.Start == c.End && c.Start == yamltext.NextLine(w.src, mapping.End) {
			// Which of the two comes first depends on which is inside the
			// other; scan again rather than guess.
			if !strings.HasPrefix(c.text, indentation) || strings.HasPrefix(c.text, indentation+" ") {
				return errAgain
			}
		}
	}
	if w.endsInText(mapping) {
		if len(w.cuts) > 0 {
			return errAgain
		}
		// A line break after the text of a block scalar would be part of it.
		last := mapping.Content[len(mapping.Content)-2]
		start := last.Full().Start
		if last.Explicit {
			start = last.Indicator
		}
		w.cut(start, start, b.String()+w.lineBreak()+indentation)
		if name, ok := w.tree.Value(last); ok {
			c.moveBefore(name)
		}
		return nil
	}
	w.lines(mapping.End, indentation+b.String())
	return nil
}

// errAgain asks for the changes to be made one by one.
var errAgain = errors.New("two changes at one place")

// at is the style for the entries of a collection, given that of the
// collection: of an empty one in a document with a line for each entry, they
// are one level deeper.
func (s flowStyle) at(node *yamltext.Node) flowStyle {
	if len(node.Content) == 0 {
		if node.End-node.Start > 2 {
			s.newline = ""
		}
		return s.below()
	}
	return s
}

func (w *writer) keyStyle(mapping *yamltext.Node) yaml.Style {
	var style yaml.Style
	for i := 0; i < len(mapping.Content); i += 2 {
		switch mapping.Content[i].Style {
		case yamltext.DoubleQuoted:
			style = yaml.DoubleQuotedStyle
		case yamltext.SingleQuoted:
			style = yaml.SingleQuotedStyle
		default:
			return 0
		}
	}
	return style
}

// endsInText says whether the document ends with a node, and that in a block
// scalar whose last line has no line break, which it must not get.
func (w *writer) endsInText(node *yamltext.Node) bool {
	for len(node.Content) > 0 {
		node = node.Content[len(node.Content)-1]
	}
	return w.ownsBreak(node) && node.End == len(w.src)
}

// ownsBreak says whether the line break after a node is part of what it says:
// that of a block scalar with at least a line of text.
func (w *writer) ownsBreak(node *yamltext.Node) bool {
	return (node.Style == yamltext.Literal || node.Style == yamltext.Folded) && !node.Strip &&
		yamltext.LineEnd(w.src, node.Start) < node.End
}

// insert makes a value an item of a sequence.
func (w *writer) insert(at spot, index int, value *yaml.Node) error {
	sequence := at.node
	if sequence.Kind != yamltext.Sequence {
		return errors.New("no sequence was found in the text")
	}
	if index > len(sequence.Content) {
		return fmt.Errorf("a sequence of %d items was found in the text where there is to be one of %d", len(sequence.Content), index)
	}
	if sequence.Style == yamltext.Flow {
		style := w.flowIn(sequence)
		w.addToFlow(sequence, index, style.at(sequence).innerText(value), style)
		return nil
	}
	var b strings.Builder
	style := w.styleIn(at.parent)
	style.learnDash(sequence)
	style.item(&b, value, sequence.Column)
	indentation := strings.Repeat(" ", sequence.Column)
	if index == len(sequence.Content) {
		w.lines(sequence.End, indentation+b.String())
		return nil
	}
	dash := sequence.Content[index].Indicator
	if !w.firstInLine(dash) {
		w.cut(dash, dash, b.String()+w.lineBreak()+indentation)
		return nil
	}
	start := w.lineStart(dash)
	// Comments right above an item, at its column, are about it.
	limit := at.node.Start
	if index > 0 {
		limit = sequence.Content[index-1].Full().End
	} else if at.parent != nil && sequence.Indicator >= 0 {
		limit = sequence.Indicator
	}
	for start > 0 {
		above := w.lineStart(start - yamltext.BreakBefore(w.src, start))
		if above <= w.lineStart(limit) || string(w.src[above:min(above+len(indentation)+1, len(w.src))]) != indentation+"#" {
			break
		}
		start = above
	}
	w.cut(start, start, indentation+b.String()+w.lineBreak())
	return nil
}

// learnDash takes the step after a dash from the items of a sequence.
func (s *blockStyle) learnDash(sequence *yamltext.Node) {
	for _, item := range sequence.Content {
		if item.Style == yamltext.Block && item.Anchor.Empty() && item.Tag.Empty() && item.Column > sequence.Column {
			s.dash = item.Column - sequence.Column
			return
		}
	}
}

// addToFlow puts an entry or item into a flow collection, before the content
// at index.
func (w *writer) addToFlow(node *yamltext.Node, index int, text string, style flowStyle) {
	count := len(node.Content)
	switch {
	case count == 0:
		inner := style.at(node)
		if inner.newline != "" {
			text = inner.newline + inner.prefix + text + inner.newline + style.prefix
		}
		w.cut(node.Start+1, node.Start+1, text)
	case index < count:
		start := node.Content[index].Full().Start
		w.cut(start, start, text+style.comma())
	default:
		last := node.Content[count-1]
		end := max(last.Full().End, last.Indicator+1)
		if last.Comma < 0 {
			if style.newline != "" && yamltext.LineEnd(w.src, end) < node.End {
				// The comment after the last entry stays with it.
				w.cut(end, end, ",")
				line := yamltext.LineEnd(w.src, end)
				w.cut(line, line, style.newline+style.prefix+text)
				return
			}
			w.cut(end, end, style.comma()+text)
			return
		}
		if style.newline != "" {
			line := yamltext.LineEnd(w.src, last.Comma)
			if line < node.End {
				w.cut(line, line, style.newline+style.prefix+text+",")
				return
			}
		}
		w.cut(last.Comma+1, last.Comma+1, strings.TrimPrefix(style.comma(), ",")+text+",")
	}
}

// remove takes an entry or item out of its collection.
func (w *writer) remove(at spot, step any) error {
	node := at.node
	first, width := -1, 1
	switch step := step.(type) {
	case int:
		first = step
	case string:
		width = 2
		for k := 0; k+1 < len(node.Content); k += 2 {
			if w.tree.Is(node.Content[k], step) {
				first = k
				break
			}
		}
	}
	if first < 0 || first >= len(node.Content) {
		return errors.New("nothing to remove was found in the text")
	}
	if node.Style == yamltext.Flow {
		w.removeFromFlow(node, first, width)
		return nil
	}
	lead, last := node.Content[first], node.Content[first+width-1]
	start := lead.Full().Start
	if node.Kind == yamltext.Sequence || lead.Explicit {
		start = lead.Indicator
	}
	end := max(last.Full().End, last.Indicator+1, lead.Full().End)
	if len(node.Content) == width {
		return w.empty(at, start, end)
	}
	w.removeLines(start, end, w.before(node, first))
	return nil
}

// before returns the node that ends where the one at index begins.
func (w *writer) before(node *yamltext.Node, index int) *yamltext.Node {
	if index == 0 {
		return nil
	}
	return node.Content[index-1]
}

// empty removes the only entry of a collection in block style.
func (w *writer) empty(at spot, start, end int) error {
	brackets := "{}"
	if at.node.Kind == yamltext.Sequence {
		brackets = "[]"
	}
	if at.parent == nil || !w.firstInLine(start) || at.node.Indicator < 0 {
		w.cut(start, end, brackets)
		return nil
	}
	after := max(at.node.Indicator+1, at.node.Anchor.End, at.node.Tag.End)
	if yamltext.LineEnd(w.src, after) >= start || yamltext.LineEnd(w.src, after) < yamltext.LineEnd(w.src, at.node.Indicator) {
		w.cut(start, end, brackets)
		return nil
	}
	w.cut(after, after, " "+brackets)
	w.removeLines(start, end, nil)
	return nil
}

// removeLines removes what is between start and end with its lines, or with
// the rest of its line if something else is before it.
func (w *writer) removeLines(start, end int, before *yamltext.Node) {
	next := yamltext.NextLine(w.src, end)
	broken := next > yamltext.LineEnd(w.src, end)
	if !w.firstInLine(start) {
		// The next entry, or a comment before it, moves up.
		for next < len(w.src) {
			c := w.src[next]
			if c != ' ' && c != '\t' && yamltext.LineEnd(w.src, next) > next {
				break
			}
			next++
		}
		w.cut(start, next, "")
		return
	}
	start = w.lineStart(start)
	if !broken && (before == nil || !w.textBefore(before)) {
		start -= yamltext.BreakBefore(w.src, start)
	}
	w.cut(start, next, "")
}

// textBefore says whether a node ends in a block scalar to which the line
// break after it belongs.
func (w *writer) textBefore(node *yamltext.Node) bool {
	for len(node.Content) > 0 {
		node = node.Content[len(node.Content)-1]
	}
	return w.ownsBreak(node)
}

func (w *writer) removeFromFlow(node *yamltext.Node, first, width int) {
	lead, last := node.Content[first], node.Content[first+width-1]
	start := lead.Full().Start
	end := max(last.Full().End, last.Indicator+1, lead.Full().End)
	after := end
	if last.Comma >= 0 {
		after = last.Comma + 1
	}
	ownLine := w.firstInLine(start)
	switch {
	case len(node.Content) == width:
		// Lines that were made for the entry go with it.
		opening, closing := string(w.src[node.Start+1:start]), string(w.src[after:node.End-1])
		if strings.Trim(opening+closing, " \t\r\n") == "" && strings.ContainsAny(opening, "\r\n") && strings.ContainsAny(closing, "\r\n") {
			w.cut(node.Start+1, node.End-1, "")
			return
		}
		w.cut(start, after, "")
	case first+width < len(node.Content):
		// What follows on the same line moves up; a comment goes with the
		// entry it is about.
		next := after
		for next < len(w.src) && (w.src[next] == ' ' || w.src[next] == '\t') {
			next++
		}
		if line := yamltext.LineEnd(w.src, after); next == line || w.src[next] == '#' {
			next = yamltext.NextLine(w.src, after)
			for next < len(w.src) && (w.src[next] == ' ' || w.src[next] == '\t') {
				next++
			}
		}
		w.cut(start, next, "")
	default:
		previous := node.Content[first-1]
		previousEnd := max(previous.Full().End, previous.Indicator+1)
		if !ownLine {
			if last.Comma >= 0 {
				w.cut(previous.Comma+1, after, "")
			} else {
				w.cut(previousEnd, end, "")
			}
			return
		}
		lineBefore := w.lineStart(start)
		lineBefore -= yamltext.BreakBefore(w.src, lineBefore)
		if line := yamltext.LineEnd(w.src, after); line < node.End {
			after = line
		}
		if last.Comma < 0 {
			w.cut(previous.Comma, previous.Comma+1, "")
		}
		w.cut(max(lineBefore, previousEnd, previous.Comma+1), after, "")
	}
}

// restore puts the source of a value back.
func (w *writer) restore(at spot, c change) error {
	node := at.node
	full := node.Full()
	source := c.source
	if at.parent == nil {
		return errors.New("the whole document is in the way")
	}
	inline := source != "" && strings.IndexByte(" \t\r\n", source[0]) < 0
	start, end := full.Start, full.End
	switch {
	case !node.Written():
		if inline {
			source = " " + source
		}
		if node.Indicator >= 0 {
			start, end = node.Indicator+1, node.Indicator+1
		}
	case inline && node.Style == yamltext.Block:
		source = " " + source
		start = node.Indicator + 1
	case inline:
	case source == "" && node.Style == yamltext.Block && w.firstInLine(node.Start) && node.Start > yamltext.LineEnd(w.src, node.Indicator):
		w.removeLines(node.Start, node.End, nil)
		return nil
	default:
		start = node.Indicator + 1
	}
	w.cut(start, end, source)
	if end == len(w.src) && c.source != "" && c.source[0] != '*' {
		// Without a line break a block scalar at the end says less.
		alone, err := readSource(c.source, "")
		if err != nil {
			return err
		}
		put(c.restored, alone)
	}
	return nil
}
