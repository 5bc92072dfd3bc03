package edit

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// A Document is a text to be edited: a document of a stream, or an item inside
// one, which is edited where it stands and put back between its neighbours.
type Document struct {
	yamltext.Fragment
	// Nodes is what yaml/v3 makes of the text, if the caller has it already.
	// Apply changes it into what it makes of the result.
	Nodes *yaml.Node
	// Aliases are names of anchors that aliases outside the fragment use.
	Aliases []string
	// tree is the scanned text, if Read has scanned it.
	tree *yamltext.Tree
}

// around is the path of the value that a change replaces, or of the collection
// that it adds to or takes from.
func (c change) around() Path {
	if c.op == replace || c.op == restore {
		return c.path
	}
	return c.path[:max(0, len(c.path)-1)]
}

// Text makes the edits, as if in their order, on a text with one document.
func Text(document []byte, edits []Edit) ([]byte, error) {
	return Document{Fragment: yamltext.Fragment{Text: document}}.Apply(edits)
}

// Apply makes the edits, as if in their order, and returns the new text of the
// fragment. It changes the bytes at the paths of the edits and no others. The
// result has been read again: it says what the edits ask for, or there is an
// error.
func (d Document) Apply(edits []Edit) ([]byte, error) {
	if len(edits) == 0 {
		return d.Text, nil
	}
	if d.Nodes == nil {
		read, err := Read(d.Fragment)
		if err != nil {
			return nil, fmt.Errorf("reading the document: %w", err)
		}
		d.Nodes, d.tree = read.Nodes, read.tree
	}
	applier := newApplier(d.Nodes, d.Aliases)
	changes, err := applier.apply(edits)
	if err != nil {
		return nil, err
	}
	if len(changes) == 0 {
		return d.Text, nil
	}
	var refused error
	for _, attempt := range [...]struct{ together, rendered bool }{{together: true}, {}, {rendered: true}} {
		if attempt.rendered && !rendered(changes) {
			break
		}
		text, err := splice(d.Fragment, d.tree, changes, attempt.together)
		if err == nil {
			if err = check(yamltext.Fragment{Text: text, Column: d.Column}, applier.holder); err == nil {
				return text, nil
			}
		}
		if refused == nil || !errors.Is(err, errAgain) {
			refused = err
		}
	}
	return nil, fmt.Errorf("editing %v: the text cannot be changed there alone: %w", edits[0].Path, refused)
}

// rendered makes of every text to be restored, if there is one, the value that
// it says, for a place whose style cannot hold the text.
func rendered(changes []change) bool {
	found := false
	for i, c := range changes {
		if c.op != restore {
			continue
		}
		value, err := dressed(c.restored, c.restored.Style&quotes)
		if err != nil {
			return false
		}
		changes[i].op, changes[i].value = replace, value
		found = true
	}
	return found
}

// check reads a text and compares it with the nodes it should say.
func check(text yamltext.Fragment, want *yaml.Node) error {
	var got yaml.Node
	if err := yaml.Unmarshal(text.Readable(), &got); err != nil {
		return err
	}
	return same(got.Content[0], want.Content[0], nil)
}

// same compares what two trees say: kinds, tags, values, keys in their order,
// anchors and aliases, not styles and comments.
func same(got, want *yaml.Node, path Path) error {
	switch {
	case got.Kind != want.Kind || got.ShortTag() != want.ShortTag():
		return fmt.Errorf("%v became %s %s, not %s %s", path, got.ShortTag(), describe(got), want.ShortTag(), describe(want))
	case got.Value != want.Value:
		return fmt.Errorf("%v became %s, not %s", path, describe(got), describe(want))
	case got.Anchor != want.Anchor:
		return fmt.Errorf("%v got the anchor %q, not %q", path, got.Anchor, want.Anchor)
	case len(got.Content) != len(want.Content):
		return fmt.Errorf("%v has %d nodes, not %d", path, len(got.Content), len(want.Content))
	}
	for i := range got.Content {
		var step any = i
		if got.Kind == yaml.MappingNode {
			step = got.Content[i&^1].Value
		}
		if err := same(got.Content[i], want.Content[i], append(path, step)); err != nil {
			return err
		}
	}
	return nil
}

// splice makes the changes on the bytes. Together, it scans the text once for
// all changes that do not depend on another; otherwise once for each.
func splice(fragment yamltext.Fragment, tree *yamltext.Tree, changes []change, together bool) ([]byte, error) {
	for ; len(changes) > 0; tree = nil {
		if tree == nil {
			var err error
			if tree, err = fragment.Parse(); err != nil {
				return nil, err
			}
		}
		if tree.Root == nil {
			return nil, fmt.Errorf("the document is empty")
		}
		w := &writer{tree: tree, src: fragment.Text}
		var later []change
		for i, c := range changes {
			switch {
			case i == 0 || together && !w.touched.meets(w.touches(c)):
				if err := w.change(c); err != nil {
					return nil, err
				}
			case together:
				// Others may go first, but none that would come beside it.
				w.touched.add(c.around())
				later = append(later, c)
			default:
				later = append(later, c)
			}
		}
		fragment.Text = w.result()
		changes = later
	}
	return fragment.Text, nil
}

