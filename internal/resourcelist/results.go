package resourcelist

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/krm-bypass/krm-bypass/internal/yamltext"
)

const resultsKey = "results"

// Rewritten gives the list with changes in some items, and with these results in place
// of those of an earlier run.
func (l *List) Rewritten(changes [][]yamltext.Replacement, results []any) yamltext.Replaced {
	var replacements []yamltext.Replacement
	for i, changes := range changes {
		if len(changes) > 0 {
			replacements = append(replacements, yamltext.Shifted(changes, l.tree.ItemSpan(l.items, i).Start)...)
		}
	}
	// The results come behind what is added at the end of the last item.
	return yamltext.Replacing(l.tree.Text, append(replacements, l.render(results)))
}

// render says where the results go in the list, and with which text.
func (l *List) render(results []any) yamltext.Replacement {
	var key, value *yamltext.Node
	root := l.tree.Root
	for i := 0; i+1 < len(root.Content); i += 2 {
		if l.tree.Is(root.Content[i], resultsKey) {
			key, value = root.Content[i], root.Content[i+1]
		}
	}
	if root.Style == yamltext.Flow {
		return l.renderFlow(value, results)
	}
	return l.renderBlock(key, value, results)
}

// renderFlow writes the results in flow style, as JSON.
func (l *List) renderFlow(value *yamltext.Node, results []any) yamltext.Replacement {
	if value != nil {
		return yamltext.Replacement{Span: value.Full(), Text: string(asJSON(results))}
	}
	entries := l.tree.Root.Content
	end := entries[len(entries)-1].Full().End
	added := yamltext.Replacement{Span: yamltext.Span{Start: end, End: end}}
	if len(results) > 0 {
		added.Text = string(slices.Concat(l.beforeFlowEntry(), []byte(`"`+resultsKey+`": `), asJSON(results)))
	}
	return added
}

// renderBlock writes the results in block style, on lines of their own.
func (l *List) renderBlock(key, value *yamltext.Node, results []any) yamltext.Replacement {
	text, root := l.tree.Text, l.tree.Root
	span := yamltext.Span{Start: yamltext.NextLine(text, root.End)}
	span.End = span.Start
	if key != nil {
		span = yamltext.Span{Start: yamltext.LineStart(text, key.Start), End: yamltext.NextLine(text, max(key.End, value.Full().End))}
	}
	if len(results) == 0 {
		return yamltext.Replacement{Span: span}
	}
	rendered := bytes.ReplaceAll(l.asBlock(results), []byte("\n"), l.lineBreak())
	broken := func(at int) bool { return at == 0 || yamltext.BreakBefore(text, at) > 0 }
	if !broken(span.Start) {
		rendered = slices.Concat(l.lineBreak(), rendered)
	}
	if !broken(span.End) {
		rendered = bytes.TrimSuffix(rendered, l.lineBreak())
	}
	return yamltext.Replacement{Span: span, Text: string(rendered)}
}

// lineBreak is what the list's first line ends with.
func (l *List) lineBreak() []byte {
	text := l.tree.Text
	if at := yamltext.LineEnd(text, 0); at < len(text) {
		return text[at:yamltext.NextLine(text, 0)]
	}
	return []byte("\n")
}

// compact reports whether sequences begin at the column of their keys, as kustomize and
// kpt write them.
func (l *List) compact() bool {
	return l.items == nil || l.items.Style == yamltext.Flow || l.items.Column <= l.tree.Root.Column
}

// beforeFlowEntry separates a new last entry in flow style from the one before. It
// begins a new line if that one stands on its own.
func (l *List) beforeFlowEntry() []byte {
	text, entries := l.tree.Text, l.tree.Root.Content
	key := entries[len(entries)-2].Full().Start
	prefix := text[yamltext.LineStart(text, key):key]
	if key == 0 || len(bytes.TrimSpace(prefix)) > 0 {
		return []byte(", ")
	}
	return slices.Concat([]byte(","), l.lineBreak(), prefix)
}

func asJSON(results []any) []byte {
	if results == nil {
		results = []any{}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(results) // strings and ints always encode
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// asBlock gives the results as an entry in block style, at the column of the list.
func (l *List) asBlock(results []any) []byte {
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if l.compact() {
		enc.CompactSeqIndent()
	}
	_ = enc.Encode(map[string][]any{resultsKey: results}) // strings and ints always encode
	column := l.tree.Root.Column
	if column == 0 {
		return b.Bytes()
	}
	indentation := strings.Repeat(" ", column)
	return []byte(indentation + strings.ReplaceAll(strings.TrimSuffix(b.String(), "\n"), "\n", "\n"+indentation) + "\n")
}
