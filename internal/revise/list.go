package revise

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/edit"
	"github.com/krm-bypass/krm-bypass/internal/node"
	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

func (c Add) make(t *text) error {
	list, err := stepsTo(c.To, true)
	if err != nil {
		return err
	}
	fields, err := c.Rule.sorted(Fields(c.To))
	if err != nil {
		return err
	}
	standing := t.says().At(list...)
	at := max(0, min(c.At, standing.Len()))
	path := append(list[:len(list):len(list)], at)
	p := putting{text: t, at: path, rule: standing.Item(max(0, at-1))}
	rule := node.Map()
	for _, f := range fields {
		want, err := f.canonical(t.file.Path, fmt.Sprintf("%s[%d]", c.To, at), c.Rule[f.Path], Setting{})
		if err != nil {
			return err
		}
		if value := p.fresh(f, want); value != nil {
			within(rule, f.steps[:len(f.steps)-1], p.rule).Content = append(within(rule, f.steps[:len(f.steps)-1], p.rule).Content, node.Str(f.steps[len(f.steps)-1].(string)), value)
		}
	}
	var edits []edit.Edit
	if standing.IsList() && standing.Len() == 0 && own(t.says(), list) && t.inBlock(list) {
		// Brackets would have the rule on their line.
		edits = append(edits, edit.Edit{Path: list, Op: edit.Remove})
	}
	if err := t.edit(append(edits, edit.Edit{Path: path, Op: edit.Insert, Value: rule})...); err != nil {
		return err
	}
	return t.listed(list, func(was []string) []string { return slices.Insert(was, at, "") })
}

// fresh gives the value of a field of a rule that is new, nil for none.
func (p *putting) fresh(f Field, want Setting) *yaml.Node {
	switch {
	case want.State == Unset:
		return nil
	case f.form.mapping:
		return f.mapping(want)
	case !f.List:
		return f.form.item(want.Entries[0], 0)
	}
	return p.styled(f.list(want, 0))
}

// within gives the mapping at the steps into a rule, and makes it as it is written in the
// rule beside; where there is none, a match stands on one line.
func within(rule *yaml.Node, steps edit.Path, beside node.Value) *yaml.Node {
	for i, step := range steps {
		inner := node.Of(rule).Entry(step.(string)).Node()
		if inner == nil {
			inner = node.Map()
			if like := beside.At(steps[:i+1]...); like.IsMapping() {
				inner.Style = like.Node().Style & yaml.FlowStyle
			} else if step == "match" {
				node.Line(inner)
			}
			rule.Content = append(rule.Content, node.Str(step.(string)), inner)
		}
		rule = inner
	}
	return rule
}

// inBlock reports whether what holds the value at a path has a line for each entry.
func (t *text) inBlock(path edit.Path) bool {
	return t.says().At(path[:len(path)-1]...).Node().Style&yaml.FlowStyle == 0
}

func (c Remove) make(t *text) error {
	path, err := stepsTo(c.Path, false)
	if err != nil {
		return err
	}
	if !own(t.says(), path) {
		return fmt.Errorf("there is no %s", c.Path)
	}
	index, inList := path[len(path)-1].(int)
	if !inList {
		if err := t.edit(edit.Edit{Path: path, Op: edit.Remove}); err != nil {
			return err
		}
		return t.unchangedBut(path)
	}
	list := path[:len(path)-1]
	gone := func(was []string) []string { return slices.Delete(was, index, index+1) }
	if t.says().At(list...).Len() == 1 {
		path = t.around(list)
		gone = func([]string) []string { return nil }
	} else if err := t.uncomment(list, index); err != nil {
		return err
	}
	if err := t.edit(edit.Edit{Path: path, Op: edit.Remove}); err != nil {
		return err
	}
	if len(path) < len(list) {
		return t.unchangedBut(path)
	}
	return t.listed(list, gone)
}

// around gives the path to a list, or to what holds nothing else; spec stays.
func (t *text) around(list edit.Path) edit.Path {
	for len(list) > 2 && t.says().At(list[:len(list)-1]...).Len() == 1 {
		list = list[:len(list)-1]
	}
	return list
}

// uncomment takes away the comment lines right above an item.
func (t *text) uncomment(list edit.Path, index int) error {
	blocks, err := t.blocks(list)
	if err != nil || blocks == nil {
		return err
	}
	b := blocks[index]
	if b.comment.Empty() {
		return nil
	}
	return t.become(yamltext.Replace(t.Document.Text, []yamltext.Replacement{{Span: b.comment}}))
}

func (c Move) make(t *text) error {
	path, err := stepsTo(c.Path, false)
	if err != nil {
		return err
	}
	from, inList := path[len(path)-1].(int)
	list := path[:len(path)-1]
	count := t.says().At(list...).Len()
	to := from + c.By
	if !inList || from >= count || to < 0 || to >= count {
		return fmt.Errorf("there is no place %d from %s", c.By, c.Path)
	}
	spans, err := t.movable(list)
	if err != nil {
		return err
	}
	moved := func(all []string) []string {
		one := all[from]
		return slices.Insert(slices.Delete(slices.Clone(all), from, from+1), to, one)
	}
	texts := make([]string, len(spans))
	for i, s := range spans {
		texts[i] = string(s.Text(t.Document.Text))
	}
	ending := t.lineBreak(texts[len(texts)-1])
	texts[len(texts)-1] += ending
	texts = moved(texts)
	texts[len(texts)-1] = strings.TrimSuffix(texts[len(texts)-1], ending)
	changes := make([]yamltext.Replacement, len(spans))
	for i, s := range spans {
		changes[i] = yamltext.Replacement{Span: s, Text: texts[i]}
	}
	if err := t.become(yamltext.Replace(t.Document.Text, changes)); err != nil {
		return err
	}
	return t.listed(list, moved)
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

// block is an item of a list with lines of its own.
type block struct {
	// comment are the comment lines right above it, and lines those of the item.
	comment, lines yamltext.Span
}

// movable gives the texts of items as they can change places.
func (t *text) movable(list edit.Path) ([]yamltext.Span, error) {
	blocks, err := t.blocks(list)
	if err != nil {
		return nil, err
	}
	var spans []yamltext.Span
	for _, b := range blocks {
		spans = append(spans, yamltext.Span{Start: b.comment.Start, End: b.lines.End})
	}
	if blocks != nil {
		return spans, nil
	}
	sequence, err := t.sequence(list)
	if err != nil {
		return nil, err
	}
	for _, item := range sequence.Content {
		spans = append(spans, item.Full())
	}
	return spans, nil
}

// sequence finds the bytes of a list.
func (t *text) sequence(list edit.Path) (*yamltext.Node, error) {
	tree, err := yamltext.Fragment{Text: t.Document.Text}.Parse()
	if err != nil {
		return nil, fmt.Errorf("reading the document: %w", err)
	}
	sequence := tree.Root
	for _, step := range list {
		sequence = tree.Entry(sequence, step.(string))
	}
	if sequence == nil || sequence.Kind != yamltext.Sequence {
		return nil, fmt.Errorf("%v does not stand there as a list of its own: change it by hand", list)
	}
	return sequence, nil
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