// A cut replaces a span of the source.
type cut struct {
	yamltext.Span
	text string
}

// A writer collects the cuts that changes make in one scanned text.
type writer struct {
	tree *yamltext.Tree
	src  []byte
	cuts []cut
	// touched are the paths whose content is not any more what was scanned, or
	// will not be.
	touched region
	newline string
	block   *blockStyle
}

// touches is the path around everything that the change of a text needs to
// find as it was scanned.
func (w *writer) touches(c change) Path {
	if c.op == appendEntry {
		if at, err := w.find(c.path[:len(c.path)-1]); err == nil && len(at.node.Content) > 0 && at.node.Style == yamltext.Block {
			return c.path
		}
	}
	return c.around()
}

func (w *writer) cut(start, end int, text string) {
	w.cuts = append(w.cuts, cut{yamltext.Span{Start: start, End: end}, text})
}

// result puts the cuts into the source. Of two insertions at one place the
// one inside the other's container comes first; see writer.append.
func (w *writer) result() []byte {
	// Few cuts, most of them in order already.
	for i := 1; i < len(w.cuts); i++ {
		for j := i; j > 0 && w.cuts[j].Start < w.cuts[j-1].Start; j-- {
			w.cuts[j], w.cuts[j-1] = w.cuts[j-1], w.cuts[j]
		}
	}
	grown := len(w.src)
	for _, c := range w.cuts {
		grown += len(c.text)
	}
	text := make([]byte, 0, grown)
	at := 0
	for _, c := range w.cuts {
		// Cuts that overlap would be a mistake; the check after it sees to it.
		text = append(text, w.src[at:max(at, c.Start)]...)
		text = append(text, c.text...)
		at = max(at, c.End)
	}
	return append(text, w.src[at:]...)
}

// A spot is a node with what is around it.
type spot struct {
	node, parent *yamltext.Node
}

// find follows a path.
func (w *writer) find(path Path) (spot, error) {
	at := spot{node: w.tree.Root}
	for i, step := range path {
		next := -1
		switch step := step.(type) {
		case string:
			if at.node.Kind == yamltext.Mapping {
				for k := 0; k+1 < len(at.node.Content); k += 2 {
					if w.tree.Is(at.node.Content[k], step) {
						next = k + 1
						break
					}
				}
			}
		case int:
			if at.node.Kind == yamltext.Sequence && step < len(at.node.Content) {
				next = step
			}
		}
		if next < 0 {
			return spot{}, fmt.Errorf("%v was not found in the text", path[:i+1])
		}
		at = spot{node: at.node.Content[next], parent: at.node}
	}
	return at, nil
}

func (w *writer) change(c change) error {
	w.touched.add(w.touches(c))
	container, last := c.path, any(nil)
	if c.op != replace && c.op != restore {
		container, last = c.path[:len(c.path)-1], c.path[len(c.path)-1]
	}
	at, err := w.find(container)
	if err != nil {
		return err
	}
	switch c.op {
	case replace:
		return w.replace(at, c.value)
	case restore:
		return w.restore(at, c)
	case appendEntry:
		return w.append(at, c)
	case insertItem:
		return w.insert(at, last.(int), c.value)
	default:
		return w.remove(at, last)
	}
}

// Layout

func (w *writer) lineStart(offset int) int { return yamltext.LineStart(w.src, offset) }

// prefix returns the blanks between the beginning of the line and offset, and
// false if there is something else.
func (w *writer) prefix(offset int) (string, bool) {
	start := w.lineStart(offset)
	prefix := string(w.src[start:offset])
	if strings.Trim(prefix, " \t") != "" {
		return "", false
	}
	if start == 0 && w.tree.Column > 0 {
		// A fragment's first line belongs to what is before it.
		return strings.Repeat(" ", w.tree.Column) + prefix, false
	}
	return prefix, true
}

func (w *writer) firstInLine(offset int) bool {
	_, first := w.prefix(offset)
	return first
}

// lineBreak is what lines of this text end with.
func (w *writer) lineBreak() string {
	if w.newline == "" {
		w.newline = "\n"
		for i := 0; i < len(w.src); {
			end := yamltext.LineEnd(w.src, i)
			next := yamltext.NextLine(w.src, i)
			if end == next {
				break
			}
			if c := w.src[end]; c == '\n' || c == '\r' {
				w.newline = string(w.src[end:next])
				break
			}
			i = next
		}
	}
	return w.newline
}

