package revise

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/each"
	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// permute has the items of a list change places: order has the place from which each
// comes. Their comments go with them.
func (t *text) permute(list edit.Path, order []int) error {
	movable, err := t.movable(list)
	if err != nil {
		return err
	}
	var changes []yamltext.Replacement
	for _, spans := range movable {
		texts := each.As(spans, func(s yamltext.Span) string { return string(s.Text(t.Document.Text)) })
		ending := t.lineBreak(texts[len(texts)-1])
		texts[len(texts)-1] += ending
		for i, s := range spans {
			text := texts[order[i]]
			if i == len(spans)-1 {
				text = strings.TrimSuffix(text, ending)
			}
			changes = append(changes, yamltext.Replacement{Span: s, Text: text})
		}
	}
	slices.SortStableFunc(changes, func(a, b yamltext.Replacement) int { return a.Start - b.Start })
	return t.become(yamltext.Replace(t.Document.Text, changes))
}

// lineBreak gives the line break that the last item of a list lacks, if it does: a text may
// end without one.
func (t *text) lineBreak(last string) string {
	text := t.Document.Text
	first := bytes.IndexByte(text, '\n')
	switch {
	case !bytes.HasSuffix(text, []byte(last)) || last == "" || strings.HasSuffix(last, "\n") || strings.HasSuffix(last, "}") && first < 0:
		return ""
	case first > 0 && text[first-1] == '\r':
		return "\r\n"
	}
	return "\n"
}

// movable gives the texts of the items of a list as they can change places, and those of
// their comments where these stand apart.
func (t *text) movable(list edit.Path) ([][]yamltext.Span, error) {
	blocks, err := t.blocks(list)
	if err != nil {
		return nil, err
	}
	if blocks != nil {
		spans := each.As(blocks, func(b block) yamltext.Span { return yamltext.Span{Start: b.comment.Start, End: b.lines.End} })
		return [][]yamltext.Span{spans}, nil
	}
	sequence, err := t.sequence(list)
	if err != nil {
		return nil, err
	}
	var above, items, behind []yamltext.Span
	for _, item := range sequence.Content {
		items = append(items, item.Full())
		above = append(above, t.commentAbove(item.Full().Start))
		behind = append(behind, t.commentBehind(max(item.Full().End, item.Comma+1)))
	}
	all := [][]yamltext.Span{items}
	for _, comments := range [][]yamltext.Span{above, behind} {
		fit := !slices.Contains(comments, nowhere)
		if !fit && slices.ContainsFunc(comments, func(c yamltext.Span) bool { return !c.Empty() && c != nowhere }) {
			return nil, fmt.Errorf("%v has comments, and not a line for each item: change it by hand", list)
		}
		if fit {
			all = append(all, comments)
		}
	}
	return all, nil
}

// nowhere is where no comment can be.
var nowhere = yamltext.Span{Start: -1, End: -1}

// commentAbove gives the comment lines right above the line that something begins.
func (t *text) commentAbove(start int) yamltext.Span {
	src := t.Document.Text
	line := yamltext.LineStart(src, start)
	if len(bytes.TrimLeft(src[line:start], " \t")) > 0 {
		return nowhere
	}
	comment := yamltext.Span{Start: line, End: line}
	for comment.Start > 0 {
		above := yamltext.LineStart(src, comment.Start-yamltext.BreakBefore(src, comment.Start))
		if !bytes.HasPrefix(bytes.TrimLeft(src[above:], " \t"), []byte("#")) {
			break
		}
		comment.Start = above
	}
	return comment
}

// commentBehind gives the comment between something and the end of its line.
func (t *text) commentBehind(end int) yamltext.Span {
	line := yamltext.LineEnd(t.Document.Text, end)
	rest := bytes.TrimLeft(t.Document.Text[end:line], " \t")
	if len(rest) > 0 && rest[0] != '#' {
		return nowhere
	}
	return yamltext.Span{Start: end, End: line}
}

// block is an item of a list with lines of its own.
type block struct {
	// comment are the comment lines right above it, and lines those of the item.
	comment, lines yamltext.Span
}

// sequence finds the bytes of a list.
func (t *text) sequence(list edit.Path) (*yamltext.Node, error) {
	tree, err := yamltext.Fragment{Text: t.Document.Text}.Parse()
	if err != nil {
		return nil, fmt.Errorf("reading the document: %w", err)
	}
	sequence := tree.Root
	for _, step := range list {
		switch step := step.(type) {
		case string:
			sequence = tree.Entry(sequence, step)
		case int:
			if sequence == nil || sequence.Kind != yamltext.Sequence || step >= len(sequence.Content) {
				return nil, notItself(list)
			}
			sequence = sequence.Content[step]
		}
	}
	if sequence == nil || sequence.Kind != yamltext.Sequence {
		return nil, notItself(list)
	}
	return sequence, nil
}

func notItself(list edit.Path) error {
	return fmt.Errorf("%v does not stand there as a list of its own: change it by hand", list)
}

// blocks gives the items of a list in block style, nil for one in flow style.
func (t *text) blocks(list edit.Path) ([]block, error) {
	sequence, err := t.sequence(list)
	if err != nil || sequence.Style == yamltext.Flow {
		return nil, err
	}
	src := t.Document.Text
	beginning := strings.Repeat(" ", sequence.Column)
	limit := yamltext.LineStart(src, sequence.Indicator)
	if sequence.Indicator >= 0 {
		limit = yamltext.NextLine(src, sequence.Indicator)
	}
	var all []block
	for _, item := range sequence.Content {
		b := block{lines: yamltext.Span{Start: yamltext.LineStart(src, item.Indicator), End: yamltext.NextLine(src, max(item.Full().End, item.Indicator+1))}}
		if string(src[b.lines.Start:item.Indicator]) != beginning {
			return nil, errors.New("the list begins in the line of something else: change it by hand")
		}
		// Comments that stand further in are about what is above them.
		for b.lines.End < len(src) && bytes.HasPrefix(bytes.TrimLeft(src[b.lines.End:], " "), []byte("#")) && bytes.HasPrefix(src[b.lines.End:], []byte(beginning+" ")) {
			b.lines.End = yamltext.NextLine(src, b.lines.End)
		}
		b.comment = yamltext.Span{Start: b.lines.Start, End: b.lines.Start}
		for b.comment.Start > limit {
			above := yamltext.LineStart(src, b.comment.Start-yamltext.BreakBefore(src, b.comment.Start))
			if above < limit || !bytes.HasPrefix(src[above:], []byte(beginning+"#")) {
				break
			}
			b.comment.Start = above
		}
		limit = b.lines.End
		all = append(all, b)
	}
	return all, nil
}
