package edit

import (
	"bytes"
	"errors"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// replace puts a value in the place of another one.
func (w *writer) replace(h *handle) error { return w.put(h, h.node) }

func (w *writer) put(h *handle, value *yaml.Node) error {
	node := h.text
	full := node.Full()
	collection := value.Kind != yaml.ScalarNode && len(value.Content) > 0
	switch {
	case h.parent != nil && h.parent.text.Style == yamltext.Flow:
		w.replaceInside(h, value)
	case node.Style == yamltext.Flow && collection && node.Kind != yamltext.Scalar:
		style := w.flowIn(h)
		if len(node.Content) > 0 {
			style.prefix = strings.TrimSuffix(style.prefix, style.unit)
		}
		w.cut(full.Start, full.End, style.text(value))
	case node.Written() && node.Style != yamltext.Block:
		w.cut(full.Start, full.End, alone(value))
	case h.parent == nil && node.Written():
		return errors.New("the whole document is in the way")
	case h.parent == nil:
		return errors.New("the document is empty")
	case node.Indicator < 0:
		return errors.New("a key after \"?\" has no value to replace")
	case node.Written():
		w.cut(node.Indicator+1, node.End, w.blockValue(h, value))
	case collection && h.parent.text.Kind == yamltext.Mapping && value.Style&yaml.FlowStyle == 0:
		// The lines of the value follow that of its key and its comment.
		w.lines(node.Indicator, strings.TrimPrefix(w.blockValue(h, value), "\n"))
	default:
		w.cut(node.Indicator+1, node.Indicator+1, w.blockValue(h, value))
	}
	return nil
}

// replaceInside puts a value in the place of one inside a flow collection.
func (w *writer) replaceInside(h *handle, value *yaml.Node) {
	style := w.flowIn(h.parent)
	text, full := style.text(value), h.text.Full()
	switch {
	case h.text.Written():
	case h.text.Indicator < 0: // a key alone: {a}
		text = style.colon() + text
	default:
		text = strings.TrimPrefix(style.colon(), ":") + text
	}
	w.cut(full.Start, full.End, text)
}

// blockValue writes what follows the colon or the dash of a value.
func (w *writer) blockValue(h *handle, value *yaml.Node) string {
	var b bytes.Buffer
	around := h.parent.text
	style := w.styleIn(around)
	if around.Kind == yamltext.Sequence {
		style.item(&b, value, around.Column)
		return strings.TrimPrefix(b.String(), "-")
	}
	style.value(&b, value, around.Column)
	return b.String()
}

// restore puts the source of a value back.
func (w *writer) restore(h *handle) error {
	node, source := h.text, h.source
	if h.parent == nil {
		return errors.New("the whole document is in the way")
	}
	inline := isInline(source)
	start, end := node.Full().Start, node.Full().End
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
	case source == "" && node.Style == yamltext.Block && node.Full() == node.Span && w.firstInLine(node.Start) && node.Start > yamltext.LineEnd(w.src, node.Indicator):
		w.removeLines(node.Span, false)
		return nil
	default:
		start = node.Indicator + 1
	}
	if !w.holds(h, source, end) {
		value, err := dressed(h.node, h.node.Style&quotes, nil)
		if err != nil {
			return err
		}
		return w.put(h, value)
	}
	w.cuts = append(w.cuts, cut{Span: yamltext.Span{Start: start, End: end}, depth: h.depth, text: source, restored: h})
	return nil
}

// holds reports whether a text can stand in the place of a value as it is: read
// there it ends where it ends. A block scalar goes on with lines that are
// indented like it, a collection needs its indentation, and a flow collection
// around it ends a plain scalar at a comma. Where the text cannot stand, what
// it says is written in the style of the place.
func (w *writer) holds(h *handle, source string, end int) bool {
	before, after := "{k:", "\n}"
	if around := h.parent.text; around.Style != yamltext.Flow {
		before, after = strings.Repeat(" ", around.Column)+"k:", w.upToContent(end)
		if around.Kind == yamltext.Sequence {
			before = strings.Repeat(" ", around.Column) + "-"
		}
	}
	if isInline(source) {
		before += " "
	}
	return ends(before, source, after)
}

// isInline reports whether the text of a value begins right where the value does.
func isInline(source string) bool {
	return source != "" && strings.IndexByte(" \t\r\n", source[0]) < 0
}

// upToContent returns the text up to the line that says something again.
func (w *writer) upToContent(offset int) string {
	next := offset
	for next < len(w.src) {
		content := w.pastBlanks(next)
		if content < len(w.src) && w.src[content] != '#' && yamltext.LineEnd(w.src, content) > content {
			break
		}
		next = yamltext.NextLine(w.src, content)
	}
	return string(w.src[offset:min(next, len(w.src)-w.lent)])
}

// ends reports whether the value that begins with a source ends with it.
func ends(before, source, after string) bool {
	tree, err := yamltext.Parse([]byte(before + source + after))
	if err != nil || tree.Root == nil || len(tree.Root.Content) == 0 || len(tree.Root.Content) > 2 {
		return false
	}
	return tree.Root.Content[len(tree.Root.Content)-1].Full().End == len(before)+len(source)
}

// endsTheText is told that the text ends with the restored value: without a
// line break a block scalar says less.
func (h *handle) endsTheText() error {
	if h.source == "" || h.source[0] == '*' {
		return nil
	}
	alone, err := readSource(h.source, "")
	if err == nil {
		put(h.node, alone)
	}
	return err
}