// styleIn is the layout in which something is added below a node: as its
// entries have it, else as the first collections of the document have it.
func (w *writer) styleIn(node *yamltext.Node) blockStyle {
	if w.block == nil {
		style := blockStyle{step: -1, sequence: -1, dash: -1}
		style.learn(w.tree.Root, true)
		w.block = &style
	}
	style := blockStyle{newline: w.lineBreak(), step: -1, sequence: -1, dash: -1}
	if node != nil {
		style.learn(node, false)
	}
	fallback := func(value *int, general, last int) {
		if *value < 0 {
			*value = general
		}
		if *value < 0 {
			*value = last
		}
	}
	fallback(&style.step, w.block.step, 2)
	fallback(&style.sequence, w.block.sequence, 0)
	fallback(&style.dash, w.block.dash, 2)
	return style
}

// learn fills in what is not known yet from a collection.
func (s *blockStyle) learn(node *yamltext.Node, deep bool) {
	if node.Style != yamltext.Block {
		return
	}
	for i, child := range node.Content {
		if s.step >= 0 && s.sequence >= 0 && s.dash >= 0 {
			return
		}
		if child.Style == yamltext.Block && child.Anchor.Empty() && child.Tag.Empty() {
			switch {
			case node.Kind == yamltext.Sequence && s.dash < 0:
				s.dash = child.Column - node.Column
			case node.Kind == yamltext.Mapping && i%2 == 1 && child.Kind == yamltext.Mapping && s.step < 0:
				s.step = child.Column - node.Column
			case node.Kind == yamltext.Mapping && i%2 == 1 && child.Kind == yamltext.Sequence && s.sequence < 0:
				s.sequence = child.Column - node.Column
			}
		}
		if deep {
			s.learn(child, true)
		}
	}
}

// flowIn is the layout of a collection in flow style. An empty one is laid out
// like the one around it.
func (w *writer) flowIn(node *yamltext.Node) flowStyle {
	style := flowStyle{json: true, tight: true, close: true}
	known := false
	w.learnFlow(node, &style, &known)
	if !known {
		for around := w.around(node); around != nil && !known; around = w.around(around) {
			if around.Style != yamltext.Flow {
				break
			}
			w.learnFlow(around, &style, &known)
		}
	}
	if !known {
		style = flowStyle{}
	}
	// Without a blank a colon ends only a key in quotes.
	style.tight = style.tight && style.json && (style.close || node.Kind == yamltext.Mapping)
	style.close = style.close && style.json
	return style
}

// around returns the collection a node is in.
func (w *writer) around(node *yamltext.Node) *yamltext.Node {
	var search func(*yamltext.Node) *yamltext.Node
	search = func(in *yamltext.Node) *yamltext.Node {
		for _, child := range in.Content {
			if child == node {
				return in
			}
			if child.Start <= node.Start && node.End <= child.End {
				if found := search(child); found != nil {
					return found
				}
			}
		}
		return nil
	}
	return search(w.tree.Root)
}

// learnFlow looks at the entries of a flow collection.
func (w *writer) learnFlow(node *yamltext.Node, style *flowStyle, known *bool) {
	for i, child := range node.Content {
		if node.Kind == yamltext.Mapping && i%2 == 0 {
			*known = true
			style.json = style.json && child.Style == yamltext.DoubleQuoted
			continue
		}
		if child.Kind == yamltext.Scalar && child.Style != yamltext.DoubleQuoted && child.Written() && node.Kind == yamltext.Sequence {
			// Numbers and words stand plain in JSON too.
			text := child.Text(w.src)
			style.json = style.json && child.Style == yamltext.Plain && isJSONPlain(string(text))
		}
		if node.Kind == yamltext.Mapping && child.Indicator >= 0 && child.Indicator+1 < len(w.src) {
			style.tight = style.tight && w.src[child.Indicator+1] != ' '
		}
		if child.Comma >= 0 && child.Comma+1 < len(w.src) {
			style.close = style.close && w.src[child.Comma+1] != ' '
		}
		if child.Style == yamltext.Flow && !*known {
			w.learnFlow(child, style, known)
		}
		if node.Kind == yamltext.Sequence && child.Style == yamltext.DoubleQuoted {
			*known = true
		}
	}
	if len(node.Content) == 0 {
		return
	}
	if !*known {
		*known = true
	}
	lead := node.Content[len(node.Content)-1]
	if node.Kind == yamltext.Mapping {
		lead = node.Content[len(node.Content)-2]
	}
	if prefix, first := w.prefix(lead.Full().Start); first {
		style.newline = w.lineBreak()
		outer, closes := w.prefix(node.End - 1)
		if !closes {
			start := w.lineStart(node.Start)
			line := w.src[start:node.Start]
			outer = string(line[:len(line)-len(bytes.TrimLeft(line, " \t"))])
		}
		style.prefix = prefix
		style.unit = "  "
		if unit, ok := strings.CutPrefix(prefix, outer); ok && unit != "" {
			style.unit = unit
		}
	}
}

func isJSONPlain(text string) bool {
	return text == "true" || text == "false" || text == "null" || strings.Trim(text, "0123456789+-.eE") == ""
}

// below is the style of the entries one level down.
func (s flowStyle) below() flowStyle {
	if s.newline != "" {
		s.prefix += s.unit
	}
	return s
}
