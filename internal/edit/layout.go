package edit

import (
	"bytes"
	"iter"
	"slices"
	"strings"

	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

// styleIn is the layout in which something is added beside nodes: as their
// entries have it, else as the first collections of the document have it.
func (w *writer) styleIn(near ...*yamltext.Node) Layout {
	if w.block == nil {
		w.block = LayoutOf(slices.Values([]*yamltext.Node{w.tree.Root}))
	}
	style := unknown
	style.shared = w.shared
	for _, node := range near {
		style.learn(node, false)
	}
	return style.orElse(*w.block).orElse(Layout{step: 2, dash: 2})
}

var unknown = Layout{step: -1, sequence: -1, dash: -1}

// LayoutOf gives the layout that the first collections have, among values and what
// is in them.
func LayoutOf(values iter.Seq[*yamltext.Node]) *Layout {
	style := unknown
	for value := range values {
		if style.learn(value, true); style.known() {
			break
		}
	}
	return &style
}

func (s Layout) known() bool { return s.step >= 0 && s.sequence >= 0 && s.dash >= 0 }

// orElse fills in what is not known from another layout.
func (s Layout) orElse(other Layout) Layout {
	if s.step < 0 {
		s.step = other.step
	}
	if s.sequence < 0 {
		s.sequence = other.sequence
	}
	if s.dash < 0 {
		s.dash = other.dash
	}
	return s
}

// learn fills in what is not known yet from a collection.
func (s *Layout) learn(node *yamltext.Node, deep bool) {
	if node.Style != yamltext.Block {
		return
	}
	for i, child := range node.Content {
		if s.known() {
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
func (w *writer) flowIn(h *handle) flowStyle {
	style := flowStyle{json: true, tight: true, close: true}
	known := false
	for at := h; at != nil && at.text.Style == yamltext.Flow && !known; at = at.parent {
		w.learnFlow(at.text, &style, &known)
	}
	if !known {
		style = flowStyle{}
	}
	// Without a blank a colon ends only a key in quotes.
	style.tight = style.tight && style.json && (style.close || h.text.Kind == yamltext.Mapping)
	style.close = style.close && style.json
	return style
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
	*known = true
	lead := node.Content[len(node.Content)-1]
	if node.Kind == yamltext.Mapping {
		lead = node.Content[len(node.Content)-2]
	}
	if prefix, first := w.prefix(lead.Full().Start); first {
		style.lines = true
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
